"""Dynamic values: `$NOW(-1 year)`, `$CURRENT_USER.department` and their relatives, from text to operand."""

from __future__ import annotations

import re
from datetime import timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from watchword.query.filters import Variable
from watchword.query.functions import EPOCH
from watchword.query.types import NUMERIC, FieldType
from watchword.query.values import convert

if TYPE_CHECKING:
    from collections.abc import Iterable

    from watchword.query.variables import Variables

_MOST_STEPS = 10
_WALKING = frozenset({"CURRENT_USER", "CURRENT_ROLE"})
_PLAIN = frozenset({"CURRENT_ROLES", "CURRENT_POLICIES"})

_NOW = re.compile(r"\$NOW(?:\(\s*([+-]?)\s*(\d{1,12}(?:\.\d{1,6})?)\s*([a-z]*)\s*\))?", re.ASCII)
_MINUTE = 60.0
_HOUR = 60 * _MINUTE
_DAY = 24 * _HOUR
_SECONDS: dict[str, float] = {
    **dict.fromkeys(("ms", "msec", "msecs", "millisecond", "milliseconds"), 0.001),
    **dict.fromkeys(("s", "sec", "secs", "second", "seconds"), 1.0),
    **dict.fromkeys(("m", "min", "mins", "minute", "minutes"), _MINUTE),
    **dict.fromkeys(("h", "hr", "hrs", "hour", "hours"), _HOUR),
    **dict.fromkeys(("", "d", "day", "days"), _DAY),
    **dict.fromkeys(("w", "wk", "wks", "week", "weeks"), 7 * _DAY),
}
_MONTHS: dict[str, int] = {
    **dict.fromkeys(("mo", "mth", "mths", "month", "months"), 1),
    **dict.fromkeys(("y", "yr", "yrs", "year", "years"), 12),
}


def parse_variable(text: str) -> Variable | None:
    """Return the variable that a text stands for, or None where it is a text like any other."""
    if not text.startswith("$"):
        return None
    if now := _NOW.fullmatch(text):
        return _parse_now(*now.groups())
    name, *path = text[1:].split(".")
    if name in _PLAIN and not path:
        return Variable(name)
    if name in _WALKING and all(path) and len(path) <= _MOST_STEPS:
        return Variable(name, tuple(path))
    return None


def _parse_now(sign: str | None, amount: str | None, unit: str) -> Variable | None:
    if amount is None:
        return Variable("NOW")
    factor = -1 if sign == "-" else 1
    if unit in _SECONDS:
        return Variable("NOW", shift=factor * float(amount) * _SECONDS[unit])
    if unit in _MONTHS and amount.isdecimal():
        return Variable("NOW", months=factor * int(amount) * _MONTHS[unit])
    return None


def operand_of(variable: Variable, kind: FieldType, variables: Variables, now: float) -> Any:
    """Return what a field of this type is compared with; None where the variable has no value that fits the type."""
    value = variables.resolve(variable, now)
    return _moment(kind, value) if variable.name == "NOW" else _converted(kind, value)


def operands_of(items: Iterable[Any], kind: FieldType, variables: Variables, now: float) -> tuple[Any, ...]:
    """Return the members of a list for `in` and `nin`: variables resolved, lists among them taken apart, no nulls."""
    members: list[Any] = []
    for item in items:
        if not isinstance(item, Variable):
            members.append(item)
        elif isinstance(found := variables.resolve(item, now), list | tuple):
            members.extend(_converted(kind, member) for member in found)
        else:
            members.append(operand_of(item, kind, variables, now))
    return tuple(member for member in members if member is not None)


def _converted(kind: FieldType, value: Any) -> Any:
    return _converted_text(kind, value) if type(value) is str else _convert_or_none(kind, value)


def _convert_or_none(kind: FieldType, value: Any) -> Any:
    try:
        return convert(kind, value)
    except ValueError:
        return None


@lru_cache(maxsize=4096)
def _converted_text(kind: FieldType, value: str) -> Any:
    """Remembered, because a personal rule asks for the same few ids again with every row."""
    return _convert_or_none(kind, value)


def _moment(kind: FieldType, now: float) -> Any:
    """Numbers are compared with whole epoch seconds, texts with the form that clients read."""
    if kind in NUMERIC:
        return _converted(kind, int(now))
    try:
        moment = EPOCH + timedelta(seconds=now)
    except OverflowError:
        return None
    return _converted(kind, moment)
