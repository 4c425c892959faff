"""Takes results of procedures apart: models to dicts, and what they hold, down to values that stay as they are."""

from __future__ import annotations

import dataclasses
import re
from datetime import date
from enum import Enum
from typing import Any

import msgspec
from msgspec import UNSET

from watchword.base.superjson import DEEPEST, ErrorValue, RegularExpression, SetOf, Url

LEAVES = (
    type(None), bool, int, float, str, bytes, date, re.Pattern, BaseException,
    Url, RegularExpression, ErrorValue, msgspec.UnsetType,
)  # fmt: skip
"""What stays as it is; a datetime is a date, too."""


def unfolded(value: Any, depth: int = 0) -> Any:
    """Return a value as dicts, lists, tuples, sets and leaves. What else msgspec knows becomes what it is in JSON.

    Raises:
        TypeError: It holds what nobody knows.
        ValueError: It is nested too deeply.
    """
    if depth > DEEPEST:
        raise ValueError(f"a result is nested deeper than {DEEPEST} levels, or within itself")
    if isinstance(value, LEAVES) and not isinstance(value, Enum):
        return value
    match value:
        case Enum():
            return unfolded(value.value, depth)
        case msgspec.Struct():
            return _of_struct(value, depth + 1)
        case dict():
            return {unfolded(key, depth + 1): unfolded(each, depth + 1) for key, each in value.items()}
        case list() | tuple() | set() | frozenset():
            return regrouped([unfolded(each, depth + 1) for each in value], value)
        case bytearray() | memoryview():
            return bytes(value)
        case _ if dataclasses.is_dataclass(value):
            return _of_dataclass(value, depth + 1)
        case _:
            return msgspec.to_builtins(value, str_keys=True)


def regrouped(items: list[Any], like: Any) -> Any:
    """Return items in such a container as another one; in a SetOf, where a set cannot hold them."""
    if isinstance(like, list | tuple):
        return tuple(items) if isinstance(like, tuple) else SetOf(items) if isinstance(like, SetOf) else items
    try:
        return frozenset(items) if isinstance(like, frozenset) else set(items)
    except TypeError:
        return SetOf(items)


def _of_dataclass(value: Any, depth: int) -> dict[str, Any]:
    members = {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    return {name: unfolded(each, depth) for name, each in members.items() if each is not UNSET}


def _of_struct(value: msgspec.Struct, depth: int) -> Any:
    config = value.__struct_config__
    members = [(field, getattr(value, field.name)) for field in msgspec.structs.fields(value)]
    if config.array_like:
        return [*([] if config.tag is None else [config.tag]), *(unfolded(each, depth) for _, each in members)]
    found = {} if config.tag is None or config.tag_field is None else {config.tag_field: config.tag}
    for field, each in members:
        if each is not UNSET and not (config.omit_defaults and _is_default(each, field)):
            found[field.encode_name] = unfolded(each, depth)
    return found


def _is_default(value: Any, field: msgspec.structs.FieldInfo) -> bool:
    """Whether a value is left out with `omit_defaults`: msgspec looks at what it is, not at what it equals."""
    if field.default is not msgspec.NODEFAULT:
        return value is field.default
    return field.default_factory in {list, dict, set} and type(value) is field.default_factory and not value
