"""kill -9 while clients follow and write: who comes back with a position misses nothing and is told nothing twice."""

from __future__ import annotations

import json
import random
from typing import TYPE_CHECKING

import anyio
import httpx
import pytest
from anyio import to_thread
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidMessage

from tests.support.holding import Holding
from tests.support.newsroom import Newsroom, newsroom
from tests.support.raw import ask, hear, socket_to

if TYPE_CHECKING:
    from pathlib import Path

    from websockets.asyncio.client import ClientConnection

pytestmark = pytest.mark.timeout(60)

FOLLOW = {"type": "subscribe", "collection": "articles", "query": {"fields": ["id", "title"], "limit": -1}, "uid": "1"}
AWAY = (OSError, ConnectionClosed, InvalidHandshake, InvalidMessage)
END = "the end"


class Scene:
    """A server that is killed once, and what was acknowledged until then and after."""

    def __init__(self, room: Newsroom) -> None:
        self.room = room
        self.is_up = anyio.Event()
        self.is_up.set()
        self.written = 0
        self.enough = anyio.Event()

    async def write(self, name: str, rounds: int) -> None:
        """Write rows that come into sight, change, leave it and go; go on when the server is back."""
        chance, mine = random.Random(name), list[int]()  # noqa: S311 - what is written, not a secret
        for number in range(rounds):
            try:
                await self._write_one(f"{name} {number}", chance, mine)
            except httpx.TransportError:
                await self.is_up.wait()
            self.written += 1
            if self.written == 30:
                self.enough.set()

    async def _write_one(self, title: str, chance: random.Random, mine: list[int]) -> None:
        headers = {"Authorization": f"Bearer {self.room.editor.token}"}
        async with httpx.AsyncClient(base_url=self.room.server.url, headers=headers) as rest:
            row = {"title": title, "status": chance.choice(["draft", "published"])}
            kind = chance.choice(["create", "create", "change", "delete"]) if mine else "create"
            if kind == "create":
                mine.append((await rest.post("/items/articles", json=row)).raise_for_status().json()["data"]["id"])
            elif kind == "change":
                (await rest.patch(f"/items/articles/{chance.choice(mine)}", json=row)).raise_for_status()
            else:
                await rest.delete(f"/items/articles/{mine.pop()}")

    async def kill_and_start(self) -> None:
        self.is_up = anyio.Event()
        await to_thread.run_sync(self.room.server.kill)
        await to_thread.run_sync(self.room.server.start)
        self.is_up.set()


class Follower(Holding):
    """A client that drops now and then, and comes back with the position of the last frame that it has got."""

    def __init__(self, token: str, seed: int) -> None:
        super().__init__()
        self.token = token
        self._chance = random.Random(seed)  # noqa: S311 - when it drops, not a secret
        self.has_begun = anyio.Event()

    async def run(self, scene: Scene) -> None:
        while END not in self.held.values():
            try:
                async with socket_to(scene.room.server, self.token) as socket:
                    await self._follow(socket)
                    for _ in range(self._chance.choice([0, 1, 3, 20])):
                        if END not in self.held.values():
                            self.take(await hear(socket))
            except AWAY:
                await scene.is_up.wait()

    async def _follow(self, socket: ClientConnection) -> None:
        self.begin(await ask(socket, json.dumps(FOLLOW | self.since)))
        self.has_begun.set()


async def test_clients_of_a_killed_server_come_back_and_hold_what_they_may_see(
    database_url: str, tmp_path: Path
) -> None:
    manager = newsroom(database_url, tmp_path)
    room = await to_thread.run_sync(manager.__enter__)
    try:
        scene = Scene(room)
        followers = [Follower(who.token, seed) for seed, who in enumerate([room.editor, room.reader] * 2)]
        async with anyio.create_task_group() as following:
            for follower in followers:
                following.start_soon(follower.run, scene)
                await follower.has_begun.wait()
            async with anyio.create_task_group() as writing:
                for name in ("a", "b", "c"):
                    writing.start_soon(scene.write, name, 25)
                await scene.enough.wait()
                await scene.kill_and_start()
            await to_thread.run_sync(
                room.execute, f"INSERT INTO articles (title, status) VALUES ('{END}', 'published')"
            )
        for follower in followers:
            assert follower.held == await visible(room, follower.token)
    finally:
        await to_thread.run_sync(lambda: manager.__exit__(None, None, None))


async def visible(room: Newsroom, token: str) -> dict[str, str]:
    headers = {"Authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(base_url=room.server.url, headers=headers) as rest:
        rows = (await rest.get("/items/articles?fields=id,title&limit=-1")).json()["data"]
    return {str(row["id"]): row["title"] for row in rows}
