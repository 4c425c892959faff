"""Our tables, as the migrations make them."""

from __future__ import annotations

import subprocess
import sys
import warnings
from typing import Any

import anyio
import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from tests.unit.storage.support import fetch, run
from watchword.storage.engine import Database
from watchword.storage.migrations import VERSION_TABLE, migrate, version, versions
from watchword.storage.tables import PREFIX, metadata

pytestmark = pytest.mark.anyio

LOG_TABLES = {"watchword_change", "watchword_epoch", "watchword_commit", "watchword_context", "watchword_replaced"}


def differences(connection: Connection) -> Any:
    def is_ours(name: str | None, kind: str, _: object) -> bool:
        return kind != "table" or name in metadata.tables

    options = {"compare_type": True, "compare_server_default": True, "include_name": is_ours}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # SQLite's reflection skips indexes over expressions, and says so
        return compare_metadata(MigrationContext.configure(connection, opts=options), metadata)


def upgrade_to(connection: Connection, revision: str) -> None:
    config = Config()
    config.set_main_option("script_location", "watchword.storage:migrations")
    config.attributes["connection"] = connection
    command.upgrade(config, revision)


async def tables(db: Database) -> set[str]:
    catalogue = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%'"
    if db.kind == "postgresql":
        catalogue = "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = current_schema()::regnamespace"
    return {name for (name,) in await fetch(db, catalogue)}


async def test_migrated_database_is_what_the_tables_say(db: Database) -> None:
    async with db.read() as connection:
        assert await connection.run_sync(differences) == []


async def test_every_table_is_ours_by_name(db: Database) -> None:
    found = await tables(db)
    assert all(name.startswith(PREFIX) for name in found)
    assert found - LOG_TABLES == {*metadata.tables, VERSION_TABLE}


async def test_migrating_again_changes_nothing(db: Database) -> None:
    before = await fetch(db, f"SELECT * FROM {VERSION_TABLE}")
    await migrate(db)
    assert await fetch(db, f"SELECT * FROM {VERSION_TABLE}") == before


async def test_tables_of_the_user_are_left_alone(database_url: str) -> None:
    db = Database(database_url)
    await run(
        db,
        "CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)",
        "INSERT INTO alembic_version VALUES ('theirs')",
        "CREATE TABLE users (id INTEGER PRIMARY KEY)",
    )
    await migrate(db)
    assert await fetch(db, "SELECT * FROM alembic_version") == [("theirs",)]
    assert {"alembic_version", "users"} <= await tables(db)
    await db.close()


async def test_view_of_the_user_that_has_lost_its_table_is_no_obstacle(sqlite_url: str) -> None:
    db = Database(sqlite_url)
    await run(db, "CREATE TABLE gone (id)", "CREATE VIEW broken AS SELECT id FROM gone", "DROP TABLE gone")
    await migrate(db)
    assert "watchword_signing_keys" in await tables(db)
    await db.close()


async def test_tokens_of_before_are_still_there_and_belong_to_one_user_or_one_role(database_url: str) -> None:
    db = Database(database_url)
    async with db.write() as connection:
        await connection.run_sync(upgrade_to, "0004")
    now = "'2026-01-01 00:00:00'"
    await run(
        db,
        "INSERT INTO watchword_users (id) VALUES ('u')",
        "INSERT INTO watchword_roles (id, name) VALUES ('r', 'importer')",
        f"""INSERT INTO watchword_tokens (id, "user", digest, created_at) VALUES ('t', 'u', 'd', {now})""",
    )
    await migrate(db)
    assert await fetch(db, """SELECT id, "user", role, digest FROM watchword_tokens""") == [("t", "u", None, "d")]
    await run(db, f"INSERT INTO watchword_tokens (id, role, digest, created_at) VALUES ('s', 'r', 'e', {now})")
    for holders in ("'u', 'r'", "NULL, NULL"):
        with pytest.raises(IntegrityError):
            await run(
                db,
                f"""INSERT INTO watchword_tokens (id, digest, created_at, "user", role)
                    VALUES ('x', 'x', {now}, {holders})""",
            )
    await run(db, "DELETE FROM watchword_roles")
    assert await fetch(db, "SELECT id FROM watchword_tokens") == [("t",)]
    await db.close()


