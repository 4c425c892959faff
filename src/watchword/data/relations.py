"""Relations: what follows from foreign keys, with names for the ways back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from watchword.data import system
from watchword.data.facts import Reference
from watchword.data.meta import NOTHING_SAID
from watchword.data.schema import Field, Relation, Union
from watchword.data.unions import ways
from watchword.query.types import FieldType

if TYPE_CHECKING:
    from collections.abc import Mapping

    from watchword.data.facts import TableFacts
    from watchword.data.meta import Meta, RelationMeta

_SORTING = frozenset({"sort", "position", "order", "rank"})
_FAR_SIDES = 2

Renames = dict[str, dict[str, str]]


def derive_relations(
    tables: Mapping[str, TableFacts],
    fields: Mapping[str, Mapping[str, Field]],
    unions: Mapping[str, Mapping[str, Union]],
    rename: Renames,
    meta: Meta = NOTHING_SAID,
) -> dict[str, dict[str, Relation]]:
    """Return the relations of each table, by field.

    A foreign key is a to-one relation with the column's name. The table that it points to gets a to-many alias: named
    after the child table, or, where the child is a junction, after the far table. A name that is taken gets the
    column's name behind it. Where something is said of a relation, that decides: about the alias, about the junction,
    and about relations that the database has no foreign key for. A union has a relation for each of its ways.
    """
    found: dict[str, dict[str, Relation]] = {name: {} for name in tables}
    references = {name: _references(table, tables, meta) for name, table in tables.items()}
    for name, own in references.items():
        for reference in own:
            if rename.get(name, {}).get(reference.column) != "":
                related = system.collection_name(reference.table)
                found[name][reference.column] = Relation(reference.column, related, reference.target)
    for name, own in references.items():
        junction = _is_junction(tables[name], own)
        for reference in own:
            parent = reference.table
            if tables[parent].key != (reference.target,):  # a way back starts from the key
                continue
            taken = {*fields[parent], *found[parent]}
            said = meta.relation(system.collection_name(name), reference.column)
            if said is not None:
                _add(found[parent], _said_alias(taken, name, reference, said, {*found[name], *unions[name]}))
            elif parent not in system.NAMES:  # they get the aliases that they are known by, and no others
                far = next(other for other in own if other is not reference) if junction else None
                _add(found[parent], _alias(taken, rename.get(parent, {}), name, reference, far))
    keys = {system.collection_name(name): table.key for name, table in tables.items()}
    for name in tables:
        found[name] |= ways(unions[name], keys)
        aliases = system.ALIASES.get(system.collection_name(name), ())
        found[name] |= {relation.field: relation for relation in aliases}
    return found


def _add(relations: dict[str, Relation], relation: Relation | None) -> None:
    if relation is not None:
        relations[relation.field] = relation


def _references(table: TableFacts, tables: Mapping[str, TableFacts], meta: Meta) -> list[Reference]:
    """Return the to-one relations of a table: by foreign keys, and those that are only said to be."""
    own = _served(table, tables)
    return [*own, *_unwritten(table, own, tables, meta)]


def _served(table: TableFacts, tables: Mapping[str, TableFacts]) -> list[Reference]:
    """Return the foreign keys that lead to a collection, one for each column."""
    by_column = {reference.column: reference for reference in table.references if reference.table in tables}
    return [
        reference
        for reference in by_column.values()
        if any(column.name == reference.target for column in tables[reference.table].columns)
    ]


def _unwritten(
    table: TableFacts, own: list[Reference], tables: Mapping[str, TableFacts], meta: Meta
) -> list[Reference]:
    """Return the relations of a table that are said to be, and that no foreign key holds."""
    known = {reference.column for reference in own}
    columns = {column.name for column in table.columns} - known
    named = {system.collection_name(name): name for name in tables}
    found = []
    for relation in meta.relations_of(system.collection_name(table.name)):
        parent = named.get(relation.one_collection or "")
        if relation.many_field in columns and parent is not None and len(tables[parent].key) == 1:
            found.append(Reference(relation.many_field, parent, tables[parent].key[0]))
    return found


def _said_alias(
    taken: set[str], child: str, reference: Reference, said: RelationMeta, onward: set[str]
) -> Relation | None:
    if not said.one_field or said.one_field in taken:
        return None
    junction_field = said.junction_field if said.junction_field in onward else None
    related = system.collection_name(child)
    return Relation(said.one_field, related, reference.column, many=True, junction_field=junction_field)


def _is_junction(table: TableFacts, references: list[Reference]) -> bool:
    if len(references) != _FAR_SIDES or table.name in system.NAMES:
        return False
    sides = {reference.column for reference in references}
    key_is_own = len(table.key) == 1 and table.key[0] not in sides
    if not key_is_own and set(table.key) != sides:
        return False
    rest = (column for column in table.columns if column.name not in sides and column.name not in table.key)
    return all(column.name in _SORTING and column.type is FieldType.INTEGER for column in rest)


def _alias(
    taken: set[str], rename: Mapping[str, str], child: str, reference: Reference, far: Reference | None
) -> Relation | None:
    """Return the way back from a foreign key's target; None where it is switched off, or has no name left."""
    name = system.short_name(far.table if far else child)
    if name in taken:
        name = f"{name}_{reference.column}"
    name = rename.get(name, name)
    if not name or name in taken:
        return None
    junction_field = far.column if far else None
    related = system.collection_name(child)
    return Relation(name, related, reference.column, many=True, junction_field=junction_field)
