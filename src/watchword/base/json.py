"""JSON at the edges: one encoder, one decoder, errors as Problem."""

from __future__ import annotations

import json
from math import isfinite
from typing import Any, TypeVar

import msgspec

from watchword.base.errors import invalid_payload

T = TypeVar("T")

_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder()


def encode(value: Any) -> bytes:
    """Encode plain values, Structs, dates, UUIDs and Decimals (as strings) to UTF-8 JSON.

    Halves of characters, which a database may hold and UTF-8 cannot, are written as JSON's own escapes for them.
    """
    try:
        return _encoder.encode(value)
    except UnicodeEncodeError:
        plain = _finite(msgspec.to_builtins(value, str_keys=True))
        return json.dumps(plain, separators=(",", ":"), allow_nan=False).encode()


def decode(data: bytes | str) -> Any:
    """Decode JSON to plain values.

    Raises:
        Problem: INVALID_PAYLOAD when the text is not JSON, is nested too deeply or is not UTF-8.
    """
    try:
        return _decoder.decode(data)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise invalid_payload(_reason(error)) from error


def converted(value: Any, kind: type[T]) -> T:
    """Return a decoded value as a type has it; nothing in it is taken for something else, as a text for a number.

    Raises:
        Problem: INVALID_PAYLOAD.
    """
    try:
        return msgspec.convert(value, kind, strict=True)
    except msgspec.ValidationError as error:
        raise invalid_payload(str(error)) from error


def _finite(value: Any) -> Any:
    """Return plain values with null in place of what JSON has no number for, as the usual encoder writes them."""
    match value:
        case dict():
            return {name: _finite(each) for name, each in value.items()}
        case list():
            return [_finite(each) for each in value]
        case float():
            return value if isfinite(value) else None
        case _:
            return value


def _reason(error: Exception) -> str:
    if isinstance(error, RecursionError):
        return "JSON is nested too deeply"
    if isinstance(error, UnicodeError):
        return "Text is not UTF-8"
    return str(error)
