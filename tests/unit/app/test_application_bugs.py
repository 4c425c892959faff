"""Bugs of an application on sockets: they end one thing, are logged, and leave every other socket as it was."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from structlog.testing import capture_logs

from tests.support.application import Application, application
from tests.support.sockets import Refused, ScriptedSocket
from watchword import Action, ActionType, Socket, SocketClusterServer

pytestmark = pytest.mark.anyio

PATH = "/buggy/"
BUG = "this is a bug"
CLOSE_REFUSED = 4008


@asynccontextmanager
async def buggy(url: str) -> AsyncIterator[tuple[Application, SocketClusterServer]]:
    """Run an application whose functions on all lines fail when they are told to."""
    async with application(url) as run:
        server = run.app.socketcluster(PATH, auth_key="k")
        for line in ("handshake", "inbound_raw", "inbound"):
            server.middleware(line)(_fail)
        server.middleware("outbound")(_fail_outbound)
        server.connection(_answer)
        yield run, server


async def _fail(action: Action) -> None:
    match action.type:
        case ActionType.HANDSHAKE_WS:
            fails = action.request is not None and "ws" in action.request.query
        case ActionType.HANDSHAKE_SC:
            fails = "sc" in action.socket.connection.query
        case ActionType.MESSAGE:
            fails = "raw bug" in str(action.data)
        case ActionType.AUTHENTICATE:
            fails = True
        case _:
            fails = BUG in {action.channel, action.procedure, action.receiver}
    if fails:
        raise RuntimeError(BUG)


async def _fail_outbound(action: Action) -> None:
    if action.data == "raises":
        raise RuntimeError(BUG)
    if action.data == "cannot be told":
        action.data = object()


async def _answer(socket: Socket) -> None:
    async for request in socket.procedure("answer"):
        try:
            request.end(object())
        except TypeError as error:
            request.error(error)


@asynccontextmanager
async def talking(run: Application, token: str | None = None) -> AsyncIterator[tuple[ScriptedSocket, Any]]:
    """Open a socket and do the handshake."""
    async with run.socket(PATH) as socket:
        opened = await socket.ask({"event": "#handshake", "data": {"authToken": token}, "cid": 1})
        yield socket, opened["data"]


@pytest.fixture
def logged() -> Iterator[list[Any]]:
    """What is logged."""
    with capture_logs() as entries:
        yield entries


async def test_a_bug_at_the_upgrade_refuses_it(sqlite_url: str, logged: list[Any]) -> None:
    async with buggy(sqlite_url) as (run, _):
        with pytest.raises(Refused) as refused:
            async with run.socket(PATH, "ws=1"):
                pass

    assert refused.value.status == 401
    assert "middleware.failed" in [entry["event"] for entry in logged]


async def test_a_bug_at_the_handshake_refuses_it(sqlite_url: str, logged: list[Any]) -> None:
    async with buggy(sqlite_url) as (run, _), run.socket(PATH, "sc=1") as socket:
        told = await socket.ask({"event": "#handshake", "cid": 1})
        code = await socket.closed()

    assert (told["error"]["name"], told["error"]["statusCode"], code) == ("InternalError", CLOSE_REFUSED, CLOSE_REFUSED)
    assert BUG not in str(told)
    assert "operation.failed" in [entry["event"] for entry in logged]


async def test_a_bug_about_a_token_lets_nobody_in_by_it_and_leaves_it_to_the_client(
    sqlite_url: str, logged: list[Any]
) -> None:
    async with buggy(sqlite_url) as (run, server), talking(run, server.sign_token({"sub": "a"})) as (socket, opened):
        assert (opened["isAuthenticated"], opened["authError"]["isBadToken"]) == (False, False)
        assert await socket.silent()

    assert "operation.failed" in [entry["event"] for entry in logged]


@pytest.mark.parametrize(
    ("event", "data"),
    [("#subscribe", {"channel": BUG}), ("#publish", {"channel": BUG}), (BUG, None)],
)
async def test_a_bug_on_the_inbound_line_blocks(sqlite_url: str, logged: list[Any], event: str, data: Any) -> None:
    async with buggy(sqlite_url) as (run, _), talking(run) as (socket, _):
        told = await socket.ask({"event": event, "data": data, "cid": 2})
        goes_on = await socket.ask({"event": "#subscribe", "data": {"channel": "c"}, "cid": 3})

    assert told["error"]["name"] == "InternalError"
    assert BUG not in told["error"]["message"]
    assert goes_on == {"rid": 3}
    assert "operation.failed" in [entry["event"] for entry in logged]


async def test_a_bug_on_the_raw_line_drops_the_message(sqlite_url: str, logged: list[Any]) -> None:
    async with buggy(sqlite_url) as (run, _), talking(run) as (socket, _):
        await socket.say({"event": "#subscribe", "data": {"channel": "raw bug"}, "cid": 2})
        goes_on = await socket.ask({"event": "#subscribe", "data": {"channel": "c"}, "cid": 3})

    assert goes_on == {"rid": 3}
    assert "middleware.failed" in [entry["event"] for entry in logged]


@pytest.mark.parametrize("bug", ["raises", "cannot be told"])
async def test_a_bug_on_the_outbound_line_blocks_one_publication(sqlite_url: str, logged: list[Any], bug: str) -> None:
    async with buggy(sqlite_url) as (run, server), talking(run) as (socket, _):
        await socket.ask({"event": "#subscribe", "data": {"channel": "c"}, "cid": 2})
        for data in (bug, "fine"):
            server.exchange.transmit_publish("c", data)
        told = await socket.receive()

    assert told == {"event": "#publish", "data": {"channel": "c", "data": "fine"}}
    assert {"middleware.failed", "event.untold"} & {entry["event"] for entry in logged}


async def test_what_cannot_be_told_still_wants_an_answer(sqlite_url: str) -> None:
    async with buggy(sqlite_url) as (run, _), talking(run) as (socket, _):
        told = await socket.ask({"event": "answer", "cid": 2})

    assert (told["rid"], told["error"]["name"]) == (2, "TypeError")
