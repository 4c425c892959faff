from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.unit.http.conftest import ADMIN, NOBODY, READER
from tests.unit.http.support import request_of
from watchword.access.principal import Principal
from watchword.backend.context import Context
from watchword.base.clock import ManualClock
from watchword.base.errors import Code, Problem
from watchword.http.endpoint import Call
from watchword.http.server import Server
from watchword.http.settings import HttpSettings
from watchword.identity.project import ProjectSettings


async def test_ping_answers_anybody_and_looks_at_nothing(client: httpx.AsyncClient) -> None:
    for headers in (NOBODY, {"Authorization": "Bearer nope"}):
        answer = await client.get("/server/ping", headers=headers)

        assert (answer.status_code, answer.text) == (200, "pong")
        assert answer.headers["content-type"].startswith("text/html")


async def test_health_is_not_for_the_public(client: httpx.AsyncClient) -> None:
    assert (await client.get("/server/health")).status_code == 403


async def test_health_tells_users_how_it_is_and_administrators_why(client: httpx.AsyncClient) -> None:
    user = await client.get("/server/health", headers=READER)
    admin = await client.get("/server/health", headers=ADMIN)

    assert (user.status_code, user.json()) == (200, {"status": "ok"})
    assert user.headers["content-type"].startswith("application/health+json")
    assert admin.json()["checks"]["database:responseTime"][0]["status"] == "ok"


async def test_info_tells_the_public_the_project_alone(client: httpx.AsyncClient) -> None:
    data = (await client.get("/server/info")).json()["data"]

    assert list(data) == ["project"]
    assert data["project"]["project_name"] == "Test"
    assert data["project"]["public_registration"] is False


async def test_info_tells_users_what_there_is(client: httpx.AsyncClient) -> None:
    data = (await client.get("/server/info", headers=READER)).json()["data"]

    assert data["websocket"] == {
        "rest": {"authentication": "handshake", "path": "/websocket"},
        "graphql": {"authentication": "handshake", "path": "/graphql"},
        "heartbeat": 30.0,
        "logs": False,
    }
    assert data["queryLimit"] == {"default": 100, "max": -1}
    assert "version" not in data
    assert "version" in (await client.get("/server/info", headers=ADMIN)).json()["data"]


async def nothing_chosen() -> ProjectSettings:
    return ProjectSettings()


class SlowDatabase:
    """Answers late, or says that it does not."""

    def __init__(self, clock: ManualClock, seconds: float, problem: Problem | None = None) -> None:
        self._clock = clock
        self._seconds = seconds
        self._problem = problem

    async def probe(self) -> None:
        self._clock.advance(self._seconds)
        if self._problem is not None:
            raise self._problem


@pytest.mark.parametrize(
    ("seconds", "problem", "status", "said"),
    [
        (0.001, None, 200, "ok"),
        (2.0, None, 200, "warn"),
        (0.001, Problem(Code.SERVICE_UNAVAILABLE), 503, "error"),
    ],
)
async def test_health_follows_the_database(seconds: float, problem: Any, status: int, said: str) -> None:
    clock = ManualClock()
    server = Server(
        HttpSettings(websocket=None), SlowDatabase(clock, seconds, problem).probe, "1.2.3", clock, nothing_chosen
    )

    answer = await server.health(Call(request_of(), Context(Principal(user="u"))))

    assert (answer.status, answer.body) == (status, b'{"status":"%s"}' % said.encode())


async def test_info_says_when_there_are_no_sockets() -> None:
    clock = ManualClock()
    server = Server(HttpSettings(websocket=None), SlowDatabase(clock, 0).probe, "1.2.3", clock, nothing_chosen)

    answer = await server.info(Call(request_of(), Context(Principal(user="u"))))

    assert b'"websocket":false' in answer.body
