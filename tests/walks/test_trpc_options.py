"""Options of a mount of tRPC: what becomes of a socket whose token is over, and how long a refused one answers."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import anyio
import pytest

from tests.support.application import application
from watchword import Identified, TrpcOptions, Watchword
from watchword.backend.outbox import Mark

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.support.application import Application
    from watchword.identity.client import Client

OPEN, OURS = "open", "ours"
LIFE = 1.5  # a busy machine takes a while to ask once


def register(app: Watchword) -> None:
    @app.query
    async def open() -> str:  # noqa: A001 - what the test calls it
        return "to everybody"

    @app.query(authenticated=True)
    async def ours() -> str:
        return "to us"

    @app.authenticator("shop")
    async def shop(token: str, client: Client) -> Identified | None:
        return Identified(user="ann", expires_at=time.time() + LIFE) if token == "short" else None

    app.trpc("/close", renew=None, on_expiry="close", on_message_expiry="close")
    app.trpc("/demote", renew=None, on_expiry="demote", on_message_expiry="demote")
    app.trpc("/lingers", linger=1.0)
    app.trpc("/leaves", linger=0.0)


@pytest.fixture
async def app(sqlite_url: str) -> AsyncIterator[Application]:
    async with application(sqlite_url, register=register) as running:
        yield running


def call(number: int, path: str, method: str = "query", **given: Any) -> dict[str, Any]:
    return {"id": number, "method": method, "params": {"path": path, **given}}


def authenticate(number: int) -> dict[str, Any]:
    return call(number, "authenticate", "mutation", input={"token": "short"})


def key_of(answer: Any) -> tuple[Any, str]:
    return answer["id"], answer["error"]["data"]["code"]


async def test_a_socket_whose_token_is_over_closes_where_that_is_set(app: Application) -> None:
    async with app.socket("/close", query="token=short") as socket:
        assert (await socket.ask(call(1, OURS)))["result"]["data"] == "to us"
        assert key_of(await socket.receive()) == (None, "UNAUTHORIZED")
        assert await socket.closed() == 4401


async def test_a_socket_whose_token_is_over_is_the_publics_where_that_is_set(app: Application) -> None:
    async with app.socket("/demote", query="token=short") as socket:
        assert (await socket.ask(call(1, OURS)))["result"]["data"] == "to us"
        assert key_of(await socket.receive()) == (None, "UNAUTHORIZED")
        assert key_of(await socket.ask(call(2, OURS))) == (2, "UNAUTHORIZED")
        assert (await socket.ask(call(3, OPEN)))["result"]["data"] == "to everybody"


async def test_an_identity_that_a_message_has_brought_ends_the_socket_with_it_where_that_is_set(
    app: Application,
) -> None:
    async with app.socket("/close") as socket:
        assert "result" in await socket.ask(authenticate(1))
        assert (await socket.ask(call(2, OURS)))["result"]["data"] == "to us"
        assert key_of(await socket.receive()) == (None, "UNAUTHORIZED")
        assert await socket.closed() == 4401


async def test_an_identity_that_a_message_has_brought_ends_alone_where_that_is_set(app: Application) -> None:
    async with app.socket("/demote") as socket:
        assert "result" in await socket.ask(authenticate(1))
        assert (await socket.ask(call(2, OURS)))["result"]["data"] == "to us"
        with anyio.fail_after(10 * LIFE):
            while "result" in (answer := await socket.ask(call(3, OURS))):
                pass
        assert key_of(answer) == (3, "UNAUTHORIZED")
        assert (await socket.ask(call(4, OPEN)))["result"]["data"] == "to everybody"


async def test_a_refused_socket_answers_with_the_reason_for_as_long_as_it_lingers(app: Application) -> None:
    async with app.socket("/lingers", query="token=bad") as socket:
        assert key_of(await socket.receive()) == (None, "UNAUTHORIZED")
        assert key_of(await socket.ask(call(1, OPEN))) == (1, "UNAUTHORIZED")
        assert await socket.closed() == 4401


async def test_a_refused_socket_that_does_not_linger_closes_after_the_reason(app: Application) -> None:
    async with app.socket("/leaves", query="token=bad") as socket:
        assert key_of(await socket.receive()) == (None, "UNAUTHORIZED")
        assert await socket.closed() == 4401


def test_what_may_wait_for_a_client_is_as_it_is_set_on_sockets_and_streams() -> None:
    options = TrpcOptions(outbound=Mark(7, 700), high_water=Mark(3, 300))
    for pace in (options.pace, options.events_pace):
        assert (pace.outbound, pace.high_water) == (Mark(7, 700), Mark(3, 300))
