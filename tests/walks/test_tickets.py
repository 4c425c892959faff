"""Connection tickets through all floors: one socket for whoever asked, from where they asked, while they still may."""

from __future__ import annotations

import logging
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any

import anyio
import httpx
import pytest
from sqlalchemy import select
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidStatus

from tests.support.application import ADMIN, Application, application, permission
from tests.support.raw import ask
from tests.support.server import ADMIN_EMAIL, ADMIN_PASSWORD, Server, serving
from tests.support.sockets import Refused
from watchword.storage.tables import auth_events

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

READER = [permission("read", rows={"status": {"_eq": "published"}}, fields="id,title")]
PAGE = {"Origin": "http://testserver"}
LISTED = {"Origin": "https://app.example.com"}
BAD = "access_token=a-token-of-nobody"


@pytest.fixture
async def app(database_url: str) -> AsyncIterator[Application]:
    flags: dict[str, Any] = {"CORS_ENABLED": True, "CORS_ORIGIN": "https://app.example.com"}
    async with application(database_url, WEBSOCKETS_REST_AUTH="strict", IP_TRUST_PROXY=1, **flags) as running:
        await running.user("reader", READER)
        yield running


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def behind(address: str) -> dict[str, str]:
    return {"X-Forwarded-For": address}


async def query_of(app: Application, headers: dict[str, str]) -> str:
    """Ask for a ticket; return the query string that it goes into."""
    answer = await app.http.post("/auth/ticket", headers=headers)
    assert answer.status_code == 200, answer.text
    return f"access_token={answer.json()['data']['ticket']}"


async def refused(
    app: Application, query: str, headers: dict[str, str] | None = None, path: str = "/websocket"
) -> int | None:
    """Return the status of a refused upgrade; None when it was let in."""
    try:
        async with app.socket(path, query=query, headers=headers):
            return None
    except Refused as refusal:
        return refusal.status


async def refusals(app: Application) -> list[Any]:
    async with app.app.parts.db.read() as connection:
        rows = await connection.execute(select(auth_events).where(auth_events.c.kind == "token_refused"))
        return [(row["detail"], row["ip"]) for row in rows.mappings()]


async def test_ticket_opens_a_socket_of_whoever_asked_for_it(app: Application) -> None:
    tokens = await app.login("reader")
    query = await query_of(app, bearer(tokens["access_token"]) | PAGE)
    async with app.socket(query=query, headers=PAGE) as socket:
        await socket.ask({"type": "subscribe", "collection": "articles", "uid": "s"})
        await app.admin("POST", "/items/articles", {"title": "hidden"})
        made = await app.admin("POST", "/items/articles", {"title": "shown", "status": "published"})
        assert (await socket.receive())["data"] == [{"id": made["id"], "title": "shown"}]
        await app.http.post("/auth/logout", json={"refresh_token": tokens["refresh_token"], "mode": "json"})
        assert (await socket.receive())["error"]["code"] == "AUTH_FAILED"
        assert await socket.closed() == 4401


async def test_ticket_used_twice_is_refused_as_a_bad_token_is(app: Application) -> None:
    query = await query_of(app, bearer("reader-static-token"))
    async with app.socket(query=query) as first:
        assert await refused(app, query) == await refused(app, BAD) == 401
        assert await first.ask({"type": "ping"}) == {"type": "pong"}
    assert await refused(app, query) == 401
    recorded = await refusals(app)
    assert recorded == [({"code": "INVALID_CREDENTIALS"}, "127.0.0.1")] * 3


async def test_of_two_who_present_a_ticket_at_once_one_gets_in(app: Application) -> None:
    query = await query_of(app, bearer("reader-static-token"))
    outcomes: list[int | None] = []

    async def present() -> None:
        outcomes.append(await refused(app, query))

    async with anyio.create_task_group() as group:
        for _ in range(2):
            group.start_soon(present)
    assert sorted(outcomes, key=str) == [401, None]


@pytest.mark.parametrize("other", [behind("192.0.2.9"), behind("2001:db8::1"), {}])
async def test_ticket_is_for_the_address_that_asked(app: Application, other: dict[str, str]) -> None:
    query = await query_of(app, bearer("reader-static-token") | behind("192.0.2.7"))
    assert await refused(app, query, other) == 401
    assert await refused(app, query, behind("192.0.2.7")) == 401  # it was burnt
    query = await query_of(app, bearer("reader-static-token") | behind("192.0.2.7"))
    assert await refused(app, query, behind("203.0.113.1, 192.0.2.7")) is None


@pytest.mark.parametrize(
    ("asking", "presenting", "status"),
    [
        (PAGE, LISTED, 401),
        (PAGE, {}, 401),
        ({}, PAGE, 401),
        (PAGE, {"Origin": "https://evil.example"}, 403),
        (PAGE, {"Origin": "null"}, 403),
    ],
)
async def test_ticket_is_for_pages_of_the_origin_that_asked(
    app: Application, asking: dict[str, str], presenting: dict[str, str], status: int
) -> None:
    query = await query_of(app, bearer("reader-static-token") | asking)
    assert await refused(app, query, presenting) == status
    assert await refused(app, query, asking) == 401  # it was burnt
    query = await query_of(app, bearer("reader-static-token") | asking)
    assert await refused(app, query, asking) is None


