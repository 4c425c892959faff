"""The values of superjson that JSON has no word for, each to and from its JSON form."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time
from decimal import Decimal
from math import copysign, inf, isfinite, nan
from typing import TYPE_CHECKING, Any
from uuid import UUID

import msgspec

from watchword.base.errors import invalid_payload
from watchword.base.superjson_patterns import RegularExpression, translated

if TYPE_CHECKING:
    from collections.abc import Callable

    from watchword.base.errors import Problem

Kind = str | tuple[str, str]
"""What a value is: a name, or a family and a name within it."""

_SAFE = 2**53 - 1
_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:\d\d)?", re.ASCII)
_INTEGER = re.compile(r"-?\d{1,1000}", re.ASCII)
_REGEXP = re.compile(r"/(.+)/([a-z]*)", re.DOTALL)
_NUMBERS = {"NaN": nan, "Infinity": inf, "-Infinity": -inf, "-0": -0.0}
_ARRAYS = frozenset(
    {
        "Int8Array", "Int16Array", "Uint16Array", "Int32Array", "Uint32Array", "Float32Array", "Float64Array",
        "Uint8ClampedArray",
    }
)  # fmt: skip
_BIG_ARRAYS = frozenset({"BigInt64Array", "BigUint64Array"})
_LEFT_PLAIN = frozenset({"class", "custom", "symbol"})
_BYTE = range(256)


class Url(msgspec.Struct, frozen=True):
    """A URL of JavaScript, as text that nobody has looked at."""

    text: str

    def __str__(self) -> str:
        """Return the text."""
        return self.text


class ErrorValue(msgspec.Struct, frozen=True):
    """An Error of JavaScript, as a value."""

    name: str
    message: str


class SetOf(list[Any]):
    """The members of a Set of JavaScript that Python has no set for: some are mutable, or equal where those are not."""


def leaf(value: Any) -> tuple[Any, Kind | None]:
    """Return the JSON form of a value that holds no others, and what it is where JSON cannot tell.

    Raises:
        TypeError: There is no form for such a value.
        ValueError: There is none for this one.
    """
    for kinds, write in _WRITERS:
        if isinstance(value, kinds):
            return write(value)
    raise TypeError(f"superjson has no form for values of type {type(value).__name__}")


def _integer(value: int) -> tuple[Any, Kind | None]:
    return (value, None) if -_SAFE <= value <= _SAFE else (str(value), "bigint")


def _number(value: float) -> tuple[Any, Kind | None]:
    if isfinite(value):
        return ("-0", "number") if value == 0 and copysign(1, value) < 0 else (value, None)
    return {inf: "Infinity", -inf: "-Infinity"}.get(value, "NaN"), "number"


def _instant(value: datetime) -> tuple[Any, Kind | None]:
    aware = value.replace(tzinfo=UTC) if value.tzinfo is None else value
    try:
        text = aware.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="milliseconds")
    except OverflowError as error:
        raise ValueError(f"{value} is out of range in UTC") from error
    return f"{text}Z", "Date"


_WRITERS: tuple[tuple[Any, Callable[[Any], tuple[Any, Kind | None]]], ...] = (
    ((type(None), bool, str), lambda value: (value, None)),
    (msgspec.UnsetType, lambda _: (None, "undefined")),
    (int, _integer),
    (float, _number),
    (datetime, _instant),
    (date, lambda value: _instant(datetime.combine(value, time()))),
    ((bytes, bytearray, memoryview), lambda value: (list(bytes(value)), ("typed-array", "Uint8Array"))),
    ((UUID, Decimal), lambda value: (str(value), None)),
    (Url, lambda value: (value.text, "URL")),
    (RegularExpression, lambda value: (str(value), "regexp")),
    (re.Pattern, lambda value: (str(translated(value)), "regexp")),
    (ErrorValue, lambda value: ({"name": value.name, "message": value.message}, "Error")),
    (BaseException, lambda value: ({"name": type(value).__name__, "message": str(value)}, "Error")),
)


def restored(kind: Kind, value: Any) -> Any:
    """Return a value by its JSON form and what it is; the values within have been restored.

    Raises:
        Problem: INVALID_PAYLOAD.
    """
    if isinstance(kind, tuple):
        family, name = kind
        if family in _LEFT_PLAIN:
            return value
        if family != "typed-array":
            raise invalid_payload("superjson: unknown type")
        return _array(name, value)
    read = _READERS.get(kind)
    if read is None:
        raise invalid_payload("superjson: unknown type")
    return read(value)


def _expected(what: str) -> Problem:
    return invalid_payload(f"superjson: expected {what}")


def _read_bigint(value: Any) -> int:
    if not isinstance(value, str) or not _INTEGER.fullmatch(value):
        raise _expected("a bigint of at most 1000 digits")
    return int(value)


def _read_instant(value: Any) -> datetime:
    if not isinstance(value, str) or not _INSTANT.fullmatch(value):
        raise _expected("a valid Date within the years 1 to 9999")
    try:
        found = datetime.fromisoformat(value)
        return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise _expected("a valid Date within the years 1 to 9999") from error


def _read_number(value: Any) -> float:
    if not isinstance(value, str) or value not in _NUMBERS:
        raise _expected("a number beyond JSON")
    return _NUMBERS[value]


def _read_set(value: Any) -> set[Any] | SetOf:
    if not isinstance(value, list):
        raise _expected("a Set")
    try:
        members = set(value)
    except TypeError:
        return SetOf(value)
    return members if len(members) == len(value) else SetOf(value)  # 1 and true are two there, and one here.


def _read_map(value: Any) -> dict[Any, Any]:
    if not isinstance(value, list) or not all(isinstance(pair, list) and len(pair) == 2 for pair in value):  # noqa: PLR2004 - a pair
        raise _expected("a Map")
    try:
        found = {_as_key(key): each for key, each in value}
    except TypeError as error:
        raise invalid_payload("superjson: objects and Maps cannot be keys of a Map here") from error
    if len(found) < len(value):
        raise invalid_payload("superjson: keys of a Map are equal here")
    return found


def _as_key(value: Any) -> Any:
    if isinstance(value, list):
        return tuple(map(_as_key, value))
    return frozenset(value) if isinstance(value, set) else value


def _read_regexp(value: Any) -> RegularExpression:
    found = _REGEXP.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        raise _expected("a RegExp")
    return RegularExpression(found[1], found[2])


def _read_error(value: Any) -> ErrorValue:
    told = value if isinstance(value, dict) else {}
    name, message = told.get("name"), told.get("message")
    if not isinstance(name, str) or not isinstance(message, str):
        raise _expected("an Error with a name and a message")
    return ErrorValue(name, message)


def _read_url(value: Any) -> Url:
    if not isinstance(value, str):
        raise _expected("a URL")
    return Url(value)


_READERS: dict[str, Callable[[Any], Any]] = {
    "undefined": lambda _: msgspec.UNSET,
    "bigint": _read_bigint,
    "Date": _read_instant,
    "number": _read_number,
    "set": _read_set,
    "map": _read_map,
    "regexp": _read_regexp,
    "Error": _read_error,
    "URL": _read_url,
}


def _array(name: str, value: Any) -> bytes | list[Any]:
    if not isinstance(value, list):
        raise _expected("a typed array")
    if name == "Uint8Array":
        if not all(type(each) is int and each in _BYTE for each in value):
            raise _expected("a Uint8Array")
        return bytes(value)
    if name in _BIG_ARRAYS:
        return list(map(_read_bigint, value))
    if name not in _ARRAYS:
        raise _expected("a typed array of a known type")
    return [each if type(each) in {int, float} else _read_number(each) for each in value]
