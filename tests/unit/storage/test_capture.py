"""Capturing tables, the same on both databases."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from tests.unit.storage.support import POST, brief, create_post, logged, run
from watchword.storage.changes import EVERY_ACTION
from watchword.storage.engine import Database
from watchword.storage.log import Bulk, Captured, ChangeLog

pytestmark = pytest.mark.anyio


@pytest.fixture
async def posts(db: Database, log: ChangeLog) -> ChangeLog:
    await create_post(db)
    await log.capture([POST])
    return log


async def test_columns_that_are_not_asked_for_never_enter_the_log(db: Database, posts: ChangeLog) -> None:
    await posts.capture([replace(POST, columns=("id", "title"))])
    await run(db, "INSERT INTO post VALUES (1, 'a', 'secret')", "UPDATE post SET body = 'secret too'")
    await run(db, "UPDATE post SET title = 'b'", "DELETE FROM post")
    changes = logged(await posts.sequence())
    assert [each.action for each in changes] == ["create", "update", "delete"]
    assert "secret" not in repr(changes)


async def test_watched_columns_decide_which_updates_are_told(db: Database, posts: ChangeLog) -> None:
    await posts.capture([replace(POST, watched=("body",))])
    await run(db, "INSERT INTO post VALUES (1, 'a', NULL)", "UPDATE post SET title = 'b'", "UPDATE post SET body = 'c'")
    created, updated = logged(await posts.sequence())
    assert (created.action, updated.action) == ("create", "update")
    assert updated.before == {"id": 1, "title": "b", "body": None}
    await run(db, "UPDATE post SET id = 2")
    assert brief(await posts.sequence()) == [("delete", "1"), ("create", "2")]


async def test_actions_that_are_not_asked_for_are_not_told(db: Database, posts: ChangeLog) -> None:
    for action in EVERY_ACTION:
        await posts.capture([replace(POST, actions=frozenset({action}))])
        await run(db, "INSERT INTO post VALUES (1, 'a', NULL)", "UPDATE post SET title = 'b'", "DELETE FROM post")
        assert brief(await posts.sequence()) == [(action, "1")]


async def test_tables_that_are_no_longer_captured_are_left_alone(db: Database, posts: ChangeLog) -> None:
    await posts.capture([])
    await run(db, "INSERT INTO post VALUES (1, 'a', NULL)")
    assert await posts.sequence() == []


async def test_dropped_table_is_refused_and_does_not_stop_the_others(db: Database, posts: ChangeLog) -> None:
    await run(db, "CREATE TABLE gone (id INTEGER PRIMARY KEY)")
    gone = Captured("gone", "gone", ("id",), ("id",))
    assert await posts.capture([gone, POST]) == frozenset()
    await run(db, "DROP TABLE gone")
    assert await posts.capture([gone, POST]) == {"gone"}
    await run(db, "INSERT INTO post VALUES (1, 'a', NULL)")
    assert brief(await posts.sequence()) == [("create", "1")]


async def test_table_without_such_a_key_is_refused(posts: ChangeLog) -> None:
    for key in ((), ("nothing",), ("id", "nothing")):
        assert await posts.capture([replace(POST, key=key)]) == {"post"}


async def test_columns_that_do_not_exist_are_left_out(db: Database, posts: ChangeLog) -> None:
    assert await posts.capture([replace(POST, columns=("id", "nothing"), watched=None)]) == frozenset()
    await run(db, "INSERT INTO post VALUES (1, 'a', NULL)")
    assert [each.after for each in logged(await posts.sequence())] == [{"id": 1}]


async def test_composite_key_is_joined_by_commas(db: Database, log: ChangeLog) -> None:
    await run(db, "CREATE TABLE pair (a INTEGER, b VARCHAR(10), PRIMARY KEY (a, b))")
    await log.capture([Captured("pair", "pair", ("a", "b"), ("a", "b"))])
    await run(db, "INSERT INTO pair VALUES (1, 'x')", "UPDATE pair SET b = 'y'")
    assert brief(await log.sequence()) == [("create", "1,x"), ("delete", "1,x"), ("create", "1,y")]


async def test_large_columns_are_left_out(db: Database, posts: ChangeLog) -> None:
    large = "x" * 8193
    await run(
        db, f"INSERT INTO post VALUES (1, 'a', '{large}')", "UPDATE post SET title = 'b'", "UPDATE post SET body = ''"
    )
    created, updated, emptied = logged(await posts.sequence())
    assert (created.after, created.omitted) == ({"id": 1, "title": "a"}, ("body",))
    assert (updated.before, updated.after) == ({"id": 1, "title": "a"}, {"id": 1, "title": "b"})
    assert (emptied.before, emptied.after) == ({"id": 1, "title": "b"}, {"id": 1, "title": "b", "body": ""})
    assert emptied.omitted == ("body",)


async def test_columns_of_the_limit_are_kept_and_bytes_count(db: Database, posts: ChangeLog) -> None:
    await run(db, f"INSERT INTO post VALUES (1, 'a', '{'x' * 8192}'), (2, 'b', '{'é' * 4097}')")
    kept, left_out = logged(await posts.sequence())
    assert (kept.omitted, left_out.omitted) == ((), ("body",))


async def test_change_of_a_large_column_alone_is_told(db: Database, posts: ChangeLog) -> None:
    await run(db, f"INSERT INTO post VALUES (1, 'a', '{'x' * 9000}')", f"UPDATE post SET body = '{'y' * 9000}'")
    _, updated = logged(await posts.sequence())
    assert (updated.action, updated.before, updated.after) == (
        "update",
        {"id": 1, "title": "a"},
        {"id": 1, "title": "a"},
    )


async def test_cascade_and_set_null_are_logged(db: Database, log: ChangeLog) -> None:
    await run(
        db,
        "CREATE TABLE author (id INTEGER PRIMARY KEY)",
        "CREATE TABLE book (id INTEGER PRIMARY KEY, author INTEGER REFERENCES author ON DELETE CASCADE)",
        "CREATE TABLE prize (id INTEGER PRIMARY KEY, author INTEGER REFERENCES author ON DELETE SET NULL)",
    )
    columns = ("id", "author")
    tables = [Captured(each, each, ("id",), columns) for each in ("book", "prize")]
    await log.capture([Captured("author", "author", ("id",), ("id",)), *tables])
    await run(db, "INSERT INTO author VALUES (1)", "INSERT INTO book VALUES (2, 1)", "INSERT INTO prize VALUES (3, 1)")
    await log.sequence()
    await run(db, "DELETE FROM author")
    changes = {(each.collection, each.action, each.key): each for each in logged(await log.sequence())}
    assert set(changes) == {("author", "delete", "1"), ("book", "delete", "2"), ("prize", "update", "3")}
    assert changes["prize", "update", "3"].after == {"id": 3, "author": None}


async def test_upsert_is_a_create_or_an_update(db: Database, posts: ChangeLog) -> None:
    upsert = "INSERT INTO post VALUES (1, '{}', NULL) ON CONFLICT (id) DO UPDATE SET title = excluded.title"
    await run(db, upsert.format("a"), upsert.format("b"), upsert.format("b"))
    assert brief(await posts.sequence()) == [("create", "1"), ("update", "1")]


HOSTILE = """we"ird 'name' \\ $$ $w$ -- ; é"""


