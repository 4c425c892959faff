from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import anyio
import pytest
from msgspec.structs import replace

from tests.support.application import application, permission
from tests.support.lookup import NoTables
from watchword.access.compile import FULL_ACCESS
from watchword.access.principal import Principal
from watchword.backend.context import Connection, Context
from watchword.backend.conversation import CLOSE_TOO_BIG, Conversation
from watchword.backend.following import Following, Move
from watchword.backend.outbox import Mark
from watchword.backend.pace import Pace
from watchword.backend.timetable import Timetable
from watchword.backend.verification import SESSION_ENDED
from watchword.base import json
from watchword.base.clock import ManualClock, SystemClock
from watchword.connection.policy import AuthPolicy, Mode, Reaction
from watchword.dialects.directus import Directus
from watchword.identity.authenticator import Authenticated
from watchword.identity.client import Client
from watchword.live.hub import Hub
from watchword.live.journal import Journal
from watchword.live.matching import Shape, Sight
from watchword.live.membership import BUFFER_LIMIT
from watchword.protocol.events import Event
from watchword.protocol.operations import AccessToken, Execute, Operation, Subscribe
from watchword.protocol.outcomes import Reply, Subscribed
from watchword.protocol.records import Level, Record
from watchword.query.filters import EVERYTHING
from watchword.query.query import Query
from watchword.query.variables import Variables

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from watchword.backend.executor import Work
    from watchword.backend.publishing import Joined
    from watchword.base.clock import Clock
    from watchword.live.channels import Hearer
    from watchword.live.journal import Listener
    from watchword.live.membership import Membership
    from watchword.live.peer import Peer
    from watchword.protocol.operations import Credential, FollowLog, Join, Publish, Subscribe

PUBLIC = AuthPolicy(Mode.PUBLIC, on_reject=Reaction.DEMOTE, on_expiry=Reaction.DEMOTE, on_revoke=Reaction.DEMOTE)
HANDSHAKE = AuthPolicy(Mode.HANDSHAKE, serves_expired=True)
SUBSCRIBE = {"type": "subscribe", "collection": "articles", "uid": "s"}
PACE = Pace(gap=0.0, high_water=Mark(100, 1024**2))


