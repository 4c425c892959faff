"""Triggers and sequencing on PostgreSQL, and other programs that write to the database."""

from __future__ import annotations

from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import anyio
import asyncpg
import pytest
from msgspec.structs import replace

from tests.unit.storage.support import POST, brief, create_post, fetch, logged, run
from watchword.base.errors import Problem
from watchword.storage.engine import Database
from watchword.storage.log import Bulk, Captured, ChangeLog

pytestmark = pytest.mark.anyio


@pytest.fixture
async def posts(postgres: Database, postgres_log: ChangeLog) -> ChangeLog:
    await create_post(postgres)
    await postgres_log.capture([POST])
    return postgres_log


@pytest.fixture
async def foreign(postgres: Database, postgres_url: str) -> AsyncIterator[asyncpg.Connection]:
    """Another program's connection, with settings that shape text differently."""
    connection = await asyncpg.connect(
        postgres_url,
        server_settings={
            "timezone": "Asia/Tokyo",
            "datestyle": "SQL, DMY",
            "bytea_output": "escape",
            "extra_float_digits": "-5",
            "intervalstyle": "postgres_verbose",
            "standard_conforming_strings": "off",
        },
    )
    yield connection
    await connection.close()


KINDS: dict[str, tuple[str, Any]] = {
    "smallint": ("-32768", -32768),
    "bigint": ("9223372036854775807", 2**63 - 1),
    "numeric": ("123456789012345678901234567890.10", Decimal("123456789012345678901234567890.10")),
    "real": ("'0.1'", Decimal("0.1")),
    "double precision": ("0.1::float8 + 0.2::float8", Decimal("0.30000000000000004")),
    "float8": ("'NaN'", "NaN"),
    "boolean": ("true", True),
    "date": ("'2026-03-01'", "2026-03-01"),
    "time": ("'12:34:56.789'", "12:34:56.789"),
    "timestamp": ("'2026-03-01 12:34:56.123456'", "2026-03-01T12:34:56.123456"),
    "timestamptz": ("'2026-03-01 12:34:56.123456+09'", "2026-03-01T03:34:56.123456+00:00"),
    "interval": ("'1 day 2 hours'", "P1DT2H"),
    "uuid": ("'ABF8A154-5b1c-4a46-ac9c-7300570f4f17'", "abf8a154-5b1c-4a46-ac9c-7300570f4f17"),
    "bytea": ("'\\\\x00ff'", "\\x00ff"),
    "json": ('\'{"b": 1.50, "a": "\\\\u0000"}\'', {"b": Decimal("1.50"), "a": "\x00"}),
    "jsonb": ('\'{"b": 1, "a": [null]}\'', {"b": 1, "a": [None]}),
    "text[]": ("ARRAY['a', NULL]", ["a", None]),
    "inet": ("'10.0.0.1'", "10.0.0.1"),
    "varchar(10)": ("'é\"'", 'é"'),
    "char(3)": ("'a'", "a  "),
}


async def test_images_are_exact_whatever_the_session_says(
    postgres: Database, postgres_log: ChangeLog, foreign: asyncpg.Connection
) -> None:
    names = [f"c{number}" for number in range(len(KINDS))]
    columns = ", ".join(f"{name} {kind}" for name, kind in zip(names, KINDS, strict=True))
    await run(postgres, f"CREATE TABLE kind (id integer PRIMARY KEY, {columns})")
    assert await postgres_log.capture([Captured("kind", "kind", ("id",), tuple(names))]) == frozenset()
    await foreign.execute(f"INSERT INTO kind VALUES (1, {', '.join(literal for literal, _ in KINDS.values())})")
    await foreign.execute("DELETE FROM kind")
    created, deleted = logged(await postgres_log.sequence())
    assert created.after == {name: value for name, (_, value) in zip(names, KINDS.values(), strict=True)}
    assert [type(each) for each in created.after.values()] == [type(value) for _, value in KINDS.values()]
    assert deleted.before == created.after


async def test_keys_are_written_the_same_whatever_the_session_says(
    postgres: Database, postgres_log: ChangeLog, foreign: asyncpg.Connection
) -> None:
    await run(postgres, "CREATE TABLE kind (at timestamptz, raw bytea, PRIMARY KEY (at, raw))")
    await postgres_log.capture([Captured("kind", "kind", ("at", "raw"), ("at",))])
    await foreign.execute("INSERT INTO kind VALUES ('2026-03-01 12:00+09', 'a')")
    assert brief(await postgres_log.sequence()) == [("create", "2026-03-01 03:00:00+00,\\x61")]


