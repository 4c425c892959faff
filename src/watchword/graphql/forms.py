"""Forms: the type that a field has in the schema, and what is made of its value for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from graphql import GraphQLBoolean, GraphQLFloat, GraphQLID, GraphQLInt, GraphQLList, GraphQLString

from watchword.base import json
from watchword.graphql.scalars import BIG_INT, DATE, HASH, JSON
from watchword.query.types import TEMPORAL, TEXTUAL, FieldType

if TYPE_CHECKING:
    from graphql import GraphQLList as ListOf
    from graphql import GraphQLScalarType

    from watchword.data.schema import Collection, Field
    from watchword.graphql.members import Form

_TYPES: dict[FieldType, GraphQLScalarType | ListOf[GraphQLScalarType]] = {
    FieldType.INTEGER: GraphQLInt,
    FieldType.BIG_INTEGER: BIG_INT,
    FieldType.FLOAT: GraphQLFloat,
    FieldType.DECIMAL: GraphQLFloat,
    FieldType.BOOLEAN: GraphQLBoolean,
    FieldType.JSON: JSON,
    FieldType.CSV: GraphQLList(GraphQLString),
    FieldType.HASH: HASH,
    FieldType.UUID: GraphQLID,
    **dict.fromkeys(TEMPORAL, DATE),
}


def type_of(collection: Collection, field: Field) -> GraphQLScalarType | ListOf[GraphQLScalarType]:
    """Return the type of a column: keys are `ID`, whatever they are to the database."""
    if collection.key == (field.name,):
        return GraphQLID
    if field.concealed and field.type in TEXTUAL:
        return HASH
    return _TYPES.get(field.type, GraphQLString)


def form_of(collection: Collection, field: Field) -> Form | None:
    """Return what is made of a column's value, None where it is shown as it is."""
    if field.concealed:
        return None
    if collection.key == (field.name,):
        return as_id
    return _FORMS.get(field.type)


def as_id(value: Any) -> Any:
    """Return a key as the text that `ID` is."""
    return value if value is None else str(value)


def as_float(value: Any) -> Any:
    """Return a number that may have been written as a text, to keep its digits, as the number that `Float` is."""
    return float(value) if isinstance(value, str) else value


def _text(value: Any) -> Any:
    return value if value is None or isinstance(value, str) else json.encode(value).decode()


_FORMS: dict[FieldType, Form] = {
    FieldType.BIG_INTEGER: as_id,
    FieldType.DECIMAL: as_float,
    FieldType.UNKNOWN: _text,
}