class Desk:
    """Knows everybody by the token that is their name, and can be made to think for a while about somebody."""

    def __init__(self) -> None:
        self.clock: Clock = SystemClock()
        self.hub = Hub(NoTables(), lambda: 0.0)
        self.journal = Journal("node0001", Level.INFO, lambda: 0.0)
        self.timetable = Timetable(self.clock)
        self.read_by: list[str | None] = []
        self.followed_by: dict[str | None, str | None] = {}
        self.thinking: dict[str, anyio.Event] = {}
        self.asked = anyio.Event()
        self.withdrawn: set[str | None] = set()
        self.expires: dict[str, float] = {}

    def think_about(self, task: str) -> None:
        self.thinking[task] = anyio.Event()
        self.asked = anyio.Event()

    def decide(self) -> None:
        for event in self.thinking.values():
            event.set()

    async def identify(self, credential: Credential, client: Client) -> Authenticated:
        assert isinstance(credential, AccessToken)
        name = credential.token.reveal()
        await self._think(f"credential of {name}")
        if name.startswith("ww_"):
            return Authenticated(Principal(token=name, role="importers"), FULL_ACCESS)
        principal = Principal(user=name, session=f"session of {name}", expires_at=self.expires.get(name))
        return Authenticated(principal, FULL_ACCESS)

    async def is_live(self, principal: Principal) -> bool:
        return principal.user not in self.withdrawn

    async def context(self, principal: Principal, client: Client) -> Context:
        await self._think(f"rights of {principal.user}")
        return Context(principal, FULL_ACCESS, client)

    async def begin(self, context: Context, operation: Execute) -> Work | Subscribe:
        raise NotImplementedError

    def leave(self, peer: Peer, listener: Listener) -> None:
        self.hub.leave(peer)
        self.journal.unfollow(listener)

    async def join(self, context: Context, hearer: Hearer, operation: Join) -> Joined:
        raise NotImplementedError

    async def rejoin(self, context: Context, operation: Join) -> None:
        raise NotImplementedError

    def part(self, hearer: Hearer, channel: str) -> None:
        raise NotImplementedError

    async def publish(self, context: Context, operation: Publish) -> Reply:
        raise NotImplementedError

    async def perform(self, context: Context, operation: Operation) -> Reply:
        return Reply("x" * 1000)

    async def subscribe(self, context: Callable[[], Awaitable[Context]], peer: Peer, operation: Subscribe) -> Following:
        caller = await context()
        member = self._follow(caller, peer, operation)
        self.read_by.append(caller.principal.user)
        await self._think("data")
        return Following(member, 0, Subscribed(operation.subscription, [f"of {caller.principal.user}"]))

    def refollow(self, context: Context, peer: Peer, operation: Subscribe) -> Move:
        return Move(self._follow(context, peer, operation), 0)

    async def complete(self, move: Move, *, same_user: bool) -> None:
        move.member.go_live(move.position)

    def position(self) -> str:
        return "epoch:0"

    async def follow_log(
        self, context: Callable[[], Awaitable[Context]], listener: Listener, operation: FollowLog
    ) -> Subscribed:
        return self.refollow_log(await context(), listener, operation)

    def refollow_log(self, context: Context, listener: Listener, operation: FollowLog) -> Subscribed:
        self.journal.follow(listener, operation.level)
        return Subscribed(None, operation.level)

    def tell(self, view_of: str | None, data: str) -> None:
        for views in tuple(self.hub._views.values()):
            for view in tuple(views.values()):
                if view.variables.current_user == view_of:
                    for member in tuple(view.members):
                        member.offer(Event("create", data, 1))

    def _follow(self, context: Context, peer: Peer, operation: Subscribe) -> Membership:
        user = context.principal.user
        self.followed_by[operation.subscription] = user
        shape = Shape(str(user), "articles", EVERYTHING, (Sight(EVERYTHING, None),), (), Query("articles"), FULL_ACCESS)
        return self.hub.follow(peer, operation.subscription, shape, Variables(user))

    async def _think(self, task: str) -> None:
        if task in self.thinking:
            self.asked.set()
            await self.thinking[task].wait()


class Direct:
    """What is written without a task; the client has read it when `read` says so."""

    def __init__(self, line: Line) -> None:
        self._line = line
        self.is_free = True
        self.written: list[Any] = []
        self.asked: list[Callable[[], None]] = []

    def write(self, frame: str | bytes, read: Callable[[], None] | None = None) -> None:
        self.written.append(json.decode(frame))
        self._line._said.send_nowait(frame)
        self.asked += [] if read is None else [read]

    def frame(self, message: str | bytes) -> bytes:
        return message if isinstance(message, bytes) else message.encode()

    def put(self, framed: bytes) -> None:
        self.write(framed)

    def when_read(self, call: Callable[[], None]) -> None:
        self.asked.append(call)

    def read(self) -> None:
        while self.asked:
            self.asked.pop()()


class Line:
    """A transport; while it is blocked, the client reads nothing."""

    def __init__(self, *, is_direct: bool = False) -> None:
        self.line = Direct(self) if is_direct else None
        self.to_server, self._frames = anyio.create_memory_object_stream[str | None](10_000)
        self._said, self.from_server = anyio.create_memory_object_stream[str | bytes](10_000)
        self.taken = 0
        self.closed_with: int | None = None
        self.ended = (1006, "")
        self.reads = anyio.Event()
        self.reads.set()

    async def receive(self) -> str | None:
        frame = await self._frames.receive()
        self.taken += 1
        return frame

    async def send(self, frame: str | bytes) -> None:
        await self.reads.wait()
        await self._said.send(frame)

    async def close(self, code: int, reason: str = "") -> None:
        self.closed_with = code

    async def say(self, message: Any) -> None:
        await self.to_server.send(message if isinstance(message, str) else json.encode(message).decode())

    async def hear(self) -> Any:
        with anyio.fail_after(5):
            return json.decode(await self.from_server.receive())

    async def ask(self, message: Any) -> Any:
        await self.say(message)
        return await self.hear()

    def rest(self) -> list[Any]:
        heard = []
        while self.from_server.statistics().current_buffer_used:
            heard.append(json.decode(self.from_server.receive_nowait()))
        return heard


