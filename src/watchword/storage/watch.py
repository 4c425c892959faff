"""Watch: whether anybody may have committed since the log was read; asked many times a second, so it must be cheap.

Each database has one value that changes with every commit, whoever makes it. It is asked for on a connection of its
own, which never writes. Where it cannot be told, there may be news: who reads the log then finds out what is wrong.
"""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING, Any, Protocol

import anyio.to_thread
import structlog

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

_log = structlog.get_logger(__name__)

_COMMITS = "SELECT pg_current_snapshot()::text || ' ' || pg_postmaster_start_time()"
"""Each commit takes an id out of what is running, or moves what will run: no two snapshots around one are the same."""


class Look(Protocol):
    """A look at what has been committed."""

    async def __call__(self) -> str | int | None:
        """Return what changes with every commit; None when it cannot be told."""

    async def close(self) -> None:
        """Close the connection; the next call opens another."""


class Watch:
    """What a reader of the log knew when it last read."""

    def __init__(self, look: Look) -> None:
        self._look = look
        self._read: str | int | None = None
        self._seen: str | int | None = None

    async def has_news(self) -> bool:
        """Whether anybody may have committed since before the last reading that was `done`."""
        self._seen = await self._look()
        return self._seen is None or self._seen != self._read

    async def before(self) -> str | int | None:
        """Return what was committed before a reading: what is committed during it is looked for again."""
        seen, self._seen = self._seen, None
        return await self._look() if seen is None else seen

    def done(self, before: str | int | None) -> None:
        """Note that all has been read that was committed `before`."""
        self._read = before

    def doubt(self) -> None:
        """Take what was read for not read."""
        self._read = None

    async def close(self) -> None:
        """Close the connection."""
        await self._look.close()


class SqliteLook:
    """A look at a file. In WAL mode that is a look at memory, far below a trip to another thread: the loop does it."""

    def __init__(self, connect: Callable[[], sqlite3.Connection]) -> None:
        self._connect = connect
        self._connection: sqlite3.Connection | None = None

    async def __call__(self) -> int | None:
        """Return the number that SQLite counts for this connection; it changes with commits of all others."""
        try:
            if self._connection is None:
                self._connection = await anyio.to_thread.run_sync(self._open)
            version: int = self._connection.execute("PRAGMA data_version").fetchone()[0]
        except sqlite3.Error:
            return None
        return version

    async def close(self) -> None:
        """Close the connection, which may be the last one and then tidies the file up."""
        connection, self._connection = self._connection, None
        if connection is not None:
            await anyio.to_thread.run_sync(connection.close)

    def _open(self) -> sqlite3.Connection:
        connection = self._connect()
        try:
            connection.execute("PRAGMA busy_timeout = 0")  # the loop does not wait for a lock
            connection.execute("PRAGMA query_only = ON")
        except BaseException:
            connection.close()
            raise
        return connection


class PostgresLook:
    """A look at a server: one trip, and no transaction besides the statement's own."""

    def __init__(self, engine: AsyncEngine, patience: float) -> None:
        self._engine = engine
        self._patience = patience
        self._connection: AsyncConnection | None = None
        self._driver: Any = None

    async def __call__(self) -> str | None:
        """Return the server's snapshot, with its start: ids that a crash has lost are given again."""
        try:
            if self._connection is None:
                self._connection = await self._engine.connect()
                self._driver = (await self._connection.get_raw_connection()).driver_connection
            # The driver's own, because it is asked so often: this is one trip, and prepared once.
            commits: str = await self._driver.fetchval(_COMMITS, timeout=self._patience)
        except Exception as error:  # noqa: BLE001 - the driver's own have no common class; the log's reader tells
            _log.debug("database.unseen", reason=type(error).__name__)
            await self._drop()
            return None
        return commits

    async def close(self) -> None:
        """Close the connection."""
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.close()

    async def _drop(self) -> None:
        """Let a connection go that may be broken: nothing more is said to the server."""
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.invalidate()
            await connection.close()
