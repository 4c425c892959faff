"""Remodel: collections, fields and relations made, changed and dropped inside one transaction.

Each step sees what the steps before it have done. What is said of a part of the structure goes when the part goes, and
so do the permissions that name it: what comes back later under the same name starts without any.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, TypeVar

import msgspec
from msgspec import UNSET

from watchword.base.errors import forbidden, forbidden_collection, forbidden_field, invalid_payload
from watchword.data.alter_postgresql import PostgresqlAlterations
from watchword.data.alter_sqlite import SqliteAlterations
from watchword.data.ddl import Alterations, Link, refusals
from watchword.data.designs import (
    FieldDesign,
    Members,
    RelationDesign,
    action,
    changed_column,
    new_column,
    present_column,
)
from watchword.data.leftovers import forget_collection, forget_column, withdraw_field
from watchword.data.meta import CollectionMeta, FieldMeta, RelationMeta, merged, say, unsay
from watchword.data.reflect import ReflectOptions, reflect_in
from watchword.data.unions import check_said
from watchword.query.types import FieldType
from watchword.storage.tables import PREFIX

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sqlalchemy.ext.asyncio import AsyncConnection

    from watchword.data.catalogue import Catalogue
    from watchword.data.designs import CollectionDesign
    from watchword.data.facts import Reference, TableFacts
    from watchword.data.schema import Collection
    from watchword.storage.engine import Kind

T = TypeVar("T")

_COLLECTION = re.compile(r"[^\W\d][\w-]*")
_FIELD = re.compile(r"[^\W\d]\w*")
_LONGEST = 63
_SYSTEM = "directus_"
_SHAPES = {FieldType.CSV: "cast-csv", FieldType.HASH: "hash"}
_KEY = FieldDesign(
    "id",
    "integer",
    {"is_primary_key": True, "has_auto_increment": True},
    {"hidden": True, "interface": "numeric", "readonly": True},
)


class Remodel:
    """The changes of one transaction, which `Database.restructure` has opened. `begin` first.

    Raises:
        Problem: INVALID_PAYLOAD for what cannot be, FORBIDDEN for what is not there, and what `ddl.refusals` says.
    """

    def __init__(self, connection: AsyncConnection, kind: Kind, options: ReflectOptions) -> None:
        self._connection = connection
        self._kind: Kind = kind
        self._options = options
        self._catalogue: Catalogue | None = None

    @property
    def catalogue(self) -> Catalogue:
        """The structure after the last step."""
        if self._catalogue is None:
            raise RuntimeError("the structure has not been looked at")
        return self._catalogue

    async def look(self) -> None:
        """See what the database holds now."""
        self._catalogue = await reflect_in(self._connection, self._kind, self._options)

    async def create_collections(self, designs: Sequence[CollectionDesign]) -> None:
        """Make collections with their fields, or folders. Without a key among the fields one gets one: `id`."""
        names = [design.collection for design in designs]
        if len(set(names)) < len(names):
            raise invalid_payload("Two collections have the same name")
        for design in designs:
            await self._create_collection(design)
        if designs:
            await self.look()

    async def _create_collection(self, design: CollectionDesign) -> None:
        name = design.collection
        self._check_name(name)
        if name in self.catalogue.schema.collections or name in self.catalogue.meta.collections:
            raise invalid_payload(f'Collection "{name}" already exists')
        is_folder = design.schema is None or (design.schema is UNSET and not design.fields)
        given = _given(design.meta)
        said = merged(CollectionMeta, None, given or {}, collection=name)
        if not is_folder:
            await self._create_table(name, list(design.fields or ()))
        if given is not None or is_folder:
            await say(self._connection, said)

    async def change_collection(self, name: str, meta: Members | None) -> None:
        """Say something of a collection; None forgets what was said."""
        said = self.catalogue.meta.collections.get(name)
        served = self.catalogue.schema.collections.get(name)
        if said is None and served is None:
            raise forbidden_collection(name)
        self._check_own(name)
        if meta is None:
            await unsay(self._connection, CollectionMeta, collection=name)
        else:
            await say(self._connection, merged(CollectionMeta, said, meta, collection=name))
        await self.look()

    async def delete_collection(self, name: str) -> None:
        """Drop a collection with its rows. The columns that refer to it stay, and refer to nothing any more."""
        if name not in self.catalogue.schema.collections and name not in self.catalogue.meta.collections:
            raise forbidden_collection(name)
        self._check_own(name)
        if name in self.catalogue.schema.collections:
            table = self.catalogue.facts[name].name
            for other, reference in self._references_to(name):
                await self._drop_reference(other, reference)
            with refusals(name):
                await self._run(lambda alterations: alterations.drop_table(table))
        await forget_collection(self._connection, self.catalogue.meta, name)
        await self.look()

    async def create_field(self, collection: str, design: FieldDesign) -> None:
        """Add a field: a column, or an alias that only something is said of."""
        owner = self._own(collection)
        name = design.field
        _check(_FIELD, name, "field")
        if name in owner.fields or (collection, name) in self.catalogue.meta.fields:
            raise invalid_payload(f'Field "{name}" already exists in collection "{collection}"')
        if not design.is_alias:
            column = new_column(design)
            if column.key:
                raise invalid_payload(f'Collection "{collection}" has its primary key already')
            await self._alter(collection, name, lambda alterations, table: alterations.add_column(table, column))
        await self._say_field(collection, design)
        await self.look()

    async def change_field(self, collection: str, design: FieldDesign) -> None:
        """Change a field's column, and what is said of it."""
        owner = self._own(collection)
        name = design.field
        if name not in owner.names and (collection, name) not in self.catalogue.meta.fields:
            raise forbidden_field(collection, name)
        field = owner.fields.get(name)
        if field is not None and (isinstance(design.schema, dict) or isinstance(design.type, str)):
            await self._change_column(owner, design)
        if design.meta is None:
            await unsay(self._connection, FieldMeta, collection=collection, field=name)
        elif isinstance(design.meta, dict) or isinstance(design.type, str):
            await self._say_field(collection, design)
        await self.look()

    async def delete_field(self, collection: str, name: str) -> None:
        """Drop a field: the column with its values, or the alias."""
        owner = self._own(collection)
        if name not in owner.names and (collection, name) not in self.catalogue.meta.fields:
            raise forbidden_field(collection, name)
        if name in owner.fields:
            await self._drop_column(owner, name)
        relation = owner.relations.get(name)
        if relation is not None and relation.many:
            known = self.catalogue.meta.relation(relation.related, relation.related_field)
            switched_off = merged(
                RelationMeta,
                known,
                {"one_field": None},
                many_collection=relation.related,
                many_field=relation.related_field,
                one_collection=collection,
            )
            await say(self._connection, switched_off)
        await unsay(self._connection, FieldMeta, collection=collection, field=name)
        await withdraw_field(self._connection, collection, name)
        await self.look()

    async def create_relation(self, design: RelationDesign) -> None:
        """Let a column refer to the key of a collection, by a foreign key unless `schema` is null."""
        owner = self._own(design.collection)
        if design.field not in owner.fields:
            raise invalid_payload(f'Field "{design.field}" doesn\'t exist in collection "{design.collection}"')
        if design.related_collection is None:
            await self._create_union(owner, design)
            return
        related = self.catalogue.schema.collections.get(design.related_collection)
        if related is None or len(related.key) != 1:
            raise invalid_payload('"related_collection" must name a collection with a primary key')
        _check_unrelated(owner, design.field)
        if design.schema is not None:
            await self._refer(design, related)
        given = _given(design.meta)
        if given is not None or design.schema is None:
            await self._say_relation(design, related.name, given or {})
        await self.look()

    async def _create_union(self, owner: Collection, design: RelationDesign) -> None:
        """Let a column hold keys of any of several collections; no foreign key can do that."""
        _check_unrelated(owner, design.field)
        given = _given(design.meta) or {}
        if isinstance(design.schema, dict) or not given.get("one_allowed_collections"):
            raise invalid_payload('"related_collection" must name a collection with a primary key')
        await self._say_union(owner, design, given)
        await self.look()

    async def change_relation(self, design: RelationDesign) -> None:
        """Change what a foreign key does, and what is said of a relation."""
        owner = self._own(design.collection)
        if design.field in owner.unions:
            await self._say_union(owner, design, _given(design.meta) or {})
            await self.look()
            return
        relation = owner.relations.get(design.field)
        if relation is None or relation.many:
            raise forbidden()
        reference = self._reference(design.collection, design.field)
        if isinstance(design.schema, dict) and reference is not None:
            wanted = (
                action(design.schema, "on_delete", reference.on_delete),
                action(design.schema, "on_update", reference.on_update),
            )
            if wanted != (reference.on_delete, reference.on_update):
                await self._drop_reference(design.collection, reference)
                await self._refer(design, self.catalogue.schema.collections[relation.related], *wanted)
        given = _given(design.meta)
        if given is not None:
            await self._say_relation(design, relation.related, given)
        await self.look()

    async def delete_relation(self, collection: str, name: str) -> None:
        """Drop a relation; the column stays."""
        owner = self._own(collection)
        relation = owner.relations.get(name)
        known = name in owner.unions or (relation is not None and not relation.many and owner.has(name))
        if not known:
            raise forbidden()
        reference = self._reference(collection, name)
        if reference is not None:
            await self._drop_reference(collection, reference)
        await unsay(self._connection, RelationMeta, many_collection=collection, many_field=name)
        await self.look()

    async def _create_table(self, name: str, fields: list[FieldDesign]) -> None:
        for field in fields:
            _check(_FIELD, field.field, "field")
        if len({field.field.lower() for field in fields}) < len(fields):
            raise invalid_payload("Two fields have the same name")
        columns = [new_column(field) for field in fields if not field.is_alias]
        if not any(column.key for column in columns):
            if any(field.field == _KEY.field for field in fields):
                raise invalid_payload(f'Field "{_KEY.field}" must be the primary key')
            fields.insert(0, _KEY)
            columns.insert(0, new_column(_KEY))
        if sum(column.key for column in columns) > 1:
            raise invalid_payload("A collection has one primary key")
        with refusals(name):
            await self._run(lambda alterations: alterations.create_table(name, columns))
        for field in fields:
            await self._say_field(name, field)

    async def _change_column(self, owner: Collection, design: FieldDesign) -> None:
        table = self.catalogue.facts[owner.name]
        facts = next(column for column in table.columns if column.name == design.field)
        field = owner.fields[design.field]
        present = present_column(table, facts, field.type, field.default)
        column = changed_column(present, design)
        if column == present:
            return
        if present.key or facts.generated:
            raise invalid_payload(f'The column of field "{design.field}" can\'t be changed')
        if column.type is not present.type and self._is_related(owner.name, design.field):
            raise invalid_payload(f'The type of field "{design.field}" can\'t be changed while it has a relation')
        await self._alter(
            owner.name, design.field, lambda alterations, table: alterations.change_column(table, present, column)
        )

    async def _drop_column(self, owner: Collection, name: str) -> None:
        if name in owner.key:
            raise invalid_payload(f'Field "{name}" is the primary key of collection "{owner.name}"')
        if any(reference.target == name for _, reference in self._references_to(owner.name)):
            raise invalid_payload(f'Field "{name}" can\'t be dropped while other collections refer to it')
        await self._alter(owner.name, name, lambda alterations, table: alterations.drop_column(table, name))
        await forget_column(self._connection, self.catalogue.meta, owner.name, name)

    async def _say_field(self, collection: str, design: FieldDesign) -> None:
        """Keep what is said of a field, and what makes a text column a field of its type."""
        said = self.catalogue.meta.fields.get((collection, design.field))
        given = _given(design.meta)
        shape = _SHAPES.get(FieldType(design.type)) if isinstance(design.type, str) and not design.is_alias else None
        if given is None and shape is None and not (design.is_alias and said is None):
            return
        wanted = merged(FieldMeta, said, given or {}, collection=collection, field=design.field)
        special = wanted.special or ()
        if shape is not None and shape not in special and shape.removeprefix("cast-") not in special:
            wanted = msgspec.structs.replace(wanted, special=(*special, shape))
        await say(self._connection, wanted)

    def _columns(self, collection: str) -> set[str]:
        served = self.catalogue.schema.collections.get(collection)
        return set() if served is None else set(served.fields)

    async def _say_relation(self, design: RelationDesign, related: str, given: Members) -> None:
        known = self.catalogue.meta.relation(design.collection, design.field)
        if given.get("one_allowed_collections") or given.get("one_collection_field"):
            raise invalid_payload('"related_collection" must be null where several collections are allowed')
        fixed = {"many_collection": design.collection, "many_field": design.field, "one_collection": related}
        said = merged(RelationMeta, known, given, **fixed)
        if said.one_field is not None:
            _check(_FIELD, said.one_field, "one_field")
            if said.one_field in self._columns(related):
                raise invalid_payload(f'Field "{said.one_field}" already exists in collection "{related}"')
        await say(self._connection, said)

    async def _say_union(self, owner: Collection, design: RelationDesign, given: Members) -> None:
        known = self.catalogue.meta.relation(design.collection, design.field)
        column = {"many_collection": design.collection, "many_field": design.field}
        said = merged(RelationMeta, known, given, **column, one_collection=None, one_field=None)
        check_said(said, owner, self.catalogue.schema)
        await say(self._connection, said)

    async def _refer(
        self, design: RelationDesign, related: Collection, on_delete: str | None = None, on_update: str | None = None
    ) -> None:
        given = design.schema if isinstance(design.schema, dict) else {}
        link = Link(
            design.field,
            related.table,
            related.key[0],
            on_delete or action(given, "on_delete"),
            on_update or action(given, "on_update"),
        )
        await self._alter(
            design.collection, design.field, lambda alterations, table: alterations.add_reference(table, link)
        )

    def _check_name(self, name: str) -> None:
        _check(_COLLECTION, name, "collection")
        for prefix in (_SYSTEM, PREFIX, "sqlite_", "pg_"):
            if name.lower().startswith(prefix):
                raise invalid_payload(f'Collections can\'t start with "{prefix}"')

    def _check_own(self, name: str) -> None:
        """Refuse to change a collection of ours: the server itself depends on its columns."""
        if name.startswith(_SYSTEM):
            raise invalid_payload(f'Collection "{name}" is a part of the system and can\'t be changed')

    def _own(self, name: str) -> Collection:
        owner = self.catalogue.collection(name)
        self._check_own(name)
        return owner

    def _references_to(self, name: str) -> list[tuple[str, Reference]]:
        table = self.catalogue.facts[name].name
        return [
            (other, reference)
            for other, facts in self.catalogue.facts.items()
            for reference in facts.references
            if reference.table == table and other != name
        ]

    def _reference(self, collection: str, field: str) -> Reference | None:
        references = self.catalogue.facts[collection].references
        return next((reference for reference in references if reference.column == field), None)

    def _is_related(self, collection: str, field: str) -> bool:
        refers = self._reference(collection, field) is not None
        served = self.catalogue.schema.collections[collection]
        tells = any(field in {union.field, union.discriminator} for union in served.unions.values())
        return refers or tells or any(reference.target == field for _, reference in self._references_to(collection))

    async def _drop_reference(self, collection: str, reference: Reference) -> None:
        await self._alter(
            collection, reference.column, lambda alterations, table: alterations.drop_reference(table, reference)
        )

    async def _alter(self, collection: str, field: str, work: Callable[[Alterations, TableFacts], None]) -> None:
        table = self.catalogue.facts[collection]
        with refusals(collection, field):
            await self._run(lambda alterations: work(alterations, table))

    async def _run(self, work: Callable[[Alterations], T]) -> T:
        made = SqliteAlterations if self._kind == "sqlite" else PostgresqlAlterations
        return await self._connection.run_sync(lambda connection: work(made(connection)))


def _check(pattern: re.Pattern[str], name: str, what: str) -> None:
    if not pattern.fullmatch(name) or len(name.encode()) > _LONGEST:
        raise invalid_payload(f'"{what}" must begin with a letter and hold letters, digits and underscores only')


def _check_unrelated(owner: Collection, field: str) -> None:
    if field in owner.relations or field in owner.unions:
        raise invalid_payload(f'Field "{field}" in collection "{owner.name}" has a relation already')


def _given(members: Members | msgspec.UnsetType | None) -> Members | None:
    return members if isinstance(members, dict) else None