@asynccontextmanager
async def talking(
    desk: Desk, policy: AuthPolicy, principal: Principal | None = None, *, is_direct: bool = False
) -> AsyncIterator[tuple[Conversation, Line]]:
    pace = replace(PACE, gap=0.001) if is_direct else PACE
    conversation = Conversation(desk, Directus(), policy, pace, Connection("c", "directus", Client()))
    line = Line(is_direct=is_direct)
    async with anyio.create_task_group() as group:
        group.start_soon(conversation.run, line, principal)
        yield conversation, line
        desk.decide()
        line.reads.set()
        await line.to_server.send(None)
    for stream in (line.to_server, line._frames, line._said, line.from_server):
        stream.close()


@pytest.fixture
def desk() -> Desk:
    return Desk()


async def settled() -> None:
    for _ in range(20):
        await anyio.lowlevel.checkpoint()


async def as_user(line: Line, name: str) -> None:
    assert (await line.ask({"type": "auth", "access_token": name}))["status"] == "ok"


async def test_an_identity_that_ends_while_its_data_is_read_is_not_followed_for(desk: Desk) -> None:
    async with talking(desk, PUBLIC) as (conversation, line):
        await as_user(line, "ann")
        desk.think_about("data")
        await line.say(SUBSCRIBE)
        await desk.asked.wait()
        conversation.revoke(SESSION_ENDED)
        desk.decide()
        heard = [await line.hear(), await line.hear()]
        assert {"type": "subscription", "event": "init", "data": ["of None"], "uid": "s"} in heard
        assert (desk.read_by, desk.followed_by) == (["ann", None], {"s": None})


async def test_an_identity_that_stays_is_followed_for_at_once(desk: Desk) -> None:
    async with talking(desk, PUBLIC) as (_, line):
        await as_user(line, "ann")
        assert (await line.ask(SUBSCRIBE))["data"] == ["of ann"]
        assert (desk.read_by, desk.followed_by) == (["ann"], {"s": "ann"})


async def test_nothing_that_comes_while_rights_are_worked_out_anew_reaches_the_next_identity(desk: Desk) -> None:
    async with talking(desk, PUBLIC) as (conversation, line):
        await as_user(line, "ann")
        await line.ask(SUBSCRIBE)
        desk.tell("ann", "for Ann")
        assert (await line.hear())["data"] == ["for Ann"]
        desk.think_about("rights of None")
        conversation.revoke(SESSION_ENDED)
        await desk.asked.wait()
        desk.tell("ann", "for Ann only")
        desk.decide()
        assert (await line.hear())["type"] == "auth"
        desk.tell("ann", "for Ann only")
        desk.tell(None, "for all")
        assert (await line.hear())["data"] == ["for all"]
        assert line.rest() == []


@pytest.mark.parametrize(("again", "heard"), [("ww_1", ["one", "two"]), ("ww_2", ["one"])])
async def test_what_waits_for_the_token_of_a_role_is_not_for_another(desk: Desk, again: str, heard: list[str]) -> None:
    async with talking(desk, HANDSHAKE) as (conversation, line):
        await as_user(line, "ww_1")
        await line.ask(SUBSCRIBE)
        line.reads = anyio.Event()
        desk.tell(None, "one")
        await anyio.wait_all_tasks_blocked()
        desk.tell(None, "two")
        await line.say({"type": "auth", "access_token": again})
        await anyio.wait_all_tasks_blocked()
        line.reads.set()
        await anyio.wait_all_tasks_blocked()
        frames = line.rest()
        assert [value for frame in frames for value in frame.get("data", ())] == heard
        assert {"type": "auth", "status": "ok"} in frames
        assert (conversation.principal.token, conversation.principal.is_anonymous) == (again, False)


