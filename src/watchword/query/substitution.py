"""Substitution: a bound filter with the variables' values in their place, for SQL."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from watchword.query.dynamic import operand_of, operands_of
from watchword.query.filters import EVERYTHING, NOTHING, All, Compare, Filter, Not, Related, Variable
from watchword.query.filters import Any as AnyOf
from watchword.query.types import LISTS, RANGES

if TYPE_CHECKING:
    from watchword.query.variables import Variables


def has_variables(value: object) -> bool:
    """Whether the value of a comparison is or holds a variable."""
    return isinstance(value, Variable) or (
        isinstance(value, list | tuple) and any(isinstance(item, Variable) for item in value)
    )


def bind_variables(node: Filter, variables: Variables, now: float) -> Filter:
    """Return the filter with every variable replaced by its canonical value.

    A variable without a value that fits is SQL's NULL: the comparison is UNKNOWN, never `IS NULL`. The tree cannot say
    UNKNOWN, so it becomes NOTHING (EVERYTHING below an odd number of Nots): the result takes the same rows, but it must
    not be negated afterwards. In the lists of `in` and `nin` such a variable is left out.
    """
    return _Binder(variables, now).bind(node, positive=True)


class _Binder:
    def __init__(self, variables: Variables, now: float) -> None:
        self._variables = variables
        self._now = now

    def bind(self, node: Filter, *, positive: bool) -> Filter:
        match node:
            case Compare():
                if node.within is not None:
                    node = replace(node, within=self.bind(node.within, positive=True))
                return self._compare(node, positive=positive) if has_variables(node.value) else node
            case Related():
                return replace(node, filter=self.bind(node.filter, positive=True))
            case Not():
                return Not(self.bind(node.part, positive=not positive))
            case All() | AnyOf():
                return replace(node, parts=tuple(self.bind(part, positive=positive) for part in node.parts))

    def _compare(self, node: Compare, *, positive: bool) -> Filter:
        unknown = NOTHING if positive else EVERYTHING
        if node.operator in LISTS:
            return replace(node, value=operands_of(node.value, node.type, self._variables, self._now))
        if node.operator in RANGES:
            bounds = tuple(self._operand(node, bound) for bound in node.value)
            return unknown if None in bounds else replace(node, value=bounds)
        operand = self._operand(node, node.value)
        return unknown if operand is None else replace(node, value=operand)

    def _operand(self, node: Compare, value: object) -> object:
        if isinstance(value, Variable):
            return operand_of(value, node.type, self._variables, self._now)
        return value
