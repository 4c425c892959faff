"""Migrations of our own tables: Alembic, run by the program at start. User tables are never looked at.

Alembic takes a while to import, so it is left alone where the tables are up to date, as they are at most starts.
"""

from __future__ import annotations

import re
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING

from sqlalchemy import Text, column, func, inspect, select, table

from watchword.storage.engine import WITHOUT_BOUND

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection

    from watchword.storage.engine import Database

VERSION_TABLE = "watchword_alembic_version"

_LOCK = 7302  # any number that nobody else is likely to lock
_IN_FILE = re.compile(r'^(down_revision|revision) = (?:"(\w+)"|None)$', re.MULTILINE)
_version = table(VERSION_TABLE, column("version_num", Text))


async def migrate(db: Database) -> None:
    """Bring our tables to the newest version, in one transaction. Processes that start at once take turns."""
    known = versions()
    if known and await version(db) == known[-1]:
        return
    async with db.write(silent=True) as connection:
        if db.kind == "postgresql":  # SQLite's writers take turns anyway
            await connection.execute(WITHOUT_BOUND)
            await connection.execute(select(func.pg_advisory_xact_lock(_LOCK)))
        await connection.run_sync(_upgrade)


async def version(db: Database) -> str | None:
    """Return the version that our tables have, None where there are none."""
    async with db.read() as connection:
        return await connection.run_sync(_find_version)


@cache
def versions() -> Sequence[str]:
    """Return every version that the program knows, the newest last, as its files name them."""
    after: dict[str | None, str] = {}
    for file in (resources.files(__name__) / "versions").iterdir():
        if file.name.endswith(".py"):
            named = {name: value or None for name, value in _IN_FILE.findall(file.read_text())}
            if named.get("revision"):
                after[named.get("down_revision")] = str(named["revision"])
    known: list[str] = []
    while (following := after.get(known[-1] if known else None)) is not None:
        known.append(following)
    return known


def _find_version(connection: Connection) -> str | None:
    if not inspect(connection).has_table(VERSION_TABLE):
        return None
    return connection.execute(select(_version.c.version_num)).scalar_one_or_none()


def _upgrade(connection: Connection) -> None:
    from alembic import command  # noqa: PLC0415 - see above
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", "watchword.storage:migrations")
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
