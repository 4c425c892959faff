"""The database as connections and transactions: one class over SQLite and PostgreSQL."""

from __future__ import annotations

import sqlite3
from contextlib import asynccontextmanager, contextmanager
from functools import partial
from math import inf
from time import monotonic, perf_counter
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import anyio
import structlog
from anyio.lowlevel import checkpoint
from sqlalchemy import event, func, select
from sqlalchemy.engine import URL, Connection, Engine, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool
from sqlalchemy.util.concurrency import await_only, greenlet_spawn

from watchword.base.errors import Code, Problem, invalid_query
from watchword.storage.sqlite_driver import SqliteDriver
from watchword.storage.watch import PostgresLook, SqliteLook

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from sqlalchemy.pool import ConnectionPoolEntry

    from watchword.storage.watch import Look

_log = structlog.get_logger(__name__)

T = TypeVar("T")

Kind = Literal["sqlite", "postgresql"]

OpenConnection = AsyncConnection
"""What a transaction gives to those who only pass it on."""

CONNECT_SECONDS = 10
POOL_SECONDS = 10
BUSY_MILLISECONDS = 5000
PATIENCE_SECONDS = 10.0
TURN_SECONDS = 10

WITHOUT_BOUND = select(func.set_config("statement_timeout", "0", True))
"""For PostgreSQL: lets the statements of one transaction take the time that they need."""
LOCK_MILLISECONDS = 5000
STRUCTURE_LOCK = 7304
"""What nodes on PostgreSQL take turns by when they change tables or triggers; taken before any table is locked."""

_SQLITE = ("sqlite", "sqlite+aiosqlite")
_POSTGRESQL = ("postgres", "postgresql", "postgresql+asyncpg")
_BEGIN = "watchword_begin"
_PATIENCE = "watchword_patience"
_PAUSE = 0.01  # seconds until a file that is being put into WAL mode is asked again
_STEPS = 20_000  # of SQLite's machine between two looks at the clock: well below a second's work
_STARTED = "watchword_started"
_UNCHECKED = "watchword_unchecked"
_PRAGMAS = (
    f"PRAGMA busy_timeout = {BUSY_MILLISECONDS}",
    "PRAGMA synchronous = NORMAL",  # in WAL mode a commit survives the end of the process
    "PRAGMA foreign_keys = ON",
    "PRAGMA recursive_triggers = ON",  # INSERT OR REPLACE then fires delete triggers
)
# Classes of SQLSTATE that say "not now": connection exception, transaction rollback (deadlock, serialization failure),
# insufficient resources, a lock that is not free, operator intervention, system error.
_UNAVAILABLE = ("08", "40", "53", "55P03", "57P", "58")
# The same of SQLite's result codes, extended ones included: locked, full, a disk that fails, a file that is gone.
_SQLITE_UNAVAILABLE = (
    "SQLITE_BUSY",
    "SQLITE_LOCKED",
    "SQLITE_FULL",
    "SQLITE_IOERR",
    "SQLITE_CANTOPEN",
    "SQLITE_NOMEM",
    "SQLITE_PROTOCOL",
    "SQLITE_READONLY",
)
_CANCELLED = "57014"
_TOO_COMPLEX = "54"
_OVERFLOW = "integer overflow"  # SQLite, of a sum
_TOO_COMPLEX_FOR_SQLITE = ("parser stack overflow", "Expression tree is too large", "too many ", "at most ")
_OUTDATED = frozenset({"42703", "42P01"})  # undefined_column, undefined_table

_log = structlog.get_logger(__name__)


