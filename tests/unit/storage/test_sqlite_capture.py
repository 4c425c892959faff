"""Triggers on SQLite, and other programs that write to the file."""

from __future__ import annotations

import math
import sqlite3
import struct
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import anyio
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from tests.unit.storage.support import POST, brief, create_post, fetch, logged, run
from watchword.storage.changes import Captured
from watchword.storage.engine import Database
from watchword.storage.images import decode
from watchword.storage.log import ChangeLog
from watchword.storage.sqlite_capture import _object, _Triggers

pytestmark = pytest.mark.anyio


@pytest.fixture
async def posts(sqlite: Database, sqlite_log: ChangeLog) -> ChangeLog:
    await create_post(sqlite)
    await sqlite_log.capture([POST])
    return sqlite_log


@pytest.fixture
def foreign(sqlite: Database, tmp_path: Path) -> Iterator[sqlite3.Connection]:
    """Another program's connection: no functions, no pragmas of ours."""
    with closing(sqlite3.connect(tmp_path / "test.db", isolation_level=None)) as connection:
        yield connection


async def test_images_are_exact(sqlite: Database, sqlite_log: ChangeLog, foreign: sqlite3.Connection) -> None:
    await run(sqlite, "CREATE TABLE kind (id INTEGER PRIMARY KEY, value)")
    await sqlite_log.capture([Captured("kind", "kind", ("id",), ("id", "value"))])
    values = [
        None,
        0,
        -(2**63),
        2**63 - 1,
        0.1 + 0.2,
        1e300,
        5e-324,
        1.0,
        math.inf,
        -math.inf,
        "",
        "null",
        '{"a": [1]}',
        "quote \" and ' and \\ and \u0001",
        "nul \x00 inside",
        "ünï \U0001f600",
        b"",
        b"\x00\xff",
    ]
    for key, value in enumerate(values):
        foreign.execute("INSERT INTO kind VALUES (?, ?)", (key, value))
    images = [each.after and each.after["value"] for each in logged(await sqlite_log.sequence())]
    assert [(type(each), each) for each in images] == [(type(each), each) for each in values]


EVERYDAY = st.floats(1e-5, 1e12) | st.floats(-1e12, -1e-5)


@pytest.fixture(scope="module")
def memory() -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        connection.executescript("""
            CREATE TABLE watchword_change (collection, action, key, former, before, after, origin);
            CREATE TABLE watchword_replaced (collection, replacing, key, before);
            CREATE TABLE watchword_context (origin);
            CREATE TABLE kind (id INTEGER PRIMARY KEY, value);
        """)
        for _, statement in _Triggers(Captured("kind", "kind", ("id",), ("id", "value")), ("id", "value")).statements():
            connection.execute(statement)
        yield connection


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(value=st.none() | st.integers(-(2**63), 2**63 - 1) | EVERYDAY | st.text() | st.binary())
def test_any_value_comes_back_as_it_was_stored(memory: sqlite3.Connection, value: object) -> None:
    memory.execute("DELETE FROM watchword_change")
    memory.execute("INSERT OR REPLACE INTO kind VALUES (1, ?)", (value,))
    [(image,)] = memory.execute("SELECT CAST(after AS BLOB) FROM watchword_change WHERE action = 'c'")
    row, _ = decode("sqlite", image)
    assert row == {"id": 1, "value": value}
    assert row is not None
    assert type(row["value"]) is type(value)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_reals_at_the_extremes_are_off_by_an_ulp_at_most(value: float) -> None:
    with closing(sqlite3.connect(":memory:")) as connection:
        [(digits,)] = connection.execute("SELECT printf('%!.17g', ?)", (value,))
    bits = [struct.unpack("<q", struct.pack("<d", each))[0] for each in (float(digits), value)]
    assert value == 0 or abs(bits[0] - bits[1]) <= 1


async def test_text_of_another_program_that_is_not_utf8_does_not_stop_the_reading(
    posts: ChangeLog, foreign: sqlite3.Connection
) -> None:
    foreign.execute("INSERT INTO post VALUES (1, CAST(x'61ff62' AS TEXT), NULL)")
    foreign.execute("INSERT INTO post VALUES (2, 'b', NULL)")
    first, second = logged(await posts.sequence())
    assert first.after == {"id": 1, "title": "a\ufffdb", "body": None}
    assert second.key == "2"


async def test_another_program_writes_and_is_seen(posts: ChangeLog, foreign: sqlite3.Connection) -> None:
    await posts.sequence()
    assert not await posts.has_news()
    foreign.execute("INSERT INTO post VALUES (1, 'a', NULL)")
    assert await posts.has_news()
    assert brief(await posts.sequence()) == [("create", "1")]
    assert not await posts.has_news()


