"""Create what is known of collections, fields and relations beside what the database itself says."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    _create_collections()
    _create_fields()
    _create_relations()
    op.create_table(
        "watchword_structure",
        sa.Column("version", sa.String(36), nullable=False),
        sa.PrimaryKeyConstraint("version", name="watchword_structure_pkey"),
    )


def _create_collections() -> None:
    op.create_table(
        "watchword_collections",
        _string("collection", nullable=False),
        _string("icon", 64),
        sa.Column("note", sa.Text()),
        _string("color"),
        _string("display_template"),
        _flag("hidden", default=False),
        _flag("singleton", default=False),
        _json("translations"),
        _string("archive_field"),
        _flag("archive_app_filter", default=True),
        _string("archive_value"),
        _string("unarchive_value"),
        _string("sort_field"),
        _string("accountability"),
        _json("item_duplication_fields"),
        sa.Column("sort", sa.Integer()),
        _string("group"),
        _string("collapse", nullable=False, server_default="open"),
        _string("preview_url"),
        _flag("versioning", default=False),
        sa.PrimaryKeyConstraint("collection", name="watchword_collections_pkey"),
    )


def _create_fields() -> None:
    op.create_table(
        "watchword_fields",
        _number(),
        _string("collection", nullable=False),
        _string("field", nullable=False),
        _json("special"),
        _string("interface", 64),
        _json("options"),
        _string("display", 64),
        _json("display_options"),
        _flag("readonly", default=False),
        _flag("hidden", default=False),
        sa.Column("sort", sa.Integer()),
        _string("width", 30, nullable=False, server_default="full"),
        _json("translations"),
        sa.Column("note", sa.Text()),
        _json("conditions"),
        _flag("required", default=False),
        _string("group"),
        _json("validation"),
        sa.Column("validation_message", sa.Text()),
        _flag("searchable", default=True),
        sa.PrimaryKeyConstraint("id", name="watchword_fields_pkey"),
        sa.UniqueConstraint("collection", "field", name="watchword_fields_collection_key"),
        sqlite_autoincrement=True,
    )


def _create_relations() -> None:
    op.create_table(
        "watchword_relations",
        _number(),
        _string("many_collection", nullable=False),
        _string("many_field", nullable=False),
        _string("one_collection"),
        _string("one_field"),
        _string("one_collection_field"),
        _json("one_allowed_collections"),
        _string("junction_field"),
        _string("sort_field"),
        _string("one_deselect_action", nullable=False, server_default="nullify"),
        sa.PrimaryKeyConstraint("id", name="watchword_relations_pkey"),
        sa.UniqueConstraint("many_collection", "many_field", name="watchword_relations_many_collection_key"),
        sqlite_autoincrement=True,
    )


def _number() -> sa.Column[Any]:
    return sa.Column("id", sa.Integer(), autoincrement=True, nullable=False)


def _string(
    name: str, length: int = 255, *, nullable: bool = True, server_default: str | None = None
) -> sa.Column[Any]:
    return sa.Column(name, sa.String(length), nullable=nullable, server_default=server_default)


def _json(name: str) -> sa.Column[Any]:
    return sa.Column(name, sa.JSON())


def _flag(name: str, *, default: bool) -> sa.Column[Any]:
    return sa.Column(name, sa.Boolean(), nullable=False, server_default=sa.text("true" if default else "false"))
