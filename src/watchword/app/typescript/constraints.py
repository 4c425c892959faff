"""Constraints: what a value has to be beyond its type, as tags of a comment."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import NODEFAULT
from msgspec import inspect as kinds

from watchword.base import json

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from watchword.app.typescript.types import Doc

_TAGS = {
    "gt": "exclusiveMinimum",
    "ge": "minimum",
    "lt": "exclusiveMaximum",
    "le": "maximum",
    "multiple_of": "multipleOf",
    "pattern": "pattern",
}
_FORMATS: dict[type[kinds.Type], str] = {
    kinds.UUIDType: "uuid",
    kinds.DateTimeType: "date-time",
    kinds.DateType: "date",
    kinds.TimeType: "time",
    kinds.TimeDeltaType: "duration",
    kinds.DecimalType: "decimal",
}
_BYTES = (kinds.BytesType, kinds.ByteArrayType, kinds.MemoryViewType)
_BEYOND = frozenset({"date-time", "date", "binary", "base64url"})
_IN_SCHEMAS = (
    *("format", "contentEncoding", "minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum", "multipleOf"),
    *("pattern", "minLength", "maxLength", "minItems", "maxItems"),
)
_PLAIN = (type(None), bool, int, float, str, Enum)
_EMPTY: dict[Any, str] = {list: "[]", dict: "{}"}


def doc_of_field(field: kinds.Field, *, is_native: bool) -> Doc:
    """Return what is said of a member: its description, its constraints, and what it is where it is left out."""
    described, found = _without_metadata(_value_of(field.type))
    if not described:
        described, _ = _without_metadata(field.type)
    tags = [*_tags(found, is_native=is_native), *_default(field, is_native=is_native)]
    text = described.get("description")
    return (*(text.splitlines() if isinstance(text, str) else ()), *tags, *_of_schema(described))


def doc_of_schema(schema: Mapping[str, Any], *, is_native: bool) -> Doc:
    """Return what the JSON Schema of a member says."""
    found = schema
    options = [each for each in schema.get("anyOf", ()) if each != {"type": "null"}]
    if len(options) == 1:
        found = options[0] | schema
    text = schema.get("description")
    tags = [
        f"@{name} {found[name]}" for name in _IN_SCHEMAS if name in found and not (is_native and found[name] in _BEYOND)
    ]
    has_default = "default" in schema and not (is_native and found.get("format") in _BEYOND)
    default = [f"@default {_in_order(schema['default'], found)}"] if has_default else []
    return (*(text.splitlines() if isinstance(text, str) else ()), *tags, *default)


def _in_order(default: Any, schema: Mapping[str, Any]) -> str:
    """Return a value in JSON, always the same for a set."""
    is_set = isinstance(default, list) and schema.get("uniqueItems")
    return json.encode(sorted(default, key=json.encode) if is_set else default).decode()


def _value_of(found: kinds.Type) -> kinds.Type:
    """Return what a type is beside null."""
    _, inner = _without_metadata(found)
    if not isinstance(inner, kinds.UnionType):
        return found
    options = [each for each in inner.types if not isinstance(each, kinds.NoneType)]
    return options[0] if len(options) == 1 else found


def _without_metadata(found: kinds.Type) -> tuple[dict[str, Any], kinds.Type]:
    described: dict[str, Any] = {}
    while isinstance(found, kinds.Metadata):
        described |= found.extra_json_schema or {}
        found = found.type
    return described, found


def _tags(found: kinds.Type, *, is_native: bool) -> Iterator[str]:
    if isinstance(found, _BYTES) and not is_native:
        yield "@contentEncoding base64"
    is_date = isinstance(found, (kinds.DateTimeType, kinds.DateType))
    if type(found) in _FORMATS and not (is_native and is_date):
        yield f"@format {_FORMATS[type(found)]}"
    for name, tag in _TAGS.items():
        if getattr(found, name, None) is not None:
            yield f"@{tag} {getattr(found, name)}"
    unit = "Length" if isinstance(found, (kinds.StrType, *_BYTES)) else "Items"
    for name in ("min", "max"):
        if getattr(found, f"{name}_length", None) is not None:
            yield f"@{name}{unit} {getattr(found, f'{name}_length')}"


def _of_schema(described: Mapping[str, Any]) -> Iterator[str]:
    for name in _IN_SCHEMAS:
        if name in described:
            yield f"@{name} {described[name]}"


def _default(field: kinds.Field, *, is_native: bool) -> Iterator[str]:
    if field.default_factory is not NODEFAULT and field.default_factory in _EMPTY:
        yield f"@default {_EMPTY[field.default_factory]}"
    if field.default is NODEFAULT or (is_native and not isinstance(field.default, _PLAIN)):
        return
    try:
        plain = msgspec.to_builtins(field.default, str_keys=True, order="deterministic")
    except TypeError:
        return  # it is something of the program's own, which comes from somewhere else
    yield f"@default {json.encode(plain).decode()}"
