"""Validation: the conditions that a permission puts on the values that are written, told field by field."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from watchword.base import json
from watchword.base.errors import Problem, failed_validation, forbidden
from watchword.query.comparisons import comparison, nullness, preparation, text_of
from watchword.query.documents import is_of_kind, value_at
from watchword.query.dynamic import operand_of, operands_of
from watchword.query.filters import All, Compare, Filter, Not, Related, Variable
from watchword.query.filters import Any as AnyOf
from watchword.query.functions import compute
from watchword.query.patterns import matches
from watchword.query.types import LISTS, PATTERNS, RANGES, FieldType, Function, Operator
from watchword.query.values import convert, render
from watchword.query.variables import Variables

if TYPE_CHECKING:
    from collections.abc import Mapping

_VERBS: dict[Operator, str] = {
    Operator.EQ: "be",
    Operator.LT: "be less than",
    Operator.LTE: "be less than or equal to",
    Operator.GT: "be greater than",
    Operator.GTE: "be greater than or equal to",
    Operator.IN: "be one of",
    Operator.BETWEEN: "be between",
    Operator.CONTAINS: "contain",
    Operator.ICONTAINS: "contain",
    Operator.STARTS_WITH: "start with",
    Operator.ISTARTS_WITH: "start with",
    Operator.ENDS_WITH: "end with",
    Operator.IENDS_WITH: "end with",
}
_KINDLESS = frozenset({Operator.NULL, Operator.NNULL, Operator.EMPTY, Operator.NEMPTY})
_NEGATED: dict[str, Operator] = {f"n{name}": name for name in _VERBS if f"n{name}" in frozenset(Operator)}
_OPPOSITES: dict[str, Operator] = {
    Operator.NULL: Operator.NNULL,
    Operator.NNULL: Operator.NULL,
    Operator.EMPTY: Operator.NEMPTY,
    Operator.NEMPTY: Operator.EMPTY,
    Operator.EQ: Operator.NULL,
    Operator.NEQ: Operator.NNULL,
}
_NULLNESS: dict[str, str] = {
    Operator.NULL: "Value has to be null.",
    Operator.NNULL: "Value can't be null.",
    Operator.EMPTY: "Value has to be empty.",
    Operator.NEMPTY: "Value can't be empty.",
}


def validate(
    node: Filter, payload: Mapping[str, Any], creating: bool, variables: Variables | None = None, now: float = 0.0
) -> list[Problem]:
    """Return what is wrong with the values that are written, one problem for each condition that does not hold.

    `node` is bound. A field that the payload does not have counts as null when a row is created, and is passed over
    when one is updated. Null satisfies negations (`_neq`, `_nin`, `_ncontains`, …) and no other comparison. Conditions
    on related rows are checked in a nested object, where what it does not have counts as null in any case, and fail for
    a mere key, which shows nothing of its row.
    """
    return _Validation(creating, variables or Variables(), now).problems(node, payload)


class _Validation:
    def __init__(self, creating: bool, variables: Variables, now: float) -> None:
        self._creating = creating
        self._variables = variables
        self._now = now

    def problems(self, node: Filter, payload: Mapping[str, Any]) -> list[Problem]:
        match node:
            case Compare():
                return self._compare(node, payload)
            case Related():
                return self._related(node, payload)
            case All():
                return [problem for part in node.parts for problem in self.problems(part, payload)]
            case AnyOf():
                branches = [self.problems(part, payload) for part in node.parts] or [[forbidden()]]
                return [problem for branch in branches for problem in branch] if all(branches) else []
            case Not():
                return [] if self.problems(node.part, payload) else [forbidden()]

    def _related(self, node: Related, payload: Mapping[str, Any]) -> list[Problem]:
        value = payload.get(node.field)
        if node.field not in payload:
            return [_required(node.field)] if self._creating else []
        if not isinstance(value, dict):
            return [failed_validation(node.field, "object", "Value has to be an object.")]
        found = self.problems(node.filter, value)
        if node.quantifier == "none":
            return [] if found else [forbidden()]
        # An object that leaves out what is asked for may be a mere key, of a row that has anything there.
        return found or _Validation(True, self._variables, self._now).problems(node.filter, value)

    def _compare(self, node: Compare, payload: Mapping[str, Any]) -> list[Problem]:
        present = node.field in payload
        if node.operator == Operator.SUBMITTED:
            return [_required(node.field)] if node.value is not False and not present else []
        if not present and not self._creating:
            return []
        operand = self._operand(node)
        value = _submitted(node, payload.get(node.field))
        if value is not None and node.place and node.operator not in _KINDLESS and not is_of_kind(value, node.type):
            return [] if node.operator in _NEGATED else [_told(node, operand)]
        if _holds(node.operator, node.type, value, operand, literal=operand is node.value):
            return []
        return [_told(node, operand) if present else _required(node.field)]

    def _operand(self, node: Compare) -> Any:
        if isinstance(node.value, Variable):
            return operand_of(node.value, node.type, self._variables, self._now)
        if node.operator in LISTS:
            return operands_of(node.value, node.type, self._variables, self._now)
        if node.operator in RANGES:
            return tuple(self._operand(Compare(node.field, "eq", bound, type=node.type)) for bound in node.value)
        return node.value


def _submitted(node: Compare, value: Any) -> Any:
    """Return the canonical value; one that does not fit its type is left for the writer to refuse."""
    if node.function is Function.COUNT:
        return len(value) if isinstance(value, list | tuple) else None
    if node.place:
        return value_at(_fitting(FieldType.JSON, value), node.place)
    if node.function is None:
        return _fitting(node.type, value)
    moment = _fitting(FieldType.DATE_TIME, value)
    return compute(node.function, _fitting(FieldType.TIME, value) if isinstance(moment, str) else moment)


def _fitting(kind: FieldType, value: Any) -> Any:
    try:
        return convert(kind, value)
    except ValueError:
        return value


def _holds(name: str, kind: FieldType, value: Any, operand: Any, *, literal: bool) -> bool:
    check = nullness(name, kind, operand) if literal else None
    if check is not None:
        return check(value)
    if name in LISTS and not operand:
        return name == Operator.NIN
    if operand is None or (name in RANGES and None in operand):
        return False
    if value is None:
        return name in _NEGATED
    if name == Operator.REGEX:
        return matches(str(operand), text_of(value))
    return comparison(name, kind)(value, preparation(name, kind)(operand))


def _required(field: str) -> Problem:
    return failed_validation(field, "required", "Value is required.")


def _told(node: Compare, operand: Any) -> Problem:
    name = node.operator
    if nullness(name, node.type, node.value):
        if node.value is False or name in {Operator.EQ, Operator.NEQ}:
            name = _OPPOSITES[name]
        return failed_validation(node.field, name, _NULLNESS[name])
    if name == Operator.REGEX:
        return failed_validation(node.field, name, "Value doesn't have the correct format.")
    positive = _NEGATED.get(name, Operator(name))
    shown = _shown(node, operand)
    extension = "substring" if name in PATTERNS else "invalid" if name in _NEGATED else "valid"
    demand = "can't" if name in _NEGATED else "has to"
    listed = (" and " if name in RANGES else ", ").join(f'"{_plain(item)}"' for item in shown)
    text = f"Value {demand} {_VERBS[positive]} {listed}."
    return failed_validation(node.field, name, text, **{extension: shown if name in LISTS | RANGES else shown[0]})


def _shown(node: Compare, operand: Any) -> list[Any]:
    items = operand if node.operator in LISTS | RANGES else [operand]
    return [render(node.type, item) for item in items]


def _plain(item: Any) -> str:
    return item if isinstance(item, str) else json.encode(item).decode()
