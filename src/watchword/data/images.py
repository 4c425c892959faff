"""Images: rows as the change log holds them, decoded to the canonical values that a SELECT gives for the same row."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from watchword.data.columns import decoder
from watchword.query.types import FieldType

if TYPE_CHECKING:
    from collections.abc import Callable

    from watchword.data.schema import Collection, Field

    Decoder = Callable[[Any], Any]


def decode_image(collection: Collection, kind: str, raw: dict[str, Any]) -> dict[str, Any]:
    """Return the canonical values of an image: from SQLite stored values, from PostgreSQL JSON (numbers: Decimal).

    Columns that the collection does not have are left out.

    Never raises: a value that does not parse as its field's type stays as it is, as in a SELECT.
    """
    decode = _sqlite if kind == "sqlite" else _postgresql
    fields = collection.fields
    return {
        name: None if value is None else decode(fields[name], value) for name, value in raw.items() if name in fields
    }


def _sqlite(field: Field, value: Any) -> Any:
    decode = decoder(field.type)
    return value if decode is None else decode(value)


def _plain(value: Any) -> Any:
    """Return JSON with the numbers that a JSON decoder gives by itself."""
    match value:
        case Decimal():
            return float(value)
        case list():
            return [_plain(item) for item in value]
        case dict():
            return {name: _plain(item) for name, item in value.items()}
        case _:
            return value


def _postgresql(field: Field, value: Any) -> Any:
    if field.type in {FieldType.JSON, FieldType.CSV} and isinstance(value, str) and field.type.value in field.special:
        decode = decoder(field.type)
        return value if decode is None else decode(value)
    convert = _POSTGRESQL.get(field.type)
    try:
        return _plain(value) if convert is None else convert(value)
    except (TypeError, ValueError, ArithmeticError):
        return value


def _bytes(value: Any) -> bytes:
    if not isinstance(value, str):
        raise TypeError(value)
    return bytes.fromhex(value.removeprefix("\\x"))


_INFINITE = {"infinity": datetime.max, "-infinity": datetime.min}  # noqa: DTZ901 - as the driver reads them


def _date(value: str) -> date:
    infinite = _INFINITE.get(value)
    return date.fromisoformat(value) if infinite is None else infinite.date()


def _date_time(value: str) -> datetime:
    infinite = _INFINITE.get(value)
    return datetime.fromisoformat(value) if infinite is None else infinite


def _timestamp(value: str) -> datetime:
    infinite = _INFINITE.get(value)
    return datetime.fromisoformat(value).astimezone(UTC) if infinite is None else infinite


_POSTGRESQL: dict[FieldType, Decoder] = {
    FieldType.INTEGER: int,
    FieldType.BIG_INTEGER: int,
    FieldType.FLOAT: float,
    FieldType.DECIMAL: lambda value: value if isinstance(value, Decimal) else Decimal(value),
    FieldType.DATE: _date,
    FieldType.TIME: time.fromisoformat,
    FieldType.DATE_TIME: _date_time,
    FieldType.TIMESTAMP: _timestamp,
    FieldType.BINARY: _bytes,
}
