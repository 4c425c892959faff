"""Connections and transactions on both databases."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import anyio
import asyncpg
import pytest
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError, IntegrityError

from tests.unit.storage.support import fail, fetch, run
from watchword.base.errors import Code, Problem
from watchword.storage import engine
from watchword.storage.engine import Database

pytestmark = pytest.mark.anyio


@pytest.fixture
async def table(db: Database) -> Database:
    await run(
        db, "CREATE TABLE counter (id INTEGER PRIMARY KEY, n INTEGER NOT NULL)", "INSERT INTO counter VALUES (1, 0)"
    )
    return db


async def count(db: Database) -> int:
    [(n,)] = await fetch(db, "SELECT n FROM counter WHERE id = 1")
    assert isinstance(n, int)
    return n


@pytest.mark.parametrize(
    "url",
    [
        "sqlite://",
        "sqlite:///:memory:",
        "sqlite:///file::memory:?cache=shared&uri=true",
        "sqlite:///file:x?mode=memory&uri=true",
        "mysql://root:hunter2@localhost/x",
        "not a url: hunter2",
    ],
)
async def test_other_urls_are_refused_without_showing_the_password(url: str) -> None:
    with pytest.raises(ValueError, match=r"SQLite needs a file|not supported|cannot be read") as refusal:
        Database(url)
    assert "hunter2" not in str(refusal.value)


@pytest.mark.parametrize(
    ("url", "kind"),
    [
        ("sqlite:///x.db", "sqlite"),
        ("sqlite+aiosqlite:////tmp/x.db", "sqlite"),
        ("postgres://u@h/d", "postgresql"),
        ("postgresql://u@h/d", "postgresql"),
        ("postgresql+asyncpg://u@h/d?sslmode=require", "postgresql"),
    ],
)
async def test_every_spelling_of_a_url_gives_its_kind(url: str, kind: str) -> None:
    assert Database(url).kind == kind


async def test_write_commits_when_the_block_ends(table: Database) -> None:
    await run(table, "UPDATE counter SET n = 7")
    assert await count(table) == 7


async def test_write_rolls_back_when_the_block_raises(table: Database) -> None:
    with pytest.raises(KeyError):
        await fail(table, "UPDATE counter SET n = 7")
    assert await count(table) == 0


async def test_ddl_is_rolled_back_too(table: Database) -> None:
    with pytest.raises(KeyError):
        await fail(table, "CREATE TABLE other (id INTEGER)")
    await run(table, "CREATE TABLE other (id INTEGER)")


async def test_listeners_run_after_the_commit(table: Database) -> None:
    calls: list[str] = []
    table.on_commit(lambda: calls.append("first"))
    table.on_commit(lambda: calls.append("second"))
    async with table.write() as connection:
        await connection.exec_driver_sql("UPDATE counter SET n = 7")
        assert calls == []
    assert calls == ["first", "second"]


async def test_listeners_do_not_run_after_a_rollback_or_a_silent_write_or_a_read(table: Database) -> None:
    calls: list[str] = []
    table.on_commit(lambda: calls.append("called"))
    with pytest.raises(KeyError):
        await fail(table)
    async with table.write(silent=True) as connection:
        await connection.exec_driver_sql("UPDATE counter SET n = 7")
    assert await count(table) == 7
    assert calls == []


async def test_what_is_written_in_a_read_is_refused_or_undone(table: Database) -> None:
    if table.kind == "postgresql":
        with pytest.raises(DBAPIError, match="read-only"):
            async with table.read() as connection:
                await connection.exec_driver_sql("UPDATE counter SET n = 7")
    else:
        async with table.read() as connection:
            await connection.exec_driver_sql("UPDATE counter SET n = 7")
    assert await count(table) == 0


async def test_a_connection_that_read_can_write_afterwards(database_url: str) -> None:
    db = Database(database_url, pool_size=1)
    await run(db, "CREATE TABLE other (id INTEGER)")
    await fetch(db, "SELECT * FROM other")
    await run(db, "INSERT INTO other VALUES (1)")
    await db.close()


async def test_many_writers_queue_and_none_is_refused(table: Database) -> None:
    async def increment() -> None:
        async with table.write() as connection:
            await connection.exec_driver_sql("UPDATE counter SET n = n + 1")

    async with anyio.create_task_group() as group:
        for _ in range(40):
            group.start_soon(increment)
    assert await count(table) == 40


async def test_errors_of_statements_pass_unchanged(table: Database) -> None:
    with pytest.raises(IntegrityError):
        await run(table, "INSERT INTO counter VALUES (1, 1)")


async def test_refused_commit_passes_unchanged_and_leaves_nothing(table: Database) -> None:
    await run(
        table,
        "CREATE TABLE part (counter INTEGER REFERENCES counter (id) DEFERRABLE INITIALLY DEFERRED)",
    )
    for _ in range(6):  # more often than there are connections
        with pytest.raises(IntegrityError):
            await run(table, "INSERT INTO part VALUES (99)")
    await run(table, "INSERT INTO part VALUES (1)")
    assert await fetch(table, "SELECT counter FROM part") == [(1,)]


async def test_errors_of_the_caller_pass_unchanged(table: Database) -> None:
    with pytest.raises(TimeoutError):
        async with table.write():
            raise TimeoutError


async def test_cancelled_writer_is_rolled_back_and_gives_up_its_turn(table: Database) -> None:
    async def write_until_cancelled(scope: anyio.CancelScope) -> None:
        with scope:
            async with table.write() as connection:
                await connection.exec_driver_sql("UPDATE counter SET n = 7")
                scope.cancel()
                await connection.exec_driver_sql("UPDATE counter SET n = 8")

    await write_until_cancelled(anyio.CancelScope())
    with anyio.fail_after(2):
        await run(table, "UPDATE counter SET n = n + 1")
    assert await count(table) == 1


async def test_writers_cancelled_anywhere_leave_the_pool_whole(table: Database) -> None:
    async def increment(scope: anyio.CancelScope) -> None:
        with scope:
            async with table.write() as connection:
                await connection.exec_driver_sql("UPDATE counter SET n = n + 1")
                await connection.exec_driver_sql("SELECT 1")

    for steps in range(40):
        async with anyio.create_task_group() as group:
            scope = anyio.CancelScope()
            group.start_soon(increment, scope)
            for _ in range(steps):
                await anyio.lowlevel.checkpoint()
            scope.cancel()
    with anyio.fail_after(5):
        async with anyio.create_task_group() as group:
            for _ in range(10):
                group.start_soon(increment, anyio.CancelScope())


async def test_readers_cancelled_anywhere_leave_the_pool_whole(table: Database) -> None:
    def look(connection: Connection) -> int:
        connection.exec_driver_sql("SELECT 1")
        return int(connection.exec_driver_sql("SELECT n FROM counter").scalar_one())

    async def read(scope: anyio.CancelScope) -> None:
        with scope:
            await table.run(look)

    for steps in range(40):
        async with anyio.create_task_group() as group:
            scope = anyio.CancelScope()
            group.start_soon(read, scope)
            for _ in range(steps):
                await anyio.lowlevel.checkpoint()
            scope.cancel()
    with anyio.fail_after(5):
        await run(table, "UPDATE counter SET n = 5")
        for _ in range(10):
            assert await table.run(look) == 5


async def test_work_of_a_reader_sees_one_state(sqlite: Database) -> None:
    await run(sqlite, "CREATE TABLE counter (id INTEGER PRIMARY KEY, n INTEGER)", "INSERT INTO counter VALUES (1, 0)")
    statement = "SELECT n FROM counter"

    def look(connection: Connection) -> tuple[int, int]:
        first = connection.exec_driver_sql(statement).scalar_one()
        with sqlite3.connect(sqlite._url.database or "", timeout=5) as other:
            other.execute("UPDATE counter SET n = n + 1")
        other.close()
        return first, connection.exec_driver_sql(statement).scalar_one()

    assert await sqlite.run(look) == (0, 0)
    assert await fetch(sqlite, statement) == [(1,)]


async def test_work_that_takes_too_long_is_stopped(sqlite_url: str) -> None:
    db = Database(sqlite_url, patience=0.05)
    endless = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT count(*) FROM n"
    with pytest.raises(Problem) as problem:
        await db.run(lambda connection: connection.exec_driver_sql(endless).fetchall())
    assert problem.value.code is Code.SERVICE_UNAVAILABLE
    assert await db.run(lambda connection: connection.exec_driver_sql("SELECT 1").scalar_one()) == 1
    await db.close()


async def test_whoever_listens_hears_of_the_statements_of_work(table: Database) -> None:
    heard: list[float] = []
    table.on_statement(heard.append)
    await table.run(lambda connection: connection.exec_driver_sql("SELECT 1").scalar_one())
    assert len(heard) == 1


async def test_exhausted_pool_is_unavailable(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "POOL_SECONDS", 0.01)
    db = Database(database_url, pool_size=1)
    async with db.read() as connection:
        await connection.exec_driver_sql("SELECT 1")
        with pytest.raises(Problem) as problem:
            await fetch(db, "SELECT 1")
    assert problem.value.code is Code.SERVICE_UNAVAILABLE
    await db.close()


async def test_lock_of_another_program_is_unavailable_in_the_end(
    sqlite_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "_PRAGMAS", (*engine._PRAGMAS, "PRAGMA busy_timeout = 10"))
    db = Database(sqlite_url)
    await run(db, "CREATE TABLE other (id INTEGER)")
    with closing(sqlite3.connect(tmp_path / "test.db", isolation_level=None)) as foreign:
        foreign.execute("BEGIN IMMEDIATE")
        with pytest.raises(Problem) as problem:
            await run(db, "INSERT INTO other VALUES (1)")
        foreign.execute("ROLLBACK")
    await run(db, "INSERT INTO other VALUES (1)")
    assert problem.value.code is Code.SERVICE_UNAVAILABLE
    assert "INSERT" not in str(problem.value)
    await db.close()


async def test_server_that_cannot_be_reached_is_unavailable() -> None:
    db = Database("postgresql://postgres:hunter2@127.0.0.1:1/nothing")
    with pytest.raises(Problem) as problem:
        await fetch(db, "SELECT 1")
    assert problem.value.code is Code.SERVICE_UNAVAILABLE
    assert "hunter2" not in repr((problem.value.message, problem.value.extensions))
    await db.close()


async def test_connections_that_were_ended_while_idle_are_replaced(postgres: Database, postgres_url: str) -> None:
    await fetch(postgres, "SELECT 1")
    await end_connections(postgres_url)
    assert await fetch(postgres, "SELECT 1") == [(1,)]


async def test_connection_lost_in_a_transaction_is_unavailable(postgres: Database, postgres_url: str) -> None:
    async def lose() -> None:
        async with postgres.write() as connection:
            await connection.exec_driver_sql("SELECT 1")
            await end_connections(postgres_url)
            await connection.exec_driver_sql("SELECT 1")

    with pytest.raises(Problem) as problem:
        await lose()
    assert problem.value.code is Code.SERVICE_UNAVAILABLE
    await run(postgres, "CREATE TABLE after_all (id integer)")


async def end_connections(url: str) -> None:
    foreign = await asyncpg.connect(url)
    await foreign.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    while await foreign.fetchval("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()") > 1:
        await anyio.lowlevel.checkpoint()
    await foreign.close()


async def test_postgresql_speaks_utc_and_read_committed(postgres: Database, postgres_url: str) -> None:
    name = postgres_url.rpartition("/")[2]
    await run(postgres, f"ALTER DATABASE {name} SET timezone = 'Asia/Tokyo'")
    await run(postgres, f"ALTER DATABASE {name} SET default_transaction_isolation = 'serializable'")
    fresh = Database(postgres_url)
    settings = await fetch(fresh, "SELECT current_setting('timezone'), current_setting('transaction_isolation')")
    assert settings == [("UTC", "read committed")]
    await fresh.close()


async def test_sqlite_lowers_all_of_unicode_and_keeps_null(sqlite: Database) -> None:
    assert await fetch(sqlite, "SELECT watchword_lower('ÀÉΣİ'), watchword_lower(NULL), watchword_lower(5)") == [
        ("ÀÉΣİ".lower(), None, 5)
    ]


async def test_sqlite_has_its_pragmas(sqlite: Database) -> None:
    pragmas = {}
    for pragma in ("foreign_keys", "journal_mode", "recursive_triggers", "busy_timeout"):
        [(pragmas[pragma],)] = await fetch(sqlite, f"PRAGMA {pragma}")
    assert pragmas == {"foreign_keys": 1, "journal_mode": "wal", "recursive_triggers": 1, "busy_timeout": 5000}


KILLED = """
import asyncio, os, signal, sys
from watchword.storage.engine import Database

