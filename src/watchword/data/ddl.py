"""DDL: columns as SQLAlchemy declares them, their defaults as text, and what the database says when it refuses."""

from __future__ import annotations

import hashlib
import json
from contextlib import contextmanager
from datetime import date, datetime, time
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Protocol

import msgspec
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.exc import DBAPIError

from watchword.base.errors import Code, Problem, invalid_payload
from watchword.data.columns import SqliteColumn
from watchword.data.designs import Column, Computed
from watchword.query.types import FieldType
from watchword.storage.engine import unavailable
from watchword.storage.sql_text import escaped, literal

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy.types import TypeEngine

    from watchword.data.facts import Reference, TableFacts

_LONGEST = 63
_DECLARED = {
    FieldType.STRING: "VARCHAR",
    FieldType.HASH: "VARCHAR",
    FieldType.TEXT: "TEXT",
    FieldType.CSV: "TEXT",
    FieldType.UUID: "CHAR(36)",
    FieldType.INTEGER: "INTEGER",
    FieldType.BIG_INTEGER: "BIGINT",
    FieldType.FLOAT: "DOUBLE",
    FieldType.DECIMAL: "DECIMAL",
    FieldType.BOOLEAN: "BOOLEAN",
    FieldType.DATE: "DATE",
    FieldType.TIME: "TIME",
    FieldType.DATE_TIME: "DATETIME",
    FieldType.TIMESTAMP: "TIMESTAMP",
    FieldType.JSON: "JSON",
    FieldType.BINARY: "BLOB",
}
_MOMENT_NOW = {FieldType.DATE: "CURRENT_DATE", FieldType.TIME: "CURRENT_TIME"}


class Link(msgspec.Struct, frozen=True):
    """A foreign key to make: `target` is a table, `key` its column."""

    column: str
    target: str
    key: str
    on_delete: str = "NO ACTION"
    on_update: str = "NO ACTION"


class Alterations(Protocol):
    """What each database does in its own way, inside the transaction of one change. Names are those of tables."""

    def create_table(self, table: str, columns: Sequence[Column]) -> None:
        """Create a table."""

    def drop_table(self, table: str) -> None:
        """Drop a table whose foreign keys from elsewhere are gone."""

    def add_column(self, table: TableFacts, column: Column) -> None:
        """Add a column."""

    def change_column(self, table: TableFacts, present: Column, column: Column) -> None:
        """Make a column what it shall be."""

    def drop_column(self, table: TableFacts, column: str) -> None:
        """Drop a column with its indexes and constraints."""

    def add_reference(self, table: TableFacts, link: Link) -> None:
        """Add a foreign key."""

    def drop_reference(self, table: TableFacts, reference: Reference) -> None:
        """Drop a foreign key."""


def index_name(table: str, column: str, kind: str) -> str:
    """Return a name for an index or a constraint: the same each time, and never too long for PostgreSQL."""
    name = f"{table}_{column}_{kind}"
    if len(name.encode()) <= _LONGEST:
        return name
    return f"{kind}_{hashlib.sha256(name.encode()).hexdigest()[:24]}"


def sqlite_type(column: Column) -> str:
    """Return the type that a column is declared with on SQLite."""
    declared = _DECLARED[column.type]
    if column.length is not None and declared == "VARCHAR":
        return f"{declared}({column.length})"
    if column.type is FieldType.DECIMAL and column.precision is not None:
        return f"{declared}({column.precision}, {column.scale or 0})"
    return declared


def postgresql_type(column: Column) -> TypeEngine[Any]:
    """Return the type of a column on PostgreSQL."""
    match column.type:
        case FieldType.STRING | FieldType.HASH:
            return sa.String(column.length)
        case FieldType.DECIMAL:
            return sa.Numeric(column.precision, column.scale)
        case FieldType.FLOAT:
            return sa.Double()
        case FieldType.TIMESTAMP:
            return sa.DateTime(timezone=True)
        case FieldType.JSON:
            return postgresql.JSON()
        case other:
            return _POSTGRESQL[other]


_POSTGRESQL: dict[FieldType, TypeEngine[Any]] = {
    FieldType.TEXT: sa.Text(),
    FieldType.CSV: sa.Text(),
    FieldType.UUID: sa.Uuid(),
    FieldType.INTEGER: sa.Integer(),
    FieldType.BIG_INTEGER: sa.BigInteger(),
    FieldType.BOOLEAN: sa.Boolean(),
    FieldType.DATE: sa.Date(),
    FieldType.TIME: sa.Time(),
    FieldType.DATE_TIME: sa.DateTime(),
    FieldType.BINARY: sa.LargeBinary(),
}


