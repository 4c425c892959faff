"""Unions: relations whose rows say themselves which collection they lead to. All are said, none is found."""

from __future__ import annotations

from typing import TYPE_CHECKING

from watchword.base.errors import invalid_payload
from watchword.data import system
from watchword.data.meta import NOTHING_SAID
from watchword.data.schema import Relation, Union
from watchword.query.types import FieldType

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from watchword.data.facts import TableFacts
    from watchword.data.meta import Meta, RelationMeta
    from watchword.data.schema import Collection, Field, Schema

_TEXTS = frozenset({FieldType.STRING, FieldType.TEXT})
_KEYS = _TEXTS | {FieldType.INTEGER, FieldType.BIG_INTEGER, FieldType.UUID}
"""The types of keys that one text stands for on every database."""


def derive_unions(
    tables: Mapping[str, TableFacts], fields: Mapping[str, Mapping[str, Field]], meta: Meta = NOTHING_SAID
) -> dict[str, dict[str, Union]]:
    """Return the unions of each table, by field; what is said of columns or collections that do not fit is left out."""
    named = {system.collection_name(name): name for name in tables}
    found: dict[str, dict[str, Union]] = {name: {} for name in tables}
    for said in meta.relations.values():
        name = named.get(said.many_collection)
        if name is None or said.one_collection is not None or _refers(tables[name], said.many_field):
            continue
        members = tuple(
            member
            for member in dict.fromkeys(said.one_allowed_collections or ())
            if member in named and _can_be_member(tables[named[member]].key, fields[named[member]])
        )
        if members and _can_hold(said, fields[name]):
            found[name][said.many_field] = Union(said.many_field, said.one_collection_field or "", members)
    return found


def check_said(said: RelationMeta, owner: Collection, schema: Schema) -> None:
    """Let pass what makes a union of a column of `owner`.

    Raises:
        Problem: INVALID_PAYLOAD for columns that can't hold it, or collections that can't be in one.
    """
    if not _can_hold(said, owner.fields):
        raise invalid_payload(
            f'"{said.many_field}" and "meta.one_collection_field" must be two fields of "{owner.name}" that hold texts'
        )
    for name in said.one_allowed_collections or ():
        member = schema.collections.get(name)
        if member is None or not _can_be_member(member.key, member.fields):
            raise invalid_payload(f'"{name}" is no collection with a key that a text can stand for')


def ways(unions: Mapping[str, Union], keys: Mapping[str, tuple[str, ...]]) -> dict[str, Relation]:
    """Return the relation of each way of the unions of a table, by its name; `keys` are those of all collections."""
    return dict(_ways(unions, keys))


def _can_hold(said: RelationMeta, fields: Mapping[str, Field]) -> bool:
    """Whether two columns can hold any key, and whose key it is."""
    names = (said.many_field, said.one_collection_field or "")
    return names[0] != names[1] and all(
        name in fields and fields[name].type in _TEXTS and not fields[name].concealed for name in names
    )


def _can_be_member(key: tuple[str, ...], fields: Mapping[str, Field]) -> bool:
    """Whether a text can stand for the key of a collection."""
    return len(key) == 1 and fields[key[0]].type in _KEYS


def _ways(unions: Mapping[str, Union], keys: Mapping[str, tuple[str, ...]]) -> Iterator[tuple[str, Relation]]:
    for union in unions.values():
        for member in union.members:
            relation = Relation(union.field, member, keys[member][0], discriminator=union.discriminator)
            yield union.way(member), relation


def _refers(table: TableFacts, column: str) -> bool:
    return any(reference.column == column for reference in table.references)
