"""What the driver of SQLite does in one trip to its thread."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlalchemy.util import greenlet_spawn

from tests.unit.storage.support import fetch, run
from watchword.storage.engine import end_with_next
from watchword.storage.sqlite_driver import SqliteDriver

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sqlalchemy import Connection

    from watchword.storage.engine import Database

pytestmark = pytest.mark.anyio


@pytest.fixture
async def table(sqlite: Database) -> Database:
    await run(sqlite, "CREATE TABLE item (id INTEGER PRIMARY KEY, name TEXT NOT NULL)")
    return sqlite


async def test_a_statement_tells_its_rows_and_columns(table: Database) -> None:
    await run(table, "INSERT INTO item VALUES (1, 'a'), (2, 'b')")
    async with table.read() as connection:
        result = await connection.execute(text("SELECT id, name FROM item ORDER BY id"))
        assert list(result.keys()) == ["id", "name"]
        assert result.fetchone() == (1, "a")
        assert result.fetchall() == [(2, "b")]


async def test_a_write_tells_how_many_rows_it_wrote_and_the_last_key(table: Database) -> None:
    async with table.write() as connection:
        added = await connection.execute(text("INSERT INTO item (name) VALUES (:name)"), {"name": "a"})
        several = await connection.execute(text("INSERT INTO item (name) VALUES (:name)"), [{"name": "b"}] * 3)
        changed = await connection.execute(text("UPDATE item SET name = 'c' WHERE id > 2 RETURNING id"))
        assert (added.lastrowid, several.rowcount, changed.scalars().all()) == (1, 3, [3, 4])


async def test_a_reader_sees_one_state_from_its_first_statement_on(table: Database) -> None:
    counting = text("SELECT count(*) FROM item")
    async with table.read() as connection:
        await run(table, "INSERT INTO item VALUES (1, 'a')")
        assert (await connection.execute(counting)).scalar_one() == 1
        await run(table, "INSERT INTO item VALUES (2, 'b')")
        assert (await connection.execute(counting)).scalar_one() == 1
    assert await fetch(table, "SELECT count(*) FROM item") == [(2,)]


async def test_what_is_written_by_a_reader_is_undone(table: Database) -> None:
    async with table.read() as connection:
        await connection.execute(text("INSERT INTO item VALUES (1, 'a')"))
    assert await fetch(table, "SELECT * FROM item") == []


async def test_transactions_without_a_statement_leave_nothing_behind(table: Database) -> None:
    for _ in range(10):
        async with table.read():
            pass
        async with table.write():
            pass
    await run(table, "INSERT INTO item VALUES (1, 'a')")
    assert await fetch(table, "SELECT name FROM item") == [("a",)]


async def test_a_connection_is_good_for_more_after_a_statement_that_fails(table: Database) -> None:
    for _ in range(10):
        with pytest.raises(OperationalError):
            await fetch(table, "SELECT nothing FROM")
        with pytest.raises(IntegrityError):
            await run(table, "INSERT INTO item VALUES (1, NULL)")
    await run(table, "INSERT INTO item VALUES (1, 'a')")
    assert await fetch(table, "SELECT name FROM item") == [("a",)]


async def test_a_transaction_that_cannot_begin_does_so_with_the_next_statement(tmp_path: Path) -> None:
    file = str(tmp_path / "lock.db")
    other = sqlite3.connect(file, timeout=0, isolation_level=None)

    def use() -> None:
        connection = SqliteDriver().connect(file, timeout=0, isolation_level=None)
        cursor = connection.cursor()
        other.execute("BEGIN IMMEDIATE")
        connection.begin("BEGIN IMMEDIATE")
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            cursor.execute("SELECT 1")
        other.execute("ROLLBACK")
        cursor.execute("SELECT 1")
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            other.execute("BEGIN IMMEDIATE")
        connection.rollback()
        other.execute("BEGIN IMMEDIATE")
        connection.close()

    await greenlet_spawn(use)
    other.close()


async def test_upkeep_has_the_lock_from_its_beginning(table: Database, tmp_path: Path) -> None:
    other = sqlite3.connect(tmp_path / "test.db", timeout=0, isolation_level=None)
    async with table.write(silent=True):
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            other.execute("BEGIN IMMEDIATE")
    other.close()


def ask(*statements: str, ends: bool = False) -> Callable[[Connection], Any]:
    """Return work: statements, the rows of the last one; `ends`: with which the transaction ends."""

    def work(connection: Connection) -> Any:
        for statement in statements[:-1]:
            connection.exec_driver_sql(statement)
        if ends:
            end_with_next(connection)
        found = connection.exec_driver_sql(statements[-1]).fetchall()
        driver: Any = connection.connection.driver_connection
        return [tuple(row) for row in found], driver.in_transaction

    return work


async def test_work_ends_with_its_last_statement(table: Database) -> None:
    await run(table, "INSERT INTO item VALUES (1, 'a')")
    assert await table.run(ask("SELECT name FROM item", ends=True)) == ([("a",)], False)
    assert await table.run(ask("SELECT 1", "SELECT name FROM item", ends=True)) == ([("a",)], False)
    assert await table.run(ask("SELECT name FROM item")) == ([("a",)], True)
    assert await table.run(ask("SELECT 1", "SELECT name FROM item")) == ([("a",)], True)


@pytest.mark.parametrize("ends", [False, True])
async def test_what_work_writes_before_it_ends_is_undone(table: Database, *, ends: bool) -> None:
    await table.run(ask("INSERT INTO item VALUES (1, 'a')", "SELECT 1", ends=ends))
    assert await fetch(table, "SELECT * FROM item") == []


@pytest.mark.parametrize("ends", [False, True])
async def test_work_whose_last_statement_fails_leaves_nothing_behind(table: Database, *, ends: bool) -> None:
    for _ in range(10):
        with pytest.raises(OperationalError):
            await table.run(ask("SELECT 1", "SELECT nothing FROM", ends=ends))
    await run(table, "INSERT INTO item VALUES (1, 'a')")
    assert await table.run(ask("SELECT name FROM item", ends=ends)) == ([("a",)], not ends)
