"""Columns: the SQLAlchemy types between canonical values and what each database stores.

Reading is lenient: what a foreign program stored and does not parse as the field's type comes out as it is, and never
raises. Writing takes canonical values only.
"""

from __future__ import annotations

import json
import struct
from datetime import UTC, date, datetime, time
from decimal import Decimal
from math import isfinite
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.types import TypeDecorator, UserDefinedType

from watchword.query.rendering import ColumnRendering, render
from watchword.query.types import FieldType

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy.engine.interfaces import Dialect
    from sqlalchemy.sql.elements import BindParameter, ColumnElement
    from sqlalchemy.types import TypeEngine

    Codec = Callable[[Any], Any]

_LARGEST = 2**63
_SMALLEST_NORMAL = 2.0**-126


def _stored_number(value: Decimal) -> Any:
    whole = value.is_finite() and -_LARGEST <= value < _LARGEST and value == value.to_integral_value()
    return int(value) if whole else float(value)


def is_exact(value: Decimal) -> bool:
    """Whether SQLite keeps every digit of a number: 64-bit integers, and what a double tells again, some 15 digits."""
    stored = _stored_number(value)
    return isinstance(stored, int) or (isfinite(stored) and Decimal(repr(stored)) == value)


def stored_number(value: Any) -> Any:
    """Return a number as SQLite holds it: exact when it is a 64-bit integer, else a double."""
    if isinstance(value, Decimal):
        return _stored_number(value)
    return float(value) if isinstance(value, int) and not -_LARGEST <= value < _LARGEST else value


def _json_text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _csv_text(value: Any) -> Any:
    return ",".join(str(item) for item in value) if isinstance(value, (list, tuple)) else value


def _moment_text(value: Any) -> Any:
    if not isinstance(value, datetime):
        return value
    return (value.astimezone(UTC).replace(tzinfo=None) if value.tzinfo else value).isoformat(" ")


def _iso_text(value: Any) -> Any:
    return value.isoformat() if isinstance(value, (date, time)) else value


_ENCODERS: dict[FieldType, Codec] = {
    FieldType.INTEGER: stored_number,
    FieldType.BIG_INTEGER: stored_number,
    FieldType.FLOAT: stored_number,
    FieldType.DECIMAL: stored_number,
    FieldType.DATE: _iso_text,
    FieldType.TIME: _iso_text,
    FieldType.DATE_TIME: _moment_text,
    FieldType.TIMESTAMP: _moment_text,
    FieldType.JSON: _json_text,
    FieldType.CSV: _csv_text,
}


def _boolean(value: Any) -> Any:
    return bool(value) if isinstance(value, int | float) and value in (0, 1) else value


def _date(value: Any) -> Any:
    if value is None:
        return None
    try:
        return date.fromisoformat(value)
    except (TypeError, ValueError):
        return value


def _time(value: Any) -> Any:
    if value is None:
        return None
    try:
        parsed = time.fromisoformat(value)
    except (TypeError, ValueError):
        return value
    return value if parsed.tzinfo else parsed


def _date_time(value: Any) -> Any:
    if value is None:
        return None
    try:
        parsed = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return value
    return parsed.astimezone(UTC).replace(tzinfo=None) if parsed.tzinfo else parsed


def _timestamp(value: Any) -> Any:
    if value is None:
        return None
    try:
        parsed = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return value
    return parsed.astimezone(UTC) if parsed.tzinfo else parsed.replace(tzinfo=UTC)


