"""The change log: what is in it, in which order, under which position; on both databases."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress

import anyio
import pytest

from tests.unit.storage.support import POST, brief, create_post, fail, fetch, logged, run
from watchword.base.errors import Code, Problem
from watchword.storage import postgres_log as postgres_half
from watchword.storage import reading
from watchword.storage import sqlite_log as sqlite_half
from watchword.storage.engine import Database
from watchword.storage.log import Bulk, ChangeLog, Entry

pytestmark = pytest.mark.anyio


@pytest.fixture
async def posts(db: Database, log: ChangeLog) -> ChangeLog:
    """The log of a database whose table `post` is captured."""
    await create_post(db)
    assert await log.capture([POST]) == frozenset()
    return log


async def lost(log: ChangeLog, position: str) -> str:
    """The reason for which a position is lost."""
    with pytest.raises(Problem) as problem:
        await log.since(position)
    assert problem.value.code is Code.POSITION_LOST
    return str(problem.value.extensions["reason"])


@asynccontextmanager
async def reopened(db: Database) -> AsyncIterator[ChangeLog]:
    """The log as another start of a server finds it."""
    if db.kind == "postgresql":
        await run(db, "UPDATE watchword_epoch SET started = started - interval '1 hour'")
    other = ChangeLog(db)
    await other.open()
    yield other
    await other.close()


async def test_every_kind_of_change_is_told_once_in_order(db: Database, posts: ChangeLog) -> None:
    await run(db, "INSERT INTO post VALUES (1, 'a', NULL)", "INSERT INTO post VALUES (2, 'b', NULL)")
    await run(db, "UPDATE post SET title = 'c' WHERE id = 1", "DELETE FROM post WHERE id = 2")
    changes = logged(await posts.sequence())
    assert [(each.action, each.key, each.position) for each in changes] == [
        ("create", "1", 1),
        ("create", "2", 2),
        ("update", "1", 3),
        ("delete", "2", 4),
    ]
    assert (changes[0].before, changes[0].after) == (None, {"id": 1, "title": "a", "body": None})
    assert changes[2].before == {"id": 1, "title": "a", "body": None}
    assert changes[2].after == {"id": 1, "title": "c", "body": None}
    assert (changes[3].before, changes[3].after) == ({"id": 2, "title": "b", "body": None}, None)
    assert {each.collection for each in changes} == {"post"}


async def test_what_was_told_is_not_told_again_but_can_be_read(db: Database, posts: ChangeLog) -> None:
    await run(db, "INSERT INTO post VALUES (1, 'a', NULL)")
    first = await posts.sequence()
    assert await posts.sequence() == []
    assert await posts.read(0, 10) == first
    assert posts.head == 1


async def test_reading_goes_by_pages(db: Database, posts: ChangeLog) -> None:
    for key in range(1, 6):
        await run(db, f"INSERT INTO post VALUES ({key}, 'a', NULL)")
    await posts.sequence()
    assert [each.position for each in await posts.read(0, 2)] == [1, 2]
    assert [each.position for each in await posts.read(2, 2)] == [3, 4]
    assert [each.position for each in await posts.read(4, 2)] == [5]
    assert await posts.read(5, 2) == []
    assert await posts.read(99, 2) == []


async def test_pages_of_one_collection_leave_the_others_in_the_database(db: Database, posts: ChangeLog) -> None:
    await run(db, "CREATE TABLE other (id INTEGER PRIMARY KEY)")
    await posts.capture([POST, POST.__class__("other", "other", ("id",), ("id",))])
    for key in range(3):
        await run(db, *(f"INSERT INTO {name} VALUES ({key}{rest})" for name, rest in TABLES))
    await posts.sequence()
    assert [(each.collection, each.position) for each in await posts.read(0, 2, ["other"])] == [
        ("other", 2),
        ("other", 4),
    ]
    assert [each.position for each in await posts.read(4, 2, ["other"])] == [6]
    assert await posts.read(6, 2, ["other"]) == []
    assert await posts.read(0, 2, ["nothing"]) == []


async def test_rolled_back_changes_are_not_in_the_log(db: Database, posts: ChangeLog) -> None:
    with pytest.raises(KeyError):
        await fail(db, "INSERT INTO post VALUES (1, 'a', NULL)")
    await run(db, "INSERT INTO post VALUES (2, 'a', NULL)")
    assert [(each.key, each.position) for each in logged(await posts.sequence())] == [("2", 1)]


async def test_savepoints_log_what_they_keep(db: Database, posts: ChangeLog) -> None:
    async with db.write() as connection:
        async with connection.begin_nested():
            await connection.exec_driver_sql("INSERT INTO post VALUES (1, 'kept', NULL)")
        undone = await connection.begin_nested()
        await connection.exec_driver_sql("INSERT INTO post VALUES (2, 'undone', NULL)")
        await undone.rollback()
        await connection.exec_driver_sql("INSERT INTO post VALUES (3, 'kept', NULL)")
    assert [(each.key, each.position) for each in logged(await posts.sequence())] == [("1", 1), ("3", 2)]


async def test_update_that_changes_nothing_is_not_logged(db: Database, posts: ChangeLog) -> None:
    await run(db, "INSERT INTO post VALUES (1, 'a', NULL)", "UPDATE post SET title = 'a', body = NULL")
    assert brief(await posts.sequence()) == [("create", "1")]


async def test_key_change_is_delete_and_create(db: Database, posts: ChangeLog) -> None:
    await run(db, "INSERT INTO post VALUES (1, 'a', NULL)")
    await posts.sequence()
    await run(db, "UPDATE post SET id = 7, title = 'b'")
    deleted, created = logged(await posts.sequence())
    assert (deleted.action, deleted.key, deleted.position) == ("delete", "1", 2)
    assert (deleted.before, deleted.after) == ({"id": 1, "title": "a", "body": None}, None)
    assert (created.action, created.key, created.position) == ("create", "7", 2)
    assert (created.before, created.after) == (None, {"id": 7, "title": "b", "body": None})


async def test_origin_marks_the_changes_inside_the_block_only(db: Database, posts: ChangeLog) -> None:
    async with db.write() as connection:
        async with posts.origin(connection, "socket-1"):
            await connection.exec_driver_sql("INSERT INTO post VALUES (1, 'a', NULL)")
        await connection.exec_driver_sql("INSERT INTO post VALUES (2, 'a', NULL)")
    await run(db, "INSERT INTO post VALUES (3, 'a', NULL)")
    assert [each.origin for each in logged(await posts.sequence())] == ["socket-1", None, None]


COUNT_UP = "UPDATE post SET title = CAST(CAST(title AS INTEGER) + 1 AS VARCHAR(20)) WHERE id = {}"


async def count_up(db: Database, seed: int) -> None:
    """Change a few hot rows many times; some of the transactions fail."""
    for step in range(25):
        statement = COUNT_UP.format((seed * 7 + step) % 4)
        if step % 7 != 3:
            await run(db, statement)
            continue
        with suppress(KeyError):
            await fail(db, statement)


async def follow(log: ChangeLog, into: list[Entry], done: anyio.Event) -> None:
    """Sequence until everybody is done, and once more."""
    while not done.is_set():
        into += await log.sequence()
        await anyio.lowlevel.checkpoint()
    into += await log.sequence()


async def test_log_is_complete_under_concurrent_writers(db: Database, posts: ChangeLog) -> None:
    await run(db, *(f"INSERT INTO post VALUES ({key}, '0', NULL)" for key in range(4)))
    before = await posts.sequence()
    told: tuple[list[Entry], list[Entry]] = ([], [])
    done = anyio.Event()
    async with AsyncExitStack() as nodes, anyio.create_task_group() as group:
        for into in told:
            node = ChangeLog(db)
            await node.open()
            nodes.push_async_callback(node.close)
            group.start_soon(follow, node, into, done)
        async with anyio.create_task_group() as writers:
            for seed in range(8):
                writers.start_soon(count_up, db, seed)
        done.set()

    everything = logged(await posts.read(0, 10_000))
    assert [each.position for each in everything] == list(range(1, len(everything) + 1))
    for key, value in await fetch(db, "SELECT id, title FROM post"):
        titles = [each.after["title"] for each in everything if each.key == str(key) and each.after]
        assert titles == [str(n) for n in range(int(value) + 1)]
    since = everything[len(before) :]
    if db.kind == "sqlite":  # each process tells all
        assert told == (since, since)
    else:  # each change is told by exactly one node
        assert sorted(told[0] + told[1], key=lambda each: each.position) == since


async def test_position_is_read_back(db: Database, posts: ChangeLog) -> None:
    await run(db, "INSERT INTO post VALUES (1, 'a', NULL)", "INSERT INTO post VALUES (2, 'a', NULL)")
    await posts.sequence()
    position = posts.position(1)
    assert position == f"{posts.epoch}:1"
    assert await posts.since(position) == 1
    assert await posts.since(posts.position(0)) == 0
    assert await posts.since(posts.position(posts.head)) == 2


async def test_position_that_was_never_given_is_lost(posts: ChangeLog) -> None:
    for position in ("", "x", "1", "aaaaaaaa:1", "AAAAAAAA:1", ":1", "aaaaaaaa:-1", "aaaaaaaa:" + "9" * 30):
        assert await lost(posts, position) == "unknown_epoch"


async def test_position_ahead_of_the_log_is_lost(posts: ChangeLog) -> None:
    assert await lost(posts, posts.position(1)) == "beyond_epoch"
    assert await lost(posts, posts.position(9_999_999_999_999_999_999)) == "beyond_epoch"


async def test_position_ahead_of_this_node_is_found_and_what_it_found_is_still_told(
    db: Database, posts: ChangeLog
) -> None:
    await run(db, "INSERT INTO post VALUES (1, 'a', NULL)")
    assert await posts.since(f"{posts.epoch}:1") == 1
    assert brief(await posts.sequence()) == [("create", "1")]
    assert await posts.sequence() == []


async def test_position_from_nowhere_does_not_swallow_news(db: Database, posts: ChangeLog) -> None:
    await posts.sequence()
    await run(db, "INSERT INTO post VALUES (1, 'a', NULL)")
    assert await lost(posts, posts.position(99)) == "beyond_epoch"
    assert await posts.has_news()
    assert brief(await posts.sequence()) == [("create", "1")]


async def test_every_start_of_the_database_has_an_epoch_and_old_positions_stay_good(
    db: Database, posts: ChangeLog
) -> None:
    await run(db, "INSERT INTO post VALUES (1, 'a', NULL)")
    await posts.sequence()
    old = posts.position(1)
    async with reopened(db) as other:
        assert other.epoch != posts.epoch
        assert other.head == 1
        assert await other.since(old) == 1
        await run(db, "INSERT INTO post VALUES (2, 'a', NULL)")
        await other.sequence()
        assert await other.since(old) == 1
        assert brief(await other.read(1, 10)) == [("create", "2")]


async def test_position_beyond_its_epoch_is_lost(db: Database, posts: ChangeLog) -> None:
    await run(db, "INSERT INTO post VALUES (1, 'a', NULL)")
    await posts.sequence()
    epoch = posts.epoch
    async with reopened(db) as other:
        await run(db, "INSERT INTO post VALUES (2, 'a', NULL)")
        await other.sequence()
        assert await lost(other, f"{epoch}:2") == "beyond_epoch"
        assert await other.since(f"{other.epoch}:2") == 2


async def test_node_that_goes_on_learns_of_a_new_epoch(db: Database, posts: ChangeLog) -> None:
    async with reopened(db) as other:
        await run(db, "INSERT INTO post VALUES (1, 'a', NULL)")
        await posts.sequence()
        assert posts.epoch == other.epoch
        assert await posts.since(posts.position(1)) == 1


async def test_trimmed_position_is_lost_never_partial(db: Database, posts: ChangeLog) -> None:
    for key in range(1, 6):
        await run(db, f"INSERT INTO post VALUES ({key}, 'a', NULL)")
    await posts.sequence()
    assert await posts.trim(3600, 2) == 3
    assert await lost(posts, posts.position(2)) == "trimmed"
    with pytest.raises(Problem) as problem:
        await posts.read(2, 10)
    assert problem.value.extensions == {"reason": "trimmed"}
    assert await posts.since(posts.position(3)) == 3
    assert brief(await posts.read(3, 10)) == [("create", "4"), ("create", "5")]


async def test_trim_by_age_takes_what_is_old(db: Database, posts: ChangeLog) -> None:
    for key in range(1, 5):
        await run(db, f"INSERT INTO post VALUES ({key}, 'a', NULL)")
        await posts.sequence()
    aged = "UPDATE watchword_change SET at = at - 100 WHERE id <= 2"
    if db.kind == "postgresql":
        aged = "UPDATE watchword_commit SET at = at - interval '100 s' WHERE last <= 2"
    await run(db, aged)
    assert await posts.trim(50, 1_000) == 2
    assert brief(await posts.read(2, 10)) == [("create", "3"), ("create", "4")]


async def test_trim_keeps_the_newest_and_positions_go_on(db: Database, posts: ChangeLog) -> None:
    for key in range(1, 4):
        await run(db, f"INSERT INTO post VALUES ({key}, 'a', NULL)")
    await posts.sequence()
    assert await posts.trim(0, 0) == 2
    assert brief(await posts.read(2, 10)) == [("create", "3")]
    assert await posts.trim(0, 0) == 0
    await run(db, "INSERT INTO post VALUES (4, 'a', NULL)")
    assert [each.position for each in await posts.sequence()] == [4]
    assert await posts.since(posts.position(3)) == 3


async def test_empty_log_can_be_trimmed_and_read(posts: ChangeLog) -> None:
    assert await posts.trim(0, 0) == 0
    assert await posts.read(0, 10) == []
    assert await posts.since(posts.position(0)) == 0


async def test_large_transaction_is_told_as_one_bulk_per_collection(
    db: Database, posts: ChangeLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (reading, postgres_half, sqlite_half):
        monkeypatch.setattr(module, "BULK_ABOVE", 5)
    await run(db, "CREATE TABLE other (id INTEGER PRIMARY KEY)")
    other = POST.__class__("other", "other", ("id",), ("id",))
    await posts.capture([POST, other])
    await run(db, *(f"INSERT INTO {name} VALUES ({key}{rest})" for key in range(4) for name, rest in TABLES))
    entries = await posts.sequence()
    assert sorted(entries, key=lambda each: each.collection) == [Bulk("other", 8, 1), Bulk("post", 8, 1)]
    assert posts.head == 8
    await run(db, "DELETE FROM other WHERE id = 1")
    assert brief(await posts.sequence()) == [("delete", "1")]


TABLES = (("post", ", 'a', NULL"), ("other", ""))


async def test_page_never_parts_the_bulks_of_one_transaction(
    postgres: Database, postgres_log: ChangeLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres_half, "BULK_ABOVE", 1)
    await create_post(postgres)
    await run(postgres, "CREATE TABLE other (id INTEGER PRIMARY KEY)")
    await postgres_log.capture([POST, POST.__class__("other", "other", ("id",), ("id",))])
    await run(postgres, "INSERT INTO post VALUES (1, 'a', NULL)", "INSERT INTO other VALUES (1)")
    await run(postgres, "INSERT INTO post VALUES (2, 'a', NULL)")
    await postgres_log.sequence()
    assert {each.collection for each in await postgres_log.read(0, 1)} == {"post", "other"}
    assert brief(await postgres_log.read(2, 1)) == [("create", "2")]


async def test_upkeep_of_the_log_calls_no_listener(db: Database, posts: ChangeLog) -> None:
    await run(db, "INSERT INTO post VALUES (1, 'a', NULL)")
    calls: list[None] = []
    db.on_commit(lambda: calls.append(None))
    await posts.sequence()
    await posts.trim(0, 0)
    await posts.capture([])
    assert calls == []


async def test_reader_that_failed_has_news_again(sqlite: Database, sqlite_log: ChangeLog) -> None:
    await create_post(sqlite)
    await sqlite_log.sequence()
    assert not await sqlite_log.has_news()
    await run(sqlite, "ALTER TABLE watchword_change RENAME TO elsewhere")
    with pytest.raises(Exception, match="no such table"):
        await sqlite_log.sequence()
    await run(sqlite, "ALTER TABLE elsewhere RENAME TO watchword_change")
    await sqlite_log.sequence()
    with pytest.raises(OverflowError):
        await sqlite_log.read(2**64, 1)
    assert await sqlite_log.has_news()


async def test_what_keeping_up_has_passed_is_news_until_it_is_told(db: Database, posts: ChangeLog) -> None:
    async with reopened(db) as other:
        await posts.sequence()
        await run(db, "INSERT INTO post VALUES (1, 'a', NULL)")
        await other.sequence()  # on PostgreSQL it is that node's to tell the others
        await posts.keep_up()
        assert posts.head == 1
        assert await posts.has_news()
        await posts.sequence()
        assert brief(await posts.read(0, 10)) == [("create", "1")]
    await posts.sequence()
    assert not await posts.has_news()
