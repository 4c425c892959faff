"""Let static tokens belong to a role instead of a user, and create the signing keys."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from watchword.storage.types import UtcTimestamp

revision = "0005"
down_revision = "0004"

TOKENS = "watchword_tokens"
KEYS = "watchword_signing_keys"


def upgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        # Otherwise one view of the user's that has lost its table would keep every table from being renamed.
        op.get_bind().exec_driver_sql("PRAGMA legacy_alter_table = ON")
    _let_tokens_belong_to_roles()
    if op.get_bind().dialect.name == "sqlite":
        op.get_bind().exec_driver_sql("PRAGMA legacy_alter_table = OFF")
    _create_keys()


def _let_tokens_belong_to_roles() -> None:
    # On SQLite the table is made anew, which takes its triggers with it; the server puts them back when it starts.
    with op.batch_alter_table(TOKENS, copy_from=_tokens()) as batch:
        batch.alter_column("user", existing_type=sa.String(36), nullable=True)
        batch.add_column(sa.Column("role", sa.String(36), nullable=True))
        batch.create_foreign_key(f"{TOKENS}_role_fkey", "watchword_roles", ["role"], ["id"], ondelete="CASCADE")
        batch.create_check_constraint(f"{TOKENS}_holder_check", '("user" IS NULL) <> (role IS NULL)')
        batch.create_index(f"{TOKENS}_role_idx", ["role"])


def _create_keys() -> None:
    op.create_table(
        KEYS,
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("algorithm", sa.String(16), nullable=False),
        sa.Column("state", sa.String(8), nullable=False),
        sa.Column("sealed", sa.Text()),
        sa.Column("created_at", UtcTimestamp(), nullable=False),
        sa.Column("retired_at", UtcTimestamp()),
        sa.Column("expires_at", UtcTimestamp()),
        sa.PrimaryKeyConstraint("id", name=f"{KEYS}_pkey"),
    )
    in_use = sa.text("state != 'retired'")
    op.create_index(f"{KEYS}_state_idx", KEYS, ["state"], unique=True, sqlite_where=in_use, postgresql_where=in_use)


def _tokens() -> sa.Table:
    """The table as it has been so far."""
    return sa.Table(
        TOKENS,
        sa.MetaData(),
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("user", sa.String(36), nullable=False),
        sa.Column("name", sa.String(255)),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("prefix", sa.String(32)),
        sa.Column("created_at", UtcTimestamp(), nullable=False),
        sa.Column("expires_at", UtcTimestamp()),
        sa.Column("last_used_at", UtcTimestamp()),
        sa.PrimaryKeyConstraint("id", name=f"{TOKENS}_pkey"),
        sa.ForeignKeyConstraint(["user"], ["watchword_users.id"], name=f"{TOKENS}_user_fkey", ondelete="CASCADE"),
        sa.UniqueConstraint("digest", name=f"{TOKENS}_digest_key"),
        sa.Index(f"{TOKENS}_user_idx", "user"),
    )
