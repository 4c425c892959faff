"""Frames that no client sends: each gets a clear answer or a clear end, and other sockets do not notice."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import anyio
import pytest
from websockets.asyncio.client import ClientConnection, connect

from tests.support.raw import PATIENCE, close_code
from tests.support.server import Server

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(120)]

CLOSE_TOO_BIG, CLOSE_CLIENT_IS_SILENT, CLOSE_EARLY = 1009, 4001, 4009


@pytest.fixture
async def witness(server: Server) -> AsyncIterator[Talk]:
    """A socket that has to be served as ever when the test is over."""
    async with talking(server) as talk:
        await talk.ask("#subscribe", {"channel": "watched"})
        yield talk
        assert await talk.ask("mirror", "still here") == {"data": "still here"}
        assert await talk.ask("#publish", {"channel": "watched", "data": "heard"}) == {}
        assert await talk.publication() == {"channel": "watched", "data": "heard"}


class Talk:
    """A socket whose handshake is done. It answers pings."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self.published: list[Any] = []
        self.called: list[Any] = []
        self._cid = 0

    async def ask(self, event: str, data: Any = None) -> dict[str, Any]:
        """Invoke, and return the answer without its `rid`."""
        cid = await self.send(event, data)
        return await self.answer(cid)

    async def send(self, event: str, data: Any = None) -> int:
        """Invoke, and do not wait."""
        self._cid += 1
        packet = {"event": event, "cid": self._cid} | ({} if data is None else {"data": data})
        await self.socket.send(json.dumps(packet))
        return self._cid

    async def answer(self, cid: int) -> dict[str, Any]:
        """Return the answer to a call, without its `rid`; what is published before it is kept."""
        with anyio.fail_after(PATIENCE):
            while (packet := await self.hear()).get("rid") != cid:
                pass
        return {name: value for name, value in packet.items() if name != "rid"}

    async def publication(self) -> Any:
        """Return the next publication; what else comes before it is kept."""
        with anyio.fail_after(PATIENCE):
            while (packet := await self.hear()).get("event") != "#publish":
                pass
        return packet["data"]

    async def hear(self) -> dict[str, Any]:
        """Return the next packet."""
        while not (text := await self.socket.recv()):
            await self.socket.send("")
        packet: dict[str, Any] = json.loads(text)
        if packet.get("event") == "#publish":
            self.published.append(packet["data"])
        elif "event" in packet:
            self.called.append(packet)
        return packet


@asynccontextmanager
async def opened(server: Server, path: str = "/socketcluster/") -> AsyncIterator[ClientConnection]:
    """Open a socket, without a handshake."""
    url = f"ws://127.0.0.1:{server.port}{path}"
    async with connect(url, compression=None, ping_interval=None, max_size=None, close_timeout=0.5) as socket:
        yield socket


@asynccontextmanager
async def talking(server: Server, path: str = "/socketcluster/") -> AsyncIterator[Talk]:
    """Open a socket and do the handshake."""
    async with opened(server, path) as socket:
        talk = Talk(socket)
        assert (await talk.ask("#handshake", {"authToken": None}))["data"]["isAuthenticated"] is False
        yield talk


@pytest.mark.parametrize(
    "frames",
    [
        ["hello", "[", '{"event":', "[]", "{}", "[[[]]]", "null", '"text"', "123", "#2"],
        [b"\xff\xfe\x00", b"\x00" * 1_000, b"[1,2"],
        ['{"rid":1}', '{"rid":99,"error":{"name":"E"}}', '{"rid":null,"data":1}', '{"event":{"a":1},"cid":5}'],
        ['{"event":"unheard"}', '{"event":"#unheard","data":[1]}', '{"event":"","cid":"1"}', '{"event":"a","cid":[]}'],
        ['{"event":"#publish"}', '{"event":"#subscribe","data":{"channel":"c"}}', '{"event":"#unsubscribe"}'],
        ['{"event":"\\ud800","cid":1}', '{"event":"a","cid":NaN}', '{"event":"a","cid":1e999}'],
        ["[" * 100_000 + "]" * 100_000, '{"a":' * 50_000],
    ],
    ids=["texts", "bytes", "answers", "words", "reserved", "numbers", "depth"],
)
async def test_nonsense_is_ignored(server: Server, witness: Talk, frames: list[str | bytes]) -> None:
    async with talking(server) as talk:
        for frame in frames:
            await talk.socket.send(frame)

        assert await talk.ask("mirror", 1) == {"data": 1}


