"""Sockets that drop and return while others write: each client holds what it may see, and was told nothing twice."""

from __future__ import annotations

import random
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anyio
import pytest

from tests.support.application import Application, application, execute, permission
from tests.support.holding import Holding

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.support.sockets import ScriptedSocket

pytestmark = pytest.mark.timeout(90)

READERS = {
    "reader": [permission("read", rows={"status": {"_eq": "published"}}, fields="id,title,status")],
    "fan": [
        permission("read", rows={"author": {"name": {"_eq": "Ann"}}}, fields="id,title,status"),
        permission("read", "authors"),
    ],
}
FOLLOW = {"type": "subscribe", "collection": "articles", "uid": "s", "query": {"fields": ["id", "title"], "limit": -1}}
END = "the end"


@pytest.fixture
async def app(database_url: str) -> AsyncIterator[Application]:
    async with application(database_url) as running:
        await running.admin("POST", "/items/authors", [{"id": 1, "name": "Ann"}, {"id": 2, "name": "Bob"}])
        for name, rights in READERS.items():
            await running.user(name, rights)
        yield running


class Client(Holding):
    """A client with several connections, one after the other."""

    def __init__(self) -> None:
        super().__init__()
        self.connections = 0

    @property
    def is_done(self) -> bool:
        return END in self.held.values()

    async def follow(self, socket: ScriptedSocket) -> None:
        self.begin(await socket.ask(FOLLOW | self.since))
        self.connections += 1


class Desk:
    """Writers of rows that come into sight, change, move out of it, and go; every title is another one."""

    def __init__(self, app: Application, url: str) -> None:
        self._app = app
        self._url = url
        self._number = 0

    def row(self, chance: random.Random) -> dict[str, Any]:
        self._number += 1
        status, author = chance.choice(["draft", "published"]), chance.choice([1, 2])
        return {"title": f"row {self._number}", "status": status, "author": author}

    async def write(self, chance: random.Random, rounds: int) -> None:
        mine: list[int] = []
        for _ in range(rounds):
            match chance.choice(["create", "create", "several", "change", "change", "bulk", "foreign", "delete"]):
                case "create":
                    mine.append((await self._app.admin("POST", "/items/articles", self.row(chance)))["id"])
                case "several":
                    rows = [self.row(chance) for _ in range(3)]
                    mine += [row["id"] for row in await self._app.admin("POST", "/items/articles", rows)]
                case "change" if mine:
                    await self._app.admin("PATCH", f"/items/articles/{chance.choice(mine)}", self.row(chance))
                case "bulk" if mine:
                    data = [self.row(chance) | {"id": key} for key in mine[-4:]]
                    await self._app.admin("PATCH", "/items/articles", data)
                case "foreign" if mine:
                    keys = ", ".join(map(str, mine[-4:]))
                    moved = "title = title || ' moved', author = 3 - author"
                    await execute(self._url, f"UPDATE articles SET {moved} WHERE id IN ({keys})")
                case "delete" if mine:
                    await self._app.admin("DELETE", f"/items/articles/{mine.pop()}")
                case _:
                    pass


async def come_and_go(app: Application, client: Client, name: str, chance: random.Random) -> None:
    """Connect, read a little or nothing, and drop, with frames on their way."""
    while not client.is_done:
        async with app.authenticated(f"{name}-static-token") as socket:
            await client.follow(socket)
            for _ in range(chance.choice([0, 0, 1, 1, 2, 5])):
                frame = await socket.next_within(0.2)
                if frame is None:
                    break
                client.take(frame)