async def test_more_than_can_wait_at_once_ends_the_subscription_and_not_the_connection(desk: Desk) -> None:
    async with talking(desk, PUBLIC) as (_, line):
        for name in ("s", "t"):
            await line.ask(SUBSCRIBE | {"uid": name})
        views = [view for views in desk.hub._views.values() for view in views.values()]
        for member in [member for view in views for member in view.members if member.subscription == "s"]:
            member.offer(Event("init", ["x" * 1024**2] * 16, 1))
            member.offer(Event("create", "afterwards", 2))
        ended = await line.hear()
        assert (ended["event"], ended["uid"], ended["error"]["code"]) == ("unsubscribe", "s", "CONTENT_TOO_LARGE")
        desk.tell(None, "for all")
        told = await line.hear()
        assert (told["uid"], told["data"]) == ("t", ["for all"])
        assert line.rest() == []


async def test_as_much_as_can_wait_at_once_is_told(desk: Desk) -> None:
    async with talking(desk, PUBLIC) as (_, line):
        await line.ask(SUBSCRIBE)
        views = [view for views in desk.hub._views.values() for view in views.values()]
        for member in [member for view in views for member in view.members]:
            member.offer(Event("init", ["x" * 1024**2] * 15, 1))
        told = await line.hear()
        assert (told["event"], len(told["data"])) == ("init", 15)


def moved(desk: Desk, conversation: Conversation, seconds: float) -> None:
    """Let time pass, and the connection see it."""
    assert isinstance(desk.clock, ManualClock)
    desk.clock.advance(seconds)
    conversation._outbox.poke()


async def test_who_authenticates_while_the_old_credential_expires_is_told_so_in_that_order(desk: Desk) -> None:
    desk.clock = clock = ManualClock()
    desk.expires["ann"] = clock.now() + 10
    async with talking(desk, PUBLIC) as (conversation, line):
        await as_user(line, "ann")
        desk.think_about("rights of None")
        moved(desk, conversation, 10)
        await desk.asked.wait()
        await line.say({"type": "auth", "access_token": "bob"})
        await settled()
        desk.decide()
        expired, ok = await line.hear(), await line.hear()
        assert (expired["status"], expired["error"]["code"]) == ("error", "TOKEN_EXPIRED")
        assert ok == {"type": "auth", "status": "ok"}
        assert conversation.principal.user == "bob"
        assert await line.ask({"type": "ping"}) == {"type": "pong"}
        assert line.rest() == []


async def test_an_operation_after_the_end_of_a_credential_is_not_its_though_the_timer_is_late(desk: Desk) -> None:
    desk.clock = clock = ManualClock()
    desk.expires["ann"] = clock.now() + 10
    async with talking(desk, PUBLIC) as (_, line):
        await as_user(line, "ann")
        clock.advance(10)
        assert (await line.ask(SUBSCRIBE))["error"]["code"] == "TOKEN_EXPIRED"
        assert (await line.hear())["data"] == ["of None"]
        assert desk.read_by == [None]


async def test_who_authenticates_while_the_old_session_ends_is_told_so_in_that_order(desk: Desk) -> None:
    async with talking(desk, PUBLIC) as (conversation, line):
        await as_user(line, "ann")
        desk.think_about("rights of None")
        conversation.revoke(SESSION_ENDED)
        await desk.asked.wait()
        await line.say({"type": "auth", "access_token": "bob"})
        await settled()
        desk.decide()
        assert [(await line.hear())["status"], (await line.hear())["status"]] == ["error", "ok"]
        assert conversation.principal.user == "bob"


