"""Limits: what a document may ask at all, found out before it is validated, in time that grows with its length only."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    InlineFragmentNode,
    OperationDefinitionNode,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from graphql import DocumentNode, SelectionSetNode

    from watchword.graphql.options import DocumentLimits

_SCHEMA = "__schema"
"""What costs most of all that can be asked at the root: it tells of everything at once."""

_INTROSPECTION = frozenset({_SCHEMA, "__type"})
_INTROSPECTION_DEPTH = 20
"""How deep a description of types goes: the usual tools ask for nine wrappers of a type."""


def check_document(document: DocumentNode, limits: DocumentLimits) -> None:
    """Let a document pass.

    Raises:
        GraphQLError: it asks for too much.
    """
    fragments = {node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)}
    walk = _Walk(fragments, limits)
    for node in document.definitions:
        if isinstance(node, OperationDefinitionNode | FragmentDefinitionNode):
            walk.definition(node)  # fragments that nothing uses are validated, too


class _Walk:
    """Goes through definitions as execution would: what has one name in one place is one field."""

    def __init__(self, fragments: dict[str, FragmentDefinitionNode], limits: DocumentLimits) -> None:
        self._fragments = fragments
        self._limits = limits
        self._fields = 0
        self._aliases = 0

    def definition(self, node: OperationDefinitionNode | FragmentDefinitionNode) -> None:
        roots = self._level([node.selection_set])
        if len(roots) > self._limits.roots:
            raise _refused(f"more than {self._limits.roots} fields at its root", node)
        described = [nodes[0] for nodes in roots.values() if nodes[0].name.value == _SCHEMA]
        if len(described) > 1:
            raise _refused("more than one description of the schema", described[1])
        for nodes in roots.values():
            is_described = nodes[0].name.value in _INTROSPECTION
            self._below(nodes, 1, _INTROSPECTION_DEPTH if is_described else self._limits.depth)

    def _below(self, nodes: Sequence[FieldNode], depth: int, deepest: int) -> None:
        if depth > deepest:
            raise _refused(f"more than {deepest} levels", nodes[0])
        sets = [node.selection_set for node in nodes if node.selection_set is not None]
        if sets:
            found = self._level(sets)
            self._check_names(found)
            for below in found.values():
                self._below(below, depth + 1, deepest)

    def _level(self, sets: Sequence[SelectionSetNode]) -> dict[str, list[FieldNode]]:
        """Return the fields of one place by name."""
        found: dict[str, list[FieldNode]] = {}
        waiting: list[tuple[Any, frozenset[str]]] = [(each, frozenset()) for each in reversed(sets)]
        while waiting:
            selections, within = waiting.pop()
            for node in selections.selections:
                if isinstance(node, FieldNode):
                    self._count(node, found)
                elif isinstance(node, InlineFragmentNode):
                    self._spend(node)
                    waiting.append((node.selection_set, within))
                elif isinstance(node, FragmentSpreadNode) and node.name.value not in within:
                    self._spend(node)
                    fragment = self._fragments.get(node.name.value)
                    if fragment is not None:
                        waiting.append((fragment.selection_set, within | {node.name.value}))
        return found

    def _check_names(self, found: dict[str, list[FieldNode]]) -> None:
        """Refuse one value under many names: it makes an answer many times as long as what is read for it."""
        values = [nodes[0] for nodes in found.values() if nodes[0].selection_set is None]
        for name, count in Counter(node.name.value for node in values).items():
            if count > self._limits.names:
                last = next(node for node in reversed(values) if node.name.value == name)
                raise _refused(f"one value under more than {self._limits.names} names in one place", last)

    def _count(self, node: FieldNode, found: dict[str, list[FieldNode]]) -> None:
        self._spend(node)
        self._aliases += node.alias is not None
        if self._aliases > self._limits.aliases:
            raise _refused(f"more than {self._limits.aliases} aliases", node)
        same = found.setdefault(node.alias.value if node.alias else node.name.value, [])
        same.append(node)
        if len(same) > self._limits.repeated:
            raise _refused(f"one name more than {self._limits.repeated} times in one place", node)

    def _spend(self, node: Any) -> None:
        self._fields += 1
        if self._fields > self._limits.fields:
            raise _refused(f"more than {self._limits.fields} fields", node)


def _refused(what: str, node: Any) -> GraphQLError:
    return GraphQLError(f"The document has {what}.", node)