class Database:
    """The one way to the database. Built once, passed to everything that stores or reads.

    `pool_size` bounds the open connections; who waits longer than ten seconds for one gets SERVICE_UNAVAILABLE. Do not
    open a transaction inside another one's block: each takes a connection, and SQLite has one writer at a time.
    `patience` is how many seconds a statement may take, and on SQLite a whole transaction that only reads; what takes
    longer is stopped, and SERVICE_UNAVAILABLE, too.

    Raises:
        ValueError: the URL names neither a SQLite file nor a PostgreSQL database.
    """

    def __init__(self, url: str, *, pool_size: int = 5, patience: float = PATIENCE_SECONDS) -> None:
        parsed = _parse(url)
        self.kind: Kind = "sqlite" if parsed.drivername == "sqlite+aiosqlite" else "postgresql"
        self._url = parsed
        self._engine = _engine(self.kind, parsed, pool_size, patience)
        self._patience = patience
        self._looks: list[Look] = []
        if self.kind == "postgresql":
            self._reading = self._engine.execution_options(postgresql_readonly=True)
            self._working = self._reading.sync_engine
            self._separate = [self._engine.sync_engine]
        else:
            self._reading = self._engine.execution_options(**{_PATIENCE: patience})
            self._working = _unheard(self._engine.sync_engine)
            self._separate = [self._engine.sync_engine, self._working]  # who listens to one does not hear the other
        self._keeping = self._engine.execution_options(**{_BEGIN: "BEGIN IMMEDIATE"})
        self._writing = self._keeping.execution_options(**{_PATIENCE: patience})
        self._restructuring = self._keeping.execution_options(**{_UNCHECKED: True})
        self._turn = anyio.Lock() if self.kind == "sqlite" else None
        self._listeners: list[Callable[[], None]] = []

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """Open a transaction for reading; whatever is written in it is refused or undone.

        Raises:
            Problem: SERVICE_UNAVAILABLE when the database cannot be reached or does not answer in time.
        """
        async with _transaction(self._reading) as connection:
            yield connection

    async def run(self, work: Callable[[Connection], T]) -> T:
        """Run what only reads, in one transaction, on SQLAlchemy's own side: it steps out to the loop only to wait.

        Raises:
            Problem: as `read` does.
        """
        with _answering():
            return await greenlet_spawn(self._work, work)

    def _work(self, work: Callable[[Connection], T]) -> T:
        """Do work as in `_transaction`; what waits here, waits in the loop all the same."""
        with _reaching(), anyio.CancelScope(shield=True):  # noqa: ASYNC100 - see above
            connection = self._working.connect()
        try:
            if self.kind == "sqlite":
                driver: Any = connection.connection.dbapi_connection
                connection.info[_PATIENCE].set(self._patience)
                driver.begin("BEGIN")
            return work(connection)
        finally:
            with anyio.CancelScope(shield=True):  # noqa: ASYNC100 - see above
                connection.close()

    @asynccontextmanager
    async def write(self, *, silent: bool = False) -> AsyncIterator[AsyncConnection]:
        """Open a transaction that commits when the block ends and rolls back when it raises.

        On SQLite the process's writers take turns, so they never meet each other's lock. After the commit, and before
        the caller goes on, the `on_commit` listeners run, unless the transaction is `silent` (our own upkeep, on
        SQLite without bound in time). Errors of statements (integrity, …) pass through as SQLAlchemy's.

        Raises:
            Problem: SERVICE_UNAVAILABLE when the database cannot be reached, stays locked, is full, gave the
                transaction up for another one's sake, or is lost on the way.
        """
        engine = self._keeping if silent else self._writing
        async with self._taking_turns(), _transaction(engine) as connection:
            yield connection
            await self._commit(connection, *(() if silent else self._listeners))

    @asynccontextmanager
    async def restructure(self, committed: Callable[[], None]) -> AsyncIterator[AsyncConnection]:
        """Open a transaction, as `write` does, in which tables may be changed. Nodes take turns.

        On SQLite foreign keys are not enforced in it, which is how a table can be made anew under those that refer to
        it. On PostgreSQL a table that somebody else holds is waited for, but not for long: others queue behind us.
        `committed` is called right after the commit, before anything else can run in this process.
        """
        async with self._taking_turns(), _transaction(self._restructuring) as connection:
            if self.kind == "postgresql":
                await connection.execute(select(func.pg_advisory_xact_lock(STRUCTURE_LOCK)))
                await connection.execute(select(func.set_config("lock_timeout", f"{LOCK_MILLISECONDS}ms", True)))
            try:
                yield connection
                await self._commit(connection, committed, *self._listeners)
            finally:
                if self.kind == "sqlite":
                    with anyio.CancelScope(shield=True):
                        await connection.invalidate()  # the next transaction needs one that enforces them

    async def _commit(self, connection: AsyncConnection, *listeners: Callable[[], None]) -> None:
        with anyio.CancelScope(shield=True):
            try:
                await connection.commit()
            except DBAPIError:
                # SQLite stays inside a transaction whose commit a deferred constraint refused, SQLAlchemy does not.
                await connection.invalidate()
                raise
            for listener in listeners:
                listener()

    @asynccontextmanager
    async def _taking_turns(self) -> AsyncIterator[None]:
        """Wait for the writers before; when the database is locked from outside, not for all of them to give up."""
        if self._turn is None:
            yield
            return
        try:
            self._turn.acquire_nowait()
        except anyio.WouldBlock:
            await self._wait_for(self._turn)
        try:
            yield
        finally:
            self._turn.release()

    @staticmethod
    async def _wait_for(turn: anyio.Lock) -> None:
        try:
            with anyio.fail_after(TURN_SECONDS):
                await turn.acquire()
        except TimeoutError as error:
            raise unavailable("other writers do not end") from error

    def look(self) -> Look:
        """Return what looks for commits, on a connection outside the pool; `close` closes it if nobody has."""
        look = self._make_look()
        self._looks.append(look)
        return look

    def _make_look(self) -> Look:
        if self.kind == "postgresql":
            engine = _engine(self.kind, self._url, None).execution_options(isolation_level="AUTOCOMMIT")
            return PostgresLook(engine, self._patience)
        file, options = self._engine.dialect.create_connect_args(self._url)
        own: dict[str, Any] = {**options, "isolation_level": None, "check_same_thread": False}
        return SqliteLook(lambda: sqlite3.connect(file[0], **own))

    def on_commit(self, listener: Callable[[], None]) -> None:
        """Call `listener` after each commit of `write`, in the order of registration. It must not block or raise."""
        self._listeners.append(listener)

    def on_statement(self, listener: Callable[[float], None]) -> None:
        """Call `listener` with the seconds of each statement of a transaction. It must not block or raise."""

        def begin(connection: Connection, *_: Any) -> None:
            connection.info[_STARTED] = perf_counter()

        def end(connection: Connection, *_: Any) -> None:
            listener(perf_counter() - connection.info[_STARTED])

        for engine in self._separate:
            event.listen(engine, "before_cursor_execute", begin)
            event.listen(engine, "after_cursor_execute", end)

    async def probe(self) -> None:
        """Return when the database answers.

        Raises:
            Problem: SERVICE_UNAVAILABLE when it does not.
        """
        async with self.read() as connection:
            await connection.execute(select(1))

    async def close(self) -> None:
        """Close every connection. The object must not be used afterwards."""
        for look in self._looks:
            await look.close()
        await self._engine.dispose()