@pytest.mark.parametrize(("session", "lives"), [("session of ann", True), ("session of bob", False)])
async def test_a_refresh_while_a_token_is_checked_extends_its_own_session_alone(
    desk: Desk, session: str, *, lives: bool
) -> None:
    desk.clock = clock = ManualClock()
    desk.expires["ann"] = clock.now() + 10
    async with talking(desk, PUBLIC) as (conversation, line):
        desk.think_about("credential of ann")
        await line.say({"type": "auth", "access_token": "ann"})
        await desk.asked.wait()
        for peer in desk.hub.peers:
            peer.extend(session, clock.now() + 20)
        desk.decide()
        assert (await line.hear())["status"] == "ok"
        moved(desk, conversation, 15)
        await settled()
        assert conversation.principal.user == ("ann" if lives else None)
        moved(desk, conversation, 5)
        assert (await line.hear())["error"]["code"] == "TOKEN_EXPIRED"
        assert conversation.principal.is_anonymous


async def test_a_refresh_before_a_token_is_shown_does_not_extend_it(desk: Desk) -> None:
    desk.clock = clock = ManualClock()
    desk.expires["ann"] = clock.now() + 10
    async with talking(desk, PUBLIC) as (conversation, line):
        assert await line.ask({"type": "ping"}) == {"type": "pong"}
        for peer in desk.hub.peers:
            peer.extend("session of ann", clock.now() + 100)
        await as_user(line, "ann")
        moved(desk, conversation, 10)
        assert (await line.hear())["error"]["code"] == "TOKEN_EXPIRED"


async def test_rights_that_come_late_are_not_those_of_who_acted_before(desk: Desk) -> None:
    async with talking(desk, HANDSHAKE) as (conversation, line), anyio.create_task_group() as group:
        await as_user(line, "ann")
        await line.ask(SUBSCRIBE)
        desk.think_about("rights of ann")
        group.start_soon(conversation.refile)  # as after a change of the rules
        await desk.asked.wait()
        await as_user(line, "bob")
        desk.decide()
        await settled()
        assert desk.followed_by == {"s": "bob"}
        assert conversation.principal.user == "bob"


async def test_a_connection_that_has_ended_follows_nothing_again(desk: Desk) -> None:
    async with talking(desk, HANDSHAKE) as (conversation, line), anyio.create_task_group() as group:
        await as_user(line, "ann")
        await line.ask(SUBSCRIBE)
        desk.think_about("rights of ann")
        group.start_soon(conversation.refile)
        await desk.asked.wait()
        await line.to_server.send(None)
        await settled()
        desk.decide()
        await settled()
        assert desk.hub.peers == ()
        assert desk.hub.collections == frozenset()


async def test_a_subscription_that_fails_while_its_data_is_read_has_ended(desk: Desk) -> None:
    async with talking(desk, HANDSHAKE) as (_, line):
        await as_user(line, "ann")
        desk.think_about("data")
        await line.say(SUBSCRIBE)
        await desk.asked.wait()
        for number in range(BUFFER_LIMIT + 1):
            desk.tell("ann", str(number))
        ended = await line.hear()
        assert (ended["event"], ended["error"]["code"]) == ("unsubscribe", "SERVICE_UNAVAILABLE")
        desk.decide()
        await settled()
        desk.tell("ann", "afterwards")
        assert await line.ask({"type": "ping"}) == {"type": "pong"}
        assert line.rest() == []
        assert desk.hub.collections == frozenset()


async def test_an_upgrade_whose_session_has_ended_meanwhile_is_closed(desk: Desk) -> None:
    desk.withdrawn.add("ann")
    async with talking(desk, HANDSHAKE, Principal(user="ann")) as (conversation, line):
        assert (await line.hear())["error"]["message"] == SESSION_ENDED.message
        await anyio.wait_all_tasks_blocked()
        assert (line.closed_with, conversation.principal.user) == (4401, None)


async def test_an_upgrade_whose_session_lives_is_served_without_a_word(desk: Desk) -> None:
    async with talking(desk, HANDSHAKE, Principal(user="ann")) as (conversation, line):
        assert await line.ask({"type": "ping"}) == {"type": "pong"}
        assert conversation.principal.user == "ann"


