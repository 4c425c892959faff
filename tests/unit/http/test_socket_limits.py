"""Sockets: what is refused at the upgrade and afterwards, and who is not concerned by it."""

from __future__ import annotations

from typing import Any

import anyio
import pytest

from tests.support.application import Application, application, permission
from tests.support.sockets import Refused

ELSEWHERE = {"x-forwarded-for": "192.0.2.9"}
TOKEN = "access_token=admin-token-0001"
HELLO = {"type": "auth", "access_token": "admin-token-0001"}


async def refused(app: Application, query: str = "") -> int:
    with pytest.raises(Refused) as refusal:
        async with app.socket(query=query):
            pass
    return refusal.value.status


async def test_full_endpoint_is_forbidden(sqlite_url: str) -> None:
    async with application(sqlite_url, WEBSOCKETS_REST_CONN_LIMIT=1) as app:
        async with app.socket():
            assert await refused(app) == 403
            assert await refused(app, TOKEN) == 403
        async with app.socket():
            pass


async def test_full_address_is_refused_and_another_is_not(sqlite_url: str) -> None:
    async with application(sqlite_url, WEBSOCKETS_REST_ADDRESS_LIMIT=1, IP_TRUST_PROXY=1) as app:
        async with app.socket(query=TOKEN):
            assert await refused(app, TOKEN) == 429
            async with app.socket(headers=ELSEWHERE):
                pass
        async with app.socket():
            pass


async def test_unauthenticated_sockets_are_bounded_per_address_and_users_are_not(sqlite_url: str) -> None:
    async with (
        application(sqlite_url, WEBSOCKETS_REST_UNAUTHENTICATED_LIMIT=1, IP_TRUST_PROXY=1) as app,
        app.socket() as first,
    ):
        assert await refused(app) == 429
        async with app.socket(query=TOKEN), app.socket(headers=ELSEWHERE):
            pass
        assert (await first.ask(HELLO))["status"] == "ok"
        async with app.socket():
            assert await refused(app) == 429


async def test_public_sockets_without_a_user_count_as_unauthenticated(sqlite_url: str) -> None:
    settings: dict[str, Any] = {"WEBSOCKETS_REST_UNAUTHENTICATED_LIMIT": 1, "WEBSOCKETS_REST_AUTH": "public"}
    async with application(sqlite_url, **settings) as app, app.socket() as first:
        assert await refused(app) == 429
        assert (await first.ask(HELLO))["status"] == "ok"
        async with app.socket():
            pass


async def test_large_message_before_the_authentication_closes(sqlite_url: str) -> None:
    async with application(sqlite_url) as app:
        async with app.socket() as socket:
            told = await socket.ask(HELLO | {"padding": "x" * 4096})
            assert told["error"]["code"] == "AUTH_FAILED"
            assert await socket.closed() == 4401
        async with app.authenticated("admin-token-0001") as socket:
            assert await socket.ask({"type": "ping", "padding": "x" * 4096}) == {"type": "pong"}


@pytest.mark.parametrize("letter", ["x", "\N{EURO SIGN}"])
async def test_large_message_closes_its_socket_alone(sqlite_url: str, letter: str) -> None:
    many = 65_536 // len(letter.encode())
    async with (
        application(sqlite_url) as app,
        app.authenticated("admin-token-0001") as socket,
        app.authenticated("admin-token-0001") as other,
    ):
        await socket.say('{"type":"ping","padding":"' + letter * many + '"}')
        assert await socket.closed() == 1009
        assert await other.ask({"type": "ping"}) == {"type": "pong"}


async def test_too_many_messages_are_dropped_and_the_socket_stays(sqlite_url: str) -> None:
    settings: dict[str, Any] = {
        "RATE_LIMITER_ENABLED": "true",
        "RATE_LIMITER_POINTS": 1000,
        "RATE_LIMITER_WEBSOCKETS_POINTS": 3,
    }
    async with (
        application(sqlite_url, RATE_LIMITER_WEBSOCKETS_DURATION=60, **settings) as app,
        app.authenticated("admin-token-0001") as socket,
        app.authenticated("admin-token-0001") as other,
    ):
        for _ in range(2):
            assert await socket.ask({"type": "ping"}) == {"type": "pong"}
        told = await socket.ask({"type": "items", "action": "create", "collection": "articles", "data": {"title": "x"}})

        assert told["type"] == "server"
        assert told["error"]["code"] == "REQUESTS_EXCEEDED"
        start, _, end = told["error"]["message"].partition(", retry after ")
        assert start == "Too many messages"
        assert 0 < int(end.removesuffix("ms.")) <= 60_000
        assert "uid" not in told
        assert await other.ask({"type": "ping"}) == {"type": "pong"}
        assert await app.admin("GET", "/items/articles") == []


async def test_messages_are_not_counted_by_default(sqlite_url: str) -> None:
    async with application(sqlite_url) as app, app.authenticated("admin-token-0001") as socket:
        for _ in range(90):
            assert await socket.ask({"type": "ping"}) == {"type": "pong"}


async def test_subscriptions_are_bounded_per_socket(sqlite_url: str) -> None:
    follow = {"type": "subscribe", "collection": "articles"}
    async with (
        application(sqlite_url, WEBSOCKETS_REST_MAX_SUBSCRIPTIONS=2) as app,
        app.authenticated("admin-token-0001") as socket,
        app.authenticated("admin-token-0001") as other,
    ):
        for uid in ("1", "2", "2"):
            assert (await socket.ask(follow | {"uid": uid}))["event"] == "init"
        told = await socket.ask(follow | {"uid": "3"})
        assert (told["status"], told["error"]["code"], told["uid"]) == ("error", "REQUESTS_EXCEEDED", "3")
        assert (await other.ask(follow | {"uid": "3"}))["event"] == "init"
        await socket.ask({"type": "unsubscribe", "uid": "1"})
        assert (await socket.ask(follow | {"uid": "3"}))["event"] == "init"


async def test_sockets_that_come_and_go_leave_nothing(sqlite_url: str) -> None:
    async with application(sqlite_url, WEBSOCKETS_REST_CONN_LIMIT=10) as app:
        await app.user("ann", [permission("read")])
        before = anyio.get_running_tasks()

        async def visit(number: int) -> None:
            async with app.socket() as socket:
                if number % 2:
                    await socket.ask({"type": "auth", "access_token": "ann-static-token"})
                    await socket.ask({"type": "subscribe", "collection": "articles", "uid": "1"})

        for _ in range(125):
            async with anyio.create_task_group() as group:
                for number in range(8):
                    group.start_soon(visit, number)

        assert not app.app.parts.hub.peers
        assert not app.app.parts.hub.collections
        assert {task.id for task in anyio.get_running_tasks()} <= {task.id for task in before}
        async with anyio.create_task_group() as group:
            for number in range(10):
                group.start_soon(visit, number)
