"""Comparisons in SQL: what each operator asks of one expression, on each database.

Text compares by code point and matches literally, so `LIKE` and the database's collations play no part.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from watchword.data.columns import CodedText, Foreign, Real, SqliteColumn
from watchword.data.shapes import place_of
from watchword.query.filters import Variable
from watchword.query.types import TEXTUAL, FieldType, Operator

if TYPE_CHECKING:
    from collections.abc import Callable

    from watchword.data.parameters import Parameters

Condition = sa.ColumnElement[bool]

TEXT = sa.Text()
_DOUBLE: sa.Double[float] = sa.Double()
_ROOT = '"und-x-icu"'  # ICU's root locale: Unicode's own case mapping, whatever the database's locale is
_NOTHING: sa.ColumnElement[str] = sa.literal_column("''")
_ORDERED_AS_TEXT = TEXTUAL | {FieldType.UUID}


class Subject(msgspec.Struct, frozen=True):
    """What is compared: an expression, its field type, and the SQL type of the values that it is compared with."""

    expression: sa.ColumnElement[Any]
    type: FieldType
    operand: sa.types.TypeEngine[Any]


def subject_of(column: sa.ColumnElement[Any], kind: FieldType) -> Subject:
    """Return a column as something to compare with canonical values."""
    stored = column.type
    if isinstance(stored, Foreign):
        return Subject(sa.cast(column, TEXT), kind, TEXT)
    if isinstance(stored, CodedText):
        return Subject(sa.type_coerce(column, TEXT), kind, TEXT)
    if isinstance(stored, Real):
        # Its text is the shortest that stands for it, which is also what is read.
        return Subject(sa.cast(sa.cast(column, TEXT), _DOUBLE), kind, _DOUBLE)
    if not isinstance(stored, SqliteColumn):
        return Subject(column, kind, stored)
    if kind in {FieldType.CSV, FieldType.JSON}:
        return Subject(sa.type_coerce(column, TEXT), kind, TEXT)
    if kind in {FieldType.DATE_TIME, FieldType.TIMESTAMP}:
        spaced = sa.func.replace(column, sa.literal_column("'T'"), sa.literal_column("' '"))
        plain = sa.func.replace(spaced, sa.literal_column("'Z'"), _NOTHING)
        return Subject(plain, kind, stored)
    return Subject(column, kind, stored)


class Comparisons:
    """Translates the operators for one statement; `parameters` turns values into parameters of it."""

    def __init__(self, parameters: Parameters, *, sqlite: bool) -> None:
        self._parameters = parameters
        self._sqlite = sqlite

    def compare(self, operator: Operator, subject: Subject, value: Any) -> Condition:
        """Return the condition `subject operator value`."""
        match operator:
            case Operator.NULL | Operator.NNULL:
                return _negated(_is_null(subject), (operator is Operator.NULL) != bool(value))
            case Operator.EMPTY | Operator.NEMPTY:
                return _negated(_is_empty(subject), (operator is Operator.EMPTY) != bool(value))
            case Operator.EQ | Operator.NEQ:
                return _negated(subject.expression == self._value(subject, value), operator is Operator.NEQ)
            case Operator.IN | Operator.NIN:
                return self._member(operator, subject, value)
            case Operator.BETWEEN | Operator.NBETWEEN:
                return _negated(self._between(subject, *value), operator is Operator.NBETWEEN)
            case Operator.LT | Operator.LTE | Operator.GT | Operator.GTE:
                return self._order(operator, subject, value)
            case Operator.REGEX | Operator.SUBMITTED:
                raise ValueError(f"{operator} is asked of a payload, not of a row")
            case _:
                return self._match(operator.value, subject, value)

    def _member(self, operator: Operator, subject: Subject, values: Any) -> Condition:
        expression = subject.expression
        negated = operator is Operator.NIN
        if self._sqlite:
            parameter = self._parameters.many(values, subject.type, subject.operand, expanding=True)
            return expression.not_in(parameter) if negated else expression.in_(parameter)
        array = postgresql.ARRAY(subject.operand)
        parameter = self._parameters.many(values, subject.type, array, expanding=False)
        return expression != sa.all_(parameter) if negated else expression == sa.any_(parameter)

    def _order(self, operator: Operator, subject: Subject, value: Any) -> Condition:
        return _ORDERS[operator](self._ordered(subject), self._value(subject, value))

    def _ordered(self, subject: Subject) -> sa.ColumnElement[Any]:
        expression = subject.expression
        if self._sqlite or subject.type not in _ORDERED_AS_TEXT or not isinstance(expression.type, sa.Text):
            return expression
        return expression.collate("C")

    def _between(self, subject: Subject, low: Any, high: Any) -> Condition:
        bounds = self._value(subject, low), self._value(subject, high)
        expression = self._ordered(subject)
        inside = sa.and_(expression >= bounds[0], expression <= bounds[1])
        if not isinstance(low, Variable) and not isinstance(high, Variable):
            return inside
        # A bound that has no value makes the whole unknown, also where the other bound alone would exclude the row.
        return sa.case((sa.and_(*(bound.is_not(None) for bound in bounds)), inside))

    def _match(self, operator: str, subject: Subject, value: Any) -> Condition:
        expression = subject.expression
        if not isinstance(expression.type, sa.Text | SqliteColumn):
            expression = sa.cast(expression, TEXT)
        negated = operator.startswith("n")
        name = operator.removeprefix("n")
        kind = subject.type if place_of(value) is None else FieldType.TEXT
        wanted: sa.ColumnElement[Any] = self._parameters.one(value, kind, TEXT)
        if name.startswith("i"):
            name, expression, wanted = name.removeprefix("i"), self._lower(expression), self._lower(wanted)
        matcher = (_SQLITE_MATCHERS if self._sqlite else _POSTGRES_MATCHERS)[name]
        return _negated(matcher(expression, wanted), negated)

    def _lower(self, text: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
        if self._sqlite:
            return sa.func.watchword_lower(text, type_=TEXT)
        return sa.func.lower(text.op("COLLATE")(sa.literal_column(_ROOT)), type_=TEXT)

    def _value(self, subject: Subject, value: Any) -> sa.ColumnElement[Any]:
        return self._parameters.one(value, subject.type, subject.operand)


def _negated(condition: Condition, negated: bool) -> Condition:
    return sa.not_(condition) if negated else condition


def _is_null(subject: Subject) -> Condition:
    expression = subject.expression
    if subject.type is not FieldType.JSON:
        return expression.is_(None)
    # JSON's own null reads as null too.
    return sa.or_(expression.is_(None), sa.cast(expression, TEXT) == sa.literal_column("'null'"))


def _is_empty(subject: Subject) -> Condition:
    if subject.type in TEXTUAL:
        return sa.func.coalesce(subject.expression, _NOTHING) == _NOTHING
    return _is_null(subject)


def _sqlite_starts(text: sa.ColumnElement[Any], wanted: sa.ColumnElement[Any]) -> Condition:
    return sa.func.substr(text, sa.literal_column("1"), sa.func.length(wanted)) == wanted


def _sqlite_ends(text: sa.ColumnElement[Any], wanted: sa.ColumnElement[Any]) -> Condition:
    start = sa.func.length(text) - sa.func.length(wanted) + sa.literal_column("1")
    return sa.func.substr(text, start) == wanted


_ORDERS: dict[Operator, Callable[[Any, Any], Condition]] = {
    Operator.LT: lambda left, right: left < right,
    Operator.LTE: lambda left, right: left <= right,
    Operator.GT: lambda left, right: left > right,
    Operator.GTE: lambda left, right: left >= right,
}
_ZERO: sa.ColumnElement[int] = sa.literal_column("0")
_Matcher = dict[str, "Callable[[sa.ColumnElement[Any], sa.ColumnElement[Any]], Condition]"]
_SQLITE_MATCHERS: _Matcher = {
    "contains": lambda text, wanted: sa.func.instr(text, wanted) > _ZERO,
    "starts_with": _sqlite_starts,
    "ends_with": _sqlite_ends,
}
_POSTGRES_MATCHERS: _Matcher = {
    "contains": lambda text, wanted: sa.func.strpos(text, wanted) > _ZERO,
    "starts_with": sa.func.starts_with,
    "ends_with": lambda text, wanted: sa.func.right(text, sa.func.length(wanted)) == wanted,
}
