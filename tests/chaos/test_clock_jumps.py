"""The machine's clock is set while sockets are open: nothing that is measured in seconds notices."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio
import pytest

from tests.support.application import ADMIN, Application, application, permission
from watchword.app import build
from watchword.base.clock import SystemClock

FOLLOW = {"type": "subscribe", "collection": "articles", "query": {"fields": ["title"]}, "uid": "1"}
HOUR = 3600.0


class JumpingClock(SystemClock):
    """The machine's clock, which somebody sets."""

    offset = 0.0

    def now(self) -> float:
        return super().now() + self.offset


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> JumpingClock:
    clock = JumpingClock()
    monkeypatch.setattr(build, "SystemClock", lambda: clock)
    return clock


@asynccontextmanager
async def running(url: str) -> AsyncIterator[Application]:
    settings = {"WEBSOCKETS_HEARTBEAT_PERIOD": "1s", "ACCESS_TOKEN_TTL": "15m"}
    async with application(url, **settings) as app:
        await app.user("ann", [permission("read")])
        yield app


@pytest.mark.parametrize("jump", [HOUR, -HOUR, -365 * 24 * HOUR])
async def test_sockets_stay_open_and_are_told_of_changes(sqlite_url: str, clock: JumpingClock, jump: float) -> None:
    async with running(sqlite_url) as app:
        token = (await app.login("ann"))["access_token"]
        async with app.authenticated(token) as socket:
            assert (await socket.ask(FOLLOW))["event"] == "init"
            clock.offset = jump
            for title in ("one", "two"):
                await app.admin("POST", "/items/articles", {"title": title})
                seen: list[dict[str, str]] = []
                while not seen:
                    message = await socket.receive()
                    if message["type"] == "ping":
                        await socket.say({"type": "pong"})
                    else:
                        seen = message["data"]
                assert seen == [{"title": title}]


async def test_silent_client_is_given_up_whatever_the_clock_says(sqlite_url: str, clock: JumpingClock) -> None:
    async with running(sqlite_url) as app, app.authenticated("ann-static-token") as socket:
        clock.offset = -HOUR
        assert await socket.receive() == {"type": "ping"}
        assert await socket.closed() == 1000


async def test_log_in_works_after_a_jump_and_an_old_token_is_refused_by_its_time(
    sqlite_url: str, clock: JumpingClock
) -> None:
    async with running(sqlite_url) as app:
        old = (await app.login("ann"))["access_token"]
        clock.offset = HOUR
        refused = await app.http.get("/items/articles", headers={"Authorization": f"Bearer {old}"})
        assert refused.json()["errors"][0]["extensions"]["code"] == "TOKEN_EXPIRED"
        new = (await app.login("ann"))["access_token"]
        answer = await app.http.get("/items/articles", headers={"Authorization": f"Bearer {new}"})
        assert answer.status_code == 200


async def test_revoked_session_ends_at_once_after_the_clock_was_set_back(sqlite_url: str, clock: JumpingClock) -> None:
    async with running(sqlite_url) as app:
        granted = await app.login("ann")
        async with app.authenticated(granted["access_token"]) as socket:
            clock.offset = -HOUR
            body = {"refresh_token": granted["refresh_token"], "mode": "json"}
            assert (await app.http.post("/auth/logout", json=body)).status_code == 204
            with anyio.fail_after(2):
                assert (await socket.receive())["error"]["code"] == "AUTH_FAILED"
        refused = await app.http.get("/items/articles", headers={"Authorization": f"Bearer {granted['access_token']}"})
        assert refused.status_code == 401
        assert (await app.http.get("/items/articles", headers=ADMIN)).status_code == 200
