"""Whatever comes to a mount: the server answers as ever afterwards, and another socket notices nothing of it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from urllib.parse import quote

import anyio
import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from websockets.exceptions import ConnectionClosed

from tests.clients.trpc.talk import Talk, about, call, result, subscribe, talk
from tests.support.server import PATIENCE, Server

pytestmark = pytest.mark.timeout(120)

CLOSES = {None, 1000, 1009, 4401, 4408}
OFTEN = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)

_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)
_PATHS = st.sampled_from(
    [
        "echo",
        "mirror",
        "add",
        "nothing",
        "countdown",
        "feed",
        "mixed",
        "protected",
        "ticketed",
        "authenticate",
        "refresh",
        "challenges",
        "prove",
        "ticket",
        "collections.changes",
        "channels.messages",
        "__proto__",
        "",
    ]
)
_INPUTS = st.fixed_dictionaries(
    {},
    optional={
        "token": st.sampled_from(["pass:gus", "x"]) | _VALUES,
        "nonce": _VALUES,
        "ticket": _VALUES,
        "path": _PATHS | _VALUES,
        "topic": st.just("fuzz") | _VALUES,
        "start": st.integers(-1, 5) | _VALUES,
        "collection": st.sampled_from(["articles", "nothing"]) | _VALUES,
        "channel": st.sampled_from(["board", "desk/a", "presence/board"]) | _VALUES,
        "query": _VALUES,
        "lastEventId": _VALUES,
        "onLost": _VALUES,
        "history": _VALUES,
        "refreshToken": _VALUES,
    },
)
_IDS = st.integers(1, 5) | _VALUES
_METHODS = st.sampled_from(["query", "mutation", "subscription", "subscription.stop", "connectionParams"])
_MESSAGES = (
    st.fixed_dictionaries(
        {"id": _IDS, "method": _METHODS},
        optional={
            "params": st.fixed_dictionaries(
                {"path": _PATHS | _VALUES}, optional={"input": _INPUTS | _VALUES, "lastEventId": st.text(max_size=3)}
            )
            | _VALUES,
            "jsonrpc": st.just("2.0") | _VALUES,
            "data": _INPUTS | _VALUES,
        },
    )
    | _VALUES
)
_FRAMES = (
    (_MESSAGES | st.lists(_MESSAGES, max_size=5)).map(json.dumps)
    | st.sampled_from(["PING", "PONG"])
    | st.text(max_size=20)
    | st.binary(max_size=20)
)
_WITNESS = "a witness"


@asynccontextmanager
async def witness(server: Server) -> AsyncIterator[None]:
    """Keep a socket beside what happens; afterwards it has to be as it was."""
    async with talk(server) as socket:
        await socket.send(subscribe("w", "quiet"))
        assert await socket.hear() == about("w", "started")
        yield
        assert await socket.say(call(1, "echo", _WITNESS)) == result(1, _WITNESS)
        assert await socket.settle() == []


@OFTEN
@given(frames=st.lists(_FRAMES, max_size=10))
def test_sockets_go_on(server: Server, frames: list[str | bytes]) -> None:
    anyio.run(_send_all, server, "/trpc", frames)


@OFTEN
@given(frames=st.lists(_FRAMES, min_size=1, max_size=4))
def test_nobody_is_let_in_by_a_first_message_that_is_none(server: Server, frames: list[str | bytes]) -> None:
    anyio.run(_send_all, server, "/challenge?connectionParams=1", frames)


async def _send_all(server: Server, mount: str, frames: list[str | bytes]) -> None:
    async with witness(server), talk(server, mount) as socket:
        with suppress(ConnectionClosed):
            for frame in frames:
                await socket.send(frame)
            if "?" not in mount:
                await _still_there(socket)
        await socket.socket.close()
        assert socket.socket.close_code in CLOSES


async def _still_there(socket: Talk) -> None:
    await socket.send(call("last", "echo", "still here"))
    while True:
        answer = await socket.hear()
        if isinstance(answer, dict) and answer.get("id") == "last":
            assert answer == result("last", "still here")
            return
        assert answer in ("PING", "PONG") or "error" in answer or "result" in answer


@OFTEN
@given(
    paths=st.lists(_PATHS | st.text(max_size=5), min_size=1, max_size=4),
    query=st.dictionaries(
        st.sampled_from(["batch", "input", "connectionParams", "lastEventId", "token"]),
        st.just("1")
        | (_INPUTS | _VALUES | st.dictionaries(st.sampled_from("012"), _INPUTS)).map(json.dumps)
        | st.text(max_size=5),
    ),
    headers=st.dictionaries(
        st.sampled_from(["trpc-accept", "accept", "content-type", "last-event-id"]),
        st.sampled_from(["application/jsonl", "application/json", "multipart/form-data; boundary=x", "x"]),
    ),
    body=st.none() | st.binary(max_size=30) | _VALUES.map(lambda value: json.dumps(value).encode()),
)
def test_requests_are_answered(
    server: Server, paths: list[str], query: dict[str, str], headers: dict[str, str], body: bytes | None
) -> None:
    path = ",".join(quote(path, safe="") for path in paths)
    method = "GET" if body is None else "POST"
    with (
        httpx.Client(base_url=server.url, timeout=PATIENCE) as client,
        client.stream(method, f"/override/{path}", params=query, headers=headers, content=body) as response,
    ):
        assert response.status_code < 500
        if response.headers["content-type"].startswith("text/event-stream"):
            assert next(response.iter_lines()) == "event: connected"
        else:
            assert json.loads(response.read().splitlines()[0])
