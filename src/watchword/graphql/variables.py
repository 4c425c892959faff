"""Variables: what a request gives, fitted to what its operation declares, within what that may cost."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from graphql import GraphQLError, get_variable_values
from graphql.execution.values import VariableValues

from watchword.graphql.documents import Refused

if TYPE_CHECKING:
    from graphql import GraphQLSchema, OperationDefinitionNode

FEW = 500
"""Values that are fitted at once; more are fitted beside the loop, so that nobody else waits for them."""

MOST_OBJECTS = 50_000
"""Objects that variables may hold: each costs as much as its type has fields, however few of these it names."""

_MOST_ERRORS = 20


def are_few(given: dict[str, Any]) -> bool:
    """Whether there are so few values that fitting them takes no time."""
    waiting: list[Any] = [given]
    count = 0
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            waiting.extend(value.values())
        elif isinstance(value, list):
            waiting.extend(value)
        count += 1
        if count > FEW:
            return False
    return True


def fitted(
    schema: GraphQLSchema, node: OperationDefinitionNode, given: dict[str, Any], *, hidden: bool
) -> VariableValues:
    """Return the values of an operation's variables; `hidden` keeps back what names are nearly like.

    Raises:
        Refused: they do not fit, or there are too many.
    """
    if _objects(given) > MOST_OBJECTS:
        raise Refused([GraphQLError(f"Variables have more than {MOST_OBJECTS} objects.").formatted])
    values = get_variable_values(schema, node.variable_definitions or (), given, _MOST_ERRORS, hidden)
    if not isinstance(values, VariableValues):
        raise Refused([error.formatted for error in values])
    return values


def _objects(given: dict[str, Any]) -> int:
    waiting: list[Any] = [given]
    count = 0
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            count += 1
            waiting.extend(value.values())
        elif isinstance(value, list):
            waiting.extend(value)
    return count
