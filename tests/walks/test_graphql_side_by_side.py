"""GraphQL operations of one socket run side by side: a slow one delays nothing but its own answer."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anyio
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.application import Application, application, permission
from watchword.backend.conversation import Conversation
from watchword.protocol import operations as op

if TYPE_CHECKING:
    from tests.support.sockets import ScriptedSocket
    from watchword import Watchword
    from watchword.backend.pipeline import Proceed

TRANSPORT, LEGACY = "graphql-transport-ws", "graphql-ws"
FOLLOW = "subscription { articles_mutated { event data { title } } }"
QUICK, SLOW = "{ articles { title } }", "{ authors { name } }"
WRITE = 'mutation { create_articles_item(data: {title: "x"}) { title } }'
WRITE_SLOWLY = 'mutation { create_authors_item(data: {name: "x"}) { name } }'
PING, PONG = {"type": "ping"}, {"type": "pong"}
AT_ONCE, WAITING = 10, 20
READ_AHEAD = 10_000  # how many messages the other end of a scripted socket takes without reading them
EVERYTHING = [permission(action, of) for action in ("create", "read") for of in ("articles", "authors")]


class Gate:
    """Keeps all that is done with authors waiting until it is opened; counts what has come that far."""

    def __init__(self) -> None:
        self.opened = anyio.Event()
        self.came = 0
        self.first = anyio.Event()

    def register(self, app: Watchword) -> None:
        @app.middleware
        async def hold(call: Any, operation: Any, proceed: Proceed) -> Any:
            del call
            if isinstance(operation, op.Read | op.Create) and operation.query.collection == "authors":
                self.came += 1
                self.first.set()
                await self.opened.wait()
            return await proceed(operation)


@asynccontextmanager
async def gated(url: str) -> AsyncIterator[tuple[Application, Gate]]:
    """An application behind a gate, and an editor who may do everything."""
    gate = Gate()
    async with application(url, register=gate.register) as app:
        await app.user("editor", EVERYTHING)
        yield app, gate
        gate.opened.set()


@asynccontextmanager
async def speaking(
    app: Application, subprotocol: str = TRANSPORT, token: str = "editor-static-token"
) -> AsyncIterator[ScriptedSocket]:
    async with app.socket("/graphql", subprotocols=[subprotocol]) as socket:
        acknowledged = await socket.ask({"type": "connection_init", "payload": {"access_token": token}})
        assert acknowledged["type"] == "connection_ack"
        if subprotocol == LEGACY:
            assert await socket.receive() == {"type": "ka"}
        yield socket


def asking(query: str, number: str, kind: str = "subscribe") -> dict[str, Any]:
    return {"id": number, "type": kind, "payload": {"query": query}}


async def answered(socket: ScriptedSocket, number: str) -> Any:
    """Return the data of a result, which has to be the next that comes, with the end of the operation after it."""
    result, end = await socket.receive(), await socket.receive()
    assert (result["id"], end) == (number, {"id": number, "type": "complete"}), result
    return result["payload"]["data"]


async def test_slow_operation_delays_no_sign_of_life_and_no_other_operation(sqlite_url: str) -> None:
    async with gated(sqlite_url) as (app, gate), speaking(app) as socket:
        await socket.say(asking(SLOW, "slow"))
        await socket.say(asking(WRITE_SLOWLY, "slow too"))
        assert await socket.ask(PING) == PONG
        await socket.say(asking(FOLLOW, "followed"))
        await socket.say(asking(QUICK, "quick"))
        assert await answered(socket, "quick") == {"articles": []}
        await app.admin("POST", "/items/articles", {"title": "a"})
        assert (await socket.receive())["id"] == "followed"
        await socket.say({"id": "followed", "type": "complete"})
        await app.admin("POST", "/items/articles", {"title": "b"})
        assert await socket.ask(PING) == PONG
        gate.opened.set()
        heard = [await socket.receive() for _ in range(4)]
        assert sorted((each["id"], each["type"]) for each in heard) == [
            ("slow", "complete"), ("slow", "next"), ("slow too", "complete"), ("slow too", "next"),
        ]  # fmt: skip


async def test_subscription_stands_before_what_is_asked_after_it(sqlite_url: str) -> None:
    async with gated(sqlite_url) as (app, _), speaking(app) as socket:
        await socket.say(asking(FOLLOW, "followed"))
        await socket.say(asking(WRITE, "written"))
        heard = [await socket.receive() for _ in range(3)]
        assert sorted(each["id"] for each in heard) == ["followed", "written", "written"]


async def test_operation_that_is_stopped_has_no_answer_and_its_id_is_free(sqlite_url: str) -> None:
    async with gated(sqlite_url) as (app, gate), speaking(app) as socket:
        await socket.say(asking(SLOW, "1"))
        await gate.first.wait()
        await socket.say({"id": "1", "type": "complete"})
        await socket.say(asking(QUICK, "1"))
        assert await answered(socket, "1") == {"articles": []}
        gate.opened.set()
        assert await socket.ask(PING) == PONG
        assert await socket.silent()


@pytest.mark.parametrize("subprotocol", [TRANSPORT, LEGACY])
async def test_answer_of_what_was_stopped_is_not_that_of_what_has_its_id_now(sqlite_url: str, subprotocol: str) -> None:
    start, stop = ("subscribe", "complete") if subprotocol == TRANSPORT else ("start", "stop")
    async with gated(sqlite_url) as (app, gate), speaking(app, subprotocol) as socket:
        await socket.say(asking(SLOW, "1", start))
        await gate.first.wait()
        await socket.say({"id": "1", "type": stop})
        await socket.say(asking(FOLLOW, "1", start))
        await socket.say(asking(QUICK, "2", start))
        assert await answered(socket, "2") == {"articles": []}
        gate.opened.set()
        assert await socket.silent()
        await app.admin("POST", "/items/articles", {"title": "a"})
        assert (await socket.receive())["payload"]["data"] == {
            "articles_mutated": {"event": "create", "data": {"title": "a"}}
        }


async def test_older_dialect_puts_an_operation_in_the_place_of_one_with_its_id(sqlite_url: str) -> None:
    async with gated(sqlite_url) as (app, gate), speaking(app, LEGACY) as socket:
        await socket.say(asking(SLOW, "1", "start"))
        await gate.first.wait()
        await socket.say(asking(FOLLOW, "1", "start"))
        await socket.say(asking(QUICK, "2", "start"))
        assert await answered(socket, "2") == {"articles": []}
        await socket.say(asking(QUICK, "1", "start"))
        assert await answered(socket, "1") == {"articles": []}
        gate.opened.set()
        await app.admin("POST", "/items/articles", {"title": "a"})
        await app.app.parts.feed.settle()
        assert app.app.parts.hub.subscriptions == 0
        assert await socket.silent()


async def test_few_run_at_once_and_who_asks_for_more_is_not_read(sqlite_url: str) -> None:
    async with gated(sqlite_url) as (app, gate), speaking(app) as socket:
        for number in range(AT_ONCE + WAITING - 1):
            await socket.say(asking(SLOW, str(number)))
        assert await socket.ask(PING) == PONG
        assert gate.came == AT_ONCE
        await socket.say(asking(SLOW, "last"))
        await socket.say(PING)
        assert await socket.silent()
        gate.opened.set()
        heard = [await socket.receive() for _ in range(2 * (AT_ONCE + WAITING) + 1)]
        assert heard.count(PONG) == 1
        assert sum(each["type"] == "complete" for each in heard) == AT_ONCE + WAITING


async def test_operation_that_is_stopped_while_it_waits_never_runs(sqlite_url: str) -> None:
    async with gated(sqlite_url) as (app, gate), speaking(app) as socket:
        for number in range(AT_ONCE + 1):
            await socket.say(asking(SLOW, str(number)))
        await socket.say({"id": str(AT_ONCE), "type": "complete"})
        assert await socket.ask(PING) == PONG
        gate.opened.set()
        for _ in range(2 * AT_ONCE):
            await socket.receive()
        assert await socket.silent()
        assert gate.came == AT_ONCE


async def test_what_waits_runs_for_the_caller_as_it_is_then(sqlite_url: str) -> None:
    async with gated(sqlite_url) as (app, gate):
        mine = permission("read", rows={"title": {"_eq": "$CURRENT_USER.first_name"}})
        user = await app.user("namesake", [mine, permission("read", "authors")])
        await app.admin("PATCH", f"/users/{user}", {"first_name": "Ann"})
        await app.admin("POST", "/items/articles", [{"title": "Ann"}, {"title": "Bob"}])
        async with speaking(app, token="namesake-static-token") as socket:
            for number in range(AT_ONCE):
                await socket.say(asking(SLOW, str(number)))
            await socket.say(asking(QUICK, "late"))
            assert await socket.ask(PING) == PONG
            await app.admin("PATCH", f"/users/{user}", {"first_name": "Bob"})
            gate.opened.set()
            heard = [await socket.receive() for _ in range(2 * (AT_ONCE + 1))]
            [late] = [each["payload"]["data"] for each in heard if (each["id"], each["type"]) == ("late", "next")]
            assert late == {"articles": [{"title": "Bob"}]}


@pytest.mark.parametrize("end", ["rights", "logout", "expiry"])
async def test_close_drops_the_answers_of_what_runs_and_runs_nothing_more(sqlite_url: str, end: str) -> None:
    gate = Gate()
    ttl = {"ACCESS_TOKEN_TTL": "2s"} if end == "expiry" else {}
    async with application(sqlite_url, register=gate.register, **ttl) as app:
        await app.user(
            "editor", [permission(each, of) for each in ("create", "read") for of in ("articles", "authors")]
        )
        tokens = await app.login("editor")
        async with speaking(app, token=tokens["access_token"]) as socket:
            for number in range(AT_ONCE):
                await socket.say(asking(SLOW, str(number)))
            await socket.say(asking(WRITE, "never"))
            assert await socket.ask(PING) == PONG
            if end == "rights":
                policy = (await app.admin("POST", "/policies", {"name": "more"}))["id"]
                await app.admin("POST", "/permissions", permission("delete") | {"policy": policy})
                [role] = [each["id"] for each in await app.admin("GET", "/roles") if each["name"] == "editor"]
                await app.admin("POST", "/access", {"policy": policy, "role": role})
            elif end == "logout":
                await app.http.post("/auth/logout", json={"refresh_token": tokens["refresh_token"], "mode": "json"})
            assert (await socket.closed(), socket.close_reason) == (4403, "Forbidden")
            gate.opened.set()
            await app.app.parts.feed.settle()
            assert await app.admin("GET", "/items/articles") == []


async def test_answer_waits_while_rights_are_in_doubt(sqlite_url: str) -> None:
    async with gated(sqlite_url) as (app, _), speaking(app) as socket:
        [peer] = app.app.parts.hub.peers
        peer.doubt()
        await socket.say(asking(QUICK, "1"))
        assert await socket.ask(PING) == PONG
        assert await socket.silent()
        await peer.refile()
        assert await answered(socket, "1") == {"articles": []}


async def test_answer_that_waits_for_its_client_to_read_is_dropped_by_a_close(sqlite_url: str) -> None:
    async with gated(sqlite_url) as (app, _):
        tokens = await app.login("editor")
        async with speaking(app, token=tokens["access_token"]) as socket:
            for _ in range(READ_AHEAD + 1):
                await socket.say(PING)
            await socket.say(asking(QUICK, "unread"))
            [peer] = app.app.parts.hub.peers
            assert isinstance(peer, Conversation)
            with anyio.fail_after(5):
                while peer._outbox.waiting < 2:
                    await anyio.lowlevel.checkpoint()
            await app.http.post("/auth/logout", json={"refresh_token": tokens["refresh_token"], "mode": "json"})
            await app.app.parts.feed.settle()
            for _ in range(READ_AHEAD + 1):
                assert await socket.receive() == PONG
            assert (await socket.closed(), socket.close_reason) == (4403, "Forbidden")


async def test_mutation_that_runs_is_done_though_its_client_leaves(sqlite_url: str) -> None:
    async with gated(sqlite_url) as (app, gate):
        async with speaking(app) as socket:
            await socket.say(asking(WRITE_SLOWLY, "1"))
            await gate.first.wait()
            await socket.hang_up()
            await anyio.wait_all_tasks_blocked()
            gate.opened.set()
        assert [each["name"] for each in await app.admin("GET", "/items/authors")] == ["x"]


IDS = st.sampled_from(["1", "2"])
STEPS = st.one_of(
    st.tuples(st.just("subscribe"), IDS, st.sampled_from([QUICK, SLOW, WRITE, FOLLOW, "{ nope }", "{"])),
    st.tuples(st.just("complete"), IDS),
    st.tuples(st.just("write")),
    st.tuples(st.just("open")),
)


class Heard:
    """What the protocol allows to be said of each id, kept beside what is said."""

    def __init__(self) -> None:
        self.active: dict[str, str] = {}

    def take(self, frame: dict[str, Any]) -> None:
        number, kind = frame["id"], frame["type"]
        assert number in self.active, f"nothing may be said of {number}: {frame}"
        if kind in {"complete", "error"}:
            query = self.active.pop(number)
            assert query != FOLLOW, frame
            assert (kind == "error") == (query in {"{ nope }", "{"}), frame


async def play(steps: list[tuple[str, ...]], folder: Path) -> None:
    async with gated(f"sqlite:///{folder / 'model.db'}") as (app, gate), speaking(app) as socket:
        heard = Heard()

        async def listen() -> None:
            await socket.say(PING)
            while (frame := await socket.receive()) != PONG:
                heard.take(frame)

        for step in steps:
            match step:
                case ("subscribe", number, query) if number not in heard.active:
                    heard.active[number] = query
                    await socket.say(asking(query, number))
                case ("complete", number):
                    await socket.say({"id": number, "type": "complete"})
                    await socket.say(PING)
                    while (frame := await socket.receive()) != PONG:
                        heard.take(frame)  # said before the server has heard of it
                    heard.active.pop(number, None)
                case ("write",):
                    await app.admin("POST", "/items/articles", {"title": "a"})
                case ("open",):
                    gate.opened.set()
                    gate.opened = anyio.Event()
                case _:
                    pass
            await listen()
        gate.opened.set()
        while set(heard.active.values()) - {FOLLOW}:
            heard.take(await socket.receive())


@pytest.mark.timeout(120)
@settings(max_examples=10, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(STEPS, min_size=3, max_size=15))
def test_whatever_is_asked_and_stopped_each_id_has_one_end(steps: list[tuple[str, ...]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        anyio.run(play, steps, Path(folder))
