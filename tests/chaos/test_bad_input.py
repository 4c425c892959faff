"""Bad input to a real server: it answers as documented, keeps nothing, and serves everybody else."""

from __future__ import annotations

import json
from collections.abc import Iterator

import anyio
import httpx
import pytest

from tests.support.newsroom import Newsroom, newsroom
from tests.support.raw import ask, close_code, hear, socket_to, stream_to, until_end

pytestmark = pytest.mark.timeout(60)

UPGRADE = b"GET /websocket HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
CLOSE_TOO_BIG = 1009
CLOSE_FAILED = 4401
SLOW_HEADS = 30


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Newsroom]:
    folder = tmp_path_factory.mktemp("room")
    url = f"sqlite:///{folder / 'test.db'}"
    with newsroom(url, folder, SERVER_HEADERS_TIMEOUT="1s", SERVER_REQUEST_TIMEOUT="1s") as made:
        yield made


async def until_descriptors(room: Newsroom, count: int) -> None:
    with anyio.fail_after(10):
        while room.server.descriptors > count:  # noqa: ASYNC110 - another process gives no event
            await anyio.sleep(0.05)


async def serves(room: Newsroom) -> bool:
    async with socket_to(room.server, room.editor.token) as socket:
        return bool(await ask(socket, {"type": "ping"}) == {"type": "pong"})


@pytest.mark.parametrize(
    ("authenticated", "size", "code"),
    [(False, 4 * 1024, CLOSE_FAILED), (False, 64 * 1024, CLOSE_TOO_BIG), (True, 64 * 1024, CLOSE_TOO_BIG)],
)
async def test_oversized_message_closes_its_socket_alone(
    room: Newsroom, authenticated: bool, size: int, code: int
) -> None:
    token = room.editor.token if authenticated else None
    async with socket_to(room.server, room.editor.token) as other, socket_to(room.server, token) as socket:
        await socket.send('{"type":"ping","padding":"' + "x" * size + '"}')
        assert await close_code(socket) == code
        assert await ask(other, {"type": "ping"}) == {"type": "pong"}


async def test_oversized_message_in_fragments_closes_too(room: Newsroom) -> None:
    async with socket_to(room.server, room.editor.token) as socket:
        await socket.send(["x" * 8_000 for _ in range(9)])
        assert await close_code(socket) == CLOSE_TOO_BIG


@pytest.mark.parametrize(
    "message",
    [
        "",
        "null",
        "[]",
        "{",
        "[" * 60_000,
        '{"type":' * 6_000,
        '{"type":1e999}',
        '"' + "\\ud800" * 9 + '"',
        "\0",
        "1" * 60_000,
    ]
    + [
        json.dumps({"type": kind, "uid": {"a": 1}, "collection": 7, "query": [], "data": 1})
        for kind in ("auth", "items", "subscribe", "unsubscribe", "ping")
    ]
    + [
        json.dumps({"type": "items", "action": "read", "collection": "articles", "query": query})
        for query in (
            {"filter": {"id": {"_eq": "9" * 9_000}}},
            {"limit": 1e300},
            {"fields": [".".join(["author"] * 99)]},
            {"filter": {"title": {"_eq": "\ud800"}}},
            {"filter": {"title": {"_eq": "a\0b"}}},
            {"search": "\0"},
        )
    ],
)
async def test_nonsense_is_answered_and_the_socket_stays(room: Newsroom, message: str) -> None:
    async with socket_to(room.server, room.editor.token) as socket:
        await socket.send(message)
        await socket.send('{"type":"ping","uid":"end"}')
        answers = [await hear(socket)]
        while answers[-1].get("uid") != "end":
            answers.append(await hear(socket))
    assert answers[-1] == {"type": "pong", "uid": "end"}
    codes = {answer["error"]["code"] for answer in answers if answer.get("status") == "error"}
    assert "INTERNAL_SERVER_ERROR" not in codes


async def test_slow_upgrades_are_given_up_and_nobody_waits(room: Newsroom) -> None:
    before = room.server.descriptors
    async with anyio.create_task_group() as group:

        async def drip() -> None:
            async with stream_to(room.server) as stream:
                await stream.send(UPGRADE)
                with anyio.move_on_after(5):
                    while True:
                        await stream.send(b"X-Slow: 1\r\n")
                        await anyio.sleep(0.2)

        async def patient() -> None:
            try:
                await drip()
            except (anyio.BrokenResourceError, anyio.ClosedResourceError):
                return
            raise AssertionError("the connection was kept")

        for _ in range(SLOW_HEADS):
            group.start_soon(patient)
        with anyio.fail_after(5):
            assert await serves(room)
    await until_descriptors(room, before)


async def test_connection_that_says_nothing_is_given_up(room: Newsroom) -> None:
    async with stream_to(room.server) as stream:
        assert await until_end(stream) == b""


async def test_body_that_never_ends_is_given_up(room: Newsroom) -> None:
    async with stream_to(room.server) as stream:
        head = b"POST /auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n{"
        await stream.send(head)
        await until_end(stream)


async def test_endless_head_is_refused(room: Newsroom) -> None:
    async with stream_to(room.server) as stream:
        await stream.send(b"GET / HTTP/1.1\r\nHost: x\r\n" + b"X-Large: " + b"x" * 70_000)
        assert (await until_end(stream)).startswith(b"HTTP/1.1 400 ")


async def test_two_requests_on_one_connection_have_their_time_each(room: Newsroom) -> None:
    async with httpx.AsyncClient(base_url=room.server.url) as client:
        for _ in range(4):
            assert (await client.get("/server/ping")).text == "pong"
            await anyio.sleep(0.4)


async def test_upgraded_connection_is_not_given_up(room: Newsroom) -> None:
    async with socket_to(room.server, room.editor.token) as socket:
        await anyio.sleep(2.5)
        assert await ask(socket, {"type": "ping"}) == {"type": "pong"}


async def test_thousand_connects_and_drops_leave_nothing(room: Newsroom) -> None:
    before = room.server.descriptors
    limit = anyio.CapacityLimiter(40)

    async def visit(number: int) -> None:
        async with limit, stream_to(room.server) as stream:
            key = b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
            await stream.send(UPGRADE + key)
            if number % 3:
                assert (await stream.receive()).startswith(b"HTTP/1.1 101 ")

    async with anyio.create_task_group() as group:
        for number in range(1_000):
            group.start_soon(visit, number)
    await until_descriptors(room, before)
    assert await serves(room)


async def test_client_that_floods_and_does_not_read_is_read_no_more(room: Newsroom) -> None:
    uid = "x" * 30_000
    read = {"type": "items", "action": "read", "collection": "authors", "query": {"limit": 1}, "uid": uid}
    async with socket_to(room.server, room.editor.token) as other, socket_to(room.server, room.editor.token) as socket:
        socket.transport.pause_reading()
        for sent in range(20_000):  # noqa: B007 - how many were taken is what is asked
            with anyio.move_on_after(1) as waited:
                await socket.send(json.dumps(read))
            if waited.cancelled_caught:
                break
        assert waited.cancelled_caught, sent
        assert await ask(other, {"type": "ping"}) == {"type": "pong"}
        socket.transport.resume_reading()
        assert (await hear(socket))["uid"] == uid
        socket.transport.abort()


def test_server_has_logged_no_error(room: Newsroom) -> None:
    assert not room.server.errors, room.server.errors
