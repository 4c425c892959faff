"""Whatever comes over a socket: the server answers as ever afterwards, or has closed that one socket for a reason."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import anyio
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from tests.support.raw import PATIENCE
from tests.support.server import Server

pytestmark = pytest.mark.timeout(120)

CLOSES = {1000, 1009, 4008}

_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)
_CHANNELS = st.sampled_from(
    ["open", "minutes", "lobby", "presence/lobby", "desk/news", "items/articles", "items/x", ""]
)
_QUERY = ("fields", "filter", "sort", "limit", "deep", "aggregate", "alias")
_TOLD = st.fixed_dictionaries(
    {},
    optional={
        "history": _VALUES,
        "since": _VALUES,
        "event": st.sampled_from(["create", "update", "delete"]) | _VALUES,
        "query": _VALUES | st.fixed_dictionaries({}, optional=dict.fromkeys(_QUERY, _VALUES)),
    },
)
_ABOUT = st.fixed_dictionaries(
    {"channel": _CHANNELS | _VALUES}, optional={"data": _TOLD | _VALUES, "waitForAuth": _VALUES}
)
_EVENTS = st.sampled_from(
    ["#handshake", "#authenticate", "#removeAuthToken", "#subscribe", "#unsubscribe", "#publish", "mirror", "add", "x"]
)
_CIDS = st.integers(2, 50) | _VALUES
_PACKETS = (
    st.fixed_dictionaries({"event": _EVENTS}, optional={"data": _ABOUT | _CHANNELS | _VALUES, "cid": _CIDS})
    | st.fixed_dictionaries({"rid": _CIDS}, optional={"data": _VALUES, "error": _VALUES})
    | _VALUES
)
_MESSAGES = (_PACKETS | st.lists(_PACKETS, max_size=5)).map(json.dumps) | st.text(max_size=20) | st.binary(max_size=20)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(messages=st.lists(_MESSAGES, max_size=10))
def test_the_server_goes_on(server: Server, messages: list[str | bytes]) -> None:
    anyio.run(_send_all, f"ws://127.0.0.1:{server.port}/socketcluster/", messages)


async def _send_all(url: str, messages: list[str | bytes]) -> None:
    async with connect(url, compression=None, ping_interval=None) as socket:
        assert "isAuthenticated" in (await _ask(socket, {"event": "#handshake", "cid": 1}))["data"]
        with suppress(ConnectionClosed):
            for message in messages:
                await socket.send(message)
            answer = await _ask(socket, {"event": "mirror", "data": "still here", "cid": 99})
            assert answer["data"] == "still here"
    assert socket.close_code in CLOSES


async def _ask(socket: ClientConnection, packet: dict[str, Any]) -> dict[str, Any]:
    await socket.send(json.dumps(packet))
    with anyio.fail_after(PATIENCE):
        while True:
            answer = json.loads(await socket.recv() or "0")
            if isinstance(answer, dict) and answer.get("rid") == packet["cid"]:
                return answer