async def test_address_that_no_proxy_vouches_for_says_nothing(sqlite_url: str) -> None:
    async with application(sqlite_url, WEBSOCKETS_REST_AUTH="strict") as app:
        query = await query_of(app, ADMIN | behind("192.0.2.7"))
        assert await refused(app, query, behind("192.0.2.9")) is None


async def test_ticket_that_comes_late_is_refused(sqlite_url: str) -> None:
    settings: dict[str, Any] = {"WEBSOCKETS_REST_AUTH": "strict", "CONNECTION_TICKET_TTL": "0.001ms"}
    async with application(sqlite_url, **settings) as app:
        assert await refused(app, await query_of(app, ADMIN)) == 401
        assert [detail for detail, _ in await refusals(app)] == [{"code": "INVALID_CREDENTIALS"}]


async def test_page_of_a_listed_origin_gets_in_with_its_own_ticket(app: Application) -> None:
    query = await query_of(app, bearer("reader-static-token") | LISTED)
    assert await refused(app, query, LISTED) is None


async def test_cookie_gives_a_ticket_and_the_ticket_alone_lets_in(app: Application) -> None:
    body = {"email": "reader@example.com", "password": "a-fairly-long-password", "mode": "session"}
    answer = await app.http.post("/auth/login", json=body)
    assert answer.status_code == 200
    query = await query_of(app, PAGE)
    app.http.cookies.clear()
    async with app.socket(query=query, headers=PAGE) as socket:
        assert await socket.ask({"type": "ping"}) == {"type": "pong"}


@pytest.mark.parametrize("where", ["header", "cookie"])
async def test_ticket_elsewhere_in_the_upgrade_is_refused_and_burnt(app: Application, where: str) -> None:
    query = await query_of(app, bearer("reader-static-token"))
    text = query.partition("=")[2]
    headers = bearer(text) if where == "header" else {"Cookie": f"directus_session_token={text}"}
    assert await refused(app, "", headers) == 401
    assert await refused(app, query) == 401


async def test_ticket_in_a_request_is_refused_and_burnt(app: Application) -> None:
    query = await query_of(app, ADMIN)
    assert (await app.http.get(f"/items/articles?{query}")).status_code == 401
    assert (await app.http.get(f"/websocket?{query}")).status_code == 401
    assert await refused(app, query) == 401


async def test_ticket_in_a_message_is_refused_and_burnt(app: Application) -> None:
    own, other = await query_of(app, ADMIN), await query_of(app, ADMIN)
    text = other.partition("=")[2]
    async with app.socket(query=own) as socket:
        answer = await socket.ask({"type": "auth", "access_token": text})
        assert answer["error"]["code"] == "AUTH_FAILED"
        assert text not in str(answer)
        assert await socket.closed() == 4401
    assert await refused(app, other) == 401


async def test_ticket_of_an_ended_session_is_worthless(app: Application) -> None:
    ending, staying = [await app.login("reader") for _ in range(2)]
    gone, good = [await query_of(app, bearer(each["access_token"])) for each in (ending, staying)]
    await app.http.post("/auth/logout", json={"refresh_token": ending["refresh_token"], "mode": "json"})
    assert await refused(app, gone) == 401
    assert await refused(app, good) is None


async def test_ticket_of_a_suspended_user_is_worthless(app: Application) -> None:
    session = bearer((await app.login("reader"))["access_token"])
    queries = [await query_of(app, headers) for headers in (session, bearer("reader-static-token"))]
    good = await query_of(app, ADMIN)
    (user,) = await app.admin("GET", "/users?filter[email]=reader@example.com")
    await app.admin("PATCH", f"/users/{user['id']}", {"status": "suspended"})
    assert [await refused(app, query) for query in queries] == [401, 401]
    assert await refused(app, good) is None


async def test_ticket_of_a_revoked_token_is_worthless(app: Application) -> None:
    (role,) = await app.admin("GET", "/roles?filter[name]=reader")
    made = [await app.admin("POST", "/tokens", {"role": role["id"], "name": "a program"}) for _ in range(2)]
    gone, good = [await query_of(app, bearer(each["token"])) for each in made]
    await app.admin("DELETE", f"/tokens/{made[0]['id']}")
    assert await refused(app, gone) == 401
    assert await refused(app, good) is None


async def test_ticket_opens_the_log_for_administrators_and_for_nobody_else(app: Application) -> None:
    path = "/websocket/logs"
    reader, admin = await query_of(app, bearer("reader-static-token")), await query_of(app, ADMIN)
    assert await refused(app, reader, path=path) == 401
    async with app.socket(path, query=admin) as socket:
        answer = await socket.ask({"type": "subscribe", "log_level": "info"})
        assert answer == {"type": "logs", "event": "subscribe", "log_level": "info"}
    assert await refused(app, admin, path=path) == 401


