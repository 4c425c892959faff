"""Schema: all that one shape of rights can ask of one endpoint, as a GraphQL schema."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from graphql import (
    GraphQLArgument,
    GraphQLBoolean,
    GraphQLField,
    GraphQLID,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLString,
)

from watchword.graphql.members import Delegated, Kind, Root, carrying
from watchword.graphql.options import Area
from watchword.graphql.scalars import VOID
from watchword.graphql.types import DELETED_MANY, DELETED_ONE, EVENT, Types

if TYPE_CHECKING:
    from collections.abc import Iterator

    from graphql import GraphQLOutputType

    from watchword.data.catalogue import Catalogue
    from watchword.data.schema import Collection
    from watchword.graphql.sight import Sight, Sights

SYSTEM = "directus_"

Fields = dict[str, GraphQLField]


More = Callable[[Types, Area], Mapping[str, Fields]]
"""Gives the root fields that are about no collection, under `query` and `mutation`."""


def build_schema(catalogue: Catalogue, sights: Sights, area: Area, more: More) -> GraphQLSchema:
    """Return the schema of one endpoint."""
    types = Types(catalogue, sights)
    queries: Fields = {}
    mutations: Fields = {}
    for sight in sights:
        collection = types.collection(sight.collection)
        if collection.system == (area is Area.SYSTEM):
            name = collection.name.removeprefix(SYSTEM) if collection.system else collection.name
            queries |= _queries(types, collection, name)
            mutations |= _mutations(types, sight, name)
    others = more(types, area)
    queries |= others.get("query", {})
    mutations |= others.get("mutation", {})
    subscriptions = dict(_subscriptions(types)) if area is Area.ITEMS else {}
    nothing = {"_empty": GraphQLField(VOID, extensions=carrying(Delegated("_empty")))}
    return GraphQLSchema(
        query=GraphQLObjectType("Query", queries or nothing),
        mutation=GraphQLObjectType("Mutation", mutations) if mutations else None,
        subscription=GraphQLObjectType("Subscription", subscriptions) if subscriptions else None,
        assume_valid=True,
    )


def root(
    kind: Kind, collection: str, shown: GraphQLOutputType, arguments: dict[str, GraphQLArgument] | None = None
) -> GraphQLField:
    """Return a root field about a collection."""
    return GraphQLField(shown, arguments, extensions=carrying(Root(kind, collection)))


def _queries(types: Types, collection: Collection, name: str) -> Fields:
    full = collection.name
    if not types.shows(full):
        return {}
    row = types.row(full)
    version = {"version": GraphQLArgument(GraphQLString)}
    if collection.singleton or full == "directus_settings":
        return {name: root(Kind.READ_SINGLETON, full, row, version)}
    arguments = types.read_arguments(full)
    grouping = {"groupBy": GraphQLArgument(GraphQLList(GraphQLString))} | arguments
    by_id = {"id": GraphQLArgument(GraphQLNonNull(GraphQLID))} | version
    return {
        name: root(Kind.READ_MANY, full, _all(row), arguments),
        f"{name}_by_id": root(Kind.READ_ONE, full, row, by_id),
        f"{name}_aggregated": root(Kind.READ_GROUPS, full, _all(types.groups(full)), grouping),
    }


def _all(row: GraphQLObjectType) -> GraphQLOutputType:
    return GraphQLNonNull(GraphQLList(GraphQLNonNull(row)))


def _mutations(types: Types, sight: Sight, name: str) -> Fields:
    collection = types.collection(sight.collection)
    is_single = collection.singleton or collection.name == "directus_settings"
    made: Fields = {}
    if types.can_write(sight.collection, "create") and not is_single:
        made |= _creates(types, sight.collection, name)
    if types.can_write(sight.collection, "update"):
        made |= _singleton_update(types, sight.collection, name) if is_single else _updates(types, sight, name)
    if sight.delete and not is_single:
        ids = {"ids": GraphQLArgument(GraphQLNonNull(GraphQLList(GraphQLID)))}
        made[f"delete_{name}_items"] = root(Kind.DELETE_MANY, sight.collection, DELETED_MANY, ids)
        made[f"delete_{name}_item"] = root(Kind.DELETE_ONE, sight.collection, DELETED_ONE, _id())
    return made


def _creates(types: Types, full: str, name: str) -> Fields:
    payload = types.payload(full, "create")
    one = {"data": GraphQLArgument(GraphQLNonNull(payload))}
    many = {"data": GraphQLArgument(GraphQLList(GraphQLNonNull(payload)))}
    shown_one, shown_many, how = _written(types, full)
    return {
        f"create_{name}_items": root(Kind.CREATE_MANY, full, shown_many, many | how),
        f"create_{name}_item": root(Kind.CREATE_ONE, full, shown_one, one),
    }


def _updates(types: Types, sight: Sight, name: str) -> Fields:
    full = sight.collection
    payload = types.payload(full, "update")
    data = {"data": GraphQLArgument(GraphQLNonNull(payload))}
    ids = {"ids": GraphQLArgument(GraphQLNonNull(GraphQLList(GraphQLID)))}
    batch = {"data": GraphQLArgument(GraphQLList(GraphQLNonNull(payload)))}
    shown_one, shown_many, how = _written(types, full)
    return {
        f"update_{name}_items": root(Kind.UPDATE_MANY, full, shown_many, ids | data | how),
        f"update_{name}_batch": root(Kind.UPDATE_BATCH, full, shown_many, batch | how),
        f"update_{name}_item": root(Kind.UPDATE_ONE, full, shown_one, _id() | data),
    }


def _singleton_update(types: Types, full: str, name: str) -> Fields:
    data = {"data": GraphQLArgument(GraphQLNonNull(types.payload(full, "update")))}
    return {f"update_{name}": root(Kind.UPDATE_SINGLETON, full, _written(types, full)[0], data)}


def _written(types: Types, full: str) -> tuple[GraphQLOutputType, GraphQLOutputType, dict[str, GraphQLArgument]]:
    """Return what shows one row that was written, what shows several, and the arguments that say which and how.

    Who may not read what they write is told that it was written, and no more.
    """
    if not types.shows(full):
        return GraphQLBoolean, GraphQLBoolean, {}
    row = types.row(full)
    return row, _all(row), types.read_arguments(full)


def _id() -> dict[str, GraphQLArgument]:
    return {"id": GraphQLArgument(GraphQLNonNull(GraphQLID))}


def _subscriptions(types: Types) -> Iterator[tuple[str, GraphQLField]]:
    """Yield what can be followed: every collection in sight whose changes are logged, the server's own included."""
    for name, collection in types.catalogue.schema.collections.items():
        if types.shows(name) and collection.captured:
            arguments = {
                "event": GraphQLArgument(EVENT),
                "filter": GraphQLArgument(types.filter(name)),
                "since": GraphQLArgument(GraphQLString),
            }
            yield f"{name}_mutated", root(Kind.FOLLOW, name, types.event(name), arguments)
