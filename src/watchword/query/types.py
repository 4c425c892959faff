"""The types that a field can have, and which operators and functions each of them takes."""

from __future__ import annotations

from enum import StrEnum


class FieldType(StrEnum):
    """A field's type by the name that clients see."""

    STRING = "string"
    TEXT = "text"
    UUID = "uuid"
    HASH = "hash"
    INTEGER = "integer"
    BIG_INTEGER = "bigInteger"
    FLOAT = "float"
    DECIMAL = "decimal"
    BOOLEAN = "boolean"
    DATE = "date"
    TIME = "time"
    DATE_TIME = "dateTime"
    TIMESTAMP = "timestamp"
    JSON = "json"
    CSV = "csv"
    BINARY = "binary"
    ALIAS = "alias"
    UNKNOWN = "unknown"


TEXTUAL = frozenset({FieldType.STRING, FieldType.TEXT, FieldType.HASH, FieldType.CSV, FieldType.UNKNOWN})
NUMERIC = frozenset({FieldType.INTEGER, FieldType.BIG_INTEGER, FieldType.FLOAT, FieldType.DECIMAL})
TEMPORAL = frozenset({FieldType.DATE, FieldType.TIME, FieldType.DATE_TIME, FieldType.TIMESTAMP})


class Operator(StrEnum):
    """A comparison by its name on the wire, without the underscore."""

    EQ = "eq"
    NEQ = "neq"
    LT = "lt"
    LTE = "lte"
    GT = "gt"
    GTE = "gte"
    IN = "in"
    NIN = "nin"
    NULL = "null"
    NNULL = "nnull"
    CONTAINS = "contains"
    NCONTAINS = "ncontains"
    ICONTAINS = "icontains"
    NICONTAINS = "nicontains"
    STARTS_WITH = "starts_with"
    NSTARTS_WITH = "nstarts_with"
    ISTARTS_WITH = "istarts_with"
    NISTARTS_WITH = "nistarts_with"
    ENDS_WITH = "ends_with"
    NENDS_WITH = "nends_with"
    IENDS_WITH = "iends_with"
    NIENDS_WITH = "niends_with"
    BETWEEN = "between"
    NBETWEEN = "nbetween"
    EMPTY = "empty"
    NEMPTY = "nempty"
    REGEX = "regex"
    SUBMITTED = "submitted"


LISTS = frozenset({Operator.IN, Operator.NIN})
RANGES = frozenset({Operator.BETWEEN, Operator.NBETWEEN})
PATTERNS = frozenset(op for op in Operator if op.value.endswith(("contains", "starts_with", "ends_with")))

_NULLNESS = frozenset({Operator.NULL, Operator.NNULL})
_EMPTINESS = frozenset({Operator.EMPTY, Operator.NEMPTY})
_EQUALITY = frozenset({Operator.EQ, Operator.NEQ, Operator.IN, Operator.NIN}) | _NULLNESS
_ORDER = frozenset({Operator.LT, Operator.LTE, Operator.GT, Operator.GTE}) | RANGES

VALIDATION_ONLY = frozenset({Operator.REGEX, Operator.SUBMITTED})


def operators_of(kind: FieldType) -> frozenset[Operator]:
    """Return the operators that a filter may use on a field of this type (validation-only ones excluded)."""
    if kind in NUMERIC or kind in TEMPORAL:
        return _EQUALITY | _ORDER | _EMPTINESS
    if kind is FieldType.BOOLEAN:
        return _EQUALITY | _EMPTINESS
    if kind is FieldType.UUID:
        return _EQUALITY | _EMPTINESS | PATTERNS
    if kind is FieldType.JSON or kind is FieldType.BINARY:
        return _NULLNESS | _EMPTINESS
    if kind is FieldType.ALIAS:
        return _NULLNESS
    return _EQUALITY | _ORDER | _EMPTINESS | PATTERNS


class Function(StrEnum):
    """What can be computed of a field inside `fields`, `filter`, `sort` and `groupBy`."""

    YEAR = "year"
    MONTH = "month"
    WEEK = "week"
    DAY = "day"
    WEEKDAY = "weekday"
    HOUR = "hour"
    MINUTE = "minute"
    SECOND = "second"
    COUNT = "count"


_OF_DATE = frozenset({Function.YEAR, Function.MONTH, Function.WEEK, Function.DAY, Function.WEEKDAY})
_OF_TIME = frozenset({Function.HOUR, Function.MINUTE, Function.SECOND})


def functions_of(kind: FieldType) -> frozenset[Function]:
    """Return the functions that apply to a field of this type; `count` also takes to-many relations."""
    if kind is FieldType.DATE:
        return _OF_DATE
    if kind is FieldType.TIME:
        return _OF_TIME
    if kind in {FieldType.DATE_TIME, FieldType.TIMESTAMP}:
        return _OF_DATE | _OF_TIME
    if kind in {FieldType.JSON, FieldType.CSV, FieldType.ALIAS}:
        return frozenset({Function.COUNT})
    return frozenset()