async def test_what_each_client_saw_is_what_it_may_see(app: Application, database_url: str) -> None:
    desk, clients = Desk(app, database_url), {name: [Client(), Client()] for name in READERS}
    for name, pair in clients.items():
        for client in pair:
            async with app.authenticated(f"{name}-static-token") as socket:
                await client.follow(socket)
    async with anyio.create_task_group() as visitors:
        async with anyio.create_task_group() as writers:
            for seed in range(3):
                writers.start_soon(desk.write, random.Random(seed), 25)  # noqa: S311 - what is written, not a secret
            for name, pair in clients.items():
                for number, client in enumerate(pair):
                    visitors.start_soon(come_and_go, app, client, name, random.Random(number))  # noqa: S311 - likewise
        await app.admin("POST", "/items/articles", {"title": END, "status": "published", "author": 1})
    for name, pair in clients.items():
        for client in pair:
            read = await app.http.get(
                "/items/articles?fields=id,title&limit=-1", headers={"Authorization": f"Bearer {name}-static-token"}
            )
            assert client.held == {str(row["id"]): row["title"] for row in read.json()["data"]}
            assert client.connections > 2


@pytest.mark.parametrize(
    ("ahead", "reason"), [("{epoch}:{beyond}", "beyond_epoch"), ("{epoch}:", "unknown_epoch"), ("x:1", "unknown_epoch")]
)
async def test_a_position_that_nobody_gave_out_is_lost(app: Application, ahead: str, reason: str) -> None:
    await app.admin("POST", "/items/articles", {"title": "a", "status": "published"})
    await app.app.parts.feed.settle()
    log = app.app.parts.log
    client = Client()
    client.position = ahead.format(epoch=log.epoch, beyond=log.head + 1)
    await is_lost(app, client, reason)


async def test_a_position_that_is_too_old_is_lost(app: Application) -> None:
    client = Client()
    async with app.authenticated("reader-static-token") as socket:
        await client.follow(socket)
    for title in ("a", "b"):
        await app.admin("POST", "/items/articles", {"title": title, "status": "published"})
    await app.app.parts.feed.settle()
    await app.app.parts.log.trim(0.0, 1_000_000)
    await is_lost(app, client, "trimmed", ["a", "b"])


async def is_lost(app: Application, client: Client, reason: str, titles: list[str] | None = None) -> None:
    """Check that a client which comes back is given everything anew, and goes on from there."""
    async with app.authenticated("reader-static-token") as socket:
        answer = await socket.ask(FOLLOW | {"since": client.position})
        assert (answer["error"]["code"], answer["error"]["reason"]) == ("POSITION_LOST", reason)
        assert [row["title"] for row in answer["data"]] == (titles or ["a"])
        await app.admin("POST", "/items/articles", {"title": "next", "status": "published"})
        assert (await socket.receive())["data"][0]["title"] == "next"
    client.position = answer["position"]
    async with app.authenticated("reader-static-token") as socket:
        await client.follow(socket)
        assert (await socket.receive())["data"][0]["title"] == "next"
        assert await socket.silent()


async def test_positions_of_a_file_that_was_set_back_are_lost_and_those_of_before_are_not(
    sqlite_url: str, tmp_path: Path
) -> None:
    path, backup = Path(sqlite_url.removeprefix("sqlite:///")), tmp_path / "backup.db"
    early, late = Client(), Client()
    async with application(sqlite_url) as app:
        await app.user("reader", READERS["reader"])
        async with app.authenticated("reader-static-token") as socket:
            await early.follow(socket)
        await app.admin("POST", "/items/articles", {"title": "a", "status": "published"})
    shutil.copy(path, backup)
    async with application(sqlite_url, ddl="") as app:
        await app.admin("POST", "/items/articles", {"title": "lost", "status": "published"})
        async with app.authenticated("reader-static-token") as socket:
            await late.follow(socket)
    for file in path.parent.glob(f"{path.name}-*"):
        file.unlink()
    shutil.copy(backup, path)
    async with application(sqlite_url, ddl="") as app:
        await is_lost(app, late, "unknown_epoch")
        async with app.authenticated("reader-static-token") as socket:
            await early.follow(socket)
            while set(early.held.values()) != {"a", "next"}:
                early.take(await socket.receive())
            assert await socket.silent()
