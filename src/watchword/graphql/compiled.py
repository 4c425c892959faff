"""Compiled: one operation of a document as the list of what has to be done for it, worked out once for each schema."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import msgspec
from graphql import FieldNode, GraphQLNonNull, GraphQLObjectType, OperationDefinitionNode, VariableNode, get_named_type
from graphql.execution.values import VariableValues

from watchword.graphql.arguments import query_of
from watchword.graphql.assembly import Assembly
from watchword.graphql.following import Projection, followed
from watchword.graphql.levels import Given, Level
from watchword.graphql.members import Delegated, Kind, Root, member_of
from watchword.graphql.selection import PATH, TYPENAME, Selector
from watchword.query.query import Aggregate, Query

if TYPE_CHECKING:
    from collections.abc import Iterator

    from graphql import GraphQLSchema

    from watchword.data.catalogue import Catalogue
    from watchword.graphql.documents import Document

INTROSPECTION = frozenset({"__schema", "__type"})
MOST_VARIANTS = 16
NO_VARIABLES = VariableValues({}, {})

_OF_GROUPS = frozenset({Kind.READ_GROUPS})
_OF_KEYS = frozenset({Kind.DELETE_ONE, Kind.DELETE_MANY})


class Step(msgspec.Struct, frozen=True):
    """One root field. What it needs beside its arguments hangs on what it is.

    `level` shapes rows, `aggregates` and `assembly` groups, `plain` everything that is no row, `projection` events.
    `is_needed`: without a value for it there is no answer at all. `asks` keeps the query where no variable changes it.
    """

    key: str
    node: FieldNode
    member: Root | Delegated | None
    given: Given | None = None
    level: Level | None = None
    aggregates: tuple[Aggregate, ...] = ()
    assembly: Assembly | None = None
    plain: Callable[[Any], Any] | None = None
    projection: Projection | None = None
    is_needed: bool = False
    asks: list[Query] = []

    @property
    def is_constant(self) -> bool:
        """Whether it asks the same whatever the variables are."""
        return (self.given is None or self.given.is_constant) and (self.level is None or self.level.is_constant)

    def query(self, catalogue: Catalogue, arguments: dict[str, Any], variables: VariableValues) -> Query:
        """Return the query of a step about rows or groups.

        Raises:
            Problem: INVALID_QUERY.
        """
        if self.asks:
            return self.asks[0]
        query = self._query(catalogue, arguments, variables)
        if self.is_constant:
            self.asks.append(query)
        return query

    def _query(self, catalogue: Catalogue, arguments: dict[str, Any], variables: VariableValues) -> Query:
        assert isinstance(self.member, Root)  # noqa: S101 - others have no query
        asked = query_of(catalogue, catalogue.schema.collections[self.member.collection], arguments)
        if self.level is None:
            return msgspec.structs.replace(asked, aggregate=self.aggregates)
        return self.level.shaping(catalogue, asked, variables)


class Operation(msgspec.Struct, frozen=True):
    """What one operation comes to: `query`, `mutation` or `subscription`, and its root fields in order.

    `described` are the fields about the schema itself, which are left to the general executor.
    """

    kind: str
    node: OperationDefinitionNode
    steps: tuple[Step, ...]
    described: tuple[FieldNode, ...]


def compiled(
    document: Document,
    node: OperationDefinitionNode,
    schema: GraphQLSchema,
    catalogue: Catalogue,
    values: VariableValues,
) -> Operation:
    """Return an operation, kept in its document, for what its `@skip` and `@include` leave with these variables."""
    name = node.name.value if node.name else None
    key = (name, tuple(values.coerced.get(variable) for variable in _deciding(document, node)))
    found: Operation | None = document.kept.get(key)
    if found is None:
        if len(document.kept) >= MOST_VARIANTS:
            document.kept.clear()
        found = document.kept[key] = _compile(document, node, schema, catalogue, values)
    return found


def _compile(
    document: Document,
    node: OperationDefinitionNode,
    schema: GraphQLSchema,
    catalogue: Catalogue,
    values: VariableValues,
) -> Operation:
    kind = node.operation.value
    shown = schema.get_root_type(node.operation)
    assert shown is not None  # noqa: S101 - validation has refused an operation that there is no type for
    selector = Selector(catalogue, schema, document.fragments, values)
    steps = []
    described = []
    for key, nodes in selector.collect(shown, [node.selection_set]).items():
        if nodes[0].name.value in INTROSPECTION:
            described += nodes
        steps.append(_step(key, nodes, shown, catalogue, selector))
    return Operation(kind, node, tuple(steps), tuple(described))


def _step(key: str, nodes: list[FieldNode], shown: GraphQLObjectType, catalogue: Catalogue, selector: Selector) -> Step:
    name = nodes[0].name.value
    if name == TYPENAME or name in INTROSPECTION:
        return Step(key, nodes[0], None)
    field = shown.fields[name]
    member = member_of(field)
    given, row = Given(field, nodes[0]), get_named_type(field.type)
    is_needed = isinstance(field.type, GraphQLNonNull)
    assert isinstance(member, Root | Delegated)  # noqa: S101 - nothing else is at the root
    if isinstance(member, Delegated) or member.kind in _OF_KEYS or not isinstance(row, GraphQLObjectType):
        return Step(key, nodes[0], member, given, plain=selector.plain(field.type, nodes), is_needed=is_needed)
    collection = catalogue.schema.collections[member.collection]
    if member.kind in _OF_GROUPS:
        aggregates, assembly = selector.groups(row, nodes)
        return Step(key, nodes[0], member, given, aggregates=aggregates, assembly=assembly, is_needed=is_needed)
    if member.kind is Kind.FOLLOW:
        level, projection = followed(key, row, nodes, collection, selector)
        return Step(key, nodes[0], member, given, level, projection=projection)
    return Step(key, nodes[0], member, given, selector.level(row, collection, nodes), is_needed=is_needed)


def _deciding(document: Document, node: OperationDefinitionNode) -> tuple[str, ...]:
    """Return the variables that decide about which fields there are; the same for every run of the document."""
    key = ("deciding", node.name.value if node.name else None)
    found: tuple[str, ...] | None = document.kept.get(key)
    if found is None:
        nodes = [node, *document.fragments.values()]
        found = document.kept[key] = tuple(sorted({name for each in nodes for name in _conditions(each)}))
    return found


def _conditions(node: Any) -> Iterator[str]:
    """Yield the variables of conditions, and of paths into JSON values: each of these is a field of its own."""
    for each in node.selection_set.selections:
        for argument in getattr(each, "arguments", None) or ():
            if argument.name.value == PATH and isinstance(argument.value, VariableNode):
                yield argument.value.name.value
        for directive in each.directives or ():
            for argument in directive.arguments or ():
                if isinstance(argument.value, VariableNode):
                    yield argument.value.name.value
        if getattr(each, "selection_set", None) is not None:
            yield from _conditions(each)
