"""Clients of the SocketCluster dialect that want more than is theirs, or nobody else to have anything."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any

import anyio
import anyio.lowlevel
import pytest

from tests.support.application import application, permission
from tests.walks.test_applications import PATH, ask, handshaken
from watchword import Action, Blocked, Call, Client, Code, Identified, Problem, Socket, Watchword
from watchword.backend.context import Context
from watchword.backend.items import Items
from watchword.backend.outbox import Mark
from watchword.base import json
from watchword.base.secret import Secret
from watchword.protocol.operations import AccessToken

pytestmark = pytest.mark.timeout(60)

NOTES = "CREATE TABLE notes (id INTEGER PRIMARY KEY, body JSON)"


def publication(data: Any, cid: int, channel: str = "lobby") -> dict[str, Any]:
    return {"event": "#publish", "data": {"channel": channel, "data": data}, "cid": cid}


def nested(depth: int) -> Any:
    return json.decode("[" * depth + "]" * depth)


def plain(app: Watchword) -> None:
    app.socketcluster(PATH, auth_key="secret")


async def test_nothing_that_comes_with_a_message_too_early_is_done(sqlite_url: str) -> None:
    async with application(sqlite_url, register=plain) as running, handshaken(running) as listener:
        await ask(listener, "#subscribe", {"channel": "lobby"})
        async with running.socket(PATH) as stranger:
            await stranger.say([publication("one", 1), publication("two", 2), publication("three", 3)])
            assert await stranger.closed() == 4009
        assert await listener.silent()


async def test_nothing_that_comes_with_a_blocked_handshake_is_done(sqlite_url: str) -> None:
    def register(app: Watchword) -> None:
        clients = app.socketcluster(PATH, auth_key="secret")

        @clients.middleware("handshake")
        def block(action: Action) -> None:
            if action.type.value == "handshakeSC" and not action.data["is_authenticated"]:
                raise Blocked

    async with application(sqlite_url, register=register) as running:
        token = running.app._endpoints[PATH].sign_token({"sub": "ann"})
        async with handshaken(running, token) as listener:
            await ask(listener, "#subscribe", {"channel": "lobby"})
            async with running.socket(PATH) as stranger:
                handshake = {"event": "#handshake", "data": {"authToken": None}, "cid": 1}
                await stranger.say([handshake, publication("let me in", 2)])
                assert (await stranger.receive())["error"]["name"] == "SilentMiddlewareBlockedError"
                assert await stranger.closed() == 4008
            assert await listener.silent()
            await listener.say(publication("heard", 9))
            assert (await listener.receive())["rid"] == 9
            assert (await listener.receive())["data"]["data"] == "heard"


async def test_who_loses_an_identity_while_a_rule_is_asked_does_not_hear_the_channel(sqlite_url: str) -> None:
    asked, answered = anyio.Event(), anyio.Event()

    def register(app: Watchword) -> None:
        app.socketcluster(PATH, auth_key="secret")

        async def members(call: Call, channel: str) -> bool:
            if call.principal.is_anonymous:
                return False
            asked.set()
            await answered.wait()
            return True

        app.channel("members", subscribe=members)

    async with application(sqlite_url, register=register) as running:
        endpoint = running.app._endpoints[PATH]
        async with handshaken(running, endpoint.sign_token({"sub": "ann"})) as socket:
            await socket.say({"event": "#subscribe", "data": {"channel": "members"}, "cid": 2})
            await asked.wait()
            (held,) = endpoint.clients.values()
            await held.deauthenticate()
            answered.set()
            while (packet := await socket.receive()).get("rid") != 2:
                pass
            assert packet["error"]["name"] == "ForbiddenError"
            running.app.exchange.transmit_publish("members", "a secret")
            assert await socket.silent()
            assert held.subscriptions() == []


async def test_a_change_that_cannot_be_told_ends_one_subscription_and_keeps_nothing_from_others(
    sqlite_url: str,
) -> None:
    class Codec:
        def encode(self, packet: Any) -> str:
            if "poison" in str(packet):
                raise RuntimeError("a bug of the codec's")
            return json.encode(packet).decode()

        def decode(self, frame: str | bytes) -> Any:
            return json.decode(frame)

    def register(app: Watchword) -> None:
        app.socketcluster(PATH, auth_key="secret")
        app.socketcluster("/own/", auth_key="secret", codec_engine=Codec())

    async with (
        application(sqlite_url, NOTES, register=register) as running,
        handshaken(running, "admin-token-0001", "/own/") as odd,
        handshaken(running, "admin-token-0001") as other,
    ):
        for socket in (odd, other):
            await ask(socket, "#subscribe", {"channel": "items/notes", "data": {"event": "create"}})
        for body in ("poison", "food"):
            await running.admin("POST", "/items/notes", {"body": body})
        assert [(await other.receive())["data"]["data"]["data"][0]["body"] for _ in range(2)] == ["poison", "food"]
        assert (await odd.receive())["event"] == "#kickOut"
        assert "error" not in await ask(odd, "#subscribe", {"channel": "lobby"}, 8)


async def test_what_one_client_publishes_does_not_spoil_the_history_for_others(sqlite_url: str) -> None:
    def register(app: Watchword) -> None:
        app.socketcluster(PATH, auth_key="secret")
        app.channel("lobby", subscribe=True, publish=True, history=10)

    async with application(sqlite_url, register=register) as running, handshaken(running) as stranger:
        assert "error" in await ask(stranger, "#publish", {"channel": "lobby", "data": nested(900)}, 2)
        for cid, data in enumerate((nested(150), "hello"), 3):
            await ask(stranger, "#publish", {"channel": "lobby", "data": data}, cid)
        with pytest.raises(TypeError):
            running.app.exchange.transmit_publish("lobby", object())
        async with handshaken(running) as other:
            answer = await ask(other, "#subscribe", {"channel": "lobby", "data": {"history": 10}})
            assert "error" not in answer
            assert [(await other.receive())["data"]["data"] for _ in range(2)] == [nested(150), "hello"]
            assert await ask(other, "#unsubscribe", "lobby", 8) == {"rid": 8}


@pytest.mark.parametrize("asked", [{"event": []}, {"event": {}}, {"event": "create", "query": []}, {"since": 1}])
async def test_a_subscription_that_makes_no_sense_is_refused_and_the_connection_goes_on(
    asked: dict[str, Any], sqlite_url: str
) -> None:
    async with application(sqlite_url, register=plain) as running, handshaken(running) as socket:
        answer = await ask(socket, "#subscribe", {"channel": "items/articles", "data": asked})
        assert answer["error"]["name"] == "InvalidArgumentsError"
        await ask(socket, "#subscribe", {"channel": "lobby"}, 8)


async def test_a_giant_batch_lets_others_have_their_turns(sqlite_url: str) -> None:
    async with application(sqlite_url, register=plain) as running, handshaken(running) as socket:
        turns = 0

        async def count() -> None:
            nonlocal turns
            while True:
                await anyio.lowlevel.checkpoint()
                turns += 1

        async with anyio.create_task_group() as group:
            group.start_soon(count)
            await socket.say(f"[{'1,' * 20_000}1]")
            before = turns
            await ask(socket, "#subscribe", {"channel": "lobby"})
            assert turns - before > 200
            group.cancel_scope.cancel()


async def test_nobody_is_told_who_hears_of_the_presence_of_others(sqlite_url: str) -> None:
    def register(app: Watchword) -> None:
        app.socketcluster(PATH, auth_key="secret")
        app.channel("board", subscribe="authenticated", presence=True)
        app.channel("**", subscribe=True, presence=True)

    async with application(sqlite_url, register=register) as running, handshaken(running) as socket:
        for channel in ("presence/board", "presence/presence/board"):
            answer = await ask(socket, "#subscribe", {"channel": channel})
            assert answer["error"]["name"] == "ForbiddenError"
        assert "error" not in await ask(socket, "#subscribe", {"channel": "presence/anything"})


async def test_an_error_that_cannot_be_told_is_an_internal_one_and_the_connection_goes_on(sqlite_url: str) -> None:
    def register(app: Watchword) -> None:
        app.socketcluster(PATH, auth_key="secret")

        @app.query
        async def explain() -> None:
            raise Problem(Code.FORBIDDEN, "No.", why=object())

    async with application(sqlite_url, register=register) as running, handshaken(running) as socket:
        assert (await ask(socket, "explain"))["error"]["name"] == "InternalError"
        assert "error" not in await ask(socket, "#subscribe", {"channel": "lobby"}, 8)


async def test_a_token_that_the_application_cannot_read_leaves_the_public(sqlite_url: str) -> None:
    def identify(claims: dict[str, Any]) -> Identified:
        return Identified(user=claims["name"])

    def register(app: Watchword) -> None:
        app.socketcluster(PATH, auth_key="secret", identify=identify)

    async with application(sqlite_url, register=register) as running, running.socket(PATH) as socket:
        token = running.app._endpoints[PATH].sign_token({"sub": "ann"})
        answer = await ask(socket, "#handshake", {"authToken": token})
        assert answer["data"]["isAuthenticated"] is False
        assert "name" not in str(answer["data"]["authError"]["message"])
        assert "error" not in await ask(socket, "#subscribe", {"channel": "lobby"}, 8)


async def test_only_good_static_tokens_let_in_whatever_they_look_like(sqlite_url: str) -> None:
    async with application(sqlite_url, register=plain) as running, handshaken(running, "admin-token-0001") as socket:
        answer = await ask(socket, "#authenticate", "admin-token-0002")
        assert answer["error"]["name"] == "AuthTokenInvalidError"


async def test_names_that_clients_choose_have_an_end(sqlite_url: str) -> None:
    async with application(sqlite_url, register=plain) as running, handshaken(running) as socket:
        assert (await ask(socket, "x" * 1_025))["error"]["code"] == "VALUE_TOO_LONG"
        await socket.say({"event": "x" * 1_025, "data": 1})
        await socket.say({"event": "x" * 1_024, "data": 1})
        await ask(socket, "#subscribe", {"channel": "lobby"})
        (held,) = running.app._endpoints[PATH].clients.values()
        assert not held.receivers.stream("x" * 1_025)._parked
        assert held.receivers.stream("x" * 1_024)._parked


async def test_who_does_not_read_what_the_program_transmits_is_cut(sqlite_url: str) -> None:
    def register(app: Watchword) -> None:
        app.socketcluster(PATH, auth_key="secret", outbound=Mark(10, 10_000))

    async with application(sqlite_url, register=register) as running, handshaken(running) as socket:
        (held,) = running.app._endpoints[PATH].clients.values()
        for _ in range(10):
            held.transmit("news", 1)
        assert held.outbound_backpressure == 10
        for _ in range(10):
            assert (await socket.receive())["event"] == "news"
        ended = held.listener("end").consumer()
        for _ in range(11):
            held.transmit("news", 1)
        with anyio.fail_after(5):
            assert (await anext(ended))["code"] == 1006


async def test_a_subscription_waits_for_the_handshake_also_where_it_need_not_come_first(sqlite_url: str) -> None:
    def register(app: Watchword) -> None:
        app.socketcluster(PATH, auth_key="secret", strict_handshake=False)

    async with application(sqlite_url, register=register) as running, running.socket(PATH) as socket:
        assert "error" not in await ask(socket, "#authenticate", "admin-token-0001")
        for channel in ("items/articles", "lobby"):
            answer = await ask(socket, "#subscribe", {"channel": channel})
            assert answer["error"]["name"] == "InvalidActionError"
        assert (await ask(socket, "#handshake", {"authToken": "admin-token-0001"}))["data"]["isAuthenticated"]
        assert "error" not in await ask(socket, "#subscribe", {"channel": "items/articles"})


async def test_somebody_elses_token_sets_nobodys_credentials_and_an_administrators_does(sqlite_url: str) -> None:
    def register(app: Watchword) -> None:
        @app.authenticator("intranet")
        async def intranet(token: str, client: Client) -> Identified | None:
            del client
            name, _, role = token.partition(" ")
            return Identified(user=name, roles=(role,)) if name == "ann" else None

    async with application(sqlite_url, register=register) as running:
        await running.user("keeper", [permission(action, "directus_users") for action in ("read", "update")])
        victim = await running.user("victim", [])
        keeper = {"Authorization": "Bearer keeper-static-token"}
        assert (await running.http.get(f"/users/{victim}", headers=keeper)).status_code == 200
        for role, outcome in (
            ("keeper", pytest.raises(Problem, match="Credentials are set")),
            ("Administrator", nullcontext()),
        ):
            caller = await running.app.parts.identity.authenticate(AccessToken(Secret(f"ann {role}")), Client())
            items = Items(running.app.parts.backend, Context(caller.principal, caller.access))
            await items.update("directus_users", victim, {"first_name": "Vic"})
            with outcome:
                await items.update("directus_users", victim, {"password": "another-long-password"})


async def test_the_token_of_somebody_else_and_one_that_was_revoked_are_not_renewed(sqlite_url: str) -> None:
    def register(app: Watchword) -> None:
        app.socketcluster(PATH, auth_key="secret")

        @app.authenticator("partner")
        async def partner(token: str, client: Client) -> Identified | None:
            del client
            return Identified(user="bob", claims={"name": "bob"}) if token == "partner token" else None

    async with application(sqlite_url, register=register) as running:
        endpoint = running.app._endpoints[PATH]
        async with handshaken(running, "partner token") as socket:
            (held,) = endpoint.clients.values()
            held.renew_every(0.001)
            assert await socket.silent()
            assert held.principal.issuer == "partner"
        async with handshaken(running, endpoint.sign_token({"sub": "ann"})) as socket:
            (held,) = endpoint.clients.values()
            held.renew_every(0.001)
            assert (await socket.receive())["event"] == "#setAuthToken"
            principal = held.principal
            await endpoint.revoke(user="ann")
            assert not await endpoint.vouches_for(principal)
            while (await socket.receive())["event"] != "#removeAuthToken":
                pass
            assert await socket.silent()
        with pytest.raises(ValueError, match="no authenticator"):
            await running.app.revoke("partnr", user="bob")


async def test_an_answer_that_cannot_be_told_may_be_followed_by_one_that_can(sqlite_url: str) -> None:
    def register(app: Watchword) -> None:
        clients = app.socketcluster(PATH, auth_key="secret")

        @clients.connection
        async def serve(socket: Socket) -> None:
            async for request in socket.procedure("odd"):
                try:
                    request.end(object())
                except TypeError:
                    request.error("sorry")

    async with application(sqlite_url, register=register) as running, handshaken(running) as socket:
        assert await ask(socket, "odd") == {"rid": 7, "error": "sorry"}


async def test_what_waits_for_a_slow_outbound_line_is_not_told_to_the_next_user_of_a_socket(sqlite_url: str) -> None:
    asked, answered = anyio.Event(), anyio.Event()

    def register(app: Watchword) -> None:
        clients = app.socketcluster(PATH, auth_key="secret")

        @clients.middleware("outbound")
        async def slow(action: Action) -> None:
            del action
            asked.set()
            await answered.wait()

    async with application(sqlite_url, register=register) as running:
        endpoint = running.app._endpoints[PATH]
        async with handshaken(running, endpoint.sign_token({"sub": "ann"})) as socket:
            await ask(socket, "#subscribe", {"channel": "lobby"})
            for data in ("for ann", "for ann, too"):
                running.app.exchange.transmit_publish("lobby", data)
            await asked.wait()
            (held,) = endpoint.clients.values()
            await held.set_auth_token({"sub": "bob"})
            running.app.exchange.transmit_publish("lobby", "for bob")
            answered.set()
            assert (await socket.receive())["event"] == "#setAuthToken"
            assert (await socket.receive())["data"]["data"] == "for bob"
