"""What a Python program adds to a server: procedures, middleware, hooks, channels and identities of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import anyio
import msgspec
import pytest

from tests.support.application import ADMIN, Application, application, permission
from tests.support.sockets import Refused, ScriptedSocket
from watchword import (
    Action,
    Blocked,
    Call,
    Claim,
    Client,
    Code,
    Identified,
    ItemsEvent,
    Problem,
    Router,
    Socket,
    Watchword,
)

pytestmark = pytest.mark.timeout(60)

PATH = "/socketcluster/"
ANN, BOB = "0192f000-0000-7000-8000-00000000000a", "0192f000-0000-7000-8000-00000000000b"


@asynccontextmanager
async def handshaken(running: Application, token: str | None = None, path: str = PATH) -> AsyncIterator[ScriptedSocket]:
    """Open a socket of the SocketCluster dialect and complete its handshake."""
    async with running.socket(path) as socket:
        await socket.say({"event": "#handshake", "data": {"authToken": token}, "cid": 1})
        answer = await socket.receive()
        assert answer["rid"] == 1
        assert answer["data"]["isAuthenticated"] is (token is not None)
        yield socket


async def ask(socket: ScriptedSocket, event: str, data: Any = None, cid: int = 7) -> Any:
    """Send an invoke and return the answer, leaving out what comes before it."""
    await socket.say({"event": event, "data": data, "cid": cid})
    while (packet := await socket.receive()).get("rid") != cid:
        pass
    return packet


class Order(msgspec.Struct):
    title: str
    status: str = "draft"


def shop(app: Watchword) -> None:
    users = Router(authenticated=True)

    @app.query
    async def double(value: int) -> int:
        """Double a number."""
        return 2 * value

    @users.query
    async def me(call: Call) -> str | None:
        return call.principal.user

    @users.mutation(admin=True)
    async def wipe(call: Call) -> None:
        for row in await call.system.read("articles", fields=["id"]):
            await call.system.delete("articles", row["id"])

    @app.mutation
    async def order(call: Call, order: Order) -> dict[str, Any] | None:
        return await call.items.create("articles", {"title": order.title, "status": order.status})

    @app.query
    async def titles(call: Call) -> list[str]:
        return [row["title"] for row in await call.items.read("articles", fields=["title"], sort=["id"])]

    @app.query
    async def broken() -> int:
        raise RuntimeError("a secret of the application")

    app.include("users", users)
    app.socketcluster(PATH, auth_key="secret")


async def test_a_procedure_is_called_over_http_and_over_a_socket_alike(database_url: str) -> None:
    async with application(database_url, register=shop) as running, handshaken(running) as socket:
        answer = await running.http.post("/procedures/double", json={"value": 4})
        assert (answer.status_code, answer.json()) == (200, {"data": 8})
        assert await ask(socket, "double", {"value": 4}) == {"rid": 7, "data": 8}
        answer = await running.http.post("/procedures/double", json={"value": "x"})
        assert (answer.status_code, answer.json()["errors"][0]["extensions"]["field"]) == (400, "value")
        refused = await ask(socket, "double", {"value": "x"})
        assert (refused["error"]["name"], refused["error"]["field"]) == ("InvalidArgumentsError", "value")
        assert (await running.http.get("/procedures/double")).status_code == 404
        assert (await running.http.post("/procedures/nothing")).status_code == 404


async def test_a_procedure_runs_under_the_rights_of_its_caller(sqlite_url: str) -> None:
    async with application(sqlite_url, register=shop) as running:
        await running.user("writer", [permission("create"), permission("read", rows={"status": {"_eq": "published"}})])
        writer = {"Authorization": "Bearer writer-static-token"}
        body = {"title": "Seen", "status": "published"}
        answer = await running.http.post("/procedures/order", json=body, headers=writer)
        assert answer.json()["data"]["title"] == "Seen"
        answer = await running.http.post("/procedures/order", json={"title": "Unseen"}, headers=writer)
        assert answer.json() == {"data": None}
        assert (await running.http.post("/procedures/order", json=body)).status_code == 403
        assert (await running.http.post("/procedures/titles", headers=writer)).json() == {"data": ["Seen"]}
        assert (await running.http.post("/procedures/titles", headers=ADMIN)).json() == {"data": ["Seen", "Unseen"]}
        assert (await running.http.post("/procedures/titles")).status_code == 403


async def test_who_may_not_call_a_procedure_is_told_so_and_does_not_see_it(sqlite_url: str) -> None:
    async with application(sqlite_url, register=shop) as running:
        user = await running.user("reader", [])
        reader = {"Authorization": "Bearer reader-static-token"}
        assert (await running.http.post("/procedures/users.me")).status_code == 401
        assert (await running.http.post("/procedures/users.me", headers=reader)).json() == {"data": user}
        assert (await running.http.post("/procedures/users.wipe", headers=reader)).status_code == 403
        assert (await running.http.post("/procedures/users.wipe", headers=ADMIN)).json() == {"data": None}
        seen = {}
        for name, headers in (("public", {}), ("reader", reader), ("admin", ADMIN)):
            document = (await running.http.get("/server/specs/oas", headers=headers)).json()
            seen[name] = {path for path in document["paths"] if path.startswith("/procedures/users")}
            assert document["paths"]["/procedures/double"]["post"]["summary"] == "Double a number."
        assert seen == {
            "public": set(),
            "reader": {"/procedures/users.me"},
            "admin": {"/procedures/users.me", "/procedures/users.wipe"},
        }


async def test_a_bug_of_the_applications_is_told_without_its_text(sqlite_url: str) -> None:
    async with application(sqlite_url, register=shop) as running, handshaken(running) as socket:
        answer = await running.http.post("/procedures/broken")
        told = await ask(socket, "broken")
        assert (answer.status_code, told["error"]["code"]) == (500, "INTERNAL_SERVER_ERROR")
        assert "secret" not in answer.text + str(told)
        assert (await ask(socket, "double", {"value": 1}))["data"] == 2


async def test_middleware_is_around_every_operation_of_every_road(sqlite_url: str) -> None:
    seen: list[str] = []

    def register(app: Watchword) -> None:
        shop(app)

        @app.middleware
        async def watch(call: Call, operation: Any, proceed: Any) -> Any:
            seen.append(f"{call.dialect} {type(operation).__name__}")
            await call.system.read("articles")  # what the program does itself is not asked about again
            if getattr(operation, "data", None) == {"value": 13}:
                raise Problem(Code.FORBIDDEN, "Thirteen is not lucky.")
            return await proceed(operation)

    async with application(sqlite_url, register=register) as running, handshaken(running) as socket:
        await running.http.get("/items/articles", headers=ADMIN)
        answer = await running.http.post("/procedures/double", json={"value": 13})
        assert (answer.status_code, answer.json()["errors"][0]["message"]) == (403, "Thirteen is not lucky.")
        assert (await ask(socket, "double", {"value": 13}))["error"]["message"] == "Thirteen is not lucky."
        await ask(socket, "#subscribe", {"channel": "a"})
        await ask(socket, "#publish", {"channel": "a"})
        async with running.authenticated("admin-token-0001") as other:
            await other.ask({"type": "subscribe", "collection": "articles"})
        assert seen == [
            "rest Read",
            "http Invoke",
            "socketcluster Invoke",
            "socketcluster Join",
            "socketcluster Publish",
            "directus Subscribe",
        ]


async def test_hooks_change_and_refuse_writes_also_nested_ones(database_url: str) -> None:
    after: list[tuple[str, str, tuple[Any, ...], str | None]] = []

    def register(app: Watchword) -> None:
        @app.before("articles", "create")
        async def stamp(call: Call, event: ItemsEvent) -> None:
            event.payload["title"] = event.payload["title"].strip()
            event.payload["owner"] = call.principal.user
            if event.payload["title"] == "forbidden":
                raise Problem(Code.UNPROCESSABLE_CONTENT, "Not this one.")

        @app.before("articles", "delete")
        def keep(call: Call, event: ItemsEvent) -> None:
            if event.keys == (1,):
                raise Problem(Code.FORBIDDEN)

        @app.after()
        async def note(call: Call, event: ItemsEvent) -> None:
            after.append((event.action.value, event.collection, event.keys, call.principal.user))
            raise RuntimeError("what is committed stays so")

    async with application(database_url, register=register) as running:
        user = await running.user("writer", [permission("create", fields="title"), permission("read")])
        writer = {"Authorization": "Bearer writer-static-token"}
        after.clear()
        answer = await running.http.post("/items/articles", json={"title": " one "}, headers=writer)
        assert (answer.json()["data"]["title"], answer.json()["data"]["owner"]) == ("one", user)
        answer = await running.http.post("/items/articles", json={"title": "x", "owner": "me"}, headers=writer)
        assert answer.status_code == 403
        answer = await running.http.post("/items/articles", json={"title": "forbidden"}, headers=writer)
        assert (answer.status_code, answer.json()["errors"][0]["message"]) == (422, "Not this one.")
        nested = {"name": "Ann", "articles": [{"title": "forbidden"}]}
        assert (await running.http.post("/items/authors", json=nested, headers=ADMIN)).status_code in {400, 422}
        assert (await running.http.delete("/items/articles/1", headers=ADMIN)).status_code == 403
        assert after == [("create", "articles", (1,), user)]
        assert len(await running.admin("GET", "/items/articles")) == 1


async def test_channels_let_in_whom_their_rules_mean(sqlite_url: str) -> None:
    def register(app: Watchword) -> None:
        server = app.socketcluster(PATH, auth_key="secret", open_channels=False)
        app.channel("news", publish=Claim("writes"))
        app.channel("room/{name}", subscribe=lambda call, channel: channel.params["name"] == call.claims.get("room"))
        signed.update(
            ann=lambda: server.sign_token({"sub": "ann", "room": "red", "writes": ["news"]}),
            bob=lambda: server.sign_token({"sub": "bob", "room": "blue"}),
        )

    signed: dict[str, Any] = {}
    async with (
        application(sqlite_url, register=register) as running,
        handshaken(running, signed["ann"]()) as ann,
        handshaken(running, signed["bob"]()) as bob,
    ):
        assert await ask(ann, "#subscribe", {"channel": "room/red"}) == {"rid": 7}
        assert (await ask(bob, "#subscribe", {"channel": "room/red"}))["error"]["name"] == "ForbiddenError"
        assert (await ask(bob, "#subscribe", {"channel": "undeclared"}))["error"]["name"] == "ForbiddenError"
        assert await ask(bob, "#subscribe", {"channel": "news"}) == {"rid": 7}
        assert (await ask(bob, "#publish", {"channel": "news", "data": 1}))["error"]["name"] == "ForbiddenError"
        assert await ask(ann, "#publish", {"channel": "news", "data": 2}) == {"rid": 7}
        assert await bob.receive() == {"event": "#publish", "data": {"channel": "news", "data": 2}}
        running.app.exchange.transmit_publish("room/red", "hush")
        assert await ann.receive() == {"event": "#publish", "data": {"channel": "room/red", "data": "hush"}}
        assert await bob.silent()


async def test_history_and_presence_are_told_to_those_who_may_hear(sqlite_url: str) -> None:
    def register(app: Watchword) -> None:
        app.socketcluster(PATH, auth_key="secret")
        app.channel("log", history=10)
        app.channel("lobby", presence=True)
        app.channel("closed", subscribe=False, presence=True)

    async with application(sqlite_url, register=register) as running, handshaken(running) as ann:
        exchange = running.app.exchange
        for number in range(3):
            exchange.transmit_publish("log", number)
        assert [each.data for each in exchange.history("log", last=2)] == [1, 2]
        await ann.say({"event": "#subscribe", "data": {"channel": "log", "data": {"history": 2}}, "cid": 2})
        heard = [await ann.receive() for _ in range(3)]
        assert [packet.get("data", {}).get("data") for packet in heard] == [None, 1, 2]
        position = exchange.mark(exchange.history("log", last=2)[0])
        async with handshaken(running) as bob:
            await bob.say({"event": "#subscribe", "data": {"channel": "log", "data": {"since": position}}, "cid": 2})
            assert [(await bob.receive()).get("data", {}).get("data") for _ in range(2)] == [None, 2]
            lost = await ask(bob, "#subscribe", {"channel": "log", "data": {"since": "nonsense"}})
            assert lost["error"]["code"] == "POSITION_LOST"
            assert (await ask(bob, "#subscribe", {"channel": "presence/closed"}))["error"]["name"] == "ForbiddenError"
            await ask(ann, "#subscribe", {"channel": "presence/lobby"})
            assert (await ann.receive())["data"]["data"] == {"event": "here", "members": []}
            await ask(bob, "#subscribe", {"channel": "lobby"})
            came = (await ann.receive())["data"]["data"]
            assert (came["event"], came["member"]["user"]) == ("join", None)
            assert [member["id"] for member in exchange.presence("lobby")] == [came["member"]["id"]]
        assert (await ann.receive())["data"]["data"]["event"] == "leave"


async def test_a_token_of_somebody_elses_is_as_good_as_its_authenticator_says_until_it_is_revoked(
    database_url: str,
) -> None:
    def register(app: Watchword) -> None:
        @app.authenticator("partner")
        async def partner(token: str, client: Client) -> Identified | None:
            if not token.startswith("partner:"):
                return None
            name, _, session = token.removeprefix("partner:").partition("/")
            if name == "broken":
                raise RuntimeError("the partner is away")
            roles = ("guests",) if name == ANN else ()
            return Identified(user=name, session=session or None, roles=roles, claims={"name": name})

        app.socketcluster(PATH, auth_key="secret")
        app.channel("lobby", subscribe="authenticated")

        @app.query(authenticated=True)
        async def whoami(call: Call) -> Any:
            return [call.claims["name"], call.session]

    async with application(database_url, register=register) as running:
        await running.user("guests", [permission("read", rows={"owner": {"_eq": "$CURRENT_USER"}})])
        await running.admin("POST", "/items/articles", [{"title": "a", "owner": ANN}, {"title": "b", "owner": BOB}])
        ann, bob = {"Authorization": f"Bearer partner:{ANN}/s1"}, {"Authorization": f"Bearer partner:{BOB}"}
        answer = await running.http.get("/items/articles?fields=title", headers=ann)
        assert answer.json() == {"data": [{"title": "a"}]}
        assert (await running.http.get("/items/articles", headers=bob)).status_code == 403
        assert (await running.http.get("/users/me", headers=ann)).status_code in {401, 403}
        answer = await running.http.post("/procedures/whoami", headers=ann)
        assert answer.json() == {"data": [ANN, "s1"]}
        broken = {"Authorization": "Bearer partner:broken"}
        assert (await running.http.get("/items/articles", headers=broken)).status_code == 503
        unknown = {"Authorization": "Bearer stranger:ann"}
        assert (await running.http.get("/items/articles", headers=unknown)).status_code == 401

        async with handshaken(running, f"partner:{ANN}/s1") as one, handshaken(running, f"partner:{BOB}") as other:
            assert await ask(one, "#subscribe", {"channel": "lobby"}) == {"rid": 7}
            assert await ask(other, "#subscribe", {"channel": "lobby"}) == {"rid": 7}
            await running.app.revoke("partner", session="s1")
            told = [await one.receive(), await one.receive()]
            assert {packet["event"] for packet in told} == {"#kickOut", "#removeAuthToken"}
            running.app.exchange.transmit_publish("lobby", "hello")
            assert (await other.receive())["data"]["data"] == "hello"
            assert await one.silent()
        assert (await running.http.get("/items/articles", headers=ann)).status_code == 401
        again = {"Authorization": f"Bearer partner:{ANN}/s2"}
        assert (await running.http.get("/items/articles", headers=again)).status_code == 200


async def test_a_session_that_ends_takes_the_token_and_the_channels_from_its_sockets(database_url: str) -> None:
    def register(app: Watchword) -> None:
        app.socketcluster(PATH)
        app.channel("lobby", subscribe="authenticated")

        @app.mutation
        async def login(call: Call, email: str, password: str) -> None:
            await call.socket.log_in(email, password)

    async with application(database_url, register=register) as running:
        await running.user("ann", [permission("read")])
        await running.admin("POST", "/items/articles", {"title": "first"})
        async with handshaken(running) as socket, handshaken(running) as twin:
            wrong = await ask(socket, "login", {"email": "ann@example.com", "password": "wrong"})
            assert (wrong["error"]["code"], wrong["error"]["name"]) == ("INVALID_CREDENTIALS", "AuthError")
            credentials = {"email": "ann@example.com", "password": "a-fairly-long-password"}
            await socket.say({"event": "login", "data": credentials, "cid": 3})
            issued, reply = await socket.receive(), await socket.receive()
            assert (issued["event"], reply) == ("#setAuthToken", {"rid": 3, "data": None})
            token = {"Authorization": f"Bearer {issued['data']['token']}"}
            assert (await running.http.get("/users/me", headers=token)).status_code == 200
            assert await ask(socket, "#subscribe", {"channel": "lobby"}) == {"rid": 7}
            await socket.say({"event": "#subscribe", "data": {"channel": "items/articles"}, "cid": 4})
            assert await socket.receive() == {"rid": 4}
            assert (await socket.receive())["data"]["data"]["data"][0]["title"] == "first"
            assert (await ask(twin, "#subscribe", {"channel": "lobby"}))["error"]["name"] == "ForbiddenError"
            assert "error" in await ask(twin, "#subscribe", {"channel": "items/articles"})
            await running.admin("POST", "/items/articles", {"title": "second"})
            told = (await socket.receive())["data"]["data"]
            assert (told["event"], told["data"][0]["title"]) == ("create", "second")
            await running.http.post("/auth/logout", headers=token, json={"refresh_token": "x"})
            user = (await running.http.get("/users/me", headers=token)).json()["data"]["id"]
            await running.admin("PATCH", f"/users/{user}", {"status": "suspended"})
            ended = [await socket.receive() for _ in range(3)]
            assert sorted(packet["event"] for packet in ended) == ["#kickOut", "#kickOut", "#removeAuthToken"]
            await running.admin("POST", "/items/articles", {"title": "third"})
            running.app.exchange.transmit_publish("lobby", "hello")
            assert await socket.silent()


class Guards:
    """Functions for all lines, and what the server has warned of."""

    def __init__(self) -> None:
        self.gate = anyio.Event()
        self.warned: list[Any] = []

    def register(self, app: Watchword) -> None:
        self.server = app.socketcluster(PATH, auth_key="secret")
        self.server.set_middleware("handshake", self.upgrade)
        self.server.set_middleware("inbound_raw", self.raw)
        self.server.set_middleware("inbound", self.inbound)
        self.server.set_middleware("outbound", self.outbound)
        app.task(self.listen)

    def upgrade(self, action: Action) -> None:
        if action.request is not None and action.request.query.get("blocked"):
            raise Problem(Code.FORBIDDEN, "Not today.")

    async def raw(self, action: Action) -> None:
        if "dropped" in str(action.data):
            raise Blocked

    async def inbound(self, action: Action) -> None:
        match action.type.value, action.channel:
            case "publishIn", "changed":
                action.data = {"was": action.data}
            case "publishIn", "silent":
                raise Blocked
            case "publishIn", "bug":
                raise RuntimeError("a secret of the application")
            case "subscribe", "slow":
                await self.gate.wait()
            case _:
                pass

    def outbound(self, action: Action) -> None:
        if action.data == "private":
            raise Blocked
        if action.data == "personal":
            action.data = f"for {action.socket.id}"

    async def listen(self) -> None:
        async for warning in self.server.listener("warning"):
            self.warned += [warning]


async def test_lines_allow_change_block_and_delay(sqlite_url: str) -> None:
    guards = Guards()
    async with application(sqlite_url, register=guards.register) as running, handshaken(running) as socket:
        with pytest.raises(Refused) as caught:
            async with running.socket(PATH, "blocked=1"):
                pass
        assert caught.value.status == 401
        for channel in ("changed", "silent", "bug", "out"):
            assert await ask(socket, "#subscribe", {"channel": channel}) == {"rid": 7}
        await ask(socket, "#publish", {"channel": "changed", "data": 1})
        assert (await socket.receive())["data"]["data"] == {"was": 1}
        error = (await ask(socket, "#publish", {"channel": "silent", "data": 1}))["error"]
        assert (error["name"], error["type"]) == ("SilentMiddlewareBlockedError", "inbound")
        error = (await ask(socket, "#publish", {"channel": "bug", "data": 1}))["error"]
        assert (error["code"], "secret" in error["message"]) == ("INTERNAL_SERVER_ERROR", False)
        await ask(socket, "#publish", {"channel": "out", "data": "private"})
        await ask(socket, "#publish", {"channel": "out", "data": "personal"})
        assert (await socket.receive())["data"]["data"].startswith("for ")
        await socket.say({"event": "dropped", "cid": 8})
        async with handshaken(running) as other:
            await socket.say({"event": "#subscribe", "data": {"channel": "slow"}, "cid": 9})
            await socket.say({"event": "#subscribe", "data": {"channel": "after"}, "cid": 10})
            assert await ask(other, "#subscribe", {"channel": "meanwhile"}) == {"rid": 7}
            assert await socket.silent()
            guards.gate.set()
            assert [(await socket.receive())["rid"] for _ in range(2)] == [9, 10]
        assert guards.warned


async def test_the_programs_own_tasks_and_events_run_beside_the_server(sqlite_url: str) -> None:
    happened: list[str] = []

    def register(app: Watchword) -> None:
        server = app.socketcluster(PATH, auth_key="secret")

        @app.on("connect")
        async def connect(connection: Any) -> None:
            happened.append(f"connect {connection.dialect}")

        @app.on("authenticate")
        def authenticate(connection: Any, principal: Any) -> None:
            happened.append(f"authenticate {principal.claims['sub']}")

        @app.on("auth_failure")
        def failure(connection: Any, problem: Problem) -> None:
            happened.append(f"failure {problem.message}")

        @app.on("close")
        def close(connection: Any, code: int, reason: str) -> None:
            happened.append(f"close {code}")
            raise RuntimeError("hooks do not end anything")

        @server.connection
        async def serve(socket: Socket) -> None:
            async for request in socket.procedure("whoami"):
                await socket.set_auth_token({"sub": request.data}, expires_in="1h")
                request.end(socket.auth_token and socket.auth_token["sub"])

        @app.task
        async def relay() -> None:
            async for data in app.exchange.subscribe("in"):
                app.exchange.transmit_publish("out", data)
                app.broadcast("all", data)
                app.broadcast("hers", data, user="ann")
                app.broadcast("nobodys", data, user="bob")

    async with application(sqlite_url, register=register) as running:
        async with handshaken(running) as socket:
            await socket.say({"event": "whoami", "data": "ann", "cid": 2})
            assert (await socket.receive())["event"] == "#setAuthToken"
            assert await socket.receive() == {"rid": 2, "data": "ann"}
            await ask(socket, "#subscribe", {"channel": "out"})
            await ask(socket, "#publish", {"channel": "in", "data": 5})
            told = [await socket.receive() for _ in range(3)]
            assert [packet["event"] for packet in told] == ["#publish", "all", "hers"]
            await socket.say({"event": "#authenticate", "data": "forged", "cid": 3})
            assert (await socket.receive())["error"]["message"] == "jwt malformed"
        await anyio.wait_all_tasks_blocked()
        assert happened[:3] == ["connect socketcluster", "authenticate ann", "failure jwt malformed"]
        assert happened[3].startswith("close")


async def test_the_first_action_after_its_end_knows_that_a_token_has_expired(sqlite_url: str) -> None:
    asked: list[Any] = []

    def register(app: Watchword) -> None:
        server = app.socketcluster(PATH, auth_key="secret")

        @server.middleware("inbound")
        async def note(action: Action) -> None:
            expired = action.auth_token_expired_error
            asked.append((action.type.value, None if expired is None else expired.extensions["name"]))

        @server.connection
        async def serve(socket: Socket) -> None:
            request = await socket.procedure("login").once()
            await socket.set_auth_token({"sub": "ann"}, expires_in=1)
            request.end()

    async with application(sqlite_url, register=register) as running, handshaken(running) as socket:
        assert await ask(socket, "login") == {"rid": 7}
        assert await socket.receive() == {"event": "#removeAuthToken"}
        for channel in ("a", "b"):
            assert await ask(socket, "#subscribe", {"channel": channel}) == {"rid": 7}
    assert asked == [("invoke", None), ("subscribe", "AuthTokenExpiredError"), ("subscribe", None)]


async def test_who_was_revoked_may_log_in_again_at_once(sqlite_url: str) -> None:
    def register(app: Watchword) -> None:
        server = app.socketcluster(PATH, auth_key="secret")

        @app.mutation
        async def login(call: Call) -> None:
            await call.socket.set_auth_token({"sub": "ann"})

        @app.mutation
        async def revoke(call: Call) -> None:
            await server.revoke(user="ann")

    async with (
        application(sqlite_url, register=register) as running,
        handshaken(running) as socket,
        handshaken(running) as other,
    ):
        assert (await ask(socket, "login"))["data"] is None
        await ask(other, "revoke")
        assert await socket.receive() == {"event": "#removeAuthToken"}
        assert "error" not in await ask(socket, "login")
        assert await socket.silent()
