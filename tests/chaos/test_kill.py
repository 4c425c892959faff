"""kill -9 in the middle of writes: what was acknowledged is there, is in the log, and is or was delivered."""

from __future__ import annotations

import json
from pathlib import Path

import anyio
import httpx
import pytest
from anyio import to_thread
from websockets.exceptions import ConnectionClosed

from tests.support.newsroom import Newsroom, newsroom
from tests.support.raw import hear, socket_to
from watchword.storage.engine import Database
from watchword.storage.log import ChangeLog, Logged

pytestmark = pytest.mark.timeout(60)

FOLLOW = {"type": "subscribe", "collection": "articles", "query": {"fields": ["title"], "limit": -1}, "uid": "1"}
ENOUGH = 40


class Writers:
    """Clients that write until the server is gone, and remember what it acknowledged."""

    def __init__(self, room: Newsroom) -> None:
        self._room = room
        self.acknowledged: set[str] = set()
        self.enough = anyio.Event()

    async def run(self, name: str) -> None:
        headers = {"Authorization": f"Bearer {self._room.editor.token}"}
        async with httpx.AsyncClient(base_url=self._room.server.url, headers=headers) as rest:
            for number in range(10_000):
                title = f"{name} {number}"
                try:
                    answer = await rest.post("/items/articles", json={"title": title})
                except httpx.TransportError:
                    return
                assert answer.status_code == 200, answer.text
                self.acknowledged.add(title)
                if len(self.acknowledged) >= ENOUGH:
                    self.enough.set()


async def listen(room: Newsroom, seen: list[str], following: anyio.Event) -> None:
    async with socket_to(room.server, room.editor.token) as socket:
        await socket.send(json.dumps(FOLLOW))
        try:
            while True:
                seen += [row["title"] for row in (await hear(socket))["data"]]
                following.set()
        except ConnectionClosed:
            return


async def test_killed_server_has_kept_what_it_acknowledged(database_url: str, tmp_path: Path) -> None:
    manager = newsroom(database_url, tmp_path)
    room = await to_thread.run_sync(manager.__enter__)
    try:
        writers, seen, following = Writers(room), list[str](), anyio.Event()
        async with anyio.create_task_group() as group:
            group.start_soon(listen, room, seen, following)
            await following.wait()
            for name in ("a", "b", "c"):
                group.start_soon(writers.run, name)
            with anyio.fail_after(15):
                await writers.enough.wait()
            await to_thread.run_sync(room.server.kill)
        await to_thread.run_sync(room.server.start)

        rows, logged = await kept(room, database_url)
        assert writers.acknowledged <= rows
        assert rows == logged
        assert set(seen) <= rows
        assert len(seen) == len(set(seen))
        async with socket_to(room.server, room.editor.token) as socket:
            await socket.send(json.dumps(FOLLOW))
            first = await hear(socket)
            assert first["event"] == "init"
            assert sorted(row["title"] for row in first["data"]) == sorted(rows)
            insert = "INSERT INTO articles (title) VALUES ('by another hand')"
            await to_thread.run_sync(room.execute, insert)
            assert (await hear(socket))["data"] == [{"title": "by another hand"}]
    finally:
        await to_thread.run_sync(lambda: manager.__exit__(None, None, None))


async def kept(room: Newsroom, database_url: str) -> tuple[set[str], set[str]]:
    """Return the titles in the table and those in the log."""
    with room.administrator() as rest:
        rows = rest.get("/items/articles?fields=title&limit=-1").json()["data"]
    return {row["title"] for row in rows}, await logged_titles(database_url)


async def logged_titles(url: str) -> set[str]:
    db = Database(url)
    log = ChangeLog(db)
    try:
        await log.open()
        await log.sequence()
        found = [entry for entry in await log.read(0, 10_000) if isinstance(entry, Logged)]
    finally:
        await log.close()
        await db.close()
    return {entry.after["title"] for entry in found if entry.collection == "articles" and entry.after is not None}
