"""Comparisons of canonical values: what each operator means for two values that are not null.

They agree with the SQL that the same filter compiles to: texts compare by code point, patterns are literal, `i…`
operators compare lower-cased texts, and values of different kinds (a foreign program's text in a number's column)
compare as SQLite's storage classes do: numbers before texts before bytes.
"""

from __future__ import annotations

import math
import operator
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from watchword.query.types import LISTS, PATTERNS, RANGES, TEXTUAL, FieldType, Operator

if TYPE_CHECKING:
    from collections.abc import Callable

    Check = Callable[[Any], bool]
    Comparison = Callable[[Any, Any], bool]
    Preparation = Callable[[Any], Any]


def comparison(name: str, kind: FieldType) -> Comparison:
    """Return the test of a value against a prepared operand.

    Raises:
        ValueError: the operator does not compare two values (`null`, `empty`, those of validation, or none at all).
    """
    if name not in _COMPARISONS:
        raise ValueError(f"not a comparison: {name}")
    compare = _COMPARISONS[Operator(name)]
    if kind is FieldType.FLOAT:
        return _of_numbers(compare)
    if kind is FieldType.DECIMAL:
        return _of_decimals(name, _of_numbers(compare))
    if kind is FieldType.CSV:
        return lambda value, operand: compare(text_of(value), operand)
    return compare


def preparation(name: str, kind: FieldType) -> Preparation:
    """Return what turns a canonical operand into the form that the test wants; done once for many rows."""
    if name in RANGES | LISTS:
        member = _MEMBERS.get(kind, _same)
        collect: Preparation = frozenset if name in LISTS and kind is not FieldType.DECIMAL else tuple
        return lambda operand: collect(member(item) for item in operand)
    if name in _CASELESS:
        return lambda operand: text_of(operand).lower()
    if name in PATTERNS:
        return text_of
    return _MEMBERS.get(kind, _same)


def nullness(name: str, kind: FieldType, operand: Any) -> Check | None:
    """Return the test of an operator that also answers for null; None where it is a comparison.

    `_eq: null` and `_neq: null` are such. Only values of the textual types can be empty without being null.
    """
    match name:
        case Operator.NULL | Operator.NNULL:
            wanted = (name == Operator.NULL) is (operand is not False)
            return lambda value: (value is None) is wanted
        case Operator.EMPTY | Operator.NEMPTY:
            wanted = (name == Operator.EMPTY) is (operand is not False)
            textual = kind in TEXTUAL
            return lambda value: (value is None or (textual and text_of(value) == "")) is wanted
        case Operator.EQ | Operator.NEQ if operand is None:
            wanted = name == Operator.EQ
            return lambda value: (value is None) is wanted
        case _:
            return None


def text_of(value: Any) -> str:
    """Return a value as text: lists joined by commas, as they are stored."""
    if type(value) is str:
        return value
    return ",".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def _same(value: Any) -> Any:
    return value


def _twins(value: Any) -> tuple[Any, float]:
    """SQLite holds decimals as doubles, PostgreSQL exactly: an operand is compared in the form that the row has."""
    return value, float(value)


_MEMBERS: dict[FieldType, Preparation] = {FieldType.CSV: text_of, FieldType.DECIMAL: _twins}


def _of_decimals(name: str, compare: Comparison) -> Comparison:
    if name in RANGES | LISTS:
        return lambda value, operand: compare(value, [twins[type(value) is float] for twins in operand])
    return lambda value, operand: compare(value, operand[type(value) is float])


def _of_numbers(compare: Comparison) -> Comparison:
    """NaN, which only a PostgreSQL row can hold, is greater than all other numbers."""

    def test(value: Any, operand: Any) -> bool:
        return compare(math.inf if value != value else value, operand)  # noqa: PLR0124 - NaN is not itself

    return test


def _ordered(compare: Comparison) -> Comparison:
    def test(value: Any, operand: Any) -> bool:
        try:
            return compare(value, operand)
        except TypeError:
            return compare(_rank(value), _rank(operand))

    return test


def _rank(value: Any) -> tuple[int, Any]:
    """Return what orders values of different kinds: the storage class, then the value as it is stored."""
    match value:
        case int() | float() | Decimal():
            return 1, value
        case datetime():
            return 2, (value.astimezone(UTC).replace(tzinfo=None) if value.tzinfo else value).isoformat(" ")
        case date() | time():
            return 2, value.isoformat()
        case bytes():
            return 3, value
        case _:
            return 2, text_of(value)


_less_or_equal = _ordered(operator.le)


def _among(value: Any, operand: Any) -> bool:
    try:
        return value in operand
    except TypeError:  # a foreign list or object, which nothing in a set is equal to
        return False


def _between(value: Any, operand: tuple[Any, Any]) -> bool:
    return _less_or_equal(operand[0], value) and _less_or_equal(value, operand[1])


def _contains(value: Any, operand: str) -> bool:
    return operand in text_of(value)


def _starts_with(value: Any, operand: str) -> bool:
    return text_of(value).startswith(operand)


def _ends_with(value: Any, operand: str) -> bool:
    return text_of(value).endswith(operand)


def _caseless(compare: Comparison) -> Comparison:
    return lambda value, operand: compare(text_of(value).lower(), operand)


def _negated(compare: Comparison) -> Comparison:
    return lambda value, operand: not compare(value, operand)


_POSITIVE: dict[Operator, Comparison] = {
    Operator.IN: _among,
    Operator.BETWEEN: _between,
    Operator.CONTAINS: _contains,
    Operator.STARTS_WITH: _starts_with,
    Operator.ENDS_WITH: _ends_with,
    Operator.ICONTAINS: _caseless(_contains),
    Operator.ISTARTS_WITH: _caseless(_starts_with),
    Operator.IENDS_WITH: _caseless(_ends_with),
}
_COMPARISONS: dict[Operator, Comparison] = {
    Operator.EQ: operator.eq,
    Operator.NEQ: operator.ne,
    Operator.LT: _ordered(operator.lt),
    Operator.LTE: _less_or_equal,
    Operator.GT: _ordered(operator.gt),
    Operator.GTE: _ordered(operator.ge),
    **_POSITIVE,
    **{Operator(f"n{name}"): _negated(compare) for name, compare in _POSITIVE.items()},
}
_CASELESS = frozenset(name for name in PATTERNS if name.startswith(("i", "ni")))
