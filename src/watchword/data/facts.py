"""Facts: what a database says about its own tables, the same from both kinds."""

from __future__ import annotations

import msgspec

from watchword.query.types import FieldType


class ColumnFacts(msgspec.Struct, frozen=True):
    """A column. `declared` is the type as the database names it, `default` the text of its default expression.

    `automatic` columns get their value from the database when none is given; `generated` ones always do. `precision`
    and `scale` are those of a decimal, where they are declared.
    """

    name: str
    type: FieldType
    declared: str
    length: int | None = None
    not_null: bool = False
    default: str | None = None
    automatic: bool = False
    generated: bool = False
    precision: int | None = None
    scale: int | None = None


class Reference(msgspec.Struct, frozen=True):
    """A foreign key of one column. `name` is the constraint's, where it has one.

    `on_delete` and `on_update` are what SQL calls the actions: `NO ACTION`, `CASCADE`, `SET NULL`, …
    """

    column: str
    table: str
    target: str
    name: str | None = None
    on_delete: str = "NO ACTION"
    on_update: str = "NO ACTION"


class Index(msgspec.Struct, frozen=True):
    """An index of one column over all rows. `constraint`: it belongs to a constraint and comes and goes with it."""

    name: str
    column: str
    unique: bool = False
    constraint: bool = False


class TableFacts(msgspec.Struct, frozen=True):
    """A table. `unique` names the columns that are unique by themselves; `indexes` leaves out the primary key's."""

    name: str
    columns: tuple[ColumnFacts, ...]
    key: tuple[str, ...]
    references: tuple[Reference, ...] = ()
    unique: frozenset[str] = frozenset()
    indexes: tuple[Index, ...] = ()
