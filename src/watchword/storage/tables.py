"""Our own tables, all named `watchword_*`. The migrations create them; a test holds the two together.

Some of them are served to clients under Directus' names (`SERVED`); the others are never visible. Identifiers are
UUIDs as text on both databases. Deleting a user, a role or a policy takes with it what hangs on it.
"""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    func,
    text,
)

from watchword.storage.types import UtcTimestamp

PREFIX = "watchword_"

metadata = MetaData(
    naming_convention={
        "pk": "%(table_name)s_pkey",
        "fk": "%(table_name)s_%(column_0_name)s_fkey",
        "uq": "%(table_name)s_%(column_0_name)s_key",
        "ix": "%(table_name)s_%(column_0_N_name)s_idx",
    }
)


def _id() -> Column[str]:
    return Column("id", String(36), primary_key=True)


def _reference(name: str, to: str, *, on_delete: str = "CASCADE", nullable: bool = True) -> Column[str]:
    target = ForeignKey(f"{PREFIX}{to}.id", ondelete=on_delete)
    return Column(name, String(36), target, nullable=nullable, index=True)


def _moment(name: str, *, nullable: bool = True) -> Column[object]:
    return Column(name, UtcTimestamp(), nullable=nullable)


def _json(name: str) -> Column[object]:
    return Column(name, JSON(none_as_null=True))


def _flag(name: str, *, default: bool) -> Column[bool]:
    return Column(name, Boolean(), nullable=False, server_default=text("true" if default else "false"))


roles = Table(
    "watchword_roles",
    metadata,
    _id(),
    Column("name", String(100), nullable=False),
    Column("icon", String(64), nullable=False, server_default="supervised_user_circle"),
    Column("description", Text()),
    _reference("parent", "roles", on_delete="SET NULL"),
)

users = Table(
    "watchword_users",
    metadata,
    _id(),
    Column("first_name", String(50)),
    Column("last_name", String(50)),
    Column("email", String(128)),
    Column("password", String(255)),
    Column("location", String(255)),
    Column("title", String(50)),
    Column("description", Text()),
    _json("tags"),
    Column("avatar", String(36)),
    Column("language", String(255)),
    Column("status", String(16), nullable=False, server_default="active"),
    _reference("role", "roles", on_delete="SET NULL"),
    _moment("last_access"),
    Column("last_page", String(255)),
    Column("provider", String(128), nullable=False, server_default="default"),
    Column("external_identifier", String(255), unique=True),
    _flag("email_notifications", default=True),
)
Index("watchword_users_email_idx", func.lower(users.c.email), unique=True)

policies = Table(
    "watchword_policies",
    metadata,
    _id(),
    Column("name", String(100), nullable=False),
    Column("icon", String(64), nullable=False, server_default="badge"),
    Column("description", Text()),
    Column("ip_access", Text()),
    _flag("enforce_tfa", default=False),
    _flag("admin_access", default=False),
    _flag("app_access", default=False),
)

access = Table(
    "watchword_access",
    metadata,
    _id(),
    _reference("role", "roles"),
    _reference("user", "users"),
    _reference("policy", "policies", nullable=False),
    Column("sort", Integer()),
)

permissions = Table(
    "watchword_permissions",
    metadata,
    Column("id", Integer(), primary_key=True, autoincrement=True),
    _reference("policy", "policies", nullable=False),
    Column("collection", String(64), nullable=False),
    Column("action", String(10), nullable=False),
    _json("permissions"),
    _json("validation"),
    _json("presets"),
    Column("fields", Text()),
    sqlite_autoincrement=True,
)

sessions = Table(
    "watchword_sessions",
    metadata,
    _id(),
    _reference("user", "users"),
    _moment("created_at", nullable=False),
    _moment("expires_at", nullable=False),
    _moment("revoked_at"),
    _moment("last_used_at"),
    Column("refresh_digest", String(64), nullable=False, unique=True),
    Column("previous_digest", String(64), index=True),
    _moment("rotated_at"),
    Column("ip", String(255)),
    Column("user_agent", Text()),
    Column("origin", String(255)),
    Column("mode", String(16), nullable=False),
)

tokens = Table(
    "watchword_tokens",
    metadata,
    _id(),
    _reference("user", "users"),
    Column("name", String(255)),
    Column("digest", String(64), nullable=False, unique=True),
    Column("prefix", String(32)),  # of generated tokens; one that was set as a text has none
    _moment("created_at", nullable=False),
    _moment("expires_at"),
    _moment("last_used_at"),
    _reference("role", "roles"),
    CheckConstraint('("user" IS NULL) <> (role IS NULL)', name="watchword_tokens_holder_check"),
)

