"""Whether anybody has committed, asked on a connection beside the pool; on both databases."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.unit.storage.support import create_post, fetch, run
from watchword.storage.engine import Database
from watchword.storage.watch import SqliteLook, Watch

pytestmark = pytest.mark.anyio

BACKENDS = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"


async def test_news_is_what_has_been_committed_since_before_the_last_reading(db: Database) -> None:
    watch = Watch(db.look())
    await create_post(db)
    assert await watch.has_news()
    before = await watch.before()
    await run(db, "INSERT INTO post VALUES (1, 'a', NULL)")
    watch.done(before)
    assert await watch.has_news()
    watch.done(await watch.before())
    assert not await watch.has_news()
    await watch.close()


async def test_reading_is_no_news(db: Database) -> None:
    watch = Watch(db.look())
    await create_post(db)
    watch.done(await watch.before())
    await fetch(db, "SELECT * FROM post")
    assert not await watch.has_news()
    await watch.close()


async def test_every_one_of_overlapping_transactions_is_news(postgres: Database) -> None:
    watch = Watch(postgres.look())
    await create_post(postgres)
    async with postgres.write(silent=True) as early:
        await early.exec_driver_sql("INSERT INTO post VALUES (1, 'a', NULL)")
        async with postgres.write(silent=True) as late:
            await late.exec_driver_sql("INSERT INTO post VALUES (2, 'b', NULL)")
            watch.done(await watch.before())
            assert not await watch.has_news()
        assert await watch.has_news()
        watch.done(await watch.before())
        assert not await watch.has_news()
    assert await watch.has_news()
    await watch.close()


async def test_what_was_read_in_doubt_is_news(db: Database) -> None:
    watch = Watch(db.look())
    watch.done(await watch.before())
    watch.doubt()
    assert await watch.has_news()
    await watch.close()


async def test_lost_connection_is_news_and_another_one_is_opened(postgres: Database) -> None:
    watch = Watch(postgres.look())
    watch.done(await watch.before())
    [(pid,)] = set(await fetch(postgres, f"{BACKENDS} AND query LIKE '%pg_current_snapshot%'"))
    await fetch(postgres, f"SELECT pg_terminate_backend({pid}, 5000)")
    assert await watch.has_news()
    watch.done(await watch.before())
    assert not await watch.has_news()
    await watch.close()


async def test_look_writes_nothing_and_waits_for_no_lock(sqlite: Database, tmp_path: Path) -> None:
    look = sqlite.look()
    assert isinstance(look, SqliteLook)
    first = await look()
    assert look._connection is not None
    [(timeout,)] = look._connection.execute("PRAGMA busy_timeout").fetchall()
    assert timeout == 0
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        look._connection.execute("DELETE FROM watchword_change")
    with closing(sqlite3.connect(tmp_path / "test.db", isolation_level=None)) as outside:
        outside.execute("BEGIN EXCLUSIVE")
        assert await look() == first
        outside.execute("ROLLBACK")
    await look.close()


async def test_file_that_cannot_be_looked_at_may_have_news(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "plain.db", isolation_level=None)) as outside:
        outside.execute("CREATE TABLE post (id INTEGER PRIMARY KEY)")
        watch = Watch(SqliteLook(lambda: sqlite3.connect(tmp_path / "plain.db", check_same_thread=False)))
        watch.done(await watch.before())
        assert not await watch.has_news()
        outside.execute("BEGIN EXCLUSIVE")
        assert await watch.has_news()
        outside.execute("ROLLBACK")
        assert not await watch.has_news()
    missing = Watch(SqliteLook(lambda: sqlite3.connect(tmp_path / "nowhere" / "x.db")))
    assert await missing.has_news()
    await missing.close()
    await watch.close()