@pytest.mark.parametrize("frame", ["hello", "", '{"event":"mirror","cid":1}', "[]x", b"\xff", "[1]"])
async def test_nonsense_before_the_handshake_is_the_end(server: Server, witness: Talk, frame: str | bytes) -> None:
    async with opened(server) as socket:
        await socket.send(frame)

        assert await close_code(socket) == CLOSE_EARLY


@pytest.mark.parametrize(
    ("event", "data", "name"),
    [
        ("#subscribe", None, "InvalidActionError"),
        ("#subscribe", {"channel": 1}, "InvalidActionError"),
        ("#publish", {"channel": None}, "InvalidActionError"),
        ("#unsubscribe", {"channel": "c"}, "InvalidActionError"),
        ("#unsubscribe", "never heard", "BrokerError"),
        ("#subscribe", {"channel": "items/"}, "ForbiddenError"),
        ("#subscribe", {"channel": "items/no/such"}, "ForbiddenError"),
        ("#subscribe", {"channel": "items/articles", "data": {"query": {"filter": 1}}}, "InvalidArgumentsError"),
        ("#subscribe", {"channel": "x" * 100_000}, "InvalidArgumentsError"),
        ("#publish", {"channel": "x" * 100_000, "data": 1}, "InvalidArgumentsError"),
        ("#subscribe", {"channel": "presence/" + "x" * 100_000}, "InvalidArgumentsError"),
        ("#unsubscribe", "x" * 100_000, "BrokerError"),
        ("#authenticate", "x" * 100_000, "AuthTokenInvalidError"),
        ("#authenticate", {"a": 1}, "AuthTokenError"),
        ("add", {"left": "x" * 100_000}, "InvalidArgumentsError"),
    ],
)
async def test_what_cannot_be_done_is_answered(server: Server, witness: Talk, event: str, data: Any, name: str) -> None:
    async with talking(server) as talk:
        answer = await talk.ask(event, data)

        assert answer["error"]["name"] == name
        assert await talk.ask("mirror", 1) == {"data": 1}


async def test_values_nested_too_deeply_are_refused_and_spoil_no_channel(server: Server, witness: Talk) -> None:
    async with talking(server) as talk, talking(server) as other:
        deep = "[" * 700 + "]" * 700
        await talk.socket.send(f'{{"event":"#publish","cid":50,"data":{{"channel":"minutes","data":{deep}}}}}')
        refused = await talk.answer(50)
        joined = await other.ask("#subscribe", {"channel": "minutes", "data": {"history": 3}})

    assert refused["error"]["name"] == "InvalidArgumentsError"
    assert joined == {}


async def test_names_of_every_kind_are_names(server: Server, witness: Talk) -> None:
    async with talking(server) as talk:
        for name in ["", " ", "__proto__", "constructor", "a/b", "späße 🎈", "\x00", "x" * 1_000]:
            assert await talk.ask("#subscribe", {"channel": name}) == {}
            assert await talk.ask("#publish", {"channel": name, "data": name}) == {}
            assert await talk.publication() == {"channel": name, "data": name}


async def test_a_second_handshake_is_refused_and_changes_nothing(server: Server, witness: Talk) -> None:
    async with talking(server) as talk:
        await talk.ask("login", {"name": "ann", "password": "ann's word"})
        again = await talk.ask("#handshake", {"authToken": "garbage"})
        state = await talk.ask("state")
        sums = await talk.ask("add", {"left": 1, "right": 2})

    assert again["error"]["name"] == "InvalidActionError"
    assert state["data"]["state"] == "authenticated"
    assert sums == {"data": 3}


async def test_two_handshakes_in_a_batch_are_one(server: Server, witness: Talk) -> None:
    handshakes: list[Any] = [{"event": "#handshake", "data": {}, "cid": cid} for cid in (1, 2)]
    async with opened(server) as socket:
        talk = Talk(socket)
        await socket.send(json.dumps([*handshakes, {"event": "add", "data": {"left": 1, "right": 1}, "cid": 3}]))
        first, second, third = await talk.answer(1), await talk.answer(2), await talk.answer(3)

    assert first["data"]["isAuthenticated"] is False
    assert second["error"]["name"] == "InvalidActionError"
    assert third == {"data": 2}


