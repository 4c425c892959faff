"""Values: from what clients say to canonical Python values, and back to JSON.

A field's canonical value is the same wherever it comes from: a row that was selected, an image in the change log, an
operand of a filter, a payload. Text is `str`, uuid lower-case `str`, numbers `int`, `float` or `Decimal`, `boolean`
`bool`, `date` and `time` their Python twins, `dateTime` a naive and `timestamp` an aware `datetime` (UTC), `json` plain
values, `csv` a list of texts, `binary` bytes. What a foreign program stored and does not fit its type stays as it is.
"""

from __future__ import annotations

import base64
import math
import re
import uuid
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from watchword.base import json
from watchword.base.errors import Problem
from watchword.query.functions import EPOCH
from watchword.query.rendering import render, render_any, renderer
from watchword.query.types import FieldType

if TYPE_CHECKING:
    from collections.abc import Callable

    Conversion = Callable[[Any], Any]

__all__ = ["convert", "render", "renderer"]

_NUMBER = re.compile(r"\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,4})?\s*", re.ASCII)
_WHOLE = re.compile(r"\s*[+-]?\d+\s*", re.ASCII)
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_BOOLEANS = {"true": True, "1": True, "false": False, "0": False}

_INT64 = 2**63
_EXACT_AS_FLOAT = 2**53
_MOST_DIGITS = 1000
_MILLISECONDS_FROM = 1e11
"""Epoch numbers from here on (the year 5138 in seconds) are JavaScript's milliseconds."""


def convert(kind: FieldType, value: Any) -> Any:
    """Return the canonical value of a field for a value from JSON, a query string or a variable; None stays None.

    A number given for a date is epoch seconds. `dateTime` drops the zone after turning to UTC, and keeps fractions.

    Raises:
        ValueError: the value is no value of that type; the text of the error is for developers.
    """
    if value is None:
        return None
    try:
        return _CONVERSIONS[kind](value)
    except (TypeError, ArithmeticError, RecursionError, Problem) as error:
        raise ValueError(f"not a value of type {kind.value}") from error


def _text(value: Any) -> str:
    match value:
        case str():
            return _storable(value)
        case bool():
            return "true" if value else "false"
        case int() | uuid.UUID():
            return str(value)
        case float():
            return _float_text(value)
        case Decimal() | date() | time():
            return str(render_any(value))
        case dict() | list() | tuple():
            return _storable(json.encode(value).decode())
        case _:
            raise TypeError(value)


def _storable(text: str) -> str:
    """Refuse what PostgreSQL cannot store: NUL, and halves of characters."""
    if "\0" in text:
        raise ValueError("text contains NUL")
    if not text.isascii():
        text.encode()
    return text


def _float_text(value: float) -> str:
    if not math.isfinite(value):
        raise ValueError("not finite")
    return str(int(value)) if value.is_integer() and abs(value) < _EXACT_AS_FLOAT else repr(value)


def _uuid(value: Any) -> str:
    if isinstance(value, str):
        return value if _UUID.fullmatch(value) else str(uuid.UUID(value.strip()))
    if isinstance(value, bytes):
        return str(uuid.UUID(bytes=value))
    if isinstance(value, uuid.UUID):
        return str(value)
    raise TypeError(value)


def _integer(value: Any) -> int:
    number = int(value) if isinstance(value, int) or _is_whole_text(value) else _whole(value)
    if not -_INT64 <= number < _INT64:
        raise ValueError("out of range")
    return number


def _is_whole_text(value: Any) -> bool:
    return isinstance(value, str) and len(value) <= _MOST_DIGITS and _WHOLE.fullmatch(value) is not None


def _whole(value: Any) -> int:
    approximate = _float(value)
    exact = value if isinstance(value, Decimal) else approximate
    if abs(approximate) > _INT64 or exact != int(exact):
        raise ValueError("not a whole number in range")
    return int(exact)


def _numeric(value: Any) -> Any:
    if not isinstance(value, str | int | float | Decimal):
        raise TypeError(value)
    if isinstance(value, str) and (len(value) > _MOST_DIGITS or not _NUMBER.fullmatch(value)):
        raise ValueError("not a number")
    return value


def _float(value: Any) -> float:
    number = float(_numeric(value))
    if not math.isfinite(number):
        raise ValueError("not finite")
    return number


def _decimal(value: Any) -> Decimal:
    number = Decimal(repr(value) if isinstance(value, float) else _numeric(value))
    if not number.is_finite() or abs(number.adjusted()) > _MOST_DIGITS:
        raise ValueError("out of range")
    return number


def _boolean(value: Any) -> bool:
    if isinstance(value, str) and value.strip().lower() in _BOOLEANS:
        return _BOOLEANS[value.strip().lower()]
    if isinstance(value, int | float | Decimal) and value in {0, 1}:
        return bool(value)
    raise TypeError(value)


def _moment(value: Any) -> datetime:
    """Return a point in time, aware where the value says a zone or is a number."""
    match value:
        case datetime():
            return value
        case date():
            return datetime(value.year, value.month, value.day)  # noqa: DTZ001 - it says no zone
        case str():
            return datetime.fromisoformat(value.strip())
        case int() | float() | Decimal() if not isinstance(value, bool):
            number = _float(value)
            return EPOCH + timedelta(seconds=number / 1000 if abs(number) >= _MILLISECONDS_FROM else number)
        case _:
            raise TypeError(value)


def _date_time(value: Any) -> datetime:
    moment = _moment(value)
    return moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment


def _timestamp(value: Any) -> datetime:
    moment = _moment(value)
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


def _date(value: Any) -> date:
    return _date_time(value).date()


def _time(value: Any) -> time:
    if isinstance(value, str) and "-" not in value:
        return time.fromisoformat(value.strip()).replace(tzinfo=None)
    return value.replace(tzinfo=None) if isinstance(value, time) else _date_time(value).time()


def _json(value: Any) -> Any:
    """Clients that send JSON as text mean what the text says, when it is an object or a list."""
    return _parsed_json(value) if isinstance(value, str) and value.lstrip().startswith(("{", "[")) else value


def _parsed_json(value: Any) -> Any:
    try:
        return json.decode(value) if isinstance(value, str) else value
    except Problem:
        return value


def _csv(value: Any) -> list[str]:
    text = ",".join(_text(item) for item in value) if isinstance(value, list | tuple) else _text(value)
    return text.split(",") if text else []


def _binary(value: Any) -> bytes:
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value)
    if isinstance(value, str):
        return base64.b64decode(value, validate=True)
    raise TypeError(value)


def _nothing(value: Any) -> Any:
    raise TypeError(value)


_CONVERSIONS: dict[FieldType, Conversion] = {
    FieldType.STRING: _text,
    FieldType.TEXT: _text,
    FieldType.UUID: _uuid,
    FieldType.HASH: _text,
    FieldType.INTEGER: _integer,
    FieldType.BIG_INTEGER: _integer,
    FieldType.FLOAT: _float,
    FieldType.DECIMAL: _decimal,
    FieldType.BOOLEAN: _boolean,
    FieldType.DATE: _date,
    FieldType.TIME: _time,
    FieldType.DATE_TIME: _date_time,
    FieldType.TIMESTAMP: _timestamp,
    FieldType.JSON: _json,
    FieldType.CSV: _csv,
    FieldType.BINARY: _binary,
    FieldType.ALIAS: _nothing,
    FieldType.UNKNOWN: _text,
}
