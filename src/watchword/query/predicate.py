"""Predicates: a bound filter as a test of rows in memory, which agrees with the SQL that the filter compiles to.

A test gives a `Truth`: True, False, None for SQL's UNKNOWN, or LOOKUP when memory cannot tell: the filter looks at
related rows, into JSON, or at a column that the row does not have. A row is taken when the truth `is True`.

| AND       | True   | None   | LOOKUP | False |   | OR     | True | LOOKUP | None   | False  |   | NOT    |        |
|-----------|--------|--------|--------|-------|---|--------|------|--------|--------|--------|---|--------|--------|
| True      | True   | None   | LOOKUP | False |   | True   | True | True   | True   | True   |   | True   | False  |
| None      | None   | None   | LOOKUP | False |   | LOOKUP | True | LOOKUP | LOOKUP | LOOKUP |   | LOOKUP | LOOKUP |
| LOOKUP    | LOOKUP | LOOKUP | LOOKUP | False |   | None   | True | LOOKUP | None   | None   |   | None   | None   |
| False     | False  | False  | False  | False |   | False  | True | LOOKUP | None   | False  |   | False  | True   |
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import Enum
from typing import Any, Final

from watchword.query.comparisons import comparison, nullness, preparation
from watchword.query.dynamic import operand_of, operands_of
from watchword.query.filters import All, Compare, Filter, Not, Related, Variable
from watchword.query.filters import Any as AnyOf
from watchword.query.functions import compute
from watchword.query.substitution import bind_variables, has_variables
from watchword.query.types import LISTS, RANGES, Function, Operator
from watchword.query.validation import validate
from watchword.query.variables import Variables

__all__ = [
    "LOOKUP",
    "Lookup",
    "Test",
    "Truth",
    "bind_variables",
    "compile_predicate",
    "is_relational",
    "needs_database",
    "validate",
]


class Lookup(Enum):
    """The type of LOOKUP."""

    LOOKUP = "lookup"


LOOKUP: Final = Lookup.LOOKUP

Truth = bool | Lookup | None
Row = Mapping[str, Any]
Test = Callable[[Row, Variables, float], Truth]


def is_relational(node: Filter) -> bool:
    """Whether a filter asks for other rows: related ones or their number."""
    match node:
        case Compare():
            return node.function is Function.COUNT
        case Related():
            return True
        case Not():
            return is_relational(node.part)
        case All() | AnyOf():
            return any(is_relational(part) for part in node.parts)


def needs_database(node: Filter) -> bool:
    """Whether a filter has a part that only the database decides: one about other rows, or about a part of JSON."""
    match node:
        case Compare():
            return bool(node.place) or is_relational(node)
        case Related():
            return True
        case Not():
            return needs_database(node.part)
        case All() | AnyOf():
            return any(needs_database(part) for part in node.parts)


def compile_predicate(node: Filter) -> Test:
    """Return the test of a bound filter. Tests keep no state and may be shared.

    Raises:
        ValueError: the filter is not bound: it has an operator that no filter may use.
    """
    match node:
        case Compare():
            return _constant(LOOKUP) if needs_database(node) else _compile_compare(node)
        case Related():
            return _constant(LOOKUP)
        case Not():
            return _negation(compile_predicate(node.part))
        case All():
            return _connective(_compile_parts(node.parts), neutral=True)
        case AnyOf():
            return _connective(_compile_parts(node.parts), neutral=False)


def _compile_parts(parts: tuple[Filter, ...]) -> tuple[Test, ...]:
    """Compile the parts, those that memory can decide first."""
    return tuple(compile_predicate(part) for part in sorted(parts, key=needs_database))


def _constant(truth: Truth) -> Test:
    return lambda _row, _variables, _now: truth


def _negation(part: Test) -> Test:
    def test(row: Row, variables: Variables, now: float) -> Truth:
        truth = part(row, variables, now)
        return not truth if isinstance(truth, bool) else truth

    return test


def _connective(parts: tuple[Test, ...], neutral: bool) -> Test:
    """AND for the neutral truth True, OR for False: the opposite decides at once, and LOOKUP outweighs UNKNOWN."""
    if len(parts) == 1:
        return parts[0]
    deciding = not neutral

    def test(row: Row, variables: Variables, now: float) -> Truth:
        whole: Truth = neutral
        for part in parts:
            truth = part(row, variables, now)
            if truth is neutral:
                continue
            if truth is deciding:
                return deciding
            if whole is not LOOKUP:
                whole = truth
        return whole

    return test


def _compile_compare(node: Compare) -> Test:
    check = nullness(node.operator, node.type, node.value)
    if check is not None:
        return _of_any_value(node.field, node.function, check)
    compare, prepare = comparison(node.operator, node.type), preparation(node.operator, node.type)
    if has_variables(node.value):
        return _with_variables(node, lambda value, operand: compare(value, prepare(operand)))
    if node.operator in LISTS:
        members = tuple(item for item in node.value if item is not None)
        if not members:
            return _constant(node.operator == Operator.NIN)
        return _with_operand(node.field, node.function, compare, prepare(members))
    if node.value is None or (node.operator in RANGES and None in node.value):
        return _constant(None)
    return _with_operand(node.field, node.function, compare, prepare(node.value))


def _of_any_value(field: str, function: Function | None, check: Callable[[Any], bool]) -> Test:
    def test(row: Row, _variables: Variables, _now: float) -> Truth:
        if field not in row:
            return LOOKUP
        return check(row[field] if function is None else compute(function, row[field]))

    return test


def _with_operand(field: str, function: Function | None, compare: Callable[[Any, Any], bool], operand: Any) -> Test:
    def test(row: Row, _variables: Variables, _now: float) -> Truth:
        try:
            value = row[field]
        except KeyError:
            return LOOKUP
        if function is not None:
            value = compute(function, value)
        return None if value is None else compare(value, operand)

    return test


def _with_variables(node: Compare, compare: Callable[[Any, Any], bool]) -> Test:
    field, function, resolve = node.field, node.function, _resolution(node)
    without_members = node.operator == Operator.NIN if node.operator in LISTS else None

    def test(row: Row, variables: Variables, now: float) -> Truth:
        operand = resolve(variables, now)
        if operand is None or operand == ():
            return without_members
        try:
            value = row[field]
        except KeyError:
            return LOOKUP
        if function is not None:
            value = compute(function, value)
        return None if value is None else compare(value, operand)

    return test


def _resolution(node: Compare) -> Callable[[Variables, float], Any]:
    """Return what gives the operand for one caller; None for SQL's NULL, an empty tuple for a list without members."""
    kind, value = node.type, node.value
    if node.operator in LISTS:
        return lambda variables, now: operands_of(value, kind, variables, now)
    if isinstance(value, Variable):
        return lambda variables, now: operand_of(value, kind, variables, now)

    def bounds(variables: Variables, now: float) -> Any:
        pair = tuple(operand_of(item, kind, variables, now) if isinstance(item, Variable) else item for item in value)
        return None if None in pair else pair

    return bounds
