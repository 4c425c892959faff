"""Scalars: the leaves of the schema beside those that GraphQL has itself, by the names that Directus gives them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from graphql import GraphQLError, GraphQLScalarType, StringValueNode, value_from_ast_untyped
from graphql.language import FloatValueNode, IntValueNode

if TYPE_CHECKING:
    from graphql import ValueNode


def _any(value: Any) -> Any:
    return value


def _literal(node: ValueNode, variables: dict[str, Any] | None = None) -> Any:
    return value_from_ast_untyped(node, variables)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise GraphQLError("The value has to be a text.")
    return value


def _text_literal(node: ValueNode, _: dict[str, Any] | None = None) -> str:
    if not isinstance(node, StringValueNode):
        raise GraphQLError("The value has to be a text.", node)
    return node.value


def _whole(value: Any) -> str:
    """Take a whole number of any size, as a number or as a text; clients get it as a text."""
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise GraphQLError("The value has to be a whole number, or the text of one.")
    return str(value)


def _whole_literal(node: ValueNode, _: dict[str, Any] | None = None) -> str:
    if not isinstance(node, IntValueNode | StringValueNode):
        raise GraphQLError("The value has to be a whole number, or the text of one.", node)
    return node.value


def _text_or_number(value: Any) -> str | int | float:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise GraphQLError("The value has to be a text or a number.")
    if isinstance(value, float) and not math.isfinite(value):
        raise GraphQLError("The value has to be finite.")
    return value


def _text_or_number_literal(node: ValueNode, _: dict[str, Any] | None = None) -> str | int | float:
    match node:
        case StringValueNode():
            return node.value
        case IntValueNode():
            return int(node.value) if len(node.value) < _DIGITS else node.value
        case FloatValueNode():
            return _text_or_number(float(node.value))
        case _:
            raise GraphQLError("The value has to be a text or a number.", node)


_DIGITS = 1000
"""Longer numbers stay texts, which whoever knows the field refuses: Python takes long to read them."""

DATE = GraphQLScalarType("Date", serialize=_any, parse_value=_text, parse_literal=_text_literal)
BIG_INT = GraphQLScalarType("GraphQLBigInt", serialize=_any, parse_value=_whole, parse_literal=_whole_literal)
HASH = GraphQLScalarType("Hash", serialize=_any, parse_value=_text, parse_literal=_text_literal)
JSON = GraphQLScalarType("JSON", serialize=_any, parse_value=_any, parse_literal=_literal)
VOID = GraphQLScalarType("Void", serialize=_any, parse_value=_any, parse_literal=_literal)
TEXT_OR_NUMBER = GraphQLScalarType(
    "GraphQLStringOrFloat", serialize=_any, parse_value=_text_or_number, parse_literal=_text_or_number_literal
)