def _json(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        return value


def _csv(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    return value.split(",") if value else []


_DECODERS: dict[FieldType, Codec] = {
    FieldType.BOOLEAN: _boolean,
    FieldType.DATE: _date,
    FieldType.TIME: _time,
    FieldType.DATE_TIME: _date_time,
    FieldType.TIMESTAMP: _timestamp,
    FieldType.JSON: _json,
    FieldType.CSV: _csv,
}


def decoder(kind: FieldType) -> Codec | None:
    """Return the function from what SQLite (or a text column) holds to the canonical value; None keeps it as it is.

    NULL stays what it is.
    """
    return _DECODERS.get(kind)


_SECONDS = len("2026-01-02 03:04:05")


def _moments(kind: FieldType, decode: Codec, ending: str) -> ColumnRendering:
    """Return what renders moments of a column of SQLite's; nearly all are texts that lack a letter and an ending."""

    def show(value: Any) -> Any:
        if value.__class__ is not str or len(value) != _SECONDS or not value[4] == value[7] == "-":
            return render(kind, decode(value))
        if not value[13] == value[16] == ":" or value[11:13] == "24":  # which newer Pythons read as the next day's 0
            return render(kind, decode(value))
        try:
            datetime.fromisoformat(value)
        except ValueError:
            return value
        return f"{value[:10]}T{value[11:]}{ending}"

    return lambda values: list(map(show, values))


_FROM_STORED: dict[FieldType, ColumnRendering] = {
    FieldType.DATE_TIME: _moments(FieldType.DATE_TIME, _date_time, ""),
    FieldType.TIMESTAMP: _moments(FieldType.TIMESTAMP, _timestamp, ".000Z"),
}


def from_stored(kind: FieldType) -> ColumnRendering | None:
    """Return what renders values as SQLite holds them, without canonical ones in between; None for most types."""
    return _FROM_STORED.get(kind)


def _null_safe(codec: Codec | None) -> Codec | None:
    if codec is None:
        return None

    def convert(value: Any) -> Any:
        return None if value is None else codec(value)

    return convert


class SqliteColumn(UserDefinedType[Any]):
    """A SQLite column that holds values of a field type in SQLite's own storage classes."""

    cache_ok = True

    def __init__(self, kind: FieldType, declared: str = "") -> None:
        self.kind = kind
        self.declared = declared

    def get_col_spec(self, **_: Any) -> str:
        """Return the declared type."""
        return self.declared

    def bind_processor(self, dialect: Dialect) -> Codec | None:
        """Return the function from a canonical value to what is stored."""
        return _null_safe(_ENCODERS.get(self.kind))

    def result_processor(self, dialect: Dialect, coltype: object) -> Codec | None:
        """Return the function from what is stored to the canonical value."""
        return _DECODERS.get(self.kind)


AS_STORED = SqliteColumn(FieldType.UNKNOWN)
"""The type of an expression whose values are wanted as SQLite holds them."""


class CodedText(TypeDecorator[Any]):
    """A PostgreSQL text column that holds JSON or comma-separated values."""

    impl = sa.Text
    cache_ok = True

    def __init__(self, kind: FieldType) -> None:
        super().__init__()
        self.kind = kind

    def bind_processor(self, dialect: Dialect) -> Codec | None:
        """Return the function from a canonical value to the text."""
        return _null_safe(_ENCODERS.get(self.kind))

    def result_processor(self, dialect: Dialect, coltype: object) -> Codec | None:
        """Return the function from the text to the canonical value."""
        return _DECODERS.get(self.kind)


def shortest_real(value: float) -> float:
    """Return the shortest decimal that a single-precision number stands for: 0.1, not 0.10000000149011612."""
    try:
        single = struct.pack("f", value)
    except OverflowError:
        return value
    # Six digits are exact unless the number is subnormal; then fewer may do.
    for digits in range(6 if abs(value) >= _SMALLEST_NORMAL else 1, 10):
        candidate = float(f"{value:.{digits}g}")
        if struct.pack("f", candidate) == single:
            return candidate
    return value


class Real(TypeDecorator[float]):
    """PostgreSQL's single precision, read as the shortest decimal that stands for the number."""

    impl = sa.REAL
    cache_ok = True

    def result_processor(self, dialect: Dialect, coltype: object) -> Codec | None:
        """Return the function that shortens."""
        return _null_safe(shortest_real)


class Named(UserDefinedType[Any]):
    """A PostgreSQL type by its name, for casts."""

    cache_ok = True

    def __init__(self, name: str) -> None:
        self.name = name

    def get_col_spec(self, **_: Any) -> str:
        """Return the name."""
        return self.name


class Foreign(TypeDecorator[Any]):
    """A PostgreSQL type that the program does not know, an enum or an array: read as JSON, written as text.

    A scalar reads as its text, as `row_to_json` gives it. `name` is the type's name as PostgreSQL quotes it.
    """

    impl = sa.JSON
    cache_ok = True

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name

    def bind_expression(self, bindparam: BindParameter[Any]) -> ColumnElement[Any]:
        """Cast the text to the type."""
        return sa.cast(sa.cast(sa.type_coerce(bindparam, sa.Text()), sa.Text()), Named(self.name))

    def column_expression(self, column: ColumnElement[Any]) -> ColumnElement[Any]:
        """Read the column as JSON."""
        return sa.func.to_jsonb(column, type_=postgresql.JSONB())


_POSTGRES: dict[str, TypeEngine[Any]] = {
    "smallint": sa.BigInteger(),
    "integer": sa.BigInteger(),
    "bigint": sa.BigInteger(),
    "real": Real(),
    "double precision": sa.Double(),
    "numeric": sa.Numeric(),
    "boolean": sa.Boolean(),
    "date": sa.Date(),
    "time without time zone": sa.Time(),
    "timestamp without time zone": sa.DateTime(),
    "timestamp with time zone": sa.DateTime(timezone=True),
    "json": postgresql.JSON(none_as_null=True),
    "jsonb": postgresql.JSONB(none_as_null=True),
    "uuid": sa.Uuid(as_uuid=False),
    "bytea": sa.LargeBinary(),
    "text": sa.Text(),
    "character varying": sa.Text(),
    "character": sa.Text(),
}


def column_type(database: str, kind: FieldType, declared: str) -> TypeEngine[Any]:
    """Return the type for a column of a field type, on a database, that is declared as `declared`.

    On PostgreSQL `declared` is the type's plain name (`format_type` without length).
    """
    if database == "sqlite":
        return SqliteColumn(kind, declared)
    known = _POSTGRES.get(declared)
    if known is None:
        return Foreign(declared)
    if isinstance(known, sa.Text) and kind in {FieldType.JSON, FieldType.CSV}:
        return CodedText(kind)
    return known
