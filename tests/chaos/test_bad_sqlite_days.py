"""Bad days on SQLite: a database that is locked, and a disk that is full. Clear answers, and no restart needed."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import anyio
import httpx
import pytest
from sqlalchemy import event

from tests.support.application import ADMIN, Application, application, permission
from watchword.storage import engine

pytestmark = pytest.mark.timeout(40)

FOLLOW = {"type": "subscribe", "collection": "articles", "event": "create", "query": {"fields": ["title"]}, "uid": "1"}


@pytest.fixture(autouse=True)
def impatience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait for locks as long as a test can."""
    short = tuple(p.replace("busy_timeout = 5000", "busy_timeout = 300") for p in engine._PRAGMAS)
    monkeypatch.setattr(engine, "_PRAGMAS", short)
    monkeypatch.setattr(engine, "TURN_SECONDS", 1.0)


@contextmanager
def locked(url: str) -> Iterator[None]:
    """Hold the lock that writers need, as another program does that does not end its transaction."""
    with closing(sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)) as outside:
        outside.execute("BEGIN IMMEDIATE")
        yield
        outside.execute("ROLLBACK")


async def write(app: Application, title: str = "Later") -> httpx.Response:
    return await app.http.post("/items/articles", json={"title": title}, headers=ADMIN)


def is_unavailable(answer: httpx.Response) -> bool:
    assert answer.status_code == 503, answer.text
    assert int(answer.headers["retry-after"]) > 0
    return bool(answer.json()["errors"][0]["extensions"]["code"] == "SERVICE_UNAVAILABLE")


async def test_locked_database_refuses_writes_serves_reads_and_recovers(sqlite_url: str) -> None:
    async with application(sqlite_url) as app, app.authenticated("admin-token-0001") as socket:
        await socket.ask(FOLLOW)
        with locked(sqlite_url):
            assert is_unavailable(await write(app))
            assert (await app.http.get("/items/articles", headers=ADMIN)).status_code == 200
            told = await socket.ask(
                {"type": "items", "action": "create", "collection": "articles", "data": {"title": "x"}, "uid": "2"}
            )
            assert (told["error"]["code"], told["uid"]) == ("SERVICE_UNAVAILABLE", "2")
        assert (await write(app)).status_code == 200
        assert (await socket.receive())["data"] == [{"title": "Later"}]


async def test_writers_behind_a_lock_do_not_wait_for_one_another_to_give_up(sqlite_url: str) -> None:
    async with application(sqlite_url) as app:
        answers: list[httpx.Response] = []

        async def add() -> None:
            answers.append(await write(app))

        with locked(sqlite_url), anyio.fail_after(6):
            async with anyio.create_task_group() as group:
                for _ in range(30):
                    group.start_soon(add)
        assert all(map(is_unavailable, answers))
        assert len(answers) == 30
        assert await app.admin("GET", "/items/articles") == []


async def test_login_and_rights_work_while_nobody_can_write(sqlite_url: str) -> None:
    async with application(sqlite_url) as app:
        await app.user("ann", [permission("read")])
        with locked(sqlite_url):
            async with app.authenticated("ann-static-token") as socket:
                assert (await socket.ask(FOLLOW))["event"] == "init"
            answer = await app.http.post("/auth/login", json={"email": "ann@example.com", "password": "wrong-password"})
            assert answer.status_code in {401, 503}


async def test_full_disk_is_told_and_room_is_enough_to_recover(sqlite_url: str) -> None:
    async with application(sqlite_url) as app, app.authenticated("admin-token-0001") as socket:
        await socket.ask(FOLLOW)
        with small(app):
            answers = [await write(app, f"{number} {'x' * 200}") for number in range(60)]
            written = [answer for answer in answers if answer.status_code == 200]
            refused = [answer for answer in answers if answer.status_code != 200]
            assert refused
            assert all(map(is_unavailable, refused))
            rows = (await app.http.get("/items/articles?limit=-1", headers=ADMIN)).json()["data"]
            assert len(rows) == len(written)
        assert (await write(app)).status_code == 200
        titles: list[Any] = []
        while "Later" not in titles:
            titles += [row["title"] for row in (await socket.receive())["data"]]
        assert len(titles) == len(written) + 1


@contextmanager
def small(app: Application) -> Iterator[None]:
    """Let the database grow by no page more, as on a full disk; what is inside SQLite cannot tell the two apart."""
    pool = app.app.parts.db._engine.sync_engine

    def hem(limit: int) -> Any:
        def set_limit(connection: Any, *_: Any) -> None:
            connection.execute(f"PRAGMA max_page_count = {limit}").close()

        return set_limit

    narrow, wide = hem(1), hem(1_000_000)
    event.listen(pool, "checkout", narrow)
    yield
    event.remove(pool, "checkout", narrow)
    event.listen(pool, "checkout", wide)
