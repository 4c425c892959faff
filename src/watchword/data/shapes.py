"""Shapes: queries without their constants, so that one plan serves all queries that differ in nothing else."""

from __future__ import annotations

from typing import Any

import msgspec

from watchword.base.errors import invalid_query
from watchword.data.operands import MOST_VALUES, items_of
from watchword.query.filters import All, Compare, Filter, Not, Related, Variable
from watchword.query.filters import Any as AnyOf
from watchword.query.query import Query
from watchword.query.types import LISTS, PATTERNS, Operator

GIVEN = "GIVEN"
"""The variable that stands for a constant; its path is the constant's place. No client can name it."""

_ONES = PATTERNS | {Operator.EQ, Operator.NEQ, Operator.LT, Operator.LTE, Operator.GT, Operator.GTE}


class Shape(msgspec.Struct, frozen=True):
    """A query whose constants are variables, and the constants."""

    query: Query
    given: tuple[Any, ...]


def shape_of(query: Query, *, limited: bool) -> Shape:
    """Return the shape of a query. Constants that decide about the statement itself (nulls, flags) stay in it.

    `limited` says whether the rows are limited in number; how many, and from which on, is not part of the shape.

    Raises:
        Problem: INVALID_QUERY, when the query has more constants than a statement may have.
    """
    lifting = _Lifting()
    lifted = lifting.query(query)
    if lifting.count > MOST_VALUES:
        raise invalid_query(f"A query may have {MOST_VALUES} values at most")
    window = msgspec.structs.replace(lifted, limit=1 if limited else -1, offset=1 if query.offset else 0)
    return Shape(window, tuple(lifting.given))


def place_of(value: Any) -> int | None:
    """Return the place of the constant that a value stands for; None where it is something else."""
    return int(value.path[0]) if isinstance(value, Variable) and value.name == GIVEN else None


class _Lifting:
    """Takes the constants out of one query."""

    def __init__(self) -> None:
        self.given: list[Any] = []
        self.count = 0

    def query(self, query: Query) -> Query:
        deep = {name: self.query(below) for name, below in query.deep.items()}
        return msgspec.structs.replace(query, filter=self._filter(query.filter), deep=deep)

    def _filter(self, node: Filter) -> Filter:
        match node:
            case Compare():
                return self._compare(node)
            case Related(filter=inner):
                return Related(node.field, self._filter(inner), node.quantifier)
            case All(parts=parts):
                return All(tuple(map(self._filter, parts)))
            case AnyOf(parts=parts):
                return AnyOf(tuple(map(self._filter, parts)))
            case Not(part=part):
                return Not(self._filter(part))

    def _compare(self, node: Compare) -> Compare:
        value = node.value
        members = items_of(value) if node.operator in LISTS else [value]
        self.count += len(members)
        if any(isinstance(item, Variable) for item in members):
            return node
        if node.operator not in LISTS and (value is None or node.operator not in _ONES):
            return node
        self.given.append(value)
        return msgspec.structs.replace(node, value=Variable(GIVEN, (str(len(self.given) - 1),)))
