"""Selection: from the selection sets of a document to the fields of queries, and to how their rows are put together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from graphql import (
    FieldNode,
    FragmentSpreadNode,
    GraphQLIncludeDirective,
    GraphQLObjectType,
    GraphQLSkipDirective,
    GraphQLUnionType,
    InlineFragmentNode,
    get_argument_values,
    get_named_type,
)
from graphql.execution.values import get_directive_values

from watchword.graphql.assembly import Assembly, Cell, way_of
from watchword.graphql.levels import Below, Given, Level
from watchword.graphql.members import Choice, Column, Computed, Functions, Inside, Measure, Part, Related, member_of
from watchword.query.documents import parse_place
from watchword.query.query import Aggregate, Selection

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from graphql import FragmentDefinitionNode, GraphQLField, GraphQLSchema, SelectionNode, SelectionSetNode
    from graphql.execution.values import VariableValues

    from watchword.data.catalogue import Catalogue
    from watchword.data.schema import Collection
    from watchword.query.documents import Place

Fields = dict[str, list[FieldNode]]
TYPENAME = "__typename"
PATH = "path"
"""The argument that says which part of a JSON value is wanted."""


class Selector:
    """Reads the selection sets of one operation, for one choice of what `@skip` and `@include` leave."""

    def __init__(
        self,
        catalogue: Catalogue,
        schema: GraphQLSchema,
        fragments: dict[str, FragmentDefinitionNode],
        variables: VariableValues,
    ) -> None:
        self._catalogue = catalogue
        self._schema = schema
        self._fragments = fragments
        self._variables = variables

    def collect(self, shown: GraphQLObjectType, sets: Sequence[SelectionSetNode | None]) -> Fields:
        """Return the fields of selection sets that are one, by response key in their order (specification, 6.3.2)."""
        fields: Fields = {}
        seen: set[str] = set()
        for each in sets:
            if each is not None:
                self._collect(shown.name, each.selections, fields, seen)
        return fields

    def _collect(self, shown: str, selections: Sequence[SelectionNode], fields: Fields, seen: set[str]) -> None:
        for node in selections:
            if not self._is_included(node):
                continue
            if isinstance(node, FieldNode):
                fields.setdefault(response_key(node), []).append(node)
                continue
            inner: Any = node
            if isinstance(node, FragmentSpreadNode):
                if node.name.value in seen:
                    continue
                seen.add(node.name.value)
                inner = self._fragments[node.name.value]
            condition = inner.type_condition
            if condition is None or self._is_a(shown, condition.name.value):
                self._collect(shown, inner.selection_set.selections, fields, seen)

    def _is_a(self, shown: str, name: str) -> bool:
        """Whether a type has that name, or is one of a union that has it; no other types have types under them."""
        if shown == name:
            return True
        union = self._schema.get_type(name)
        return isinstance(union, GraphQLUnionType) and any(each.name == shown for each in union.types)

    def choices(self, shown: Any, nodes: Sequence[FieldNode]) -> Iterator[tuple[str, Level]]:
        """Yield what is read and shown of each collection whose items a union may lead to."""
        for row in shown.types:
            yield row.name, self.level(row, self._catalogue.schema.collections[row.name], nodes)

    def path(self, field: GraphQLField, node: FieldNode) -> Place:
        """Return the path into a JSON value that a field is given.

        Raises:
            Problem: INVALID_QUERY, where it is none.
        """
        return parse_place(get_argument_values(field, node, self._variables)[PATH])

    def _is_included(self, node: FieldNode | FragmentSpreadNode | InlineFragmentNode | SelectionNode) -> bool:
        if not node.directives:
            return True
        skip = get_directive_values(GraphQLSkipDirective, node, self._variables)
        include = get_directive_values(GraphQLIncludeDirective, node, self._variables)
        return not (skip and skip["if"]) and (include is None or bool(include["if"]))

    def level(self, shown: GraphQLObjectType, collection: Collection, nodes: Sequence[FieldNode]) -> Level:
        """Return what is read and shown of a collection's rows, by the selection sets of fields that are one."""
        making = _LevelInTheMaking(self, self._catalogue, shown, collection)
        return making.level(making.assembly(self.collect(shown, sets_of(nodes))))

    def levels(
        self, shown: GraphQLObjectType, collection: Collection, members: Sequence[Sequence[FieldNode]]
    ) -> tuple[Level, list[Assembly]]:
        """Return what is read of rows that are shown several times, and how each time."""
        making = _LevelInTheMaking(self, self._catalogue, shown, collection)
        assemblies = [making.assembly(self.collect(shown, sets_of(nodes))) for nodes in members]
        return making.level(assemblies[0] if assemblies else making.assembly({})), assemblies

    def plain(self, shown: Any, nodes: Sequence[FieldNode]) -> Callable[[Any], Any]:
        """Return what makes of plain JSON what is shown of it: its members by their response keys."""
        kind = get_named_type(shown)
        if not isinstance(kind, GraphQLObjectType):
            return lambda value: value
        parts = []
        for key, fields in self.collect(kind, sets_of(nodes)).items():
            name = fields[0].name.value
            if name == TYPENAME:
                parts.append((key, "", _always(kind.name)))
                continue
            field = kind.fields[name]
            member = member_of(field)
            assert isinstance(member, Part)  # noqa: S101 - plain types have no others
            parts.append((key, member.name, member.form or self.plain(field.type, fields)))
        return _plain(parts)

    def groups(self, shown: GraphQLObjectType, nodes: Sequence[FieldNode]) -> tuple[tuple[Aggregate, ...], Assembly]:
        """Return what is asked of groups, and how they are shown."""
        aggregates: dict[Aggregate, None] = {}
        cells = []
        for key, fields in self.collect(shown, sets_of(nodes)).items():
            name = fields[0].name.value
            if name == TYPENAME:
                cells.append(Cell(key, constant=shown.name))
                continue
            member = member_of(shown.fields[name])
            if isinstance(member, Measure):
                measured = get_named_type(shown.fields[name].type)
                aggregates |= dict.fromkeys(self._measured(member, measured, fields))
                cells.append(Cell(key, member.function, form=self.plain(measured, fields)))
            else:
                cells.append(Cell(key, "group"))
        return tuple(aggregates), Assembly(cells)

    def _measured(self, member: Measure, shown: Any, nodes: Sequence[FieldNode]) -> list[Aggregate]:
        if member.of_rows or not isinstance(shown, GraphQLObjectType):
            return [Aggregate(member.function, "*")]
        names = {fields[0].name.value for fields in self.collect(shown, sets_of(nodes)).values()} - {TYPENAME}
        return [Aggregate(member.function, name) for name in sorted(names)]


