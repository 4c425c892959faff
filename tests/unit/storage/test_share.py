"""What clients ask for leaves connections for our own work."""

from __future__ import annotations

from collections.abc import AsyncIterator

import anyio
import pytest
from sqlalchemy import text

from watchword.base.errors import Code, Problem
from watchword.storage import share as module
from watchword.storage.engine import Database
from watchword.storage.share import OWN, ClientShare


@pytest.fixture
async def db(database_url: str) -> AsyncIterator[Database]:
    made = Database(database_url, pool_size=OWN + 1)
    yield made
    await made.close()


@pytest.fixture
def share(db: Database) -> ClientShare:
    """One place."""
    return ClientShare(db, OWN + 1)


async def read(source: Database | ClientShare) -> int:
    async with source.read() as connection:
        return int((await connection.execute(text("SELECT 1"))).scalar_one())


async def test_our_own_work_goes_on_while_clients_hold_all_that_they_may(db: Database, share: ClientShare) -> None:
    async with share.read():
        for _ in range(OWN):
            assert await read(db) == 1
        async with db.read(), db.write():
            pass


async def test_a_client_waits_for_a_place_and_gets_it(share: ClientShare) -> None:
    order: list[str] = []

    async def second() -> None:
        await read(share)
        order.append("second")

    async with anyio.create_task_group() as group, share.read():
        group.start_soon(second)
        await anyio.wait_all_tasks_blocked()
        order.append("first")
    assert order == ["first", "second"]


async def test_who_waits_too_long_is_told_and_the_next_one_is_not(
    share: ClientShare, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "POOL_SECONDS", 0.01)
    async with share.read():
        with pytest.raises(Problem) as refused:
            await read(share)
    assert refused.value.code is Code.SERVICE_UNAVAILABLE
    assert await read(share) == 1


async def test_who_gives_up_or_fails_leaves_the_place(share: ClientShare) -> None:
    async with share.read():
        with anyio.move_on_after(0.01):
            await read(share)
    with pytest.raises(ZeroDivisionError):
        async with share.read():
            raise ZeroDivisionError
    assert await read(share) == 1


async def test_writers_on_postgresql_need_a_place(postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "POOL_SECONDS", 0.01)
    db = Database(postgres_url)
    share = ClientShare(db, 1)
    async with share.write():
        with pytest.raises(Problem):
            await read(share)
    await db.close()


async def test_a_writer_on_sqlite_that_waits_for_its_turn_keeps_nobody_from_reading(sqlite_url: str) -> None:
    db = Database(sqlite_url)
    share = ClientShare(db, 1)

    async def write() -> None:
        async with share.write():
            pass

    async with anyio.create_task_group() as group, db.write():
        group.start_soon(write)
        await anyio.wait_all_tasks_blocked()
        assert await read(share) == 1
    await db.close()
