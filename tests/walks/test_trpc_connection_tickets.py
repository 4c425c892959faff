"""One-time tickets in the URLs of a mount of tRPC: of sockets, and of requests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.support.application import ADMIN, application
from tests.support.sockets import Refused
from watchword import Call, Watchword

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.support.application import Application

ASKED = {"id": 1, "method": "query", "params": {"path": "mine"}}
PARAMETERS = ["token", "access_token"]


def register(app: Watchword) -> None:
    @app.query(admin=True)
    async def mine(call: Call) -> str:
        return "yours" if call.principal.admin else ""

    app.trpc("/trpc", linger=0.0)


@pytest.fixture
async def app(sqlite_url: str) -> AsyncIterator[Application]:
    async with application(sqlite_url, register=register) as running:
        yield running


async def ticket(app: Application) -> str:
    return str((await app.admin("POST", "/auth/ticket"))["ticket"])


def key_of(answer: Any) -> tuple[Any, str]:
    return answer.get("id"), answer["error"]["data"]["code"]


async def refused(app: Application, query: str) -> bool:
    """Whether a socket is told that it is nobody's, and closed."""
    async with app.socket("/trpc", query=query) as socket:
        return key_of(await socket.receive()) == (None, "UNAUTHORIZED") and await socket.closed() == 4401


@pytest.mark.parametrize("parameter", PARAMETERS)
async def test_a_ticket_opens_one_socket(app: Application, parameter: str) -> None:
    query = f"{parameter}={await ticket(app)}"
    async with app.socket("/trpc", query=query) as socket:
        assert (await socket.ask(ASKED))["result"]["data"] == "yours"
    assert await refused(app, query)


async def test_a_ticket_answers_one_request(app: Application) -> None:
    url = f"/trpc/mine?token={await ticket(app)}"
    first, second = await app.http.get(url), await app.http.get(url)
    assert first.json() == {"result": {"data": "yours"}}
    assert (second.status_code, key_of(second.json())[1]) == (401, "UNAUTHORIZED")


@pytest.mark.parametrize("parameter", PARAMETERS)
async def test_a_page_of_another_origin_is_refused_and_burns_its_ticket(app: Application, parameter: str) -> None:
    query = f"{parameter}={await ticket(app)}"
    with pytest.raises(Refused):
        async with app.socket("/trpc", query=query, headers={"origin": "https://evil.example.com"}):
            pass
    assert await refused(app, query)


async def test_a_ticket_is_none_anywhere_but_in_the_url_and_is_burnt_there(app: Application) -> None:
    text = await ticket(app)
    answer = await app.http.get("/trpc/mine", headers=ADMIN | {"Authorization": f"Bearer {text}"})
    assert answer.status_code == 401
    assert await refused(app, f"token={text}")
    text = await ticket(app)
    async with app.socket("/trpc", query="connectionParams=1") as socket:
        assert key_of(await socket.ask({"method": "connectionParams", "data": {"token": text}}))[1] == "UNAUTHORIZED"
        assert await socket.closed() == 4401
    assert await refused(app, f"token={text}")
