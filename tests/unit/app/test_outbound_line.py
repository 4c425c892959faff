"""The outbound line: what is on it is asked for each socket that a publication goes to, whether it waits or not."""

from __future__ import annotations

from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anyio
import anyio.lowlevel
import pytest

from tests.support.application import Application, application
from watchword.backend.lines import Action, Blocked, Line, LineFunction
from watchword.backend.socket_attendant import MOST_OUTGOING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Generator

    from tests.support.sockets import ScriptedSocket

PATH = "/socketcluster/"


@asynccontextmanager
async def running(folder: Path, *functions: LineFunction) -> AsyncIterator[Application]:
    async with application(f"sqlite:///{folder / 'lines.db'}") as running:
        endpoint = running.app.socketcluster(PATH)
        for function in functions:
            endpoint.middleware(Line.OUTBOUND)(function)
        yield running


@asynccontextmanager
async def hearing(app: Application) -> AsyncIterator[tuple[ScriptedSocket, str]]:
    """A socket that hears `news`, and its id."""
    async with app.socket(PATH) as socket:
        opened = await socket.ask({"event": "#handshake", "data": {"authToken": None}, "cid": 1})
        assert await socket.ask({"event": "#subscribe", "data": {"channel": "news"}, "cid": 2}) == {"rid": 2}
        yield socket, opened["data"]["id"]


async def heard(socket: ScriptedSocket) -> Any:
    packet = await socket.receive()
    assert packet["event"] == "#publish"
    return packet["data"]["data"]


def odd_is_blocked(action: Action) -> None:
    if action.data % 2:
        raise Blocked
    action.data *= 10


async def odd_is_blocked_later(action: Action) -> None:
    await anyio.lowlevel.checkpoint()
    odd_is_blocked(action)


class OddIsBlocked:
    async def __call__(self, action: Action) -> None:
        await odd_is_blocked_later(action)


class Later:
    """An answer that has to be awaited, and is no coroutine."""

    def __init__(self, action: Action) -> None:
        self._action = action

    def __await__(self) -> Generator[Any, None, None]:
        return odd_is_blocked_later(self._action).__await__()


@pytest.mark.parametrize(
    "function",
    [odd_is_blocked, odd_is_blocked_later, OddIsBlocked(), Later],
    ids=["function", "async", "object", "awaitable"],
)
async def test_whatever_kind_of_function_it_is_it_changes_and_blocks(function: LineFunction, tmp_path: Path) -> None:
    async with running(tmp_path, function) as app, hearing(app) as (socket, _):
        for number in range(6):
            app.app.exchange.transmit_publish("news", number)
        assert [await heard(socket) for _ in range(3)] == [0, 20, 40]
        assert await socket.silent()


async def test_without_a_function_everything_goes_out(tmp_path: Path) -> None:
    async with running(tmp_path) as app, hearing(app) as (socket, _):
        for number in range(3):
            app.app.exchange.transmit_publish("news", number)
        assert [await heard(socket) for _ in range(3)] == [0, 1, 2]


async def test_a_function_that_waits_for_one_socket_holds_up_no_other(tmp_path: Path) -> None:
    slow, go_on = set[str](), anyio.Event()

    async def wait(action: Action) -> None:
        if action.socket.id in slow:
            await go_on.wait()

    async with running(tmp_path, wait) as app, hearing(app) as (first, name), hearing(app) as (second, _):
        slow.add(name)
        for number in range(3):
            app.app.exchange.transmit_publish("news", number)
        assert [await heard(second) for _ in range(3)] == [0, 1, 2]
        assert await first.silent()
        go_on.set()
        assert [await heard(first) for _ in range(3)] == [0, 1, 2]


async def test_of_what_a_slow_function_leaves_waiting_the_oldest_goes(tmp_path: Path) -> None:
    begun, go_on = anyio.Event(), anyio.Event()

    async def wait(action: Action) -> None:
        del action
        begun.set()
        await go_on.wait()

    async with running(tmp_path, wait) as app, hearing(app) as (socket, _):
        app.app.exchange.transmit_publish("news", 0)
        await begun.wait()
        for number in range(1, MOST_OUTGOING + 3):  # two more than may wait beside the one that is being asked about
            app.app.exchange.transmit_publish("news", number)
        go_on.set()
        expected = [0, *range(3, MOST_OUTGOING + 3)]
        assert [await heard(socket) for _ in expected] == expected
        assert await socket.silent()


async def test_what_waits_for_a_function_is_not_told_after_the_subscription(tmp_path: Path) -> None:
    begun, go_on = anyio.Event(), anyio.Event()

    async def wait(action: Action) -> None:
        del action
        begun.set()
        await go_on.wait()

    async with running(tmp_path, wait) as app, hearing(app) as (socket, _):
        app.app.exchange.transmit_publish("news", 0)
        await begun.wait()
        assert await socket.ask({"event": "#unsubscribe", "data": "news", "cid": 3}) == {"rid": 3}
        go_on.set()
        assert await socket.silent()