def declared(column: Column, *, sqlite: bool) -> sa.Column[Any]:
    """Return the column as SQLAlchemy declares it."""
    kind: TypeEngine[Any] = SqliteColumn(column.type, sqlite_type(column)) if sqlite else postgresql_type(column)
    default = default_text(column, sqlite=sqlite)
    parts: list[Any] = []
    if column.automatic and sqlite:
        kind = sa.Integer()  # SQLite numbers a key that is declared so, and no other
    elif column.automatic:
        parts.append(sa.Identity())
    return sa.Column(
        column.name,
        kind,
        *parts,
        primary_key=column.key,
        autoincrement=column.automatic,
        nullable=column.nullable,
        server_default=None if default is None else sa.literal_column(default),
    )


def default_text(column: Column, *, sqlite: bool) -> str | None:
    """Return the default of a column as SQL writes it; None where it has none.

    Raises:
        Problem: INVALID_PAYLOAD for a type that takes no default.
    """
    if column.default is None:
        return None
    if isinstance(column.default, Computed):
        return column.default.expression
    if column.is_now:
        return _MOMENT_NOW.get(column.type, "CURRENT_TIMESTAMP")
    if column.type is FieldType.BINARY:
        raise invalid_payload(f'The field "{column.name}" can\'t have a default')
    if isinstance(column.default, (int, float, Decimal)) and column.type is not FieldType.JSON:
        return _number_text(column.default, sqlite=sqlite)
    text = _text(column.type, column.default)
    return literal(text) if sqlite else escaped(text).strip()


def _number_text(value: float | Decimal, *, sqlite: bool) -> str:
    if isinstance(value, bool):
        return str(int(value)) if sqlite else str(value).lower()
    return str(value)


def _text(kind: FieldType, value: Any) -> str:
    match value:
        case datetime():
            return value.isoformat(" ")
        case date() | time():
            return value.isoformat()
        case str() if kind is not FieldType.JSON:
            return value
        case list() | tuple() if kind is FieldType.CSV:
            return ",".join(map(str, value))
        case _:
            return json.dumps(value, ensure_ascii=False)


@contextmanager
def refusals(collection: str, field: str | None = None) -> Iterator[None]:
    """Turn what the database refuses inside the block into what a client may know.

    Raises:
        Problem: RECORD_NOT_UNIQUE, NOT_NULL_VIOLATION, INVALID_FOREIGN_KEY or INVALID_PAYLOAD; SERVICE_UNAVAILABLE when
            somebody else holds the table.
    """
    try:
        yield
    except DBAPIError as error:
        raise _refusal(error, collection, field) from error


def _refusal(error: DBAPIError, collection: str, field: str | None) -> Problem:
    state = getattr(error.orig, "sqlstate", None) or getattr(error.orig, "sqlite_errorname", None) or ""
    where = f'collection "{collection}"' if field is None else f'field "{field}" in collection "{collection}"'
    about: dict[str, Any] = {"collection": collection, "field": field}
    match state:
        case "55P03" | "40P01":  # lock_not_available, deadlock_detected
            return unavailable("a table is in use")
        case "23505" | "SQLITE_CONSTRAINT_UNIQUE" | "SQLITE_CONSTRAINT_PRIMARYKEY":
            return Problem(Code.RECORD_NOT_UNIQUE, f"Values of {where} are not unique.", **about)
        case "23502" | "SQLITE_CONSTRAINT_NOTNULL":
            return Problem(Code.NOT_NULL_VIOLATION, f"Values of {where} are null.", **about)
        case "23503" | "SQLITE_CONSTRAINT_FOREIGNKEY":
            return Problem(Code.INVALID_FOREIGN_KEY, f"Values of {where} are no keys of the related items.", **about)
        case "42804" | "42846":  # datatype_mismatch, cannot_coerce
            return invalid_payload(f"The type of {where} does not fit")
        case "2BP01":  # dependent_objects_still_exist
            return invalid_payload(f"Other parts of the database depend on {where}")
        case _ if state.startswith("22"):
            return invalid_payload(f"Values of {where} do not fit")
        case _:
            return invalid_payload(f"The database refuses this change of {where}")
