"""Describe: the structure as clients are told of it, as far as they may know it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from watchword.access.permissions import Action
from watchword.data import system
from watchword.data.meta import CollectionMeta, FieldMeta
from watchword.query.types import FieldType

if TYPE_CHECKING:
    from collections.abc import Iterator

    from watchword.access.compile import Access
    from watchword.data.catalogue import Catalogue
    from watchword.data.facts import ColumnFacts, Reference, TableFacts
    from watchword.data.schema import Collection, Relation

Told = dict[str, Any]


class Description:
    """What one caller may know of the structure: collections with a field to read, and those fields."""

    def __init__(self, catalogue: Catalogue, access: Access) -> None:
        self._catalogue = catalogue
        self._access = access

    def collections(self) -> list[Told]:
        """Return every collection, by name; folders only to who may read everything."""
        told = [self._collection(each) for each in self._visible()]
        if self._access.admin:
            served = self._catalogue.schema.collections
            told += [
                {"collection": name, "meta": _members(said), "schema": None}
                for name, said in self._catalogue.meta.collections.items()
                if name not in served
            ]
        return sorted(told, key=lambda each: each["collection"])

    def collection(self, name: str) -> Told | None:
        """Return one collection; None for one that does not exist or is out of sight."""
        return next((each for each in self.collections() if each["collection"] == name), None)

    def fields(self, collection: str | None = None) -> list[Told]:
        """Return the fields of a collection, or of all: columns in the table's order, then aliases."""
        return [
            told
            for each in self._visible()
            if collection is None or each.name == collection
            for told in self._fields(each)
        ]

    def field(self, collection: str, name: str) -> Told | None:
        """Return one field; None for one that does not exist or is out of sight."""
        return next((each for each in self.fields(collection) if each["field"] == name), None)

    def relations(self, collection: str | None = None) -> list[Told]:
        """Return the to-one relations of a collection, or of all, whose both ends are in sight."""
        return [
            told
            for each in self._visible()
            if collection is None or each.name == collection
            for told in (*self._references(each), *self._unions(each))
        ]

    def relation(self, collection: str, name: str) -> Told | None:
        """Return one relation; None for one that does not exist or is out of sight."""
        return next((each for each in self.relations(collection) if each["field"] == name), None)

    def sees(self, collection: str) -> bool:
        """Whether a collection exists and is in sight."""
        return any(each.name == collection for each in self._visible())

    def _visible(self) -> Iterator[Collection]:
        return (each for each in self._catalogue.schema.collections.values() if self._sees(each.name))

    def _sees(self, collection: str, field: str | None = None) -> bool:
        rule = self._access.find(collection, Action.READ)
        return rule is not None and (field is None or rule.allows(field))

    def _leads_out_of_sight(self, collection: Collection, field: str) -> bool:
        """Whether a field is an alias for items of a collection out of sight; items are read without it, too."""
        relation = collection.relations.get(field)
        return relation is not None and relation.many and not self._sees(relation.related)

    def _collection(self, collection: Collection) -> Told:
        said = self._catalogue.meta.collections.get(collection.name)
        if collection.system:
            meta: Told | None = _members(CollectionMeta(collection=collection.name, hidden=True)) | {"system": True}
        else:
            meta = None if said is None else _members(said)
        return {"collection": collection.name, "meta": meta, "schema": {"name": collection.name}}

    def _fields(self, collection: Collection) -> Iterator[Told]:
        said = self._catalogue.meta.fields_of(collection.name)
        facts = self._catalogue.facts[collection.name]
        columns = {column.name: column for column in facts.columns}
        for name in [*collection.names, *(each for each in said if each not in collection.names)]:
            if not self._sees(collection.name, name) or self._leads_out_of_sight(collection, name):
                continue
            column, field = columns.get(name), collection.fields.get(name)
            yield {
                "collection": collection.name,
                "field": name,
                "type": FieldType.ALIAS.value if field is None else field.type.value,
                "schema": None if column is None else self._column(collection, facts, column),
                "meta": self._field_meta(collection, name, said.get(name)),
            }

    def _field_meta(self, collection: Collection, name: str, said: FieldMeta | None) -> Told | None:
        """Return what is said; of what has no column and nothing said of it, what it is."""
        field, relation = collection.fields.get(name), collection.relations.get(name)
        if said is not None:
            told = _members(said)
        elif relation is not None and relation.many:
            special = (self._kind(relation),)
            told = _members(FieldMeta(collection=collection.name, field=name, special=special))
        elif field is not None and (collection.system or "virtual" in field.special or "digest" in field.special):
            told = _members(FieldMeta(collection=collection.name, field=name, special=field.special or None))
        else:
            return None
        return told | {"system": True} if collection.system else told

    def _kind(self, relation: Relation) -> str:
        """Return what Directus calls a to-many relation, by where its junction leads on."""
        if relation.junction_field is None:
            return "o2m"
        junction = self._catalogue.schema.collections[relation.related]
        return "m2a" if relation.junction_field in junction.unions else "m2m"

    def _column(self, collection: Collection, facts: TableFacts, column: ColumnFacts) -> Told:
        reference = next((each for each in facts.references if each.column == column.name), None)
        if reference is not None and not self._sees(system.collection_name(reference.table)):
            reference = None
        literal = collection.fields[column.name].default
        return {
            "name": column.name,
            "table": collection.name,
            "data_type": column.declared.partition("(")[0].strip().lower(),
            "default_value": None if column.automatic else column.default if literal is None else literal,
            "generation_expression": None,
            "max_length": column.length,
            "numeric_precision": column.precision,
            "numeric_scale": column.scale,
            "is_generated": column.generated,
            "is_nullable": not column.not_null,
            "is_unique": column.name in facts.unique or facts.key == (column.name,),
            "is_indexed": any(index.column == column.name for index in facts.indexes),
            "is_primary_key": column.name in facts.key,
            "has_auto_increment": column.automatic,
            "foreign_key_schema": None,
            "foreign_key_table": None if reference is None else system.collection_name(reference.table),
            "foreign_key_column": None if reference is None else reference.target,
            "comment": None,
        }

    def _references(self, collection: Collection) -> Iterator[Told]:
        for name, relation in collection.relations.items():
            is_to_one = not relation.many and collection.has(name)
            if is_to_one and self._sees(collection.name, name) and self._sees(relation.related):
                yield self._relation(collection, relation)

    def _unions(self, collection: Collection) -> Iterator[Told]:
        """Yield the unions; who may not see a collection is not told that it is one of them."""
        for union in collection.unions.values():
            if not all(self._sees(collection.name, name) for name in (union.field, union.discriminator)):
                continue
            members = [member for member in union.members if self._sees(member)]
            said = self._catalogue.meta.relations[collection.name, union.field]
            meta = _members(msgspec.structs.replace(said, one_allowed_collections=tuple(members)))
            told = {"collection": collection.name, "field": union.field, "related_collection": None}
            yield told | {"schema": None, "meta": meta}

    def _relation(self, collection: Collection, relation: Relation) -> Told:
        references = self._catalogue.facts[collection.name].references
        reference = next((each for each in references if each.column == relation.field), None)
        said = self._catalogue.meta.relation(collection.name, relation.field)
        return {
            "collection": collection.name,
            "field": relation.field,
            "related_collection": relation.related,
            "schema": None if reference is None else _constraint(collection, reference),
            "meta": None if said is None else _members(said),
        }


def _constraint(collection: Collection, reference: Reference) -> Told:
    return {
        "constraint_name": reference.name,
        "table": collection.name,
        "column": reference.column,
        "foreign_key_schema": None,
        "foreign_key_table": system.collection_name(reference.table),
        "foreign_key_column": reference.target,
        "on_update": reference.on_update,
        "on_delete": reference.on_delete,
    }


def _members(said: msgspec.Struct) -> Told:
    told: Told = msgspec.to_builtins(said)
    return told