async def test_rollback_of_another_program_is_no_news(posts: ChangeLog, foreign: sqlite3.Connection) -> None:
    await posts.sequence()
    foreign.execute("BEGIN")
    foreign.execute("INSERT INTO post VALUES (1, 'a', NULL)")
    foreign.execute("ROLLBACK")
    assert not await posts.has_news()


async def test_own_commit_is_news(sqlite: Database, posts: ChangeLog) -> None:
    await posts.sequence()
    await run(sqlite, "INSERT INTO post VALUES (1, 'a', NULL)")
    assert await posts.has_news()


FOREIGN = """
import sqlite3, sys

connection = sqlite3.connect(sys.argv[1])
connection.execute("INSERT INTO post VALUES (1, 'from afar', NULL)")
connection.commit()
"""


async def test_second_process_is_seen(posts: ChangeLog, tmp_path: Path) -> None:
    await posts.sequence()
    await anyio.run_process([sys.executable, "-c", FOREIGN, str(tmp_path / "test.db")], stderr=subprocess.STDOUT)
    assert await posts.has_news()
    assert brief(await posts.sequence()) == [("create", "1")]


REPLACE = "INSERT OR REPLACE INTO post VALUES (1, 'b', NULL)"


async def test_replace_is_not_a_bare_insert(posts: ChangeLog, foreign: sqlite3.Connection) -> None:
    foreign.execute("INSERT INTO post VALUES (1, 'a', NULL)")
    foreign.execute(REPLACE)
    changes = logged(await posts.sequence())
    assert brief(changes) == [("create", "1"), ("delete", "1"), ("create", "1")]
    assert changes[1].before == {"id": 1, "title": "a", "body": None}


async def test_own_replace_is_told_once_although_delete_triggers_fire(sqlite: Database, posts: ChangeLog) -> None:
    await run(sqlite, "INSERT INTO post VALUES (1, 'a', NULL)", REPLACE)
    assert brief(await posts.sequence()) == [("create", "1"), ("delete", "1"), ("create", "1")]


@pytest.mark.parametrize(
    ("statement", "told"),
    [
        ("INSERT OR IGNORE INTO post VALUES (1, 'b', NULL)", []),
        ("INSERT INTO post VALUES (1, 'b', NULL) ON CONFLICT (id) DO NOTHING", []),
        ("INSERT INTO post VALUES (1, 'b', NULL) ON CONFLICT (id) DO UPDATE SET title = 'c'", [("update", "1")]),
    ],
)
async def test_insert_that_replaces_nothing_deletes_nothing(
    posts: ChangeLog, foreign: sqlite3.Connection, statement: str, told: list[tuple[str, str]]
) -> None:
    foreign.execute("INSERT INTO post VALUES (1, 'a', NULL)")
    await posts.sequence()
    foreign.execute(statement)
    assert brief(await posts.sequence()) == told
    foreign.execute("UPDATE post SET id = 2")
    foreign.execute("INSERT INTO post VALUES (1, 'again', NULL)")
    assert brief(await posts.sequence()) == [("delete", "1"), ("create", "2"), ("create", "1")]


async def test_refused_insert_leaves_nothing(sqlite: Database, posts: ChangeLog, foreign: sqlite3.Connection) -> None:
    foreign.execute("INSERT INTO post VALUES (1, 'a', NULL)")
    with pytest.raises(sqlite3.IntegrityError):
        foreign.execute("INSERT INTO post VALUES (1, 'b', NULL)")
    assert await fetch(sqlite, "SELECT * FROM watchword_replaced") == []
    assert brief(await posts.sequence()) == [("create", "1")]


async def test_trim_clears_what_replacing_left_behind(
    sqlite: Database, posts: ChangeLog, foreign: sqlite3.Connection
) -> None:
    foreign.execute("INSERT INTO post VALUES (1, 'a', NULL)")
    foreign.execute("INSERT OR IGNORE INTO post VALUES (1, 'b', NULL)")
    await posts.trim(3600, 1_000)
    assert await fetch(sqlite, "SELECT * FROM watchword_replaced") == []


async def test_replace_under_another_spelling_of_the_key_deletes_the_old_one(
    sqlite: Database, sqlite_log: ChangeLog, foreign: sqlite3.Connection
) -> None:
    await run(sqlite, "CREATE TABLE tag (name TEXT PRIMARY KEY COLLATE NOCASE)")
    await sqlite_log.capture([Captured("tag", "tag", ("name",), ("name",))])
    foreign.execute("INSERT INTO tag VALUES ('sql')")
    foreign.execute("INSERT OR REPLACE INTO tag VALUES ('SQL')")
    assert brief(await sqlite_log.sequence()) == [("create", "sql"), ("delete", "sql"), ("create", "SQL")]