LARGE = {
    "text": "repeat('x', 8193)",
    "varchar": "repeat('x', 8193)",
    "bytea": "repeat('x', 4097)::bytea",
    "json": """('"' || repeat('x', 8193) || '"')::json""",
    "jsonb": """('"' || repeat('x', 8193) || '"')::jsonb""",
    "text[]": "ARRAY[repeat('x', 8193)]",
    "numeric": "repeat('9', 8193)::numeric",
    "document": """('"' || repeat('x', 8193) || '"')::document""",
}


async def test_large_values_of_every_kind_are_left_out(postgres: Database, postgres_log: ChangeLog) -> None:
    names = [f"c{number}" for number in range(len(LARGE))]
    columns = ", ".join(f"{name} {kind}, none_{name} {kind}" for name, kind in zip(names, LARGE, strict=True))
    await run(postgres, "CREATE DOMAIN document AS jsonb", f"CREATE TABLE kind (id integer PRIMARY KEY, {columns})")
    captured = ("id", *(f"{prefix}{name}" for name in names for prefix in ("none_", "")))
    await postgres_log.capture([Captured("kind", "kind", ("id",), captured)])
    await run(postgres, f"INSERT INTO kind (id, {', '.join(names)}) VALUES (1, {', '.join(LARGE.values())})")
    [created] = logged(await postgres_log.sequence())
    assert created.after == {"id": 1} | {f"none_{name}": None for name in names}
    assert created.omitted == tuple(names)


async def test_writer_without_any_right_to_the_log_is_not_broken(
    posts: ChangeLog, foreign: asyncpg.Connection, postgres_url: str
) -> None:
    role = "writer_" + postgres_url.rpartition("_")[2]
    await foreign.execute(f"CREATE ROLE {role}")
    try:
        await foreign.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE, TRUNCATE ON post TO {role}")
        await foreign.execute(f"SET ROLE {role}")
        await foreign.execute("SELECT set_config('watchword.origin', 'forged', false)")
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await foreign.execute("INSERT INTO watchword_change (collection, action) VALUES ('post', 'r')")
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await foreign.execute("SELECT * FROM watchword_sequence()")
        await foreign.execute("INSERT INTO post VALUES (1, 'a', NULL)")
        await foreign.execute("UPDATE post SET title = 'b'")
        await foreign.execute("DELETE FROM post")
        await foreign.execute("TRUNCATE post")
    finally:
        await foreign.execute("RESET ROLE")
        await foreign.execute(f"DROP OWNED BY {role}")
        await foreign.execute(f"DROP ROLE {role}")
    *rows, truncated = await posts.sequence()
    assert brief(rows) == [("create", "1"), ("update", "1"), ("delete", "1")]
    assert truncated == Bulk("post", 4, 4)


async def test_origin_of_another_login_is_not_believed(postgres: Database, posts: ChangeLog, postgres_url: str) -> None:
    role = "login_" + postgres_url.rpartition("_")[2]
    await run(postgres, f"CREATE ROLE {role} LOGIN", f"GRANT INSERT ON post TO {role}")
    stranger = await asyncpg.connect(postgres_url.replace("postgres@", f"{role}@"))
    try:
        await stranger.execute("SELECT set_config('watchword.origin', 'forged', false)")
        await stranger.execute("INSERT INTO post VALUES (1, 'a', NULL)")
    finally:
        await stranger.close()
        await run(postgres, f"DROP OWNED BY {role}", f"DROP ROLE {role}")
    assert [each.origin for each in logged(await posts.sequence())] == [None]


@pytest.mark.parametrize("change", ["DROP COLUMN title", "RENAME COLUMN title TO name", "RENAME COLUMN id TO number"])
async def test_writer_that_changes_the_table_is_not_broken(
    posts: ChangeLog, foreign: asyncpg.Connection, change: str
) -> None:
    await foreign.execute("INSERT INTO post VALUES (1, 'a', NULL)")
    await foreign.execute(f"ALTER TABLE post {change}")
    await foreign.execute("INSERT INTO post (body) SELECT NULL WHERE false")
    await foreign.execute("UPDATE post SET body = 'b'")
    first, second = await posts.sequence()
    assert brief([first]) == [("create", "1")]
    assert second == Bulk("post", 2, 2)


async def test_capture_after_a_change_of_the_table_tells_rows_again(
    posts: ChangeLog, foreign: asyncpg.Connection
) -> None:
    await foreign.execute("ALTER TABLE post RENAME COLUMN title TO name")
    await foreign.execute("ALTER TABLE post ALTER COLUMN body TYPE jsonb USING to_jsonb(body)")
    await posts.capture([replace(POST, columns=("id", "name", "body"))])
    await foreign.execute("""INSERT INTO post VALUES (1, 'a', '{"x": 1}')""")
    assert [each.after for each in logged(await posts.sequence())] == [{"id": 1, "name": "a", "body": {"x": 1}}]


