"""Create the table of what is refused of identities that others vouch for."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from watchword.storage.types import UtcTimestamp

revision = "0006"
down_revision = "0005"

REVOCATIONS = "watchword_revocations"


def upgrade() -> None:
    op.create_table(
        REVOCATIONS,
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("revoked_at", UtcTimestamp(), nullable=False),
        sa.Column("expires_at", UtcTimestamp(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=f"{REVOCATIONS}_pkey"),
    )
