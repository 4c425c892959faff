"""System: the root fields of the system endpoint that are about no collection, or about the caller."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from graphql import (
    GraphQLArgument,
    GraphQLBoolean,
    GraphQLEnumType,
    GraphQLField,
    GraphQLID,
    GraphQLInt,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLString,
)

from watchword.data.meta import CollectionMeta, FieldMeta, RelationMeta
from watchword.graphql.members import Delegated, Kind, Part, carrying
from watchword.graphql.options import Area
from watchword.graphql.scalars import BIG_INT, JSON
from watchword.graphql.schema import root

if TYPE_CHECKING:
    from collections.abc import Mapping

    import msgspec
    from graphql import GraphQLOutputType

    from watchword.graphql.schema import Fields
    from watchword.graphql.types import Types

_USERS = "directus_users"
_ROLES = "directus_roles"


def system_fields(types: Types, area: Area, *, admin: bool) -> Mapping[str, Fields]:
    """Return the root fields of an endpoint beside those of collections; administrators have more of them."""
    if area is Area.ITEMS:
        return {}
    return {
        "query": _QUERIES | _own_queries(types),
        "mutation": _MUTATIONS | _own_mutations(types) | (_ADMINISTRATORS_MUTATIONS if admin else {}),
    }


def _asked(
    name: str,
    shown: GraphQLOutputType,
    arguments: dict[str, GraphQLArgument] | None = None,
    *,
    once: bool = False,
) -> GraphQLField:
    return GraphQLField(shown, arguments, extensions=carrying(Delegated(name, once)))


def _object(name: str, parts: Mapping[str, GraphQLOutputType]) -> GraphQLObjectType:
    fields = {part: GraphQLField(kind, extensions=carrying(Part(part))) for part, kind in parts.items()}
    return GraphQLObjectType(name, fields)


def _text(*names: str) -> dict[str, GraphQLArgument]:
    """Return arguments that are texts; a name with `!` is required."""
    return {
        name.removesuffix("!"): GraphQLArgument(GraphQLNonNull(GraphQLString) if name.endswith("!") else GraphQLString)
        for name in names
    }


def _all(kind: GraphQLObjectType) -> GraphQLOutputType:
    return GraphQLNonNull(GraphQLList(GraphQLNonNull(kind)))


def _parts_of(said: type[msgspec.Struct]) -> dict[str, GraphQLOutputType]:
    """Return what is said of a part of the structure, by the types of what it is kept in."""
    plain: dict[Any, GraphQLOutputType] = {
        "str": GraphQLString,
        "str | None": GraphQLString,
        "bool": GraphQLBoolean,
        "int | None": GraphQLInt,
        "tuple[str, ...] | None": GraphQLList(GraphQLString),
    }
    return {name: plain.get(kind, JSON) for name, kind in said.__annotations__.items()}


_MODE = GraphQLEnumType("auth_mode", {name: name for name in ("json", "cookie", "session")})
_TOKENS = _object("auth_tokens", {"access_token": GraphQLString, "expires": BIG_INT, "refresh_token": GraphQLString})
_PROJECT = _object(
    "server_info_project",
    dict.fromkeys(
        (
            "project_name", "project_descriptor", "project_logo", "project_color", "default_language", "public_note",
            "default_appearance", "default_theme_light", "default_theme_dark", "public_foreground",
            "public_background", "public_favicon", "custom_css",
        ),
        GraphQLString,
    )
    | dict.fromkeys(("theme_light_overrides", "theme_dark_overrides"), JSON)
    | dict.fromkeys(("public_registration", "public_registration_verify_email"), GraphQLBoolean),
)  # fmt: skip
_INFO = _object(
    "server_info",
    {
        "project": _PROJECT,
        "version": GraphQLString,
        "websocket": JSON,
        "queryLimit": _object("server_info_query_limit", {"default": GraphQLInt, "max": GraphQLInt}),
        "rateLimit": JSON,
        "rateLimitGlobal": JSON,
    },
)
_GLOBALS = _object(
    "policies_me_globals",
    dict.fromkeys(("enforce_tfa", "app_access", "admin_access"), GraphQLBoolean),
)
_COLLECTION = _object(
    "directus_collections",
    {
        "collection": GraphQLString,
        "meta": _object("directus_collections_meta", _parts_of(CollectionMeta)),
        "schema": _object("directus_collections_schema", {"name": GraphQLString, "comment": GraphQLString}),
    },
)
_FIELD = _object(
    "directus_fields",
    {
        "collection": GraphQLString,
        "field": GraphQLString,
        "type": GraphQLString,
        "meta": _object("directus_fields_meta", _parts_of(FieldMeta)),
        "schema": _object(
            "directus_fields_schema",
            dict.fromkeys(
                ("name", "table", "data_type", "comment", "schema", "foreign_key_schema", "foreign_key_table",
                 "foreign_key_column"),
                GraphQLString,
            )
            | dict.fromkeys(
                ("is_nullable", "is_unique", "is_primary_key", "is_generated", "is_indexed", "has_auto_increment"),
                GraphQLBoolean,
            )
            | dict.fromkeys(("max_length", "numeric_precision", "numeric_scale"), GraphQLInt)
            | {"default_value": JSON, "generation_expression": GraphQLString},
        ),
    },
)  # fmt: skip
_RELATION = _object(
    "directus_relations",
    {
        "collection": GraphQLString,
        "field": GraphQLString,
        "related_collection": GraphQLString,
        "meta": _object("directus_relations_meta", _parts_of(RelationMeta)),
        "schema": _object(
            "directus_relations_schema",
            dict.fromkeys(
                ("table", "column", "foreign_key_table", "foreign_key_column", "constraint_name", "on_update",
                 "on_delete"),
                GraphQLString,
            ),
        ),
    },
)  # fmt: skip
_PAYLOAD = {"data": GraphQLArgument(GraphQLNonNull(JSON))}
_DELETED_COLLECTION = _object("delete_collection", {"collection": GraphQLString})
_DELETED_FIELD = _object("delete_field", {"collection": GraphQLString, "field": GraphQLString})

_QUERIES: Fields = {
    "server_ping": _asked("server_ping", GraphQLString),
    "server_info": _asked("server_info", _INFO),
    "server_health": _asked("server_health", JSON, once=True),
    "server_specs_oas": _asked("server_specs_oas", JSON, once=True),
    "server_specs_graphql": _asked(
        "server_specs_graphql",
        GraphQLString,
        {"scope": GraphQLArgument(GraphQLEnumType("graphql_sdl_scope", {area.value: area.value for area in Area}))},
        once=True,
    ),
    "permissions_me": _asked("permissions_me", JSON),
    "policies_me_globals": _asked("policies_me_globals", _GLOBALS),
    "collections": _asked("collections", _all(_COLLECTION)),
    "collections_by_name": _asked("collections_by_name", _COLLECTION, _text("name!")),
    "fields": _asked("fields", _all(_FIELD)),
    "fields_in_collection": _asked("fields_in_collection", _all(_FIELD), _text("collection!")),
    "fields_by_name": _asked("fields_by_name", _FIELD, _text("collection!", "field!")),
    "relations": _asked("relations", _all(_RELATION)),
    "relations_in_collection": _asked("relations_in_collection", _all(_RELATION), _text("collection!")),
    "relations_by_name": _asked("relations_by_name", _RELATION, _text("collection!", "field!")),
}
_MUTATIONS: Fields = {
    "auth_login": _asked(
        "auth_login", _TOKENS, _text("email!", "password!") | {"mode": GraphQLArgument(_MODE)} | _text("otp"), once=True
    ),
    "auth_refresh": _asked(
        "auth_refresh", _TOKENS, _text("refresh_token") | {"mode": GraphQLArgument(_MODE)}, once=True
    ),
    "auth_logout": _asked("auth_logout", GraphQLBoolean, _text("refresh_token") | {"mode": GraphQLArgument(_MODE)}),
    "utils_random_string": _asked("utils_random_string", GraphQLString, {"length": GraphQLArgument(GraphQLInt)}),
    "utils_hash_generate": _asked("utils_hash_generate", GraphQLString, _text("string!")),
    "utils_hash_verify": _asked("utils_hash_verify", GraphQLBoolean, _text("string!", "hash!")),
    "utils_sort": _asked(
        "utils_sort",
        GraphQLBoolean,
        _text("collection!") | {name: GraphQLArgument(GraphQLNonNull(GraphQLID)) for name in ("item", "to")},
    ),
}
_ADMINISTRATORS_MUTATIONS: Fields = {
    "utils_cache_clear": _asked("utils_cache_clear", GraphQLBoolean, once=True),
    "create_collections_item": _asked("create_collections_item", _COLLECTION, _PAYLOAD),
    "update_collections_item": _asked("update_collections_item", _COLLECTION, _text("collection!") | _PAYLOAD),
    "delete_collections_item": _asked("delete_collections_item", _DELETED_COLLECTION, _text("collection!")),
    "create_fields_item": _asked("create_fields_item", _FIELD, _text("collection!") | _PAYLOAD),
    "update_fields_item": _asked("update_fields_item", _FIELD, _text("collection!", "field!") | _PAYLOAD),
    "delete_fields_item": _asked("delete_fields_item", _DELETED_FIELD, _text("collection!", "field!")),
    "create_relations_item": _asked("create_relations_item", _RELATION, _PAYLOAD),
    "update_relations_item": _asked("update_relations_item", _RELATION, _text("collection!", "field!") | _PAYLOAD),
    "delete_relations_item": _asked("delete_relations_item", _DELETED_FIELD, _text("collection!", "field!")),
}
DELEGATED = frozenset({*_QUERIES, *_MUTATIONS, *_ADMINISTRATORS_MUTATIONS})
"""The root fields that somebody else has to answer."""


def _own_queries(types: Types) -> Fields:
    """Return what callers may ask of themselves, as far as they see the rows of users and roles at all."""
    own: Fields = {}
    if types.shows(_USERS):
        own["users_me"] = root(Kind.READ_ME, _USERS, types.row(_USERS))
    if types.shows(_ROLES):
        own["roles_me"] = root(Kind.READ_MY_ROLES, _ROLES, _all(types.row(_ROLES)))
    return own


def _own_mutations(types: Types) -> Fields:
    if not types.can_write(_USERS, "update"):
        return {}
    shown = types.row(_USERS) if types.shows(_USERS) else GraphQLBoolean
    data = {"data": GraphQLArgument(GraphQLNonNull(types.payload(_USERS, "update")))}
    return {"update_users_me": root(Kind.UPDATE_ME, _USERS, shown, data)}
