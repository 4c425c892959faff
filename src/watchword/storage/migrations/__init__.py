"""Migrations of our own tables: Alembic, run by the program at start. User tables are never looked at."""

from __future__ import annotations

from typing import TYPE_CHECKING

from alembic import command
from alembic.config import Config
from sqlalchemy import func, select

from watchword.storage.engine import WITHOUT_BOUND

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from watchword.storage.engine import Database

VERSION_TABLE = "watchword_alembic_version"

_LOCK = 7302  # any number that nobody else is likely to lock


async def migrate(db: Database) -> None:
    """Bring our tables to the newest version, in one transaction. Processes that start at once take turns."""
    async with db.write(silent=True) as connection:
        if db.kind == "postgresql":  # SQLite's writers take turns anyway
            await connection.execute(WITHOUT_BOUND)
            await connection.execute(select(func.pg_advisory_xact_lock(_LOCK)))
        await connection.run_sync(_upgrade)


def _upgrade(connection: Connection) -> None:
    config = Config()
    config.set_main_option("script_location", "watchword.storage:migrations")
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
