"""Storable: whether a value that a client sent can be kept, or told back to it."""

from __future__ import annotations

import re
from decimal import Decimal
from math import isfinite
from typing import Any

from watchword.query.types import FieldType

_WHOLE = frozenset({FieldType.INTEGER, FieldType.BIG_INTEGER})
_DEEPEST = 200  # levels of a JSON value: deeper ones exhaust encoders
_WIDEST = 4096  # bits of a number that is written out
_HALF = re.compile("[\ud800-\udfff]")


def is_too_large(kind: FieldType, value: Any) -> bool:
    """Whether a value that a numeric type refused is a number all the same: one that does not fit."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return False
    try:
        number = Decimal(value)
        return number.is_finite() and (kind not in _WHOLE or number == number.to_integral_value())
    except ArithmeticError:
        return False


def is_shown(value: Any) -> bool:
    """Whether a refused value is told: a text that can be encoded, or a number that can be written out."""
    return isinstance(value, float) or (isinstance(value, (str, int)) and _is_leaf(value))


def is_storable(value: Any) -> bool:
    """Whether a JSON value can be encoded and stored: no NUL, no halves of characters, not too deep."""
    level = [value]
    for _ in range(_DEEPEST):
        deeper: list[Any] = []
        for item in level:
            if isinstance(item, dict):
                deeper += [*item, *item.values()]
            elif isinstance(item, (list, tuple)):
                deeper += item
            elif not _is_leaf(item):
                return False
        if not deeper:
            return True
        level = deeper
    return False


def _is_leaf(value: Any) -> bool:
    match value:
        case str():
            return "\0" not in value and not _HALF.search(value)
        case float():
            return isfinite(value)
        case None | bool():
            return True
        case _:
            return isinstance(value, int) and value.bit_length() <= _WIDEST
