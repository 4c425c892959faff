"""Our tables in a fresh database, by copying those that `migrate` has made: it takes longer than most tests.

Each process migrates one database of each kind; the tests of the migrations, and those with servers of their own, do
without this.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

import anyio
import asyncpg

from tests.support.postgres import find_binaries
from watchword.storage.engine import Database
from watchword.storage.migrations import migrate

_files: list[bytes] = []
_dumps: dict[str, str] = {}


async def migrated(url: str) -> None:
    """Give a database our tables. Nothing happens where a SQLite file exists, or a PostgreSQL database has them."""
    if url.startswith("sqlite"):
        await _sqlite(url)
    else:
        await _postgres(url)


async def _sqlite(url: str) -> None:
    path = anyio.Path(url.removeprefix("sqlite:///"))
    if await path.exists():
        return
    if _files:
        await path.write_bytes(_files[0])
        return
    await _migrate(url)
    assert not await anyio.Path(f"{path}-wal").exists()  # it is all in the file
    _files.append(await path.read_bytes())


async def _postgres(url: str) -> None:
    server = url.rpartition("/")[0]
    connection = await asyncpg.connect(url)
    try:
        if await connection.fetchval("SELECT to_regclass('watchword_alembic_version')"):
            return
        if server in _dumps:
            await connection.execute(_dumps[server])
            return
    finally:
        await connection.close()
    await _migrate(url)
    _dumps[server] = await anyio.to_thread.run_sync(_dump, url)


async def _migrate(url: str) -> None:
    database = Database(url)
    await migrate(database)
    await database.close()


def _dump(url: str) -> str:
    """Return what makes the database again, without the commands that psql alone understands."""
    program = (find_binaries() or Path()) / "pg_dump"
    done = subprocess.run([program, "--inserts", "--no-owner", url], capture_output=True, text=True, check=True)
    return "\n".join(line for line in done.stdout.splitlines() if not line.startswith("\\"))
