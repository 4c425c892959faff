"""Singletons: collections of one row at the most, which is read and written without naming it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from watchword.access.permissions import Action
from watchword.data.scope import Scope
from watchword.protocol import operations as op
from watchword.query.query import Query, Selection

if TYPE_CHECKING:
    from watchword.data.catalogue import Catalogue
    from watchword.data.schema import Collection
    from watchword.data.select import Reader
    from watchword.storage.engine import OpenConnection


def concerns(catalogue: Catalogue, operation: op.Read | op.Create | op.Update | op.Delete) -> bool:
    """Whether an operation is about the one row of a singleton."""
    collection = catalogue.schema.collections.get(operation.query.collection)
    if collection is None or not collection.singleton:
        return False
    match operation:
        case op.Read(key=None, keys=None, query=query):
            return not (query.aggregate or query.group)
        case op.Update(key=None, keys=None, data=dict()):
            return True
        case _:
            return False


async def read(reader: Reader, catalogue: Catalogue, scope: Scope, query: Query) -> dict[str, Any]:
    """Return the row, or what a row would begin with."""
    page = await reader.read(catalogue, scope, replace(query, limit=1, offset=0))
    if page.data:
        row: dict[str, Any] = page.data[0]
        return row
    return _defaults(catalogue.collection(query.collection), scope, query)


async def locate(
    reader: Reader, catalogue: Catalogue, operation: op.Update, connection: OpenConnection
) -> op.Update | op.Create:
    """Return what an update comes to: of the row that is there, whoever may see it, or its creation."""
    collection = catalogue.collection(operation.query.collection)
    keys = tuple(Selection((name,)) for name in collection.key)
    page = await reader.read(catalogue, Scope.system(0.0), Query(collection.name, keys, limit=1), connection=connection)
    if not page.data:
        return op.Create(operation.query, operation.data, operation.id)
    return replace(operation, key=collection.key_of(page.data[0]))


def _defaults(collection: Collection, scope: Scope, query: Query) -> dict[str, Any]:
    rule = scope.access.rule(collection.name, Action.READ)
    asked = {selection.path[0] for selection in query.fields} or {"*"}
    return {
        name: None if name in collection.key else field.default
        for name, field in collection.fields.items()
        if ("*" in asked or name in asked)
        and rule.allows(name)
        and (name in collection.key or field.default is not None)
        and not field.concealed
    }