async def test_names_may_hold_anything(db: Database, log: ChangeLog) -> None:
    quoted = '"' + HOSTILE.replace('"', '""') + '"'
    await run(db, f"CREATE TABLE {quoted} (id INTEGER PRIMARY KEY, {quoted} TEXT)")
    await log.capture([Captured(HOSTILE, HOSTILE, ("id",), ("id", HOSTILE))])
    await run(db, f"INSERT INTO {quoted} VALUES (1, 'a')", f"UPDATE {quoted} SET {quoted} = '{'x' * 9000}'")
    created, updated = logged(await log.sequence())
    assert (created.collection, created.after) == (HOSTILE, {"id": 1, HOSTILE: "a"})
    assert (updated.after, updated.omitted) == ({"id": 1}, (HOSTILE,))


@pytest.mark.parametrize("name", ["@create@", "@update@", "@collection@", "@schema@", "@origin@"])
async def test_columns_may_be_named_like_anything_in_a_trigger(db: Database, log: ChangeLog, name: str) -> None:
    await run(db, f'CREATE TABLE odd (id INTEGER PRIMARY KEY, "{name}" TEXT)')
    assert await log.capture([Captured("odd", "odd", ("id",), ("id", name))]) == frozenset()
    await run(db, "INSERT INTO odd VALUES (1, 'a')")
    (created,) = logged(await log.sequence())
    assert created.after == {"id": 1, name: "a"}


async def test_image_that_cannot_be_read_is_told_as_a_bulk_and_stops_nothing(db: Database, posts: ChangeLog) -> None:
    await run(db, "INSERT INTO post VALUES (1, 'a', NULL)")
    await run(db, "UPDATE watchword_change SET after = '[]'")
    await run(db, "INSERT INTO post VALUES (2, 'a', NULL)")
    broken, whole = await posts.sequence()
    assert broken == Bulk("post", 1, 1)
    assert brief([whole]) == [("create", "2")]


async def test_our_own_tables_are_captured_like_any(db: Database, log: ChangeLog) -> None:
    session = Captured(
        "$sessions",
        "watchword_sessions",
        ("id",),
        ("id", "user", "revoked_at"),
        watched=("revoked_at",),
        actions=frozenset({"update", "delete"}),
    )
    assert await log.capture([session]) == frozenset()
    now = "'2026-01-01 00:00:00'"
    await run(
        db,
        f"""INSERT INTO watchword_sessions (id, created_at, expires_at, refresh_digest, mode)
            VALUES ('s', {now}, {now}, 'd', 'json')""",
        f"UPDATE watchword_sessions SET last_used_at = {now}",
        f"UPDATE watchword_sessions SET revoked_at = {now}",
    )
    [revoked] = logged(await log.sequence())
    assert (revoked.action, revoked.key) == ("update", "s")
    assert "'d'" not in repr(revoked)