@pytest.mark.parametrize("mode", ["public", "handshake"])
async def test_ticket_counts_in_every_mode(sqlite_url: str, mode: str) -> None:
    async with application(sqlite_url, WEBSOCKETS_REST_AUTH=mode) as app:
        query = await query_of(app, ADMIN)
        async with app.socket(query=query) as socket:
            assert await socket.ask({"type": "ping"}) == {"type": "pong"}
        assert await refused(app, query) == 401


async def test_full_endpoint_leaves_a_ticket_as_it_is(sqlite_url: str) -> None:
    async with application(sqlite_url, WEBSOCKETS_REST_CONN_LIMIT=1) as app:
        query = await query_of(app, ADMIN)
        async with app.socket():
            assert await refused(app, query) == 403
        assert await refused(app, query) is None


async def test_socket_of_a_ticket_ends_with_the_credential_behind_it(sqlite_url: str) -> None:
    async with application(sqlite_url, WEBSOCKETS_REST_AUTH="strict", ACCESS_TOKEN_TTL="3s") as app:
        await app.user("reader", READER)
        query = await query_of(app, bearer((await app.login("reader"))["access_token"]))
        async with app.socket(query=query) as socket:
            assert (await socket.receive())["error"]["code"] == "TOKEN_EXPIRED"


async def test_ticket_is_neither_in_the_database_nor_in_the_log(
    app: Application, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "watchword")
    query = await query_of(app, bearer("reader-static-token") | PAGE)
    text = query.partition("=")[2]
    assert await refused(app, query, PAGE) is None
    assert await refused(app, query, PAGE) == 401
    assert (await app.http.get(f"/users/me?{query}")).status_code == 401
    async with app.app.parts.db.read() as connection:
        rows = await connection.execute(select(auth_events))
        assert text not in str([dict(row) for row in rows.mappings()])
    assert text not in caplog.text
    assert "/users/me?access_token=**********" in caplog.text


# On a real server


def uri(server: Server, ticket: str) -> str:
    return f"{server.socket_url}?access_token={ticket}"


def ticket_of(server: Server, headers: dict[str, str]) -> str:
    with httpx.Client(base_url=server.url) as client:
        login = client.post("/auth/login", json={"email": ADMIN_EMAIL, "password": ADMIN_PASSWORD}).json()["data"]
        answer = client.post("/auth/ticket", headers=bearer(login["access_token"]) | headers)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["data"]["ticket"])


async def opened(stack: AsyncExitStack, server: Server, ticket: str, headers: dict[str, str]) -> ClientConnection | int:
    """Return an open socket, or the status that the upgrade was refused with."""
    try:
        return await stack.enter_async_context(connect(uri(server, ticket), additional_headers=headers, proxy=None))
    except InvalidStatus as refusal:
        return refusal.response.status_code


@pytest.mark.timeout(60)
async def test_real_server_lets_in_one_of_many_who_present_a_ticket_at_once(database_url: str, tmp_path: Path) -> None:
    with serving(database_url, tmp_path, WEBSOCKETS_REST_AUTH="strict", IP_TRUST_PROXY="true") as server:
        here = {"Origin": server.url, **behind("192.0.2.7")}
        ticket = await anyio.to_thread.run_sync(ticket_of, server, here)
        elsewhere = await anyio.to_thread.run_sync(ticket_of, server, here)
        outcomes: list[ClientConnection | int] = []
        async with AsyncExitStack() as stack:

            async def present() -> None:
                outcomes.append(await opened(stack, server, ticket, here))

            async with anyio.create_task_group() as group:
                for _ in range(4):
                    group.start_soon(present)
            sockets = [each for each in outcomes if isinstance(each, ClientConnection)]
            assert [each for each in outcomes if isinstance(each, int)] == [401] * 3
            assert len(sockets) == 1
            assert await ask(sockets[0], {"type": "ping"}) == {"type": "pong"}
            assert await opened(stack, server, elsewhere, here | behind("192.0.2.8")) == 401
            assert await opened(stack, server, elsewhere, here) == 401
        assert ticket not in server.log
        assert elsewhere not in server.log
        assert "/auth/ticket" in server.log


@pytest.mark.timeout(60)
async def test_ticket_is_lost_with_the_process_that_made_it(sqlite_url: str, tmp_path: Path) -> None:
    with serving(sqlite_url, tmp_path, WEBSOCKETS_REST_AUTH="strict") as server:
        here = {"Origin": server.url}
        former = await anyio.to_thread.run_sync(ticket_of, server, here)
        await anyio.to_thread.run_sync(server.restart)
        another = await anyio.to_thread.run_sync(ticket_of, server, here)
        async with AsyncExitStack() as stack:
            assert await opened(stack, server, former, here) == 401
            assert isinstance(await opened(stack, server, another, here), ClientConnection)
