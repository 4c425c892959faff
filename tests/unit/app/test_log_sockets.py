"""`/websocket/logs` on a whole application."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import anyio
import anyio.lowlevel
import pytest
import structlog

from tests.support.application import ADMIN, PASSWORD, Application, application, permission
from tests.support.sockets import Refused, ScriptedSocket
from watchword.app.log_stream import streaming
from watchword.app.logs import configure_logs
from watchword.live.journal import BACKLOG, Journal
from watchword.protocol.records import Level

LOGS = "/websocket/logs"
TOKEN = "access_token=admin-token-0001"
FORBIDDEN = {
    "type": "logs",
    "status": "error",
    "error": {"code": "FORBIDDEN", "message": "You don't have permission to access this."},
}


@pytest.fixture(autouse=True)
def logged() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    configure_logs("info", "json")
    logging.getLogger("httpx").setLevel(logging.WARNING)
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


@asynccontextmanager
async def following(run: Application, level: str = "info", **options: Any) -> AsyncIterator[ScriptedSocket]:
    async with run.socket(LOGS, TOKEN, **options) as socket:
        answer = await socket.ask({"type": "subscribe", "log_level": level, "uid": "l1"})
        assert answer == {"type": "logs", "event": "subscribe", "log_level": level}
        yield socket


async def told(socket: ScriptedSocket, text: str) -> Any:
    """Return the first record whose text has this in it."""
    while True:
        frame = await socket.receive()
        assert frame["type"] == "logs"
        if text in frame["data"]["msg"]:
            return frame


async def second_administrator(run: Application) -> str:
    role = (await run.admin("POST", "/roles", {"name": "second"}))["id"]
    policy = (await run.admin("POST", "/policies", {"name": "all", "admin_access": True}))["id"]
    await run.admin("POST", "/access", {"role": role, "policy": policy})
    user = {"email": "second@example.com", "password": PASSWORD, "role": role, "token": "second-static-token"}
    await run.admin("POST", "/users", user)
    return str(policy)


async def test_the_recorded_conversation(sqlite_url: str) -> None:
    async with application(sqlite_url) as run, run.socket(LOGS, TOKEN) as socket:
        assert await socket.silent()
        answer = await socket.ask({"type": "subscribe", "log_level": "info", "uid": "l1"})
        assert answer == {"type": "logs", "event": "subscribe", "log_level": "info"}
        await run.http.get("/items/articles?limit=1", headers=ADMIN)
        frame = await told(socket, "/items/articles")
        assert frame["data"].keys() == {"level", "time", "msg"}
        assert frame["data"]["level"] == 30
        assert frame["data"]["msg"].startswith("GET /items/articles?limit=1 200 ")
        assert frame["data"]["msg"].endswith("ms")
        assert len(frame["uid"]) == 8
        assert (await socket.ask({"type": "subscribe", "log_level": "nope"}))["error"]["code"] == "INVALID_PAYLOAD"
        assert (await socket.ask({"type": "subscribe"}))["error"]["message"].startswith("Validation error: ")
        await socket.say({"type": "ping"})
        await socket.say({"type": "foo"})
        answer = await socket.ask({"type": "subscribe", "log_level": "error"})
        assert answer == {"type": "logs", "event": "subscribe", "log_level": "error"}
        await run.http.get("/items/articles?limit=1", headers=ADMIN)
        assert await socket.silent()
        assert await socket.ask({"type": "unsubscribe"}) == {"type": "logs", "event": "unsubscribe"}
        structlog.get_logger("test").error("nobody hears this")
        assert await socket.silent()
        assert (await socket.ask("xx"))["type"] == "server"


async def test_only_administrators_are_let_in(sqlite_url: str) -> None:
    async with application(sqlite_url) as run:
        await run.user("reader", [permission("read")])
        for query in ("", "access_token=nope", "access_token=reader-static-token"):
            with pytest.raises(Refused) as refused:
                async with run.socket(LOGS, query):
                    pass
            assert refused.value.status == 401


@pytest.mark.parametrize("mode", ["handshake", "public"])
async def test_in_other_modes_too_only_administrators_are_told(sqlite_url: str, mode: str) -> None:
    async with application(sqlite_url, WEBSOCKETS_LOGS_AUTH=mode) as run:
        await run.user("reader", [permission("read")])
        async with run.socket(LOGS) as socket:
            assert (await socket.ask({"type": "auth", "access_token": "reader-static-token"}))["status"] == "ok"
            assert await socket.ask({"type": "subscribe", "log_level": "info"}) == FORBIDDEN
            structlog.get_logger("test").error("not for readers")
            assert await socket.silent()
            assert (await socket.ask({"type": "auth", "access_token": "admin-token-0001"}))["status"] == "ok"
            assert (await socket.ask({"type": "subscribe", "log_level": "warn"}))["event"] == "subscribe"
            structlog.get_logger("test").error("for administrators")
            assert await told(socket, "for administrators")
            assert (await socket.ask({"type": "auth", "access_token": "reader-static-token"})) == FORBIDDEN
            assert (await socket.receive())["status"] == "ok"
            structlog.get_logger("test").error("not for readers")
            assert await socket.silent()


async def test_the_public_mode_tells_the_public_nothing(sqlite_url: str) -> None:
    async with application(sqlite_url, WEBSOCKETS_LOGS_AUTH="public") as run, run.socket(LOGS) as socket:
        assert await socket.ask({"type": "subscribe", "log_level": "info"}) == FORBIDDEN
        structlog.get_logger("test").error("not for the public")
        assert await socket.silent()


async def test_who_is_no_administrator_any_more_is_told_nothing_more(database_url: str) -> None:
    async with application(database_url) as run:
        policy = await second_administrator(run)
        async with run.socket(LOGS, "access_token=second-static-token") as socket, following(run, "error") as other:
            assert (await socket.ask({"type": "subscribe", "log_level": "error"}))["event"] == "subscribe"
            await run.admin("PATCH", f"/policies/{policy}", {"admin_access": False})
            assert await socket.receive() == FORBIDDEN
            structlog.get_logger("test").error("for administrators")
            assert await told(other, "for administrators")
            assert await socket.silent()
            assert await socket.ask({"type": "subscribe", "log_level": "error"}) == FORBIDDEN
            assert run.app.parts.journal.followers == 1


async def test_who_is_suspended_is_closed(sqlite_url: str) -> None:
    async with application(sqlite_url) as run:
        await second_administrator(run)
        user = (await run.admin("GET", '/users?filter={"email":{"_eq":"second@example.com"}}'))[0]["id"]
        async with run.socket(LOGS, "access_token=second-static-token") as socket:
            await socket.ask({"type": "subscribe", "log_level": "error"})
            await run.admin("PATCH", f"/users/{user}", {"status": "suspended"})
            assert (await socket.receive())["type"] == "auth"
            assert await socket.closed() == 4401


async def test_a_token_that_expires_ends_the_socket_at_once(sqlite_url: str) -> None:
    async with application(sqlite_url, ACCESS_TOKEN_TTL="1s", WEBSOCKETS_LOGS_LEVEL="error") as run:
        answer = await run.http.post("/auth/login", json={"email": "admin@example.com", "password": PASSWORD})
        async with run.socket(LOGS, f"access_token={answer.json()['data']['access_token']}") as socket:
            assert (await socket.receive())["error"]["code"] == "TOKEN_EXPIRED"
            assert (await socket.receive())["error"]["code"] == "AUTH_TIMEOUT"
            assert await socket.closed() == 4401


async def test_no_secret_is_told(sqlite_url: str) -> None:
    async with application(sqlite_url, WEBSOCKETS_LOGS_STYLE="raw") as run, following(run) as socket:
        structlog.get_logger("test").warning("login", password="top-secret", url="/x?access_token=top-secret")
        logging.getLogger("library").warning("Authorization: Bearer %s", "top-secret")
        for text in ("login", "Authorization"):
            frame = await told(socket, text)
            assert "top-secret" not in str(frame)
            assert "*****" in str(frame)


async def test_raw_tells_all_members(sqlite_url: str) -> None:
    async with application(sqlite_url, WEBSOCKETS_LOGS_STYLE="raw") as run, following(run) as socket:
        await run.http.get("/server/ping")
        data = (await told(socket, "request"))["data"]
        assert {"level", "time", "msg", "method", "path", "status", "ms", "request_id"} <= data.keys()
        assert (data["level"], data["path"]) == (30, "/server/ping")


async def test_levels_below_standard_error_are_told_while_somebody_follows_them(
    sqlite_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    configure_logs("error", "json")
    async with application(sqlite_url, WEBSOCKETS_LOGS_LEVEL="trace") as run:
        async with following(run, "debug") as socket:
            structlog.get_logger("test").debug("a detail")
            assert (await told(socket, "a detail"))["data"]["level"] == 20
        with anyio.fail_after(5):
            while run.app.parts.journal.followers:
                await anyio.lowlevel.checkpoint()
        assert logging.getLogger().level == logging.ERROR
    assert "a detail" not in capsys.readouterr().err


async def test_a_level_below_the_least_cannot_be_followed(sqlite_url: str) -> None:
    async with (
        application(sqlite_url, WEBSOCKETS_LOGS_LEVEL="warn") as run,
        run.socket(LOGS, TOKEN) as socket,
    ):
        answer = await socket.ask({"type": "subscribe", "log_level": "info"})
        assert answer["error"] == {"code": "INVALID_PAYLOAD", "message": 'Invalid "info" log level'}


async def test_a_client_that_does_not_read_blocks_nobody(sqlite_url: str) -> None:
    async with application(sqlite_url) as run, following(run) as slow:
        log = structlog.get_logger("test")
        for number in range(BACKLOG + 500):
            log.info("a flood", number=number)
        assert (await run.http.get("/server/ping")).text == "pong"
        for _ in range(BACKLOG):
            assert "a flood" in (await slow.receive())["data"]["msg"]
        log.info("the end")
        assert (await told(slow, "dropped="))["data"]["level"] == 40
        assert await told(slow, "the end")
        assert run.app.parts.journal.dropped >= 500


async def test_the_limit_of_sockets_counts(sqlite_url: str) -> None:
    async with application(sqlite_url, WEBSOCKETS_LOGS_CONN_LIMIT="1") as run, following(run):
        with pytest.raises(Refused) as refused:
            async with run.socket(LOGS, TOKEN):
                pass
        assert refused.value.status == 403


async def test_the_limit_of_sockets_of_an_address_counts_for_each_endpoint(sqlite_url: str) -> None:
    settings = {"WEBSOCKETS_REST_ADDRESS_LIMIT": "1"}
    async with application(sqlite_url, **settings) as run, run.socket(query=TOKEN), following(run):
        with pytest.raises(Refused) as refused:
            async with run.socket(LOGS, TOKEN):
                pass
        assert refused.value.status == 429


async def test_a_message_there_is_bounded_too(sqlite_url: str) -> None:
    async with application(sqlite_url) as run, run.socket(LOGS, TOKEN) as socket, run.socket(LOGS, TOKEN) as other:
        await socket.say({"type": "subscribe", "log_level": "info", "padding": "x" * 65_536})
        assert await socket.closed() == 1009
        assert (await other.ask({"type": "subscribe", "log_level": "info"}))["event"] == "subscribe"


async def test_it_can_be_elsewhere_or_nowhere(sqlite_url: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    async with application(sqlite_url, WEBSOCKETS_LOGS_PATH="/logs") as run, run.socket("/logs", TOKEN) as socket:
        assert (await socket.ask({"type": "subscribe", "log_level": "info"}))["event"] == "subscribe"
    other = f"sqlite:///{tmp_path_factory.mktemp('off') / 'test.db'}"
    async with application(other, WEBSOCKETS_LOGS_ENABLED="false") as run:
        with pytest.raises(Refused) as refused:
            async with run.socket(LOGS, TOKEN):
                pass
        assert refused.value.status == 404


async def test_info_tells_administrators_the_levels(sqlite_url: str) -> None:
    async with application(sqlite_url, WEBSOCKETS_LOGS_LEVEL="warn", WEBSOCKETS_REST_ENABLED="false") as run:
        await run.user("reader", [permission("read")])
        sockets = (await run.admin("GET", "/server/info"))["websocket"]
        assert sockets["logs"] == {"allowedLogLevels": {"warn": 40, "error": 50, "fatal": 60}}
        assert sockets["rest"] is False
        seen = await run.http.get("/server/info", headers={"Authorization": "Bearer reader-static-token"})
        assert seen.json()["data"]["websocket"]["logs"] is False


def test_where_nobody_has_set_up_logging_errors_are_printed_all_the_same(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    root = logging.getLogger()
    monkeypatch.setattr(root, "handlers", [])
    level = root.level
    try:
        with streaming(Journal("node0001", Level.INFO, lambda: 1.5)):
            logging.getLogger("anybody").error("Not so good")
            logging.getLogger("anybody").info("Never mind")
    finally:
        root.setLevel(level)

    assert capsys.readouterr().err == "Not so good\n"
    assert root.handlers == []
