"""Create users, roles, policies, access, permissions, sessions, tokens and the audit trail."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

from watchword.storage.types import UtcTimestamp

revision = "0001"
down_revision = None


def upgrade() -> None:
    _create_roles()
    _create_users()
    _create_policies()
    _create_access()
    _create_permissions()
    _create_sessions()
    _create_tokens()
    _create_auth_events()


def _create_roles() -> None:
    _create(
        "roles",
        _id(),
        _string("name", 100, nullable=False),
        _string("icon", 64, nullable=False, server_default="supervised_user_circle"),
        _text("description"),
        _id("parent", nullable=True),
        references={"parent": ("roles", "SET NULL")},
        indexes=("parent",),
    )


def _create_users() -> None:
    _create(
        "users",
        _id(),
        _string("first_name", 50),
        _string("last_name", 50),
        _string("email", 128),
        _string("password", 255),
        _string("location", 255),
        _string("title", 50),
        _text("description"),
        _json("tags"),
        _id("avatar", nullable=True),
        _string("language", 255),
        _string("status", 16, nullable=False, server_default="active"),
        _id("role", nullable=True),
        _moment("last_access"),
        _string("last_page", 255),
        _string("provider", 128, nullable=False, server_default="default"),
        _string("external_identifier", 255),
        _flag("email_notifications", default=True),
        references={"role": ("roles", "SET NULL")},
        indexes=("role",),
        unique=("external_identifier",),
    )
    op.create_index("watchword_users_email_idx", "watchword_users", [sa.text("lower(email)")], unique=True)


def _create_policies() -> None:
    _create(
        "policies",
        _id(),
        _string("name", 100, nullable=False),
        _string("icon", 64, nullable=False, server_default="badge"),
        _text("description"),
        _text("ip_access"),
        _flag("enforce_tfa", default=False),
        _flag("admin_access", default=False),
        _flag("app_access", default=False),
    )


def _create_access() -> None:
    _create(
        "access",
        _id(),
        _id("role", nullable=True),
        _id("user", nullable=True),
        _id("policy"),
        sa.Column("sort", sa.Integer()),
        references={"role": ("roles", "CASCADE"), "user": ("users", "CASCADE"), "policy": ("policies", "CASCADE")},
        indexes=("role", "user", "policy"),
    )


def _create_permissions() -> None:
    _create(
        "permissions",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        _id("policy"),
        _string("collection", 64, nullable=False),
        _string("action", 10, nullable=False),
        _json("permissions"),
        _json("validation"),
        _json("presets"),
        _text("fields"),
        references={"policy": ("policies", "CASCADE")},
        indexes=("policy",),
        sqlite_autoincrement=True,
    )


def _create_sessions() -> None:
    _create(
        "sessions",
        _id(),
        _id("user", nullable=True),
        _moment("created_at", nullable=False),
        _moment("expires_at", nullable=False),
        _moment("revoked_at"),
        _moment("last_used_at"),
        _string("refresh_digest", 64, nullable=False),
        _string("previous_digest", 64),
        _moment("rotated_at"),
        _string("ip", 255),
        _text("user_agent"),
        _string("origin", 255),
        _string("mode", 16, nullable=False),
        references={"user": ("users", "CASCADE")},
        indexes=("user", "previous_digest"),
        unique=("refresh_digest",),
    )


def _create_tokens() -> None:
    _create(
        "tokens",
        _id(),
        _id("user"),
        _string("name", 255),
        _string("digest", 64, nullable=False),
        _string("prefix", 32),
        _moment("created_at", nullable=False),
        _moment("expires_at"),
        _moment("last_used_at"),
        references={"user": ("users", "CASCADE")},
        indexes=("user",),
        unique=("digest",),
    )


def _create_auth_events() -> None:
    _create(
        "auth_events",
        _id(),
        _moment("at", nullable=False),
        _string("kind", 64, nullable=False),
        _id("user", nullable=True),
        _id("session", nullable=True),
        _string("email", 255),
        _string("ip", 255),
        _text("user_agent"),
        _json("detail"),
        indexes=("at", "user"),
    )


def _create(
    name: str,
    *columns: sa.Column[Any],
    references: dict[str, tuple[str, str]] | None = None,
    indexes: tuple[str, ...] = (),
    unique: tuple[str, ...] = (),
    **options: Any,
) -> None:
    """Create a table with its constraints and indexes, named as the tables' metadata names them."""
    table = f"watchword_{name}"
    foreign = [
        sa.ForeignKeyConstraint([column], [f"watchword_{to}.id"], name=f"{table}_{column}_fkey", ondelete=on_delete)
        for column, (to, on_delete) in (references or {}).items()
    ]
    uniques = [sa.UniqueConstraint(column, name=f"{table}_{column}_key") for column in unique]
    op.create_table(table, *columns, sa.PrimaryKeyConstraint("id", name=f"{table}_pkey"), *foreign, *uniques, **options)
    for column in indexes:
        op.create_index(f"{table}_{column}_idx", table, [column])


def _id(name: str = "id", *, nullable: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.String(36), nullable=nullable)


def _string(name: str, length: int, *, nullable: bool = True, server_default: str | None = None) -> sa.Column[Any]:
    return sa.Column(name, sa.String(length), nullable=nullable, server_default=server_default)


def _text(name: str) -> sa.Column[Any]:
    return sa.Column(name, sa.Text())


def _json(name: str) -> sa.Column[Any]:
    return sa.Column(name, sa.JSON())


def _moment(name: str, *, nullable: bool = True) -> sa.Column[Any]:
    return sa.Column(name, UtcTimestamp(), nullable=nullable)


def _flag(name: str, *, default: bool) -> sa.Column[Any]:
    return sa.Column(name, sa.Boolean(), nullable=False, server_default=sa.text("true" if default else "false"))