async def test_who_asks_without_reading_the_answers_is_not_read(desk: Desk) -> None:
    async with talking(desk, HANDSHAKE) as (_, line):
        await as_user(line, "ann")
        line.reads = anyio.Event()
        for number in range(3 * PACE.high_water.count):
            await line.say({"type": "ping", "uid": number})
        await anyio.wait_all_tasks_blocked()
        assert line.taken < 2 * PACE.high_water.count
        line.reads.set()
        heard = [(await line.hear())["uid"] for _ in range(3 * PACE.high_water.count)]
        assert heard == list(range(3 * PACE.high_water.count))


async def test_long_answers_make_it_wait_sooner(desk: Desk) -> None:
    async with talking(desk, HANDSHAKE) as (_, line):
        await as_user(line, "ann")
        line.reads = anyio.Event()
        uid = "u" * 50_000
        for _ in range(60):
            await line.say({"type": "ping", "uid": uid})
        await anyio.wait_all_tasks_blocked()
        assert line.taken < 30
        line.reads.set()
        assert [(await line.hear())["type"] for _ in range(60)] == ["pong"] * 60


async def test_records_that_take_too_much_are_not_taken_and_nobody_is_cut_for_it(desk: Desk) -> None:
    async with talking(desk, HANDSHAKE) as (conversation, line):
        await as_user(line, "ann")
        line.reads = anyio.Event()
        record = Record(Level.INFO, 0, "x" * 100_000, "node0001")
        taken = [conversation.offer(None, Event("log", record, 0), 1_000) for _ in range(20)]
        assert taken == [True] * 11 + [False] * 9
        assert line.closed_with is None
        assert desk.hub.cut == 0


async def test_a_stranger_is_not_listened_to_for_long(desk: Desk) -> None:
    async with talking(desk, HANDSHAKE) as (_, line):
        padding = "x" * PACE.first_frame
        answer = await line.ask({"type": "auth", "access_token": "ann", "padding": padding})
        assert (answer["type"], answer["error"]["code"]) == ("auth", "AUTH_FAILED")
        await anyio.wait_all_tasks_blocked()
        assert line.closed_with == 4401


async def test_who_is_known_may_say_more(desk: Desk) -> None:
    async with talking(desk, HANDSHAKE) as (_, line):
        assert (await line.ask({"type": "auth", "access_token": "a" * 4_000}))["status"] == "ok"
        assert (await line.ask({"type": "ping", "padding": "x" * PACE.first_frame}))["type"] == "pong"


async def test_who_is_known_may_not_say_everything_either(desk: Desk) -> None:
    async with talking(desk, HANDSHAKE) as (_, line):
        await as_user(line, "ann")
        await line.say({"type": "ping", "padding": "x" * PACE.frame})
        await anyio.wait_all_tasks_blocked()
        assert line.closed_with == CLOSE_TOO_BIG
        assert line.rest() == []


READS = [permission("read")]
READS_PUBLISHED = [permission("read", rows={"status": {"_eq": "published"}}, fields="id,title")]
SOON = {"ACCESS_TOKEN_TTL": "1s", "WEBSOCKETS_REST_AUTH_TIMEOUT": "30s"}


async def test_rights_that_are_taken_while_a_credential_has_expired_are_gone_when_it_is_renewed(
    database_url: str,
) -> None:
    async with application(database_url, **SOON) as app:
        user = await app.user("ann", READS)
        await app.user("reader", READS_PUBLISHED)
        tokens = await app.login("ann")
        async with app.authenticated(tokens["access_token"]) as socket:
            await socket.ask(SUBSCRIBE)
            assert (await socket.receive())["error"]["code"] == "TOKEN_EXPIRED"
            await app.admin("PATCH", f"/users/{user}", {"role": await _role(app, "reader")})
            await app.admin("POST", "/items/articles", {"title": "meanwhile", "body": "secret"})
            assert (await socket.ask({"type": "auth", "refresh_token": tokens["refresh_token"]}))["status"] == "ok"
            await app.admin("POST", "/items/articles", {"title": "draft", "body": "secret"})
            await app.admin("POST", "/items/articles", {"title": "news", "body": "secret", "status": "published"})
            frame = await socket.receive()
            assert (frame["event"], frame["data"]) == ("create", [{"id": 3, "title": "news"}])


