"""Documents: texts that have been parsed and validated against one schema, kept for whoever sends the same again."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Any

from graphql import (
    FragmentDefinitionNode,
    GraphQLError,
    Location,
    Node,
    NoSchemaIntrospectionCustomRule,
    OperationDefinitionNode,
    Token,
    parse,
    specified_rules,
    validate,
)

from watchword.base.errors import Code, Problem
from watchword.graphql.limits import check_document
from watchword.graphql.members import is_once

if TYPE_CHECKING:
    from collections.abc import Iterator

    from graphql import DocumentNode, GraphQLSchema, SelectionSetNode

    from watchword.graphql.options import DocumentLimits

MOST_ERRORS = 20
MOST_HINTS = 3
"""Errors up to which each says what a name is nearly like: that looks at all names of the schema, again and again."""

MOST_DOCUMENTS = 500
MOST_KEPT = 200_000
"""Documents that are kept for one schema, and their characters: a parsed one takes a hundred times its text."""

LONGEST_KEPT = MOST_KEPT // 10
"""A longer one would take the place of what many others send."""


class Refused(Problem):
    """A request was not run, for these errors. Those that are `plain` are for programs to read, as they are.

    `is_syntax` says that the text could not be parsed.
    """

    def __init__(self, errors: list[Any], *, is_plain: bool = False, is_syntax: bool = False) -> None:
        super().__init__(Code.GRAPHQL_VALIDATION, errors=errors)
        self.errors = errors
        self.is_plain = is_plain
        self.is_syntax = is_syntax


class Document:
    """One valid document. `kept` is for what others work out of it."""

    def __init__(self, ast: DocumentNode) -> None:
        self.ast = ast
        self.fragments = {node.name.value: node for node in ast.definitions if isinstance(node, FragmentDefinitionNode)}
        self.operations = [node for node in ast.definitions if isinstance(node, OperationDefinitionNode)]
        self.kept: dict[Any, Any] = {}

    def operation(self, name: str | None) -> OperationDefinitionNode:
        """Return the operation of that name, or the only one.

        Raises:
            Refused: there is none, or there are several and no name.
        """
        if name is None and len(self.operations) == 1:
            return self.operations[0]
        if name is None:
            raise _refused("Must provide operation name if query contains multiple operations.")
        for operation in self.operations:
            if operation.name is not None and operation.name.value == name:
                return operation
        raise _refused(f'Unknown operation named "{name}".')


class Documents:
    """The documents of one schema, the most recently used at the end."""

    def __init__(self, schema: GraphQLSchema, limits: DocumentLimits, *, introspection: bool) -> None:
        self._schema = schema
        self._limits = limits
        self._introspection = introspection
        roots = (root for root in (schema.query_type, schema.mutation_type) if root is not None)
        self._once = {name for root in roots for name, field in root.fields.items() if is_once(field)}
        self._known: OrderedDict[str, Document] = OrderedDict()
        self._size = 0

    def known(self, text: str) -> Document | None:
        """Return what is kept of a text."""
        found = self._known.get(text)
        if found is not None:
            self._known.move_to_end(text)
        return found

    def understand(self, text: str) -> Document:
        """Parse and validate a text, on whatever thread.

        Raises:
            Refused: it is not good, with all that is wrong with it.
        """
        try:
            ast = parse(text, max_tokens=self._limits.tokens, allow_empty_selection_sets=False)
        except GraphQLError as error:
            raise Refused([error.formatted], is_syntax=True) from None
        except RecursionError:
            raise _refused("The document is nested too deeply.") from None
        errors = self._errors(ast)
        if errors:
            raise Refused([error.formatted for error in errors])
        return Document(_lightened(ast))

    def _errors(self, ast: DocumentNode) -> list[GraphQLError]:
        try:
            check_document(ast, self._limits)
        except GraphQLError as error:
            return [error]
        errors = self._validated(ast, hidden=True)
        if self._introspection and 0 < len(errors) <= MOST_HINTS:
            errors = self._validated(ast, hidden=False)
        return errors or list(self._repetitions(ast))

    def _validated(self, ast: DocumentNode, *, hidden: bool) -> list[GraphQLError]:
        """Return what is wrong; `hidden` keeps back what names are nearly like, which tells what there is."""
        rules = specified_rules if self._introspection else (*specified_rules, NoSchemaIntrospectionCustomRule)
        return validate(
            self._schema, ast, rules, MOST_ERRORS, hide_suggestions=hidden, allow_empty_selection_sets=False
        )

    def _repetitions(self, ast: DocumentNode) -> Iterator[GraphQLError]:
        """Find fields that may be used once in a document and are used again: they cost much, or are for guessing."""
        fragments = {node.name.value: node for node in ast.definitions if isinstance(node, FragmentDefinitionNode)}
        for operation in ast.definitions if self._once else ():
            if isinstance(operation, OperationDefinitionNode):
                used: set[str] = set()
                for node in _fields(operation.selection_set, fragments):
                    name = node.name.value
                    if name in used:
                        yield GraphQLError(f'"{name}" can only be used once per request', node)
                    used |= {name} & self._once

    @property
    def size(self) -> int:
        """How many characters the documents have that are kept."""
        return self._size

    def forget(self) -> None:
        """Keep none of them any longer."""
        self._known.clear()
        self._size = 0

    def keep(self, text: str, document: Document) -> Document:
        """Keep a document, on the loop; return the one that is kept, where several have understood a text at once."""
        found = self.known(text)
        if found is not None:
            return found
        if len(text) > LONGEST_KEPT:
            return document
        self._known[text] = document
        self._size += len(text)
        while self._size > MOST_KEPT or len(self._known) > MOST_DOCUMENTS:
            forgotten, _ = self._known.popitem(last=False)
            self._size -= len(forgotten)
        return document


def _fields(selections: SelectionSetNode, fragments: dict[str, FragmentDefinitionNode]) -> Iterator[Any]:
    """Yield the fields of the root, those of fragments included; validation has seen to it that there is no cycle."""
    for node in selections.selections:
        if node.kind == "field":
            yield node
        elif node.kind == "fragment_spread":
            yield from _fields(fragments[node.name.value].selection_set, fragments)  # type: ignore[attr-defined]  # kind says what it is
        else:
            yield from _fields(node.selection_set, fragments)  # type: ignore[attr-defined]  # an inline fragment


def _lightened(ast: DocumentNode) -> DocumentNode:
    """Return a document without its places, but for those that errors of its running are told to be at.

    All places lead to all words of the text, and these to each other: most of the memory that a document takes, and
    much for the garbage collector to look through.
    """
    fragments = {node.name.value: node for node in ast.definitions if isinstance(node, FragmentDefinitionNode)}
    placed: set[int] = set()
    for node in ast.definitions:
        if isinstance(node, OperationDefinitionNode):
            placed |= {id(each) for each in node.variable_definitions or ()}
            placed |= {id(each) for each in _fields(node.selection_set, fragments)}
    light: DocumentNode = _light(ast, placed)
    return light


def _light(value: Any, placed: set[int]) -> Any:
    if isinstance(value, tuple | list):
        return tuple(_light(each, placed) for each in value)
    if not isinstance(value, Node):
        return value
    parts = {key: _light(getattr(value, key), placed) for key in value.keys if key != "loc"}
    place = value.loc if id(value) in placed else None
    return type(value)(**parts, loc=None if place is None else _alone(place))


def _alone(place: Location) -> Location:
    """Return a place that leads to no other."""
    first, last = (
        Token(each.kind, each.start, each.end, each.line, each.column, each.value)
        for each in (place.start_token, place.end_token)
    )
    return Location(first, last, place.source)


def _refused(text: str) -> Refused:
    return Refused([GraphQLError(text).formatted])
