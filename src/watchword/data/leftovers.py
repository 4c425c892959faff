"""Leftovers: what is said of parts of the structure that go, and the permissions that name them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

from watchword.data.meta import CollectionMeta, FieldMeta, RelationMeta, correct, unsay
from watchword.storage.tables import permissions

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection

    from watchword.data.meta import Meta


async def forget_collection(connection: AsyncConnection, meta: Meta, name: str) -> None:
    """Forget all that is said of a collection, and withdraw every permission on it."""
    for relation in meta.relations_of(name):
        await _forget_alias(connection, relation.one_collection, relation.one_field)
    await unsay(connection, RelationMeta, many_collection=name)
    await unsay(connection, RelationMeta, one_collection=name)
    for relation in meta.relations.values():
        allowed = relation.one_allowed_collections or ()
        if name in allowed and relation.many_collection != name:
            column = {"many_collection": relation.many_collection, "many_field": relation.many_field}
            left = [each for each in allowed if each != name]
            await correct(connection, RelationMeta, column, one_allowed_collections=left)
    await unsay(connection, FieldMeta, collection=name)
    await unsay(connection, CollectionMeta, collection=name)
    await correct(connection, CollectionMeta, {"group": name}, group=None)
    await connection.execute(sa.delete(permissions).where(permissions.c.collection == name))


async def forget_column(connection: AsyncConnection, meta: Meta, collection: str, name: str) -> None:
    """Forget the relation that a column was, and what else is said to go by the column."""
    relation = meta.relation(collection, name)
    if relation is not None:
        await _forget_alias(connection, relation.one_collection, relation.one_field)
        await unsay(connection, RelationMeta, many_collection=collection, many_field=name)
    for member in ("archive_field", "sort_field"):
        await correct(connection, CollectionMeta, {"collection": collection, member: name}, **{member: None})
    for member in ("junction_field", "sort_field", "one_collection_field"):
        await correct(connection, RelationMeta, {"many_collection": collection, member: name}, **{member: None})


async def withdraw_field(connection: AsyncConnection, collection: str, name: str) -> None:
    """Take a field out of the lists that grant it."""
    own = permissions.c.collection == collection
    rows = await connection.execute(sa.select(permissions.c.id, permissions.c.fields).where(own))
    for key, fields in rows.all():
        names = [each.strip() for each in (fields or "").split(",")]
        if name in names:
            left = ",".join(each for each in names if each != name)
            await connection.execute(sa.update(permissions).where(permissions.c.id == key).values(fields=left))


async def _forget_alias(connection: AsyncConnection, collection: str | None, field: str | None) -> None:
    if collection and field:
        await unsay(connection, FieldMeta, collection=collection, field=field)
