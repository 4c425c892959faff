"""Levels: what is read and shown of the rows of one selection set, and which rows are read below them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from graphql import get_argument_values

from watchword.data.schema import Collection
from watchword.graphql.arguments import query_of
from watchword.graphql.assembly import Assembly
from watchword.query.query import Query, Selection

if TYPE_CHECKING:
    from graphql import FieldNode, GraphQLField
    from graphql.execution.values import VariableValues

    from watchword.data.catalogue import Catalogue


class Given:
    """The arguments of one field, worked out for the variables of each request, or once where it has none."""

    def __init__(self, field: GraphQLField, node: FieldNode) -> None:
        self._field = field
        self._node = node
        self.is_constant = not _has_variables(node.arguments or ())
        self._constant = get_argument_values(field, node) if self.is_constant else {}

    def values(self, variables: VariableValues) -> dict[str, Any]:
        """Return the arguments by name."""
        if self.is_constant:
            return self._constant
        return get_argument_values(self._field, self._node, variables)


class Level(msgspec.Struct, frozen=True):
    """The rows of one selection set: what is read of them, which rows are read below them, and how they are shown."""

    collection: Collection
    selections: tuple[Selection, ...]
    alias: dict[str, str]
    below: dict[str, Below]
    assembly: Assembly

    @property
    def is_constant(self) -> bool:
        """Whether nothing below hangs on variables."""
        return all(each.given.is_constant and each.level.is_constant for each in self.below.values())

    def shaping(self, catalogue: Catalogue, query: Query, variables: VariableValues) -> Query:
        """Return a query that shows what this does, of the rows that `query` takes.

        Raises:
            Problem: INVALID_QUERY for arguments below.
        """
        deep = {
            name: each.level.shaping(
                catalogue, query_of(catalogue, each.level.collection, each.given.values(variables)), variables
            )
            for name, each in self.below.items()
        }
        return msgspec.structs.replace(query, fields=self.selections, alias=self.alias, deep=deep)


class Below(msgspec.Struct, frozen=True):
    """The rows that a relation leads to."""

    given: Given
    level: Level
    many: bool


def _has_variables(node: Any) -> bool:
    if isinstance(node, tuple | list):
        return any(map(_has_variables, node))
    if node.kind == "variable":
        return True
    return any(
        _has_variables(part)
        for name in ("value", "values", "fields")
        if (part := getattr(node, name, None)) and not isinstance(part, str | bool)
    )
