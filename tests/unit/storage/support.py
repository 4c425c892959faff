"""What the tests of the storage share: running SQL, and the shape of a change."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from watchword.storage.engine import Database
from watchword.storage.log import Captured, Entry, Logged

POST = Captured("post", "post", ("id",), ("id", "title", "body"))


async def run(db: Database, *statements: str) -> None:
    """Run statements in one transaction."""
    async with db.write() as connection:
        for statement in statements:
            await connection.exec_driver_sql(statement)


async def fail(db: Database, *statements: str) -> None:
    """Run statements in a transaction that then fails."""
    async with db.write() as connection:
        for statement in statements:
            await connection.exec_driver_sql(statement)
        raise KeyError


async def fetch(db: Database, statement: str) -> list[tuple[Any, ...]]:
    """Read rows."""
    async with db.read() as connection:
        return [tuple(row) for row in await connection.exec_driver_sql(statement)]


async def create_post(db: Database) -> None:
    """Create the table that most tests change."""
    await run(db, "CREATE TABLE post (id INTEGER PRIMARY KEY, title VARCHAR(200), body TEXT)")


def logged(entries: Iterable[Entry]) -> list[Logged]:
    """The same entries, none of which may be a Bulk."""
    changes = list(entries)
    assert all(isinstance(each, Logged) for each in changes), changes
    return [each for each in changes if isinstance(each, Logged)]


def brief(entries: Iterable[Entry]) -> list[tuple[str, str]]:
    """Action and key of each change."""
    return [(each.action, each.key) for each in logged(entries)]