# `sealed` is the key itself, encrypted; null where the key is derived from the secret.
signing_keys = Table(
    "watchword_signing_keys",
    metadata,
    _id(),
    Column("algorithm", String(16), nullable=False),
    Column("state", String(8), nullable=False),
    Column("sealed", Text()),
    _moment("created_at", nullable=False),
    _moment("retired_at"),
    _moment("expires_at"),
)
_IN_USE = signing_keys.c.state != "retired"
Index(
    "watchword_signing_keys_state_idx",
    signing_keys.c.state,
    unique=True,
    sqlite_where=_IN_USE,
    postgresql_where=_IN_USE,
)

# What others vouched for and is to be refused from now on; `id` is a digest of who it was.
revocations = Table(
    "watchword_revocations",
    metadata,
    Column("id", String(64), primary_key=True),
    _moment("revoked_at", nullable=False),
    _moment("expires_at", nullable=False),
)

# Without foreign keys: what happened stays known when the user or the session is gone.
auth_events = Table(
    "watchword_auth_events",
    metadata,
    _id(),
    Column("at", UtcTimestamp(), nullable=False, index=True),
    Column("kind", String(64), nullable=False),
    Column("user", String(36), index=True),
    Column("session", String(36)),
    Column("email", String(255)),
    Column("ip", String(255)),
    Column("user_agent", Text()),
    _json("detail"),
)

# One row for each change and each login that was to be recorded. Without foreign keys, like the events above.
activity = Table(
    "watchword_activity",
    metadata,
    Column("id", Integer(), primary_key=True, autoincrement=True),
    Column("action", String(45), nullable=False),
    Column("user", String(36), index=True),
    Column("timestamp", UtcTimestamp(), nullable=False, index=True),
    Column("ip", String(50)),
    Column("user_agent", Text()),
    Column("collection", String(64), nullable=False),
    Column("item", String(255), nullable=False),
    Column("origin", String(255)),
    sqlite_autoincrement=True,
)

# What administrators choose for the whole project: one row, which the migration makes.
project = Table(
    "watchword_project",
    metadata,
    Column("id", Integer(), primary_key=True, autoincrement=True),
    Column("project_name", String(100)),
    Column("project_descriptor", String(100)),
    Column("project_url", String(255)),
    Column("project_color", String(50), nullable=False, server_default="#6644FF"),
    Column("default_language", String(255), nullable=False, server_default="en-US"),
    Column("public_note", Text()),
    _flag("public_registration", default=False),
    Column("auth_login_attempts", Integer()),
    Column("auth_password_policy", String(255)),
)

# What is said of collections, fields and relations beside what the database knows, by the names that clients use.
collections = Table(
    "watchword_collections",
    metadata,
    Column("collection", String(255), primary_key=True),
    Column("icon", String(64)),
    Column("note", Text()),
    Column("color", String(255)),
    Column("display_template", String(255)),
    _flag("hidden", default=False),
    _flag("singleton", default=False),
    _json("translations"),
    Column("archive_field", String(255)),
    _flag("archive_app_filter", default=True),
    Column("archive_value", String(255)),
    Column("unarchive_value", String(255)),
    Column("sort_field", String(255)),
    Column("accountability", String(255)),
    _json("item_duplication_fields"),
    Column("sort", Integer()),
    Column("group", String(255)),
    Column("collapse", String(255), nullable=False, server_default="open"),
    Column("preview_url", String(255)),
    _flag("versioning", default=False),
)

fields = Table(
    "watchword_fields",
    metadata,
    Column("id", Integer(), primary_key=True, autoincrement=True),
    Column("collection", String(255), nullable=False),
    Column("field", String(255), nullable=False),
    _json("special"),
    Column("interface", String(64)),
    _json("options"),
    Column("display", String(64)),
    _json("display_options"),
    _flag("readonly", default=False),
    _flag("hidden", default=False),
    Column("sort", Integer()),
    Column("width", String(30), nullable=False, server_default="full"),
    _json("translations"),
    Column("note", Text()),
    _json("conditions"),
    _flag("required", default=False),
    Column("group", String(255)),
    _json("validation"),
    Column("validation_message", Text()),
    _flag("searchable", default=True),
    UniqueConstraint("collection", "field"),
    sqlite_autoincrement=True,
)

relations = Table(
    "watchword_relations",
    metadata,
    Column("id", Integer(), primary_key=True, autoincrement=True),
    Column("many_collection", String(255), nullable=False),
    Column("many_field", String(255), nullable=False),
    Column("one_collection", String(255)),
    Column("one_field", String(255)),
    Column("one_collection_field", String(255)),
    _json("one_allowed_collections"),
    Column("junction_field", String(255)),
    Column("sort_field", String(255)),
    Column("one_deselect_action", String(255), nullable=False, server_default="nullify"),
    UniqueConstraint("many_collection", "many_field"),
    sqlite_autoincrement=True,
)

# What no table shows has changed when this one row is another one.
structure = Table("watchword_structure", metadata, Column("version", String(36), primary_key=True))

SERVED = {
    "directus_users": users,
    "directus_roles": roles,
    "directus_policies": policies,
    "directus_access": access,
    "directus_permissions": permissions,
    "directus_activity": activity,
    "directus_settings": project,
}