async def test_a_session_that_ends_while_its_credential_has_expired_closes_the_connection(sqlite_url: str) -> None:
    async with application(sqlite_url, **SOON) as app:
        await app.user("ann", READS)
        tokens = await app.login("ann")
        async with app.authenticated(tokens["access_token"]) as socket:
            await socket.ask(SUBSCRIBE)
            assert (await socket.receive())["error"]["code"] == "TOKEN_EXPIRED"
            await app.http.post("/auth/logout", json={"refresh_token": tokens["refresh_token"]})
            assert (await socket.receive())["status"] == "error"
            assert await socket.closed() == 4401


async def test_other_peoples_rules_do_not_end_what_an_expired_credential_follows(sqlite_url: str) -> None:
    async with application(sqlite_url, **SOON) as app:
        await app.user("ann", READS)
        tokens = await app.login("ann")
        async with app.authenticated(tokens["access_token"]) as socket:
            await socket.ask(SUBSCRIBE)
            assert (await socket.receive())["error"]["code"] == "TOKEN_EXPIRED"
            await app.user("other", READS_PUBLISHED)
            assert (await socket.ask({"type": "auth", "refresh_token": tokens["refresh_token"]}))["status"] == "ok"
            await app.admin("POST", "/items/articles", {"title": "draft"})
            assert [row["title"] for row in (await socket.receive())["data"]] == ["draft"]


async def _role(app: Any, name: str) -> str:
    roles = await app.admin("GET", "/roles")
    return str(next(role["id"] for role in roles if role["name"] == name))


@asynccontextmanager
async def directly(desk: Desk) -> AsyncIterator[tuple[Conversation, Line, Direct]]:
    async with talking(desk, PUBLIC, is_direct=True) as (conversation, line):
        assert line.line is not None
        await as_user(line, "ann")
        await line.say(SUBSCRIBE)
        await hear_all(line, line.line)
        line.line.written.clear()
        yield conversation, line, line.line


async def hear_all(line: Line, direct: Direct) -> Any:
    with anyio.fail_after(5):
        while not line.from_server.statistics().current_buffer_used:
            direct.read()
            await anyio.lowlevel.checkpoint()
    return await line.hear()


async def test_events_that_come_together_are_written_at_once_in_one_frame(desk: Desk) -> None:
    async with directly(desk) as (_, line, direct):
        desk.tell("ann", "first")
        desk.tell("ann", "second")
        told = await hear_all(line, direct)
        assert told["data"] == ["first", "second"]
        assert direct.written == [told]


async def test_events_that_come_in_the_pause_after_another_are_written_when_it_is_over(desk: Desk) -> None:
    async with directly(desk) as (_, line, direct):
        desk.tell("ann", "first")
        assert (await hear_all(line, direct))["data"] == ["first"]
        for row in ("second", "third"):
            desk.tell("ann", row)
            await settled()
        heard = [await hear_all(line, direct)]
        while heard[-1]["data"][-1] != "third":
            heard.append(await hear_all(line, direct))
        assert [row for told in heard for row in told["data"]] == ["second", "third"]
        assert len(direct.written) == 1 + len(heard)


async def test_events_wait_for_a_line_that_is_not_free(desk: Desk) -> None:
    async with directly(desk) as (_, line, direct):
        direct.is_free = False
        line.reads = anyio.Event()
        direct.read()
        desk.tell("ann", "late")
        await settled()
        assert line.rest() == []
        line.reads.set()
        assert (await hear_all(line, direct))["data"] == ["late"]
        assert direct.written == []


async def test_nothing_is_written_directly_for_an_identity_that_has_ended(desk: Desk) -> None:
    async with directly(desk) as (conversation, line, direct):
        desk.tell("ann", "secret")
        conversation.revoke(SESSION_ENDED)
        for _ in range(20):
            direct.read()
            await settled()
        assert "secret" not in str(line.rest())
