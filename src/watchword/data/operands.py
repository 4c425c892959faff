"""Operands: the values of comparisons, from what clients say to canonical values that the database can compare."""

from __future__ import annotations

from typing import Any

from watchword.base.errors import invalid_query
from watchword.query.filters import All, Compare, Filter, Not, Related, Variable
from watchword.query.filters import Any as AnyOf
from watchword.query.types import LISTS, NUMERIC, PATTERNS, RANGES, TEMPORAL, FieldType, Operator
from watchword.query.values import convert

MOST_VALUES = 10_000
"""How many values one filter may have; both databases take some 32,000 parameters in a statement."""

_OPPOSITE: dict[Operator, Operator] = {
    Operator.NULL: Operator.NNULL,
    Operator.NNULL: Operator.NULL,
    Operator.EMPTY: Operator.NEMPTY,
    Operator.NEMPTY: Operator.EMPTY,
}
_PAIR = 2
_ASKED_OF_TEXT = PATTERNS | {Operator.REGEX}
_NOUNS = {FieldType.BOOLEAN: "boolean", FieldType.UUID: "UUID"}


def convert_operand(kind: FieldType, operator: Operator, value: Any) -> tuple[Operator, Any]:
    """Return the operator and the canonical value of a comparison; lists become tuples, without their nulls.

    `_null: false` becomes `nnull`, `_eq: null` becomes `null`, and so on.

    Raises:
        Problem: INVALID_QUERY, when the value does not fit.
    """
    if operator in _OPPOSITE:
        return (operator if _flag(value) else _OPPOSITE[operator]), True
    if operator is Operator.SUBMITTED:
        return operator, _flag(value)
    if value is None and operator in {Operator.EQ, Operator.NEQ}:
        return (Operator.NULL if operator is Operator.EQ else Operator.NNULL), True
    if operator in _ASKED_OF_TEXT:
        kind = FieldType.TEXT
    if operator not in LISTS | RANGES:
        return operator, convert_item(kind, value)
    found = tuple(convert_item(kind, item) for item in items_of(value) if item is not None)
    if operator in RANGES and len(found) != _PAIR:
        raise invalid_query(f'"_{operator.value}" needs two values')
    return operator, found


def _flag(value: Any) -> bool:
    try:
        return value in (None, "") or bool(convert(FieldType.BOOLEAN, value))
    except ValueError:
        raise invalid_query("Invalid boolean value") from None


def items_of(value: Any) -> list[Any]:
    """Return the members of a list as clients write it: a list, a text with commas, or the one member."""
    if isinstance(value, str):
        return [part.strip() for part in value.split(",")] if value else []
    return list(value) if isinstance(value, (list, tuple)) else [value]


def convert_item(kind: FieldType, value: Any) -> Any:
    """Return the canonical value to compare a field of this type with; variables and null stay as they are.

    Raises:
        Problem: INVALID_QUERY, when the value does not fit.
    """
    if value is None or isinstance(value, Variable):
        return value
    try:
        # Lists of texts are compared as the text that is stored.
        return convert(FieldType.TEXT if kind is FieldType.CSV else kind, value)
    except ValueError:
        raise invalid_query(f"Invalid {_noun(kind)}value") from None


def _noun(kind: FieldType) -> str:
    if kind in NUMERIC:
        return "numeric "
    if kind in TEMPORAL:
        return "date "
    return f"{_NOUNS[kind]} " if kind in _NOUNS else ""


def check_listed(node: Filter) -> None:
    """Refuse a filter that has more values than a statement may have parameters.

    Raises:
        Problem: INVALID_QUERY.
    """
    if _listed(node) > MOST_VALUES:
        raise invalid_query(f"A filter may have {MOST_VALUES} values at most")


def _listed(node: Filter) -> int:
    match node:
        case Compare(value=str() as text):
            return text.count(",") + 1
        case Compare(value=list() | tuple() as values):
            return len(values)
        case Compare():
            return 1
        case Related(filter=inner) | Not(part=inner):
            return _listed(inner)
        case All(parts=parts) | AnyOf(parts=parts):
            return sum(map(_listed, parts))