async def test_renamed_table_is_captured_under_its_new_name(posts: ChangeLog, foreign: asyncpg.Connection) -> None:
    await foreign.execute("ALTER TABLE post RENAME TO article")
    await posts.capture([replace(POST, collection="article", table="article")])
    await foreign.execute("INSERT INTO article VALUES (1, 'a', NULL)")
    assert [(each.collection, each.key) for each in logged(await posts.sequence())] == [("article", "1")]


async def test_truncate_is_told_as_a_bulk(postgres: Database, posts: ChangeLog) -> None:
    await run(postgres, "INSERT INTO post VALUES (1, 'a', NULL)", "TRUNCATE post")
    created, truncated = await posts.sequence()
    assert brief([created]) == [("create", "1")]
    assert truncated == Bulk("post", 2, 1)


async def test_replica_sessions_are_captured_too(posts: ChangeLog, foreign: asyncpg.Connection) -> None:
    await foreign.execute("SET session_replication_role = replica")
    await foreign.execute("INSERT INTO post VALUES (1, 'a', NULL)")
    assert brief(await posts.sequence()) == [("create", "1")]


async def test_partitioned_table_is_captured_through_its_partitions(
    postgres: Database, postgres_log: ChangeLog
) -> None:
    await run(
        postgres,
        "CREATE TABLE part (id integer PRIMARY KEY) PARTITION BY RANGE (id)",
        "CREATE TABLE part_low PARTITION OF part FOR VALUES FROM (0) TO (10)",
    )
    part = Captured("part", "part", ("id",), ("id",))
    await postgres_log.capture([part])
    await postgres_log.capture([part])
    await run(postgres, "INSERT INTO part VALUES (1)", "INSERT INTO part_low VALUES (2)")
    assert brief(await postgres_log.sequence()) == [("create", "1"), ("create", "2")]


async def test_capturing_again_touches_nothing(postgres: Database, posts: ChangeLog) -> None:
    catalogue = "SELECT p.oid, p.xmin::text, t.oid, t.xmin::text FROM pg_proc p JOIN pg_trigger t ON t.tgfoid = p.oid "
    catalogue += "WHERE p.proname LIKE 'watchword%'"
    before = await fetch(postgres, catalogue)
    await posts.capture([POST])
    assert await fetch(postgres, catalogue) == before
    assert len(before) == 2


async def test_trigger_that_was_disabled_or_dropped_is_put_back(postgres: Database, posts: ChangeLog) -> None:
    await run(postgres, "ALTER TABLE post DISABLE TRIGGER watchword_capture", "DROP TRIGGER watchword_truncate ON post")
    await posts.capture([POST])
    await run(postgres, "INSERT INTO post VALUES (1, 'a', NULL)", "TRUNCATE post")
    assert len(await posts.sequence()) == 2


async def test_nodes_that_capture_at_once_take_turns(postgres: Database, postgres_log: ChangeLog) -> None:
    await create_post(postgres)
    others = [ChangeLog(postgres) for _ in range(3)]
    async with anyio.create_task_group() as group:
        for each in others:
            group.start_soon(each.capture, [POST])
    await run(postgres, "INSERT INTO post VALUES (1, 'a', NULL)")
    assert brief(await postgres_log.sequence()) == [("create", "1")]


async def test_table_of_another_owner_is_refused(postgres: Database, postgres_url: str) -> None:
    name = postgres_url.rpartition("_")[2]
    await run(postgres, "CREATE TABLE theirs (id integer PRIMARY KEY)")
    await run(postgres, f"CREATE ROLE plain_{name} LOGIN", f"CREATE SCHEMA mine AUTHORIZATION plain_{name}")
    await run(
        postgres, f"GRANT USAGE ON SCHEMA public TO plain_{name}", f"ALTER ROLE plain_{name} SET search_path = public"
    )
    await run(postgres, f"GRANT ALL ON ALL TABLES IN SCHEMA public TO plain_{name}")
    plain = Database(postgres_url.replace("postgres@", f"plain_{name}@"))
    try:
        refused = await ChangeLog(plain).capture([Captured("theirs", "theirs", ("id",), ("id",))])
    finally:
        await plain.close()
        await run(postgres, f"DROP OWNED BY plain_{name}", f"DROP ROLE plain_{name}")
    assert refused == {"theirs"}