def impatient() -> Problem:
    """Say that a query was stopped because it took too long."""
    return Problem(Code.SERVICE_UNAVAILABLE, service="database", reason="The query takes too long")


def unavailable(reason: str) -> Problem:
    """Say that the database cannot be used now. Why is written down for the operator; the client is not told."""
    _log.warning("database.unavailable", reason=reason)
    return Problem(Code.SERVICE_UNAVAILABLE, service="database", reason="The database is not available")


@asynccontextmanager
async def _transaction(engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    connection = engine.connect()
    # Bounded by the time to wait for a connection; the driver does not take well to being cancelled while it connects.
    with _reaching(), _answering(), anyio.CancelScope(shield=True):
        await connection.start()
    try:
        with _answering():
            await connection.begin()
            yield connection
    finally:
        # A cancelled caller still has to give the connection back, rolled back, before the next one takes its turn.
        with anyio.CancelScope(shield=True):
            await connection.close()


def _unheard(engine: Engine) -> Engine:
    """Return an engine on the same connections that nobody listens to: whom to tell takes longer than to begin."""
    return Engine(engine.pool, engine.dialect, engine.url, hide_parameters=True)


def end_with_next(connection: Connection) -> None:
    """Let a transaction of `run` end together with its next statement, after which it must have no other one."""
    if connection.dialect.name == "sqlite":
        driver: Any = connection.connection.dbapi_connection
        driver.end()


def pause() -> None:
    """Give everybody else a turn, within the work of `run` or of a connection that has been lent to it."""
    await_only(checkpoint())


@contextmanager
def _reaching() -> Iterator[None]:
    """Tell a database that cannot be reached; what SQLAlchemy has not wrapped yet comes only while connecting."""
    try:
        yield
    except (OSError, PoolTimeout) as error:
        raise unavailable(type(error).__name__) from error
    except Exception as error:
        # By its state, not by its class: who serves SQLite does without asyncpg.
        state = str(getattr(error, "sqlstate", None))
        if state.startswith(_UNAVAILABLE):
            raise unavailable(state) from error
        raise


@contextmanager
def _answering() -> Iterator[None]:
    """Tell a database that was lost, stays locked, is no longer what we take it for or will not do so much.

    Every other error of a statement passes.
    """
    try:
        yield
    except DBAPIError as error:
        if _is_outdated(error):
            raise unavailable("the structure has changed") from error
        reason = _why_lost(error)
        if reason is not None:
            raise unavailable(reason) from error
        state, message = str(getattr(error.orig, "sqlstate", None)), str(error.orig)
        if state == _CANCELLED or message == "interrupted":
            raise impatient() from error
        if state.startswith(_TOO_COMPLEX) or message.startswith(_TOO_COMPLEX_FOR_SQLITE):
            raise invalid_query("The query is too complex") from error
        if message == _OVERFLOW:
            raise invalid_query("A sum is too large") from error
        raise


def _why_lost(error: DBAPIError) -> str | None:
    """Return the database's code for what keeps it from answering now; None when something else is wrong."""
    state = getattr(error.orig, "sqlstate", None)
    if state is not None and str(state).startswith(_UNAVAILABLE):
        return str(state)
    name = getattr(error.orig, "sqlite_errorname", None)
    if name is not None and name.startswith(_SQLITE_UNAVAILABLE):
        return str(name)
    return "connection lost" if error.connection_invalidated else None


def _is_outdated(error: DBAPIError) -> bool:
    """Whether a statement was about a table or a column that somebody has just changed; the next one may do better.

    Our own tables do not change under us: there it is a bug.
    """
    state, said = getattr(error.orig, "sqlstate", None), str(error.orig)
    if "watchword_" in said:
        return False
    if state is not None:
        return state in _OUTDATED or "cached statement plan is invalid" in said
    return any(words in said for words in ("no such column", "no such table", "has no column named"))


def _parse(url: str) -> URL:
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise ValueError("The database URL cannot be read; write sqlite:///path.db or postgresql://host/name") from None
    if parsed.drivername in _SQLITE:
        if not parsed.database or ":memory:" in parsed.database or parsed.query.get("mode") == "memory":
            raise ValueError("SQLite needs a file (sqlite:///path.db): a database in memory cannot be shared")
        return parsed.set(drivername="sqlite+aiosqlite")
    if parsed.drivername in _POSTGRESQL:
        return _with_ssl(parsed.set(drivername="postgresql+asyncpg"))
    raise ValueError(f"Databases of kind {parsed.drivername!r} are not supported; use sqlite or postgresql")


def _with_ssl(url: URL) -> URL:
    """libpq calls it `sslmode`, asyncpg `ssl`; both take the same words."""
    mode = url.query.get("sslmode")
    if mode is None:
        return url
    return url.difference_update_query(["sslmode"]).update_query_dict({"ssl": mode})


def _engine(kind: Kind, url: URL, pool_size: int | None, patience: float | None = None) -> AsyncEngine:
    """Make an engine; without a pool size each connection stands alone."""
    pool: dict[str, Any] = {"poolclass": NullPool}
    if pool_size is not None:
        pool = {"pool_size": pool_size, "max_overflow": 0, "pool_timeout": POOL_SECONDS}
    pool["hide_parameters"] = True  # people's data is not for the log
    if kind == "postgresql":
        settings = {
            "application_name": "watchword",
            "default_transaction_isolation": "read committed",  # the change log is sequenced at no other
            "timezone": "UTC",
        }
        if patience is not None:
            settings["statement_timeout"] = str(round(patience * 1000))
        arguments = {"server_settings": settings, "timeout": CONNECT_SECONDS}
        # The ping replaces connections that died while idle, as all do when the server restarts.
        return create_async_engine(url, pool_pre_ping=True, connect_args=arguments, **pool)
    if pool_size is not None:
        pool["pool_use_lifo"] = True  # what was used last is still in the machine's caches
    engine = create_async_engine(url, module=SqliteDriver(), **pool)
    event.listen(engine.sync_engine, "connect", _prepare_sqlite)
    event.listen(engine.sync_engine, "begin", _begin_sqlite)
    event.listen(engine.sync_engine, "before_cursor_execute", _count_anew)
    return engine


class _Deadline:
    """When what runs on a connection of SQLite has to be over."""

    def __init__(self) -> None:
        self.moment = inf

    def set(self, seconds: float | None) -> None:
        """Begin to count anew; None counts for ever."""
        self.moment = inf if seconds is None else monotonic() + seconds

    def is_over(self) -> bool:
        """Asked by SQLite at work, in its thread: whether it has to stop."""
        return monotonic() > self.moment


def _prepare_sqlite(connection: Any, record: ConnectionPoolEntry) -> None:
    deadline = record.info[_PATIENCE] = _Deadline()
    connection.run_async(lambda driver: driver.set_progress_handler(deadline.is_over, _STEPS))
    # Transactions are begun by `_begin_sqlite`, never by the driver's own guess at which statement needs one.
    connection.isolation_level = None
    connection.create_function("watchword_lower", 1, _lower, deterministic=True)
    cursor = connection.cursor()
    for pragma in _PRAGMAS:
        cursor.execute(pragma)
    _write_ahead(connection, cursor)
    cursor.close()


def _write_ahead(connection: Any, cursor: Any) -> None:
    """Put the file into WAL mode, which it keeps.

    Of two programs that do it to a new file at once, SQLite tells one "locked" without waiting: both have begun to
    read, and neither could go on to write. That one has to let go and ask again.
    """
    end = monotonic() + BUSY_MILLISECONDS / 1000
    while True:
        try:
            cursor.execute("PRAGMA journal_mode = WAL")
        except connection.dbapi.OperationalError as error:
            if error.sqlite_errorname != "SQLITE_BUSY" or monotonic() > end:
                raise
            connection.run_async(_pause)
        else:
            return


async def _pause(_: Any) -> None:
    await anyio.sleep(_PAUSE)


def _begin_sqlite(connection: Connection) -> None:
    options = connection.get_execution_options()
    driver: Any = connection.connection.dbapi_connection
    patience = options.get(_PATIENCE)
    restart = partial(connection.info[_PATIENCE].set, patience)
    restart()
    if options.get(_UNCHECKED):
        connection.exec_driver_sql("PRAGMA foreign_keys = OFF")  # has no effect once a transaction has begun
    if _BEGIN not in options:
        driver.begin("BEGIN")
    elif patience is None:  # upkeep, of which nothing at all happens before the lock is ours
        connection.exec_driver_sql(options[_BEGIN])
    else:  # the wait for the lock takes nothing from the time of the first statement
        driver.begin(options[_BEGIN], restart)


def _count_anew(connection: Connection, *_: object) -> None:
    """A transaction that writes may have many statements; each of them has its time."""
    options = connection.get_execution_options()
    if _BEGIN in options:
        connection.info[_PATIENCE].set(options.get(_PATIENCE))


def _lower(value: Any) -> Any:
    return value.lower() if isinstance(value, str) else value