async def main():
    db = Database(sys.argv[1])
    async with db.write() as connection:
        await connection.exec_driver_sql("INSERT INTO other VALUES (1)")
    os.kill(os.getpid(), signal.SIGKILL)

asyncio.run(main())
"""


async def test_acknowledged_write_survives_the_kill_of_the_process(sqlite_url: str) -> None:
    db = Database(sqlite_url)
    await run(db, "CREATE TABLE other (id INTEGER)")
    done = await anyio.run_process([sys.executable, "-c", KILLED, sqlite_url], check=False, stderr=subprocess.STDOUT)
    assert done.returncode == -9, done.stdout
    assert await fetch(db, "SELECT id FROM other") == [(1,)]
    await db.close()


ENDLESS = {
    "sqlite": "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n",
    "postgresql": "SELECT pg_sleep(60)",
}
SHORT = 0.2


async def test_a_query_that_takes_too_long_is_stopped_and_the_next_one_is_not(database_url: str) -> None:
    db = Database(database_url, pool_size=1, patience=SHORT)
    for transaction in (db.read, db.write, db.read):
        with anyio.fail_after(10), pytest.raises(Problem) as problem:
            async with transaction() as connection:
                await connection.exec_driver_sql(ENDLESS[db.kind])
        assert problem.value.code is Code.SERVICE_UNAVAILABLE
        assert "too long" in problem.value.extensions["reason"]
        assert await fetch(db, "SELECT 1") == [(1,)]
    await db.close()


async def test_what_was_written_before_a_query_that_takes_too_long_is_undone(database_url: str) -> None:
    db = Database(database_url, patience=SHORT)
    await run(db, "CREATE TABLE t (n INTEGER)")
    with pytest.raises(Problem):
        await run(db, "INSERT INTO t VALUES (1)", ENDLESS[db.kind])
    await run(db, "INSERT INTO t VALUES (2)")
    assert await fetch(db, "SELECT n FROM t") == [(2,)]
    await db.close()


async def test_upkeep_takes_the_time_that_it_needs(sqlite_url: str) -> None:
    db = Database(sqlite_url, patience=0.01)
    long = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 500000) SELECT max(i) FROM n"
    async with db.write(silent=True) as connection:
        assert (await connection.exec_driver_sql(long)).scalar_one() == 500_000
    with pytest.raises(Problem):
        await fetch(db, long)
    await db.close()


async def test_a_transaction_that_writes_may_have_many_statements(sqlite_url: str) -> None:
    some = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 200000) SELECT max(i) FROM n"
    db = Database(sqlite_url, patience=0.5)
    async with db.write() as connection:
        began = anyio.current_time()
        while anyio.current_time() < began + 0.8:
            await connection.exec_driver_sql(some)
    with pytest.raises(Problem):
        await read_often(db, some)
    await db.close()


async def read_often(db: Database, statement: str) -> None:
    async with db.read() as connection:
        for _ in range(10_000):
            await connection.exec_driver_sql(statement)


async def test_an_error_does_not_tell_the_values_of_a_statement(table: Database) -> None:
    with pytest.raises(IntegrityError) as error:
        async with table.write() as connection:
            await connection.execute(text("INSERT INTO counter VALUES (:id, :n)"), {"id": 1, "n": 98765})
    assert "98765" not in str(error.value)


async def test_a_query_that_the_database_cannot_hold_is_the_callers_fault(database_url: str) -> None:
    db = Database(database_url)
    columns = ", ".join("1" for _ in range(2_100))
    nested = "(" * 200 + "1" + ")" * 200
    too_much = {"sqlite": [f"SELECT {columns}", f"SELECT {nested}"], "postgresql": [f"SELECT {columns}"]}
    for statement in too_much[db.kind]:
        with pytest.raises(Problem) as problem:
            await fetch(db, statement)
        assert problem.value.code is Code.INVALID_QUERY
    await db.close()


async def test_writer_does_not_wait_for_ever_for_the_one_before(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "TURN_SECONDS", 0.1)
    database = Database(sqlite_url)
    refusals: list[Problem] = []

    async def wait() -> None:
        with pytest.raises(Problem) as refusal:
            async with database.write():
                pass
        refusals.append(refusal.value)

    try:
        async with database.write(), anyio.create_task_group() as group:
            group.start_soon(wait)
        async with database.write():
            pass
    finally:
        await database.close()
    assert [refusal.code for refusal in refusals] == [Code.SERVICE_UNAVAILABLE]


@pytest.mark.parametrize("state", ["40001", "40P01", "55P03"])
async def test_transaction_that_postgresql_gave_up_may_be_tried_again(postgres_url: str, state: str) -> None:
    database = Database(postgres_url)
    try:
        with pytest.raises(Problem) as refusal:
            await run(database, f"DO $$ BEGIN RAISE EXCEPTION 'x' USING ERRCODE = '{state}'; END $$")
    finally:
        await database.close()
    assert refusal.value.code is Code.SERVICE_UNAVAILABLE
    assert state not in str(refusal.value)
