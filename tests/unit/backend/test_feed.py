"""The feed: what is told when the log is not where it was, and when telling fails."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest

from tests.support.application import application, execute, permission
from tests.support.lookup import NoTables
from watchword.backend.feed import Feed
from watchword.backend.structure import Structure
from watchword.base.clock import SystemClock
from watchword.base.errors import Code, Problem
from watchword.brokers.memory import MemoryBroker
from watchword.data.reflect import ReflectOptions
from watchword.live.hub import Hub
from watchword.storage.engine import Database
from watchword.storage.log import ChangeLog
from watchword.storage.migrations import migrate

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from watchword.storage.log import Entry

READS = [permission("read", fields="id,title")]
# What a backup looks like that was restored below a running server: nothing of the log, and another epoch.
SET_BACK = {
    "sqlite": """
        DELETE FROM watchword_change; DELETE FROM watchword_epoch;
        UPDATE sqlite_sequence SET seq = 0 WHERE name = 'watchword_change';
        INSERT INTO watchword_epoch (id, first) VALUES ('aaaaaaaa', 1);
    """,
    "postgresql": """
        DELETE FROM watchword_change; DELETE FROM watchword_epoch;
        DELETE FROM watchword_commit WHERE last > 0;
        UPDATE watchword_commit SET snap = pg_current_snapshot();
    """,
}


class Doorman:
    """Knows no collection, and fails to forget as often as it is told to."""

    def __init__(self) -> None:
        self.failures = 0
        self.forgotten = 0

    names = frozenset[str]()

    async def apply(self, changes: Sequence[Entry]) -> None:
        raise AssertionError(changes)

    async def forget(self) -> None:
        if self.failures:
            self.failures -= 1
            raise Problem(Code.SERVICE_UNAVAILABLE)
        self.forgotten += 1


@asynccontextmanager
async def feeding(url: str, doorman: Doorman) -> AsyncIterator[Feed]:
    db = Database(url)
    await migrate(db)
    log = ChangeLog(db)
    await log.open()
    hub = Hub(NoTables(), lambda: 0.0)
    structure = Structure(db, log, ReflectOptions())
    broker, clock = MemoryBroker(), SystemClock()
    feed = Feed(log=log, structure=structure, hub=hub, control=doorman, broker=broker, clock=clock, poll=60.0)
    feed.start()
    try:
        yield feed
    finally:
        await log.close()
        await db.close()


async def log_something(url: str, count: int = 1) -> None:
    values = ", ".join(["('articles', 'd', '1')"] * count)
    await execute(url, f"INSERT INTO watchword_change (collection, action, key) VALUES {values}")


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
async def test_subscribers_are_told_everything_anew_when_the_database_is_set_back(
    kind: str, request: pytest.FixtureRequest
) -> None:
    url = request.getfixturevalue({"sqlite": "sqlite_url", "postgresql": "postgres_url"}[kind])
    async with application(url) as app:
        await app.user("ann", READS)
        await app.admin("POST", "/items/articles", [{"title": str(number)} for number in range(20)])
        async with app.authenticated("ann-static-token") as socket:
            await socket.ask({"type": "subscribe", "collection": "articles", "uid": "s"})
            await execute(url, f"{SET_BACK[kind]} DELETE FROM articles WHERE id > 1;")
            again = await socket.receive()
            assert (again["event"], [row["title"] for row in again["data"]]) == ("init", ["0"])
            await app.admin("POST", "/items/articles", {"title": "after"})
            told = await socket.receive()
            assert told["event"] in {"create", "delete"}
            while told["event"] != "create":
                told = await socket.receive()
            assert [row["title"] for row in told["data"]] == ["after"]


async def test_what_may_have_been_missed_is_still_told_when_telling_it_failed(sqlite_url: str) -> None:
    doorman = Doorman()
    async with feeding(sqlite_url, doorman) as feed:
        await log_something(sqlite_url, 2)
        await feed.catch_up()
        await execute(sqlite_url, SET_BACK["sqlite"])
        doorman.failures = 1
        with pytest.raises(Problem):
            await feed.catch_up()
        await feed.catch_up()
        assert (doorman.forgotten, feed.head) == (1, 0)
        await log_something(sqlite_url)
        await feed.catch_up()
        assert (doorman.forgotten, feed.head) == (1, 1)


async def test_what_it_has_found_itself_makes_it_look_no_second_time(sqlite_url: str) -> None:
    async with feeding(sqlite_url, Doorman()) as feed:
        await log_something(sqlite_url)
        await feed.catch_up()
        assert feed.head == 1
        assert not feed._kicked.is_rung


async def test_what_it_has_found_is_told_once_whether_or_not_offsets_have_holes(sqlite_url: str) -> None:
    async with feeding(sqlite_url, Doorman()) as feed:
        await log_something(sqlite_url, 3)
        await feed.catch_up()
        assert (feed.told, feed.head) == (3, 3)
        await execute(sqlite_url, "UPDATE sqlite_sequence SET seq = 9 WHERE name = 'watchword_change'")
        await log_something(sqlite_url, 2)
        await feed.catch_up()
        assert (feed.told, feed.head) == (5, 11)