async def test_change_of_case_is_a_change_under_any_collation(
    sqlite: Database, sqlite_log: ChangeLog, foreign: sqlite3.Connection
) -> None:
    await run(sqlite, "CREATE TABLE tag (id INTEGER PRIMARY KEY, name TEXT COLLATE NOCASE)")
    await sqlite_log.capture([Captured("tag", "tag", ("id",), ("id", "name"))])
    foreign.execute("INSERT INTO tag VALUES (1, 'sql')")
    foreign.execute("UPDATE tag SET name = 'SQL'")
    assert brief(await sqlite_log.sequence()) == [("create", "1"), ("update", "1")]


async def test_delete_of_all_rows_is_told_row_by_row(posts: ChangeLog, foreign: sqlite3.Connection) -> None:
    foreign.execute("INSERT INTO post VALUES (1, 'a', NULL), (2, 'b', NULL)")
    foreign.execute("DELETE FROM post")
    assert brief(await posts.sequence())[2:] == [("delete", "1"), ("delete", "2")]


async def test_origin_is_not_left_for_other_programs(
    sqlite: Database, posts: ChangeLog, foreign: sqlite3.Connection
) -> None:
    async with sqlite.write() as connection, posts.origin(connection, "ours"):
        await connection.exec_driver_sql("INSERT INTO post VALUES (1, 'a', NULL)")
    foreign.execute("INSERT INTO post VALUES (2, 'a', NULL)")
    assert [each.origin for each in logged(await posts.sequence())] == ["ours", None]


async def test_wide_table_is_captured_whole(sqlite: Database, sqlite_log: ChangeLog) -> None:
    names = [f"c{number}" for number in range(200)]
    await run(sqlite, f"CREATE TABLE wide (id INTEGER PRIMARY KEY, {', '.join(names)})")
    await sqlite_log.capture([Captured("wide", "wide", ("id",), ("id", *names))])
    values = ", ".join(["'}{'"] * 199 + ["'x'"])
    await run(sqlite, f"INSERT INTO wide VALUES (1, {values})", "UPDATE wide SET c7 = printf('%.*c', 9000, 'x')")
    created, updated = logged(await sqlite_log.sequence())
    assert created.after == {"id": 1} | dict.fromkeys(names, "}{") | {"c199": "x"}
    assert updated.after == {"id": 1} | {name: "}{" for name in names if name != "c7"} | {"c199": "x"}
    assert updated.omitted == ("c7",)


def test_object_of_many_columns_is_one_object() -> None:
    pairs = [(f"'k{number}'", "'{}'") for number in range(130)]
    with closing(sqlite3.connect(":memory:")) as connection:
        [(text,)] = connection.execute(f"SELECT {_object(pairs)}")
    assert decode("sqlite", text) == ({f"k{number}": "{}" for number in range(130)}, ())


async def test_rebuilt_table_is_captured_again(sqlite: Database, posts: ChangeLog, foreign: sqlite3.Connection) -> None:
    foreign.executescript("""
        CREATE TABLE new (id INTEGER PRIMARY KEY, title VARCHAR(200), body TEXT);
        DROP TABLE post;
        ALTER TABLE new RENAME TO post;
    """)
    await posts.capture([POST])
    foreign.execute("INSERT INTO post VALUES (1, 'a', NULL)")
    assert brief(await posts.sequence()) == [("create", "1")]


async def test_renamed_column_is_captured_under_its_new_name(
    sqlite: Database, posts: ChangeLog, foreign: sqlite3.Connection
) -> None:
    foreign.execute("ALTER TABLE post RENAME COLUMN title TO name")
    foreign.execute("INSERT INTO post VALUES (1, 'a', NULL)")
    await posts.capture([replace(POST, columns=("id", "name"))])
    foreign.execute("INSERT INTO post VALUES (2, 'a', NULL)")
    assert [each.after for each in logged(await posts.sequence())][1] == {"id": 2, "name": "a"}


async def test_view_is_refused(sqlite: Database, posts: ChangeLog) -> None:
    await run(sqlite, "CREATE VIEW latest AS SELECT * FROM post")
    assert await posts.capture([POST, Captured("latest", "latest", ("id",), ("id",))]) == {"latest"}


async def test_triggers_use_nothing_that_another_program_lacks(sqlite: Database, posts: ChangeLog) -> None:
    triggers = await fetch(sqlite, "SELECT sql FROM sqlite_master WHERE type = 'trigger'")
    assert len(triggers) == 4
    assert not any("watchword_lower" in sql for (sql,) in triggers)


async def test_capturing_again_touches_nothing(sqlite: Database, posts: ChangeLog) -> None:
    before = await fetch(sqlite, "PRAGMA schema_version")
    await posts.capture([POST])
    assert await fetch(sqlite, "PRAGMA schema_version") == before
