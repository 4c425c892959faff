"""Facts: what a database says about its own tables, the same from both kinds."""

from __future__ import annotations

import msgspec

from watchword.query.types import FieldType


class ColumnFacts(msgspec.Struct, frozen=True):
    """A column. `declared` is the type as the database names it, `default` the text of its default expression.

    `automatic` columns get their value from the database when none is given; `generated` ones always do.
    """

    name: str
    type: FieldType
    declared: str
    length: int | None = None
    not_null: bool = False
    default: str | None = None
    automatic: bool = False
    generated: bool = False


class Reference(msgspec.Struct, frozen=True):
    """A foreign key of one column."""

    column: str
    table: str
    target: str


class TableFacts(msgspec.Struct, frozen=True):
    """A table. `unique` names the columns that are unique by themselves."""

    name: str
    columns: tuple[ColumnFacts, ...]
    key: tuple[str, ...]
    references: tuple[Reference, ...] = ()
    unique: frozenset[str] = frozenset()
