"""Operators: the input types of filters, one for each family of types, with the operators that Directus gives them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from graphql import GraphQLBoolean, GraphQLInputField, GraphQLInputObjectType, GraphQLList, GraphQLString

from watchword.graphql.scalars import BIG_INT, JSON, TEXT_OR_NUMBER
from watchword.query.types import NUMERIC, TEMPORAL, FieldType, Function, functions_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from graphql import GraphQLInputType

    from watchword.data.schema import Field

_NULLNESS = ("null", "nnull")
_EMPTINESS = ("empty", "nempty")
_EQUALITY = ("eq", "neq")
_ORDER = ("gt", "gte", "lt", "lte")
_LISTS = ("in", "nin")
_RANGES = ("between", "nbetween")
_PATTERNS = (
    "contains", "icontains", "ncontains", "starts_with", "nstarts_with", "istarts_with", "nistarts_with", "ends_with",
    "nends_with", "iends_with", "niends_with",
)  # fmt: skip


def _operators(name: str, value: GraphQLInputType, operators: Iterable[str]) -> GraphQLInputObjectType:
    fields: dict[str, GraphQLInputField] = {}
    for operator in operators:
        kind: GraphQLInputType = value
        if operator in _NULLNESS or operator in _EMPTINESS:
            kind = GraphQLBoolean
        elif operator in _LISTS or operator in _RANGES:
            kind = GraphQLList(value)
        fields[f"_{operator}"] = GraphQLInputField(kind)
    return GraphQLInputObjectType(f"{name}_filter_operators", fields)


_COMPARISONS = (*_EQUALITY, *_LISTS, *_ORDER, *_NULLNESS, *_RANGES)
_TEXT = _operators("string", GraphQLString, (*_EQUALITY, *_PATTERNS, *_LISTS, *_NULLNESS, *_EMPTINESS))
_NUMBER = _operators("number", TEXT_OR_NUMBER, _COMPARISONS)
_BIG_INT = _operators("big_int", BIG_INT, _COMPARISONS)
_DATE = _operators("date", GraphQLString, _COMPARISONS)
_BOOLEAN = _operators("boolean", GraphQLBoolean, (*_EQUALITY, *_NULLNESS))
_HASH = _operators("hash", GraphQLString, (*_NULLNESS, *_EMPTINESS))
_JSON = _operators("json", GraphQLString, _NULLNESS)
_JSON.fields["_json"] = GraphQLInputField(JSON)


def operators_for(field: Field) -> GraphQLInputObjectType:
    """Return the operators that a filter offers on a column."""
    if field.concealed:
        return _HASH
    kind = field.type
    if kind is FieldType.BIG_INTEGER:
        return _BIG_INT
    if kind in NUMERIC:
        return _NUMBER
    if kind in TEMPORAL:
        return _DATE
    if kind is FieldType.BOOLEAN:
        return _BOOLEAN
    return _JSON if kind in {FieldType.JSON, FieldType.BINARY} else _TEXT


def family_of(kind: FieldType) -> str | None:
    """Return the name of the functions that apply to a type, None where none does or where clients know of none."""
    return {
        FieldType.DATE: "date",
        FieldType.TIME: "time",
        FieldType.DATE_TIME: "datetime",
        FieldType.TIMESTAMP: "datetime",
        FieldType.JSON: "json",
        FieldType.ALIAS: "count",
    }.get(kind)


_OF_FAMILY = {
    "date": FieldType.DATE,
    "time": FieldType.TIME,
    "datetime": FieldType.DATE_TIME,
    "count": FieldType.ALIAS,
    "json": FieldType.JSON,
}
FAMILIES = {
    name: tuple(function for function in Function if function in functions_of(kind))
    for name, kind in _OF_FAMILY.items()
}
"""The functions of each family, by its name."""

_FUNCTIONS = {
    name: GraphQLInputObjectType(
        f"{name}_function_filter_operators", {function.value: GraphQLInputField(_NUMBER) for function in functions}
    )
    for name, functions in FAMILIES.items()
    if name != "json"  # parts of JSON have an operator of their own
}


def function_operators_for(family: str) -> GraphQLInputObjectType:
    """Return the filter on functions of a family."""
    return _FUNCTIONS["count" if family == "json" else family]