class _LevelInTheMaking:
    """Collects what one level reads.

    Columns come under their own names. Relations and functions get numbers for names, which no field can have: the same
    relation may be asked for twice with different arguments.
    """

    def __init__(
        self, selector: Selector, catalogue: Catalogue, shown: GraphQLObjectType, collection: Collection
    ) -> None:
        self._selector = selector
        self._catalogue = catalogue
        self._shown = shown
        self._collection = collection
        self._selections: dict[Selection, None] = {}
        self._alias: dict[str, str] = {}
        self._below: dict[str, Below] = {}

    def level(self, assembly: Assembly) -> Level:
        """Return what has been collected."""
        return Level(self._collection, tuple(self._selections), self._alias, self._below, assembly)

    def assembly(self, fields: Fields) -> Assembly:
        """Collect what these fields need, and return how they are shown."""
        cells = [self._cell(key, nodes) for key, nodes in fields.items()]
        if not self._selections:
            self._selections[Selection((self._anything(),))] = None
        return Assembly(cells)

    def _anything(self) -> str:
        """Return a field by which rows are told to be there, where nothing else is asked of them."""
        members = (member_of(field) for field in self._shown.fields.values())
        named = [member.name for member in members if isinstance(member, Column | Related | Choice)]
        columns = [name for name in named if name in self._collection.fields]
        return (columns or named)[0]

    def _cell(self, key: str, nodes: Sequence[FieldNode]) -> Cell:
        if nodes[0].name.value == TYPENAME:
            return Cell(key, constant=self._shown.name)
        field = self._shown.fields[nodes[0].name.value]
        match member_of(field):
            case Column(name=name, form=form):
                self._selections[Selection((name,))] = None
                return Cell(key, name, form)
            case Choice() as member:
                return self._choice(key, member, field, nodes)
            case Functions(name=name):
                return self._functions(key, name, get_named_type(field.type), nodes)
            case Related() as member:
                return self._related(key, member, field, nodes)
            case member:
                raise TypeError(f"{member!r} is no member of a row")

    def _functions(self, key: str, name: str, shown: Any, nodes: Sequence[FieldNode]) -> Cell:
        number = self._number(name)
        parts = []
        for part, fields in self._selector.collect(shown, sets_of(nodes)).items():
            asked = fields[0].name.value
            if asked == TYPENAME:
                parts.append(Cell(part, constant=shown.name))
                continue
            member = member_of(shown.fields[asked])
            if isinstance(member, Inside):
                place = self._selector.path(shown.fields[asked], fields[0])
                own = self._number(name)  # `a_b` and `a.b` of one would have the same name
                selection = Selection((own,), place=place)
            else:
                assert isinstance(member, Computed)  # noqa: S101 - types of functions have no others
                selection = Selection((number,), member.function)
            self._selections[selection] = None
            parts.append(Cell(part, selection.output))
        return Cell(key, inside=Assembly(parts))

    def _choice(self, key: str, member: Choice, field: GraphQLField, nodes: Sequence[FieldNode]) -> Cell:
        number, told_by = self._number(member.name), self._number(member.discriminator)
        self._selections[Selection((told_by,))] = None
        choice = {}
        for name, level in self._selector.choices(get_named_type(field.type), nodes):
            way = way_of(number, name)
            self._below[way] = Below(Given(field, nodes[0]), level, many=False)
            first = level.selections[0]
            self._selections[Selection((way, *first.path), first.function, first.place)] = None
            choice[name] = level.assembly
        return Cell(key, number, choice=choice, told_by=told_by)

    def _related(self, key: str, member: Related, field: GraphQLField, nodes: Sequence[FieldNode]) -> Cell:
        number = self._number(member.name)
        related = self._catalogue.schema.collections[member.collection]
        row = get_named_type(field.type)
        assert isinstance(row, GraphQLObjectType)  # noqa: S101 - relations lead to rows
        level = self._selector.level(row, related, nodes)
        self._below[number] = Below(Given(field, nodes[0]), level, member.many)
        # One path through the relation makes it an object; the other fields come with the query of the relation.
        first = level.selections[0]
        self._selections[Selection((number, *first.path), first.function, first.place)] = None
        return Cell(key, number, nested=level.assembly)

    def _number(self, name: str) -> str:
        number = str(len(self._alias))
        self._alias[number] = name
        return number


def response_key(node: FieldNode) -> str:
    """Return the name that a field's value has in the response."""
    return node.alias.value if node.alias else node.name.value


def sets_of(nodes: Sequence[FieldNode]) -> list[SelectionSetNode | None]:
    """Return the selection sets of fields that are one."""
    return [node.selection_set for node in nodes]


def _always(value: Any) -> Callable[[Any], Any]:
    return lambda _: value


def _plain(parts: list[tuple[str, str, Callable[[Any], Any]]]) -> Callable[[Any], Any]:
    def make(value: Any) -> Any:
        if isinstance(value, list):
            return [make(each) for each in value]
        if not isinstance(value, dict):
            return value
        return {key: form(value.get(name)) for key, name, form in parts}

    return make