async def test_sequence_refuses_repeatable_read(posts: ChangeLog, foreign: asyncpg.Connection) -> None:
    async with foreign.transaction(isolation="repeatable_read"):
        with pytest.raises(asyncpg.PostgresError, match="READ COMMITTED"):
            await foreign.execute("SELECT * FROM watchword_sequence()")


async def test_long_open_transaction_delays_nobody(
    postgres: Database, posts: ChangeLog, foreign: asyncpg.Connection
) -> None:
    slow = foreign.transaction()
    await slow.start()
    await foreign.execute("INSERT INTO post VALUES (1, 'slow', NULL)")
    await run(postgres, "INSERT INTO post VALUES (2, 'quick', NULL)")
    assert brief(await posts.sequence()) == [("create", "2")]
    await slow.commit()
    assert [(each.key, each.position) for each in logged(await posts.sequence())] == [("1", 2)]


async def test_order_of_a_row_follows_its_commits(
    postgres: Database, posts: ChangeLog, foreign: asyncpg.Connection
) -> None:
    await run(postgres, "INSERT INTO post VALUES (1, '0', NULL), (2, '0', NULL)")
    await posts.sequence()
    early = foreign.transaction()
    await early.start()
    await foreign.execute("UPDATE post SET title = '1' WHERE id = 2")  # an early id, and an early first change
    await run(postgres, "UPDATE post SET title = '1' WHERE id = 1")
    await foreign.execute("UPDATE post SET title = '2' WHERE id = 1")
    await early.commit()
    titles = [each.after["title"] for each in logged(await posts.sequence()) if each.key == "1" and each.after]
    assert titles == ["1", "2"]


async def test_sequencers_that_race_give_each_position_once(postgres: Database, posts: ChangeLog) -> None:
    nodes = [ChangeLog(postgres) for _ in range(3)]
    told: list[int] = []

    async def sequence(node: ChangeLog) -> None:
        for _ in range(15):
            told.extend(each.position for each in await node.sequence())

    async with anyio.create_task_group() as group:
        for node in nodes:
            group.start_soon(sequence, node)
        for key in range(30):
            group.start_soon(run, postgres, f"INSERT INTO post VALUES ({key}, 'a', NULL)")
    told.extend(each.position for each in await posts.sequence())
    assert sorted(told) == list(range(1, 31))


async def test_crash_resequences_every_change_once_under_a_new_epoch(postgres: Database, posts: ChangeLog) -> None:
    await run(postgres, "INSERT INTO post VALUES (1, 'a', NULL)")
    await posts.sequence()
    await run(postgres, "INSERT INTO post VALUES (2, 'a', NULL)", "INSERT INTO post VALUES (3, 'a', NULL)")
    await posts.sequence()
    gone = posts.position(3)
    # As after a crash: positions were given in a transaction that had not been flushed.
    await run(postgres, "DELETE FROM watchword_commit WHERE last > 1")
    await run(postgres, "UPDATE watchword_epoch SET started = started - interval '1 hour'")
    node = ChangeLog(postgres)
    await node.open()
    assert [(each.key, each.position) for each in logged(await node.read(1, 10))] == [("2", 2), ("3", 3)]
    assert await node.since(f"{posts.epoch}:1") == 1
    with pytest.raises(Problem) as problem:
        await node.since(gone)
    assert problem.value.extensions["reason"] == "beyond_epoch"


@pytest.mark.parametrize(
    "sign",
    [
        "UPDATE watchword_epoch SET cluster = 'another/1', started = started - interval '1 hour'",
        "UPDATE watchword_commit SET snap = '900000000:900000000:'",
    ],
)
async def test_restored_dump_is_detected_and_the_log_starts_anew(
    postgres: Database, posts: ChangeLog, sign: str
) -> None:
    await run(postgres, "INSERT INTO post VALUES (1, 'a', NULL)")
    await posts.sequence()
    old = posts.position(1)
    await run(postgres, sign)
    node = ChangeLog(postgres)
    await node.open()
    with pytest.raises(Problem) as problem:
        await node.since(old)
    assert problem.value.extensions["reason"] == "unknown_epoch"
    await run(postgres, "INSERT INTO post VALUES (2, 'a', NULL)")
    assert [(each.key, each.position) for each in logged(await node.sequence())] == [("2", 2)]


async def test_one_node_trims_at_a_time(postgres: Database, posts: ChangeLog, foreign: asyncpg.Connection) -> None:
    for key in range(3):
        await run(postgres, f"INSERT INTO post VALUES ({key}, 'a', NULL)")
    await posts.sequence()
    async with foreign.transaction():
        await foreign.execute("SELECT pg_advisory_xact_lock(7303)")
        assert await posts.trim(0, 0) == 0
    assert await posts.trim(0, 0) == 2