async def test_there_is_one_current_and_one_next_key_and_any_number_of_retired_ones(db: Database) -> None:
    columns = "(id, algorithm, state, created_at) VALUES"
    rows = ["('a', 'ES256', 'current'", "('b', 'ES256', 'next'", "('c', 'ES256', 'retired'", "('d', 'ES256', 'retired'"]
    for row in rows:
        await run(db, f"INSERT INTO watchword_signing_keys {columns} {row}, '2026-01-01 00:00:00')")
    for state in ("current", "next"):
        with pytest.raises(IntegrityError):
            await run(
                db, f"INSERT INTO watchword_signing_keys {columns} ('e', 'ES256', '{state}', '2026-01-01 00:00:00')"
            )


async def test_migrations_that_start_at_once_take_turns(database_url: str) -> None:
    databases = [Database(database_url) for _ in range(6)]
    async with anyio.create_task_group() as group:
        for each in databases:
            group.start_soon(migrate, each)
    assert await fetch(databases[0], f"SELECT count(*) FROM {VERSION_TABLE}") == [(1,)]
    for each in databases:
        await each.close()


MIGRATE = """
import asyncio, sys
from watchword.storage.engine import Database
from watchword.storage.migrations import migrate

asyncio.run(migrate(Database(sys.argv[1])))
"""


async def test_processes_that_migrate_at_once_take_turns(database_url: str) -> None:
    async def start() -> None:
        await anyio.run_process([sys.executable, "-c", MIGRATE, database_url], stderr=subprocess.STDOUT)

    async with anyio.create_task_group() as group:
        group.start_soon(start)
        group.start_soon(start)
    db = Database(database_url)
    assert await fetch(db, f"SELECT count(*) FROM {VERSION_TABLE}") == [(1,)]
    await db.close()


async def test_migration_that_fails_leaves_nothing(database_url: str) -> None:
    db = Database(database_url)
    await run(db, "CREATE TABLE watchword_change (id INTEGER)")
    with pytest.raises(Exception, match="already exists"):
        await migrate(db)
    assert await tables(db) == {"watchword_change"}
    await db.close()


async def test_email_is_unique_whatever_its_case(db: Database) -> None:
    await run(db, "INSERT INTO watchword_users (id, email) VALUES ('1', 'Ada@example.org'), ('2', NULL), ('3', NULL)")
    with pytest.raises(IntegrityError):
        await run(db, "INSERT INTO watchword_users (id, email) VALUES ('4', 'ada@EXAMPLE.org')")
    assert await fetch(db, "SELECT email FROM watchword_users WHERE id = '1'") == [("Ada@example.org",)]


async def test_deleting_a_user_takes_what_hangs_on_it_and_leaves_what_happened(db: Database) -> None:
    now = "'2026-01-01 00:00:00'"
    await run(
        db,
        "INSERT INTO watchword_users (id) VALUES ('u')",
        "INSERT INTO watchword_policies (id, name) VALUES ('p', 'all')",
        """INSERT INTO watchword_access (id, "user", policy) VALUES ('a', 'u', 'p')""",
        f"""INSERT INTO watchword_tokens (id, "user", digest, created_at) VALUES ('t', 'u', 'd', {now})""",
        f"""INSERT INTO watchword_sessions (id, "user", created_at, expires_at, refresh_digest, mode)
            VALUES ('s', 'u', {now}, {now}, 'd', 'json')""",
        f"""INSERT INTO watchword_auth_events (id, at, kind, "user") VALUES ('e', {now}, 'login', 'u')""",
        "DELETE FROM watchword_users",
    )
    left = {name: await fetch(db, f"SELECT id FROM watchword_{name}") for name in ("access", "tokens", "sessions")}
    assert left == {"access": [], "tokens": [], "sessions": []}
    assert await fetch(db, """SELECT id, "user" FROM watchword_auth_events""") == [("e", "u")]


async def test_deleting_a_role_leaves_its_users_without_one(db: Database) -> None:
    await run(
        db,
        "INSERT INTO watchword_roles (id, name) VALUES ('r', 'editor')",
        "INSERT INTO watchword_users (id, role) VALUES ('u', 'r')",
        "DELETE FROM watchword_roles",
    )
    assert await fetch(db, "SELECT id, role, status, email_notifications FROM watchword_users") == [
        ("u", None, "active", True)
    ]


async def test_versions_are_told_without_running_anything(database_url: str) -> None:
    db = Database(database_url)
    assert await version(db) is None
    await migrate(db)
    assert await version(db) == versions()[-1]
    await db.close()


def test_versions_are_those_that_alembic_finds() -> None:
    config = Config()
    config.set_main_option("script_location", "watchword.storage:migrations")
    found = [script.revision for script in ScriptDirectory.from_config(config).walk_revisions()]
    assert list(versions()) == found[::-1]