async def test_a_flood_of_calls_is_bounded_and_every_one_is_answered(server: Server, witness: Talk) -> None:
    async with talking(server, "/bounded/") as talk:
        batch = [{"event": "wait", "data": {"seconds": 0.2}, "cid": cid} for cid in range(100, 200)]
        await talk.socket.send(json.dumps(batch))
        answers = [await talk.hear() for _ in batch]
        afterwards = await talk.ask("wait", {"seconds": 0})

    refused = [answer for answer in answers if "error" in answer]
    assert {answer["rid"] for answer in answers} == set(range(100, 200))
    assert len(refused) == 80
    assert {answer["error"]["name"] for answer in refused} == {"ResourceLimitError"}
    assert afterwards == {"data": 0.0}


async def test_a_flood_of_calls_that_nobody_hears_is_bounded(server: Server, witness: Talk) -> None:
    async with talking(server) as talk:
        batch = [{"event": f"unheard {cid}", "cid": cid} for cid in range(100, 2_100)]
        await talk.socket.send(json.dumps(batch))
        answers = [await talk.hear() for _ in range(1_000)]

    assert {answer["error"]["name"] for answer in answers} == {"ResourceLimitError"}


async def test_a_message_that_is_too_long_is_the_end(server: Server, witness: Talk) -> None:
    async with talking(server) as talk:
        await talk.socket.send(json.dumps({"event": "mirror", "cid": 9, "data": "x" * 2_000_000}))

        assert await close_code(talk.socket) == CLOSE_TOO_BIG


async def test_many_who_never_answer_pings_are_closed(server: Server, witness: Talk) -> None:
    async with anyio.create_task_group() as group:
        for _ in range(20):
            group.start_soon(_never_answer, server)


async def _never_answer(server: Server) -> None:
    async with opened(server, "/quick/") as socket:
        await socket.send('{"event":"#handshake","cid":1}')

        assert await close_code(socket) == CLOSE_CLIENT_IS_SILENT


async def test_whoever_leaves_is_gone(server: Server) -> None:
    async with talking(server) as talk:
        before = (await talk.ask("sockets"))["data"]
        for _ in range(20):
            async with talking(server) as other:
                await other.ask("#subscribe", {"channel": "lobby"})
                await other.send("wait", {"seconds": 60})
        with anyio.fail_after(PATIENCE):
            while (await talk.ask("sockets"))["data"] != before:
                pass
        await talk.ask("#subscribe", {"channel": "presence/lobby"})
        await talk.ask("mirror", 1)

    assert before == 1
    assert talk.published[0]["data"] == {"event": "here", "members": []}


async def test_what_follows_in_a_batch_has_the_rights_of_then(server: Server, witness: Talk) -> None:
    async with talking(server) as talk:
        await talk.ask("login", {"name": "ann", "password": "ann's word"})
        news = {"channel": "desk/news", "data": 1}
        batch = [
            {"event": "#publish", "data": news, "cid": 100},
            {"event": "#removeAuthToken"},
            {"event": "#publish", "data": news, "cid": 101},
            {"event": "#subscribe", "data": news, "cid": 102},
        ]
        await talk.socket.send(json.dumps(batch))
        answers = [await talk.answer(cid) for cid in (100, 101, 102)]

    assert answers[0] == {}
    assert [answer["error"]["name"] for answer in answers[1:]] == ["ForbiddenError"] * 2


async def test_who_does_not_read_is_cut_and_the_others_hear_all(server: Server, witness: Talk) -> None:
    count, word = 270, "x" * 200_000
    async with talking(server) as reader, talking(server) as sleeper:
        for talk in (reader, sleeper):
            await talk.ask("#subscribe", {"channel": "wide"})
        for _ in range(count):
            assert await reader.ask("#publish", {"channel": "wide", "data": word}) == {}
        await reader.ask("mirror", 1)
        with anyio.fail_after(PATIENCE):
            while (await reader.ask("sockets"))["data"] != 2:
                pass

    assert [published["data"] for published in reader.published] == [word] * count
    assert "connection.cut" in server.log
