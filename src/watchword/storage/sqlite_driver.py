"""The driver of SQLite as SQLAlchemy sees it: aiosqlite, with one trip to its thread for each statement.

SQLAlchemy's own adapter makes four: for the cursor, the statement, its rows and the cursor's end. Such a trip costs
more than most statements do. A transaction that is told to begins together with its first statement, one that reads
may end together with its last one, and what has ended is not ended again when the connection goes back to the pool.
"""

from __future__ import annotations

import sqlite3
from collections import deque
from typing import TYPE_CHECKING, Any

import aiosqlite
import msgspec
from sqlalchemy.dialects.sqlite.aiosqlite import (
    AsyncAdapt_aiosqlite_connection,
    AsyncAdapt_aiosqlite_cursor,
    AsyncAdapt_aiosqlite_dbapi,
)

if TYPE_CHECKING:
    from collections.abc import Callable


class _Ran(msgspec.Struct, frozen=True, gc=False):
    """What is left of a statement that has been run."""

    description: Any = None
    rowcount: int = -1
    lastrowid: Any = None
    rows: Any = ()


_NOT_RUN = _Ran()


class _Cursor(AsyncAdapt_aiosqlite_cursor):
    """A cursor that exists in the driver's thread only while its statement runs there; the rows come back with it."""

    __slots__ = ("_ran",)

    _adapt_connection: _Connection

    def __init__(self, connection: _Connection) -> None:  # the adapter's would already make a trip
        self._adapt_connection = connection
        self._connection = connection.driver_connection
        self._soft_closed_memoized = {}  # type: ignore[assignment]  # nothing is ever left to be closed
        self._rows = deque()
        self._ran = _NOT_RUN

    @property
    def description(self) -> Any:
        """The columns of the rows."""
        return self._ran.description

    @property
    def rowcount(self) -> int:
        """How many rows the statement wrote."""
        return self._ran.rowcount

    @property
    def lastrowid(self) -> Any:
        """The number of the row that was inserted last."""
        return self._ran.lastrowid

    def close(self) -> None:
        """Drop the rows that have not been fetched."""
        self._rows.clear()

    async def _async_soft_close(self) -> None:
        return

    async def _execute_async(self, operation: Any, parameters: Any) -> Any:
        given = () if parameters is None else parameters
        await self._run(lambda cursor: cursor.execute(operation, given))

    async def _executemany_async(self, operation: Any, seq_of_parameters: Any) -> Any:
        await self._run(lambda cursor: cursor.executemany(operation, seq_of_parameters))

    async def _run(self, statement: Callable[[sqlite3.Cursor], object]) -> None:
        """Run a statement and fetch its rows. The thread does one thing after the other, so that needs no lock."""
        driver: Any = self._connection
        # The adapter uses the driver's own members, too.
        self._ran = await driver._execute(_run, driver._conn, statement, self._adapt_connection)  # noqa: SLF001
        self._rows = deque(self._ran.rows)


class _Connection(AsyncAdapt_aiosqlite_connection):
    __slots__ = ("_begin", "_begun", "_ends", "_is_used")

    _cursor_cls = _Cursor  # type: ignore[assignment]  # it takes no connection but ours

    def __init__(self, dbapi: Any, connection: Any) -> None:
        super().__init__(dbapi, connection)
        self._begin: str | None = None
        self._begun: Callable[[], None] | None = None
        self._ends = False
        self._is_used = False

    def begin(self, how: str, begun: Callable[[], None] | None = None) -> None:
        """Let the next statement be the first one of a transaction; when that has begun, `begun` is called."""
        self._begin, self._begun = how, begun

    def end(self) -> None:
        """Let the transaction, which has only read, end when the next statement has run."""
        self._ends = True

    def prepare(self, cursor: sqlite3.Cursor) -> None:
        """Begin the transaction in which a statement is about to run; if it cannot, the next one has to do it.

        A statement that is the first and the last one needs none: it is one by itself.
        """
        if self._ends and not self._is_used:
            self._begin = None
        self._is_used = True
        if self._begin is not None:
            cursor.execute(self._begin)
            self._begin = None
            if self._begun is not None:
                self._begun()

    def finish(self, cursor: sqlite3.Cursor) -> None:
        """End the transaction whose last statement has run; where that has failed, it is undone like any other."""
        if self._ends:
            if cursor.connection.in_transaction:
                cursor.execute("ROLLBACK")
            self._ends = self._is_used = False

    def commit(self) -> None:
        """End the transaction, if a statement has run."""
        self._begin = None
        if self._is_used:
            super().commit()
            self._is_used = False

    def rollback(self) -> None:
        """Undo the transaction, if a statement has run."""
        self._begin = None
        self._ends = False
        if self._is_used:
            super().rollback()
            self._is_used = False


class SqliteDriver(AsyncAdapt_aiosqlite_dbapi):
    """What `create_async_engine` takes as `module`."""

    def __init__(self) -> None:
        super().__init__(aiosqlite, sqlite3)

    def connect(self, *arg: Any, **kw: Any) -> _Connection:
        """Open a connection."""
        return _Connection(self, super().connect(*arg, **kw).driver_connection)


def _run(
    connection: sqlite3.Connection,
    statement: Callable[[sqlite3.Cursor], object],
    transaction: _Connection,
) -> _Ran:
    cursor = connection.cursor()
    try:
        transaction.prepare(cursor)
        statement(cursor)
        rows = cursor.fetchall() if cursor.description is not None else ()
        ran = _Ran(cursor.description, cursor.rowcount, cursor.lastrowid, rows)
        transaction.finish(cursor)
        return ran
    finally:
        cursor.close()
