"""Types: what the schema has for each collection: rows, groups, filters, payloads and events."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from graphql import (
    GraphQLArgument,
    GraphQLEnumType,
    GraphQLField,
    GraphQLFloat,
    GraphQLID,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLInt,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLString,
    GraphQLUnionType,
)

from watchword.graphql.forms import as_float, as_id, form_of, type_of
from watchword.graphql.members import Choice, Column, Computed, Functions, Inside, Measure, Part, Related, carrying
from watchword.graphql.operators import FAMILIES, family_of, function_operators_for, operators_for
from watchword.graphql.scalars import BIG_INT, JSON
from watchword.graphql.sight import names_of, union_name, way_name
from watchword.query.types import NUMERIC, FieldType

if TYPE_CHECKING:
    from collections.abc import Iterator

    from graphql import GraphQLInputType, GraphQLOutputType

    from watchword.data.catalogue import Catalogue
    from watchword.data.schema import Collection, Field, Relation, Union
    from watchword.graphql.members import Form
    from watchword.graphql.sight import Sight, Sights

_SPECIALS_THAT_FILL = ("uuid", "date-", "user-")
_MEASURES = ("count", "countDistinct", "avg", "sum", "avgDistinct", "sumDistinct", "min", "max")
_PERMISSIONS = "directus_permissions"

EVENT = GraphQLEnumType("EventEnum", {name: name for name in ("create", "update", "delete")})
DELETED_ONE = GraphQLObjectType(
    "delete_one", {"id": GraphQLField(GraphQLNonNull(GraphQLID), extensions=carrying(Part("id")))}
)
DELETED_MANY = GraphQLObjectType(
    "delete_many",
    {"ids": GraphQLField(GraphQLNonNull(GraphQLList(GraphQLID)), extensions=carrying(Part("ids")))},
)
_FUNCTIONS = {
    name: GraphQLObjectType(
        f"{name}_functions",
        {each.value: GraphQLField(GraphQLInt, extensions=carrying(Computed(each))) for each in functions},
    )
    for name, functions in FAMILIES.items()
}
_FUNCTIONS["json"].fields["json"] = GraphQLField(
    JSON, {"path": GraphQLArgument(GraphQLNonNull(GraphQLString))}, extensions=carrying(Inside())
)


class Types:
    """The types of one schema. Each is made when it is first asked for; they refer to each other by name."""

    def __init__(self, catalogue: Catalogue, sights: Sights) -> None:
        self.catalogue = catalogue
        self.sights = {sight.collection: sight for sight in sights}
        # A collection of which relations alone can be seen, and these lead nowhere, cannot be a type.
        self._shown = {name for name, sight in self.sights.items() if sight.read is not None}
        while empty := {name for name in self._shown if not any(self._visible(name))}:
            self._shown -= empty
        self._choices = dict(self._choosing())
        self.row = cache(self._row)
        self.filter = cache(self._filter)
        self.groups = cache(self._groups)
        self.payload = cache(self._payload)
        self._quantified = cache(self._quantified_filter)

    def shows(self, collection: str) -> bool:
        """Whether anything of a collection can be read."""
        return collection in self._shown

    def collection(self, name: str) -> Collection:
        """Return a collection that is there."""
        return self.catalogue.schema.collections[name]

    def read_arguments(self, collection: str) -> dict[str, GraphQLArgument]:
        """Return the arguments that say which rows are read, in which order."""
        return {
            "filter": GraphQLArgument(self.filter(collection)),
            "sort": GraphQLArgument(GraphQLList(GraphQLString)),
            "limit": GraphQLArgument(GraphQLInt),
            "offset": GraphQLArgument(GraphQLInt),
            "page": GraphQLArgument(GraphQLInt),
            "search": GraphQLArgument(GraphQLString),
        }

    def event(self, collection: str) -> GraphQLObjectType:
        """Return the type of what a subscriber is told of a change."""
        parts: dict[str, GraphQLOutputType] = {
            "key": GraphQLNonNull(GraphQLID),
            "event": EVENT,
            "data": self.row(collection),
        }
        fields = {name: GraphQLField(kind, extensions=carrying(Part(name))) for name, kind in parts.items()}
        return GraphQLObjectType(f"{collection}_mutated", fields)

    def can_write(self, collection: str, action: str) -> bool:
        """Whether a payload of that action can hold a column's value."""
        names: tuple[str, ...] = getattr(self.sights.get(collection), action, None) or ()
        return any(name in self.collection(collection).fields for name in names)

    # -- rows --------------------------------------------------------------------------------------------------------

    def _row(self, name: str) -> GraphQLObjectType:
        return GraphQLObjectType(name, lambda: dict(self._row_fields(self.sights[name])))

    def _row_fields(self, sight: Sight) -> Iterator[tuple[str, GraphQLField]]:
        collection = self.collection(sight.collection)
        names = list(self._visible(sight.collection))
        for name in names:
            yield name, self._row_field(sight, collection, name)
            family = self._family(collection, name)
            if family is not None and f"{name}_func" not in names:
                yield f"{name}_func", GraphQLField(_FUNCTIONS[family], extensions=carrying(Functions(name)))

    def _row_field(self, sight: Sight, collection: Collection, name: str) -> GraphQLField:
        union = self._union(collection, name)
        if union is not None:
            members = tuple(self._members(union))
            choice = Choice(name, union.discriminator, members)
            return GraphQLField(
                self._choice(self._choices[collection.name, name], members), extensions=carrying(choice)
            )
        relation = self._relation(collection, name)
        if relation is None:
            field = collection.fields[name]
            column = Column(name, form_of(collection, field))
            return GraphQLField(self._column_type(sight, collection, field), extensions=carrying(column))
        member = Related(name, relation.related, relation.many)
        row = self.row(relation.related)
        arguments = self.read_arguments(relation.related)
        return GraphQLField(GraphQLList(row) if relation.many else row, arguments, extensions=carrying(member))

    def _column_type(self, sight: Sight, collection: Collection, field: Field) -> GraphQLOutputType:
        kind = type_of(collection, field)
        is_even = field.name not in sight.uneven and collection.name != _PERMISSIONS
        if is_even and (collection.key == (field.name,) or (field.required and not _is_filled(field))):
            return GraphQLNonNull(kind)
        return kind

    def _visible(self, name: str) -> Iterator[str]:
        """Yield the fields of a collection that a type can have: those that lead nowhere are left out."""
        collection = self.collection(name)
        for field in self.sights[name].read or ():
            if field in collection.fields or self._relation(collection, field) is not None:
                yield field

    def _relation(self, collection: Collection, name: str) -> Relation | None:
        """Return where a field leads, None where that is nowhere in sight."""
        relation = collection.relations.get(name)
        return relation if relation is not None and relation.related in self._shown else None

    def _choice(self, name: str, members: tuple[str, ...]) -> GraphQLUnionType:
        return GraphQLUnionType(name, lambda: [self.row(member) for member in members])

    def _choosing(self) -> Iterator[tuple[tuple[str, str], str]]:
        """Yield the unions that have items in sight, and a name that nothing else has, by collection and field."""
        taken = {name for shown in self._shown for name in names_of(shown)}
        for shown in sorted(self._shown):
            read = self.sights[shown].read or ()
            for union in self.collection(shown).unions.values():
                name = union_name(shown, union.field)
                visible = union.field in read and union.discriminator in read and any(self._members(union))
                if visible and name not in taken:
                    taken.add(name)
                    yield (shown, union.field), name

    def _union(self, collection: Collection, name: str) -> Union | None:
        """Return the union that a field is shown as, None where it is shown as the key that it holds."""
        return collection.unions[name] if (collection.name, name) in self._choices else None

    def _members(self, union: Union) -> Iterator[str]:
        return (member for member in union.members if member in self._shown)

    def _family(self, collection: Collection, name: str) -> str | None:
        relation = self._relation(collection, name)
        if relation is not None:
            return family_of(FieldType.ALIAS) if relation.many else None
        field = collection.fields[name]
        return None if field.concealed else family_of(field.type)

    # -- filters -----------------------------------------------------------------------------------------------------

    def _filter(self, name: str) -> GraphQLInputObjectType:
        return GraphQLInputObjectType(f"{name}_filter", lambda: self._conditions(name))

    def _quantified_filter(self, name: str) -> GraphQLInputObjectType:
        def fields() -> dict[str, GraphQLInputField]:
            inner = GraphQLInputField(self.filter(name))
            return self._conditions(name) | {"_some": inner, "_none": inner}

        return GraphQLInputObjectType(f"{name}_quantifier_filter", fields)

    def _conditions(self, name: str) -> dict[str, GraphQLInputField]:
        collection = self.collection(name)
        names = list(self._visible(name))
        fields: dict[str, GraphQLInputField] = {}
        for field in names:
            relation = self._relation(collection, field)
            if relation is not None:
                kind = self._quantified(relation.related) if relation.many else self.filter(relation.related)
                fields[field] = GraphQLInputField(kind)
            elif "digest" not in collection.fields[field].special:  # it has no column
                fields[field] = GraphQLInputField(operators_for(collection.fields[field]))
            union = self._union(collection, field)
            for member in () if union is None else self._members(union):
                fields.setdefault(way_name(field, member), GraphQLInputField(self.filter(member)))
            family = self._family(collection, field)
            if family is not None and f"{field}_func" not in names:
                fields[f"{field}_func"] = GraphQLInputField(function_operators_for(family))
        joined = GraphQLInputField(GraphQLList(self.filter(name)))
        return fields | {"_and": joined, "_or": joined}

    # -- groups ------------------------------------------------------------------------------------------------------

    def _groups(self, name: str) -> GraphQLObjectType:
        """Make the type of a group: its values, and what is counted and worked out of its rows."""
        columns = [field for field in map(self.collection(name).fields.get, self._visible(name)) if field is not None]
        asked = [field for field in columns if not field.concealed]
        numbers = [field for field in asked if field.type in NUMERIC]
        counted = _parts(f"{name}_aggregated_count", {field.name: (GraphQLInt, None) for field in asked})
        worked_out = _parts(f"{name}_aggregated_fields", {field.name: _number(field) for field in numbers})
        fields = {
            "group": GraphQLField(JSON, extensions=carrying(Part("group"))),
            "countAll": GraphQLField(GraphQLInt, extensions=carrying(Measure("countAll", of_rows=True))),
        }
        for measure in _MEASURES:
            kind = counted if measure.startswith("count") else worked_out
            if kind is not None:
                fields[measure] = GraphQLField(kind, extensions=carrying(Measure(measure)))
        return GraphQLObjectType(f"{name}_aggregated", fields)

    # -- payloads ----------------------------------------------------------------------------------------------------

    def _payload(self, name: str, action: str) -> GraphQLInputObjectType:
        """Make the type of what a create or an update takes; `action` is which of them."""
        return GraphQLInputObjectType(f"{action}_{name}_input", lambda: dict(self._given(self.sights[name], action)))

    def _given(self, sight: Sight, action: str) -> Iterator[tuple[str, GraphQLInputField]]:
        collection = self.collection(sight.collection)
        for name in getattr(sight, action):
            relation = collection.relations.get(name)
            if relation is not None and self.can_write(relation.related, action):
                kind: GraphQLInputType = self.payload(relation.related, action)
                yield name, GraphQLInputField(GraphQLList(kind) if relation.many else kind)
            elif name in collection.fields:
                field = collection.fields[name]
                kind = type_of(collection, field)
                is_needed = action == "create" and field.required and name not in sight.preset
                yield name, GraphQLInputField(GraphQLNonNull(kind) if is_needed else kind)


def _is_filled(field: Field) -> bool:
    return any(special.startswith(_SPECIALS_THAT_FILL) for special in field.special)


def _number(field: Field) -> tuple[GraphQLOutputType, Form]:
    return (BIG_INT, as_id) if field.type is FieldType.BIG_INTEGER else (GraphQLFloat, as_float)


def _parts(name: str, parts: dict[str, tuple[GraphQLOutputType, Form | None]]) -> GraphQLObjectType | None:
    if not parts:
        return None
    fields = {part: GraphQLField(kind, extensions=carrying(Part(part, form))) for part, (kind, form) in parts.items()}
    return GraphQLObjectType(name, fields)
