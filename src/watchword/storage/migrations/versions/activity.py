"""Create the activity, and the settings of the project with their one row."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from watchword.storage.types import UtcTimestamp

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    _create_activity()
    _create_project()


def _create_activity() -> None:
    op.create_table(
        "watchword_activity",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("action", sa.String(45), nullable=False),
        sa.Column("user", sa.String(36)),
        sa.Column("timestamp", UtcTimestamp(), nullable=False),
        sa.Column("ip", sa.String(50)),
        sa.Column("user_agent", sa.Text()),
        sa.Column("collection", sa.String(64), nullable=False),
        sa.Column("item", sa.String(255), nullable=False),
        sa.Column("origin", sa.String(255)),
        sa.PrimaryKeyConstraint("id", name="watchword_activity_pkey"),
        sqlite_autoincrement=True,
    )
    for column in ("user", "timestamp"):
        op.create_index(f"watchword_activity_{column}_idx", "watchword_activity", [column])


def _create_project() -> None:
    project = op.create_table(
        "watchword_project",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("project_name", sa.String(100)),
        sa.Column("project_descriptor", sa.String(100)),
        sa.Column("project_url", sa.String(255)),
        sa.Column("project_color", sa.String(50), nullable=False, server_default="#6644FF"),
        sa.Column("default_language", sa.String(255), nullable=False, server_default="en-US"),
        sa.Column("public_note", sa.Text()),
        sa.Column("public_registration", sa.Boolean(), nullable=False, server_default=sa.text("false")),
        sa.Column("auth_login_attempts", sa.Integer()),
        sa.Column("auth_password_policy", sa.String(255)),
        sa.PrimaryKeyConstraint("id", name="watchword_project_pkey"),
    )
    op.bulk_insert(project, [{"id": 1}])
