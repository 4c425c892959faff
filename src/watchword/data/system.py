"""System collections: what reflection cannot know of our own tables, and the fields that no column holds."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from watchword.data.schema import Field, Relation
from watchword.query.rendering import CONCEALED
from watchword.query.types import FieldType
from watchword.storage.tables import PREFIX, SERVED, tokens

NAMES: dict[str, str] = {table.name: name for name, table in SERVED.items()}

_UUID_KEY = (FieldType.UUID, ("uuid",))
_UUID = (FieldType.UUID, ())
_CSV = (FieldType.CSV, ("csv",))

FIELDS: dict[str, dict[str, tuple[FieldType, tuple[str, ...]]]] = {
    "directus_users": {
        "id": _UUID_KEY,
        "password": (FieldType.HASH, ("hash", "conceal")),
        "avatar": _UUID,
        "role": _UUID,
    },
    "directus_roles": {"id": _UUID_KEY, "parent": _UUID},
    "directus_policies": {"id": _UUID_KEY, "ip_access": _CSV},
    "directus_access": {"id": _UUID_KEY, "role": _UUID, "user": _UUID, "policy": _UUID},
    "directus_permissions": {"policy": _UUID, "fields": _CSV},
    "directus_activity": {"user": _UUID},
}

ALIASES: dict[str, tuple[Relation, ...]] = {
    "directus_users": (Relation("policies", "directus_access", "user", many=True, junction_field="policy"),),
    "directus_roles": (
        Relation("children", "directus_roles", "parent", many=True),
        Relation("users", "directus_users", "role", many=True),
        Relation("policies", "directus_access", "role", many=True, junction_field="policy"),
    ),
    "directus_policies": (
        Relation("permissions", "directus_permissions", "policy", many=True),
        Relation("users", "directus_access", "policy", many=True, junction_field="user"),
        Relation("roles", "directus_access", "policy", many=True, junction_field="role"),
    ),
    "directus_activity": (Relation("user", "directus_users", "id"),),
}

# The static token that was set for a user as a text: kept as a digest in a table of its own, never shown. Generated
# tokens are in that table too, and are no field.
VIRTUAL: dict[str, tuple[Field, ...]] = {
    "directus_users": (Field("token", FieldType.HASH, special=("conceal", "digest")),),
}


# What happens to these is told by other changes, or by nothing that anybody waits for.
UNCAPTURED = frozenset({"watchword_activity"})


def collection_name(table: str) -> str:
    """Return what clients call a table."""
    return NAMES.get(table, table)


def short_name(table: str) -> str:
    """Return the name that an alias towards a table gets."""
    return table.removeprefix(PREFIX) if table in NAMES else table


def is_hidden(table: str) -> bool:
    """Whether a table is never served: our own that have no collection, and the migrations' bookkeeping."""
    return table == "alembic_version" or (table.startswith(PREFIX) and table not in NAMES)


def virtual_column(source: sa.FromClause) -> sa.ColumnElement[Any]:
    """Return what is shown for a user's token, the one field without a column: that there is one, or null."""
    held = sa.exists().where(tokens.c.user == source.c.id, tokens.c.prefix.is_(None))
    return sa.case((held, sa.literal(CONCEALED, sa.Text())))
