"""Sight: what of the database one set of rights makes visible, as far as a schema can show it.

Two callers whose sights are equal share one schema, whatever their filters are.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import msgspec

from watchword.access.permissions import Action

if TYPE_CHECKING:
    from collections.abc import Iterator

    from watchword.access.compile import Access, Rule
    from watchword.data.catalogue import Catalogue
    from watchword.data.schema import Collection, Relation

_NAME = re.compile(r"(?!__)[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
_FIXED = frozenset({
    "Query", "Mutation", "Subscription", "EventEnum", "Boolean", "Date", "Float", "Hash", "ID", "Int", "JSON",
    "String", "Void", "GraphQLBigInt", "GraphQLStringOrFloat", "count_functions", "date_functions",
    "datetime_functions", "json_functions", "time_functions", "big_int_filter_operators", "boolean_filter_operators",
    "date_filter_operators", "hash_filter_operators", "json_filter_operators", "number_filter_operators",
    "string_filter_operators", "count_function_filter_operators", "date_function_filter_operators",
    "datetime_function_filter_operators", "time_function_filter_operators", "delete_one", "delete_many",
    "delete_collection", "delete_field", "auth_mode", "auth_tokens", "graphql_sdl_scope", "policies_me_globals",
    "server_info", "server_info_project", "server_info_query_limit",
})  # fmt: skip
"""Types that every schema may have."""

_MADE = (
    "{0}", "{0}_aggregated", "{0}_aggregated_count", "{0}_aggregated_fields", "{0}_by_id", "{0}_filter", "{0}_mutated",
    "{0}_quantifier_filter", "create_{0}_input", "create_{0}_item", "create_{0}_items", "delete_{0}_item",
    "delete_{0}_items", "update_{0}", "update_{0}_batch", "update_{0}_input", "update_{0}_item", "update_{0}_items",
)  # fmt: skip
"""What types and root fields are named that come of one collection."""

WRITTEN_BY_US = frozenset({"directus_activity"})


class Sight(msgspec.Struct, frozen=True):
    """One collection: the fields that may be read, created and updated (None: the action is not allowed).

    `uneven` are fields that may be read on some of the rows in sight only, `preset` those that are given a value where
    a create gives none.
    """

    collection: str
    read: tuple[str, ...] | None = None
    uneven: tuple[str, ...] = ()
    create: tuple[str, ...] | None = None
    preset: tuple[str, ...] = ()
    update: tuple[str, ...] | None = None
    delete: bool = False


Sights = tuple[Sight, ...]


def is_name(name: str) -> bool:
    """Whether GraphQL can have a thing of that name (its names are letters, digits and underscores)."""
    return _NAME.fullmatch(name) is not None


def names_of(collection: str) -> set[str]:
    """Return what types and root fields are named that come of a collection."""
    return {form.format(collection) for form in _MADE}


def union_name(collection: str, field: str) -> str:
    """Return the name of the type of a field that leads to items of any of several collections."""
    return f"{collection}_{field}_union"


def way_name(field: str, member: str) -> str:
    """Return how a filter names the items of one collection that a union leads to; REST writes `item:headings`."""
    return f"{field}__{member}"


def sights_of(catalogue: Catalogue, access: Access) -> Sights:
    """Return what some rights show of each collection, those of which nothing may be done left out."""
    found = (_sight(catalogue, each, access) for each in _nameable(catalogue))
    return tuple(each for each in found if each != Sight(each.collection))


def _nameable(catalogue: Catalogue) -> Iterator[Collection]:
    """Yield the collections whose names GraphQL can have, and of which nothing is named like what others lead to."""
    taken = set(_FIXED)
    for collection in catalogue.schema.collections.values():
        made = names_of(collection.name)
        if is_name(collection.name) and taken.isdisjoint(made):
            taken |= made
            yield collection


def _sight(catalogue: Catalogue, collection: Collection, access: Access) -> Sight:
    rules = {action: access.find(collection.name, action) for action in Action}
    if collection.name in WRITTEN_BY_US:
        rules |= dict.fromkeys((Action.CREATE, Action.UPDATE, Action.DELETE))
    read, create, update = rules[Action.READ], rules[Action.CREATE], rules[Action.UPDATE]
    names = None if read is None else _names(catalogue, collection, read)
    return Sight(
        collection.name,
        read=names or None,
        uneven=() if read is None else tuple(name for name in names or () if _is_uneven(read, name)),
        create=None if create is None else _names(catalogue, collection, create, writes=True),
        preset=() if create is None else tuple(sorted(create.presets)),
        update=None if update is None else _names(catalogue, collection, update, writes=True),
        delete=rules[Action.DELETE] is not None,
    )


def _names(catalogue: Catalogue, collection: Collection, rule: Rule, *, writes: bool = False) -> tuple[str, ...]:
    fields = collection.fields
    return tuple(
        name
        for name in collection.names
        if rule.allows(name)
        and is_name(name)
        and not (writes and name in fields and fields[name].generated)
        and (name in fields or _is_reachable(catalogue, collection.relations[name]))
    )


def _is_reachable(catalogue: Catalogue, relation: Relation) -> bool:
    return relation.related in catalogue.schema.collections


def _is_uneven(rule: Rule, name: str) -> bool:
    return any(grant.fields is not None and name not in grant.fields for grant in rule.grants)
