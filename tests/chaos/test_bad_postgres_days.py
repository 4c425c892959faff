"""Bad days on PostgreSQL: it stops and starts under load, its writers deadlock. The server outlives it all."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import anyio
import asyncpg
import httpx
import pytest
from anyio import to_thread

from tests.support.application import ADMIN, Application, application, execute, permission
from tests.support.postgres import PostgresServer, find_binaries, running

pytestmark = pytest.mark.timeout(60)

PARTS = "CREATE TABLE articles (id INTEGER PRIMARY KEY, title VARCHAR(255) NOT NULL UNIQUE);"
FOLLOW = {"type": "subscribe", "collection": "articles", "event": "create", "query": {"fields": ["title"]}, "uid": "1"}


@pytest.fixture
def own_postgres() -> Iterator[PostgresServer]:
    """A server that only this test uses, and may stop."""
    binaries = find_binaries()
    if binaries is None:
        pytest.skip("PostgreSQL is not installed")
    with running(binaries) as server:
        yield server


class Load:
    """Writers that go on whatever they are told."""

    def __init__(self, app: Application) -> None:
        self._app = app
        self.written: set[str] = set()
        self.statuses: set[int] = set()
        self.count = 0

    async def run(self) -> None:
        while True:
            self.count += 1
            title = f"article {self.count}"
            answer = await self._app.http.post("/items/articles", json={"title": title}, headers=ADMIN)
            self.statuses.add(answer.status_code)
            if answer.status_code == 200:
                self.written.add(title)
            await anyio.sleep(0.005)


async def until(load: Load, more: int) -> None:
    """Return when so many further articles have been written."""
    wanted = len(load.written) + more
    with anyio.fail_after(20):
        while len(load.written) < wanted:  # noqa: ASYNC110 - only the answers tell
            await anyio.sleep(0.02)


@pytest.mark.parametrize("mode", ["fast", "immediate"])
async def test_database_that_stops_and_starts_under_load_loses_nothing(own_postgres: PostgresServer, mode: str) -> None:
    url = own_postgres.create_database("load")
    await execute(url, "ALTER DATABASE load SET synchronous_commit = on")  # off, for tests that do not end the server
    async with application(url, PARTS) as app, app.authenticated("admin-token-0001") as socket:
        await socket.ask(FOLLOW)
        load = Load(app)
        seen: list[str] = []
        async with anyio.create_task_group() as group:
            for _ in range(3):
                group.start_soon(load.run)
            await until(load, 20)
            await to_thread.run_sync(own_postgres.stop, mode)
            refused = await app.http.get("/items/articles", headers=ADMIN)
            assert refused.status_code == 503, refused.text
            assert refused.json()["errors"][0]["extensions"]["code"] == "SERVICE_UNAVAILABLE"
            assert await answered(socket) == "pong"
            await to_thread.run_sync(own_postgres.start)
            await until(load, 20)
            group.cancel_scope.cancel()
        assert load.statuses <= {200, 503}, load.statuses
        await app.admin("POST", "/items/articles", {"title": "the end"})
        while "the end" not in seen:
            message = await socket.receive()
            if message["type"] == "subscription":
                seen += [row["title"] for row in message["data"]]
        there = {row["title"] for row in await app.admin("GET", "/items/articles?limit=-1")}
    # What was answered 503 may have been committed: then it is in the table, and it was told like all the rest.
    assert load.written <= there
    assert sorted(seen) == sorted(there)


async def answered(socket: Any) -> str:
    """Ping; events that come before the answer are not what is asked about, but none may be lost by asking."""
    await socket.say({"type": "ping"})
    kept = []
    while True:
        message = await socket.receive()
        if message["type"] != "subscription":
            break
        kept.append(message)
    socket.put_back(kept)
    return str(message["type"])


async def test_deadlock_says_to_try_again_and_the_other_transaction_goes_on(postgres_url: str) -> None:
    # Ours gives up: it looks for a deadlock when it has waited for half a second, the other one never does.
    await execute(postgres_url, f"ALTER DATABASE {postgres_url.rpartition('/')[2]} SET deadlock_timeout = '500ms'")
    async with application(postgres_url, PARTS) as app, closing(await asyncpg.connect(postgres_url)) as outside:
        for title in ("one", "two"):
            await app.admin("POST", "/items/articles", {"title": title})
        await outside.execute("SET deadlock_timeout = '1h'")
        answers: list[httpx.Response] = []

        async def both() -> None:
            batch = [{"id": 1, "title": "one, ours"}, {"id": 2, "title": "two, ours"}]
            answers.append(await app.http.patch("/items/articles", json=batch, headers=ADMIN))

        async with outside.transaction():
            await outside.execute("UPDATE articles SET title = 'two, theirs' WHERE id = 2")
            async with anyio.create_task_group() as group:
                group.start_soon(both)
                await until_waiting(postgres_url)
                await outside.execute("UPDATE articles SET title = 'one, theirs' WHERE id = 1")
        assert answers[0].status_code == 503, answers[0].text
        assert answers[0].json()["errors"][0]["extensions"]["code"] == "SERVICE_UNAVAILABLE"
        rows = await app.admin("GET", "/items/articles?fields=title&sort=id")
        assert rows == [{"title": "one, theirs"}, {"title": "two, theirs"}]


@asynccontextmanager
async def closing(connection: Any) -> AsyncIterator[Any]:
    """Close a connection at the end of a block."""
    try:
        yield connection
    finally:
        await connection.close()


async def until_waiting(url: str) -> None:
    """Return when some transaction waits for another one."""
    async with closing(await asyncpg.connect(url)) as watcher:
        with anyio.fail_after(5):
            while not await watcher.fetchval("SELECT count(*) FROM pg_locks WHERE NOT granted"):  # noqa: ASYNC110
                await anyio.sleep(0.02)


async def test_reads_that_hang_keep_nobody_from_logging_in(postgres_url: str) -> None:
    async with application(postgres_url, PARTS) as app, closing(await asyncpg.connect(postgres_url)) as outside:
        await app.user("ann", [permission("read")])
        answers: list[int] = []

        async def read() -> None:
            answers.append((await app.http.get("/items/articles", headers=ADMIN)).status_code)

        async with anyio.create_task_group() as group, outside.transaction():
            await outside.execute("LOCK TABLE articles IN ACCESS EXCLUSIVE MODE")
            for _ in range(20):
                group.start_soon(read)
            await until_waiting(postgres_url)
            with anyio.fail_after(5):
                for _ in range(5):
                    tokens = await app.login("ann")
                    async with app.authenticated(tokens["access_token"]) as socket:
                        assert await socket.ask({"type": "ping"}) == {"type": "pong"}
            assert answers == []
        assert answers == [200] * 20


async def test_serialization_failure_says_to_try_again(postgres_url: str) -> None:
    async with application(postgres_url, PARTS) as app:
        fail = "BEGIN RAISE EXCEPTION 'could not serialize' USING ERRCODE = '40001'; END"
        await execute(postgres_url, f"CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ {fail} $$")
        await execute(postgres_url, "CREATE TRIGGER t BEFORE INSERT ON articles FOR EACH ROW EXECUTE FUNCTION f()")
        answer = await app.http.post("/items/articles", json={"title": "x"}, headers=ADMIN)
        assert answer.status_code == 503, answer.text
        await execute(postgres_url, "DROP TRIGGER t ON articles")
        assert (await app.http.post("/items/articles", json={"title": "x"}, headers=ADMIN)).status_code == 200
