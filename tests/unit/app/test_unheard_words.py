"""What clients transmit and nobody hears: a little is kept for whoever begins to hear, and never much."""

from __future__ import annotations

import anyio
import anyio.lowlevel
import pytest

from tests.support.application import application
from watchword import Socket
from watchword.backend.streams import PARKED_SIZE

pytestmark = pytest.mark.anyio

PATH = "/words/"
LARGE = PARKED_SIZE // 4


async def test_as_much_is_kept_as_there_is_room_for(sqlite_url: str) -> None:
    heard: list[int] = []
    sent, done = anyio.Event(), anyio.Event()

    async def attend(socket: Socket) -> None:
        await sent.wait()
        async for word in socket.receiver("word"):
            heard.append(word if isinstance(word, int) else len(next(iter(word))))
            if word == 2:
                done.set()

    async with application(sqlite_url) as run:
        run.app.socketcluster(PATH, max_payload=2 * PARKED_SIZE).connection(attend)
        async with run.socket(PATH) as socket:
            await socket.ask({"event": "#handshake", "cid": 1})
            await socket.say({"event": "word", "data": 1})
            for _ in range(10):
                await socket.say({"event": "word", "data": {"x" * LARGE: None}})
            await socket.ask({"event": "#subscribe", "data": {"channel": "c"}, "cid": 2})
            sent.set()
            while not heard:
                await anyio.lowlevel.checkpoint()
            await socket.say({"event": "word", "data": 2})
            with anyio.fail_after(10):
                await done.wait()

    assert heard == [*[LARGE] * 3, 2]
