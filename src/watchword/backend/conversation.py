"""Conversation: drives one connection. It decides the order; the machine decides who may, the dialect the words.

Operations run one after the other, in the order of their frames. One task reads and performs, one writes and keeps the
time. The hub calls `deliver`, `fail`, `revoke` and `extend` from its own loop; none of them waits.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Protocol

import anyio
import msgspec
import structlog

from watchword.access.principal import ANONYMOUS
from watchword.backend.following import Move
from watchword.backend.limits import Meter, Quota
from watchword.backend.line import Soon
from watchword.backend.outbox import Mark, Outbox
from watchword.base.errors import Code, Problem
from watchword.base.ids import short_id
from watchword.connection.heartbeat import Beat, Heartbeat
from watchword.connection.machine import Admit, AuthMachine, Shut, State, Tell, Verify
from watchword.protocol import operations as op
from watchword.protocol import outcomes as out

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from watchword.access.principal import Principal
    from watchword.backend.context import Context
    from watchword.backend.following import Following
    from watchword.backend.line import Line
    from watchword.base.clock import Clock
    from watchword.connection.policy import AuthPolicy
    from watchword.identity.authenticator import Authenticated
    from watchword.identity.client import Client
    from watchword.live.hub import Hub
    from watchword.live.journal import Journal, Listener
    from watchword.live.peer import Peer
    from watchword.protocol.dialect import Dialect
    from watchword.protocol.events import Event

_log = structlog.get_logger(__name__)

CLOSE_TOO_BIG = 1009

SESSION_ENDED = Problem(Code.AUTH_FAILED, "The session has ended.")


class Pace(msgspec.Struct, frozen=True):
    """Numbers of one endpoint. `gap`: seconds that events are gathered for and frames with events keep apart.

    `outbound`: what may wait for a client that does not read; more, and it is cut. `high_water`: from where on nothing
    more is read from it. `stall`: seconds that one write may take. `heartbeat`: seconds between signs of life that are
    asked for; None asks for none. `subscriptions`: how many a connection may have. `frame` and `first_frame`: bytes of
    a message, and of one before the authentication. `messages`: how many a client may send; None sets no bound.
    """

    gap: float = 0.025
    outbound: Mark = Mark(10_000, 16 * 1024**2)
    high_water: Mark = Mark(1_000, 1024**2)
    stall: float = 20.0
    heartbeat: float | None = 30.0
    subscriptions: int = 100
    frame: int = 64 * 1024
    first_frame: int = 4 * 1024
    messages: Quota | None = None


class Services(Protocol):
    """What a conversation needs of the backend."""

    clock: Clock
    hub: Hub
    journal: Journal

    async def identify(self, credential: op.Credential, client: Client) -> Authenticated:
        """Check a credential, or raise Problem."""

    async def is_live(self, principal: Principal) -> bool:
        """Whether what the principal stands for has not been withdrawn."""

    async def context(self, principal: Principal, client: Client) -> Context:
        """Return the rights that a principal has now, or raise Problem."""

    async def perform(self, context: Context, operation: op.Read | op.Create | op.Update | op.Delete) -> out.Reply:
        """Read or write, or raise Problem."""

    async def subscribe(
        self, context: Callable[[], Awaitable[Context]], peer: Peer, operation: op.Subscribe
    ) -> Following:
        """Follow a query, or raise Problem; the subscription buffers until it is told to go live."""

    async def follow_log(
        self, context: Callable[[], Awaitable[Context]], listener: Listener, operation: op.FollowLog
    ) -> out.Subscribed:
        """Follow the server's log, or raise Problem; FORBIDDEN ends what was followed of it."""

    def refollow_log(self, context: Context, listener: Listener, operation: op.FollowLog) -> out.Subscribed:
        """Follow the server's log under changed rights, or raise Problem."""

    def refollow(self, context: Context, peer: Peer, operation: op.Subscribe) -> Move | None:
        """Follow a query under changed rights, or raise Problem; it buffers until `complete`. None: all as before."""

    async def complete(self, move: Move, *, same_user: bool) -> None:
        """Tell what the new rights make of what the same user was shown, then everything as it comes."""

    def position(self) -> str:
        """Return the position up to which everything has been told."""


class Transport(Protocol):
    """The socket below: whole messages in and out."""

    async def receive(self) -> str | bytes | None:
        """Return the next message, or None when the other end has gone."""

    async def send(self, frame: str) -> None:
        """Write a message; may wait for the client to read."""

    async def close(self, code: int) -> None:
        """Close with a code."""

    @property
    def line(self) -> Line | None:
        """What the server below offers beside this; most offer nothing."""


class Conversation:
    """One connection from the upgrade to the close."""

    def __init__(self, services: Services, dialect: Dialect, policy: AuthPolicy, pace: Pace, client: Client) -> None:
        self._services = services
        self._dialect = dialect
        self._pace = pace
        self._client = client
        self._clock = services.clock
        self._machine = AuthMachine(policy)
        self._heartbeat = Heartbeat(pace.heartbeat) if pace.heartbeat is not None else None
        self._outbox = Outbox(dialect.push, pace.gap, pace.outbound, pace.high_water)
        self._meter = Meter(pace.messages) if pace.messages is not None else None
        self._subscriptions: dict[str | None, op.Subscribe | op.FollowLog] = {}
        self._follower: Principal = ANONYMOUS
        self._owner: str | None = None
        self._shut: Shut | None = None
        self._scope: anyio.CancelScope | None = None
        self._writing_since: float | None = None
        self._line: Line | None = None
        self._identified: Callable[[Principal], None] | None = None

    @property
    def principal(self) -> Principal:
        """On whose behalf everything is followed: who acts now, or, in grace, whose credential has expired."""
        return self._follower if self._machine.state is State.GRACE else self._machine.principal

    @property
    def state(self) -> State:
        """Where the authentication stands."""
        return self._machine.state

    @property
    def endpoint(self) -> str:
        """The name of what is spoken."""
        return self._dialect.name

    async def run(
        self,
        transport: Transport,
        principal: Principal | None = None,
        identified: Callable[[Principal], None] | None = None,
    ) -> None:
        """Drive the connection until it ends. `principal` was established by the upgrade request.

        `identified` is called whenever another principal begins to act.
        """
        self._identified = identified
        if transport.line is not None and self._pace.gap:
            self._line = transport.line
            self._outbox.begin(transport.line, Soon(self._write_now).ask)
        self._services.hub.enter(self)
        try:
            self._machine.opened(self._clock.monotonic(), principal, self._lifetime(principal))
            # As in `_verify`: between the upgrade's check and this moment, word of a revocation could not reach us.
            if principal is not None and not await self._services.is_live(principal):
                self._machine.revoked(SESSION_ENDED, self._clock.monotonic())
            await self._apply()
            async with anyio.create_task_group() as group:
                group.start_soon(self._write, transport, group.cancel_scope)
                await self._read(transport)
                group.cancel_scope.cancel()
        finally:
            self._machine.disconnected()
            self._services.hub.leave(self)
            self._services.journal.unfollow(self)

    def deliver(self, subscription: str | None, event: Event) -> None:
        """Queue an event of a subscription."""
        if self._machine.is_closed:
            return
        self._outbox.deliver(subscription, event)
        if self._outbox.overrun:
            self._cut()

    def offer(self, subscription: str | None, event: Event, most: int) -> bool:
        """Queue an event unless `most` wait already, or too many bytes; who does not read is not cut for it."""
        if self._outbox.waiting >= most or self._outbox.lagging:
            return False
        self.deliver(subscription, event)
        return True

    def withdraw(self, subscription: str | None, reach: int) -> int | None:
        """Drop what waits of a subscription; return up to where it has been told everything, if that can be said."""
        return self._outbox.withdraw(subscription, reach)

    def fail(self, subscription: str | None, problem: Problem) -> None:
        """End one subscription and say why."""
        operation = self._subscriptions.get(subscription)
        self._forget(subscription)
        self._say(out.Ended(subscription, operation.id if operation is not None else None, problem))

    def revoke(self, problem: Problem) -> None:
        """Deliver nothing more under this identity; then close, or go on as the public."""
        self._machine.revoked(problem, self._clock.monotonic())
        self._outbox.hold()
        self._outbox.poke()

    def extend(self, expires_at: float) -> None:
        """Live as long as the session does now."""
        self._machine.extended(self._clock.monotonic(), expires_at - self._clock.now())
        self._outbox.poke()

    def check(self) -> None:
        """Cut the connection when one write has taken too long; called every few seconds."""
        since = self._writing_since
        if since is not None and self._clock.monotonic() - since > self._pace.stall:
            self._cut()

    def stop(self, code: int) -> None:
        """Write the answers that wait and close with `code`: the server stops or the connection is not wanted."""
        self._machine.disconnected()
        self._shut = Shut(code=code)
        self._outbox.poke()

    async def refile(self) -> None:
        """Follow everything anew under the rights of now; what is no longer allowed ends with an error."""
        context = await self._rights_to_follow()
        if self._machine.is_closed:
            return
        # Until all has moved nothing waits: nobody else can act on the connection between two of its subscriptions.
        # What everybody could see is no secret to whoever comes after.
        same_user, moves = self._owner in {None, self.principal.subject}, list[Move]()
        if not same_user:
            self._outbox.discard_all()
        self._owner = self.principal.subject
        for subscription, operation in tuple(self._subscriptions.items()):
            try:
                if isinstance(context, Problem):
                    raise context
                move = self._refollow(context, operation)
                moves += [] if move is None else [move]
            except Problem as problem:
                self.fail(subscription, problem)
        for move in moves:
            await self._services.complete(move, same_user=same_user)

    def _refollow(self, context: Context, operation: op.Subscribe | op.FollowLog) -> Move | None:
        if isinstance(operation, op.FollowLog):
            self._services.refollow_log(context, self, operation)
            return None
        return self._services.refollow(context, self, operation)

    async def _rights_to_follow(self) -> Context | Problem:
        """Return the rights of `principal`, or why there are none; if it changes meanwhile, those of the new one."""
        while True:
            principal = self.principal
            context: Context | Problem
            try:
                context = await self._services.context(principal, self._client)
            except Problem as problem:
                context = problem
            if principal is self.principal or self._machine.is_closed:
                return context

    async def _read(self, transport: Transport) -> None:
        while not self._machine.is_closed:
            frame = await transport.receive()
            if frame is None:
                self._machine.disconnected()
                return
            if self._heartbeat is not None:
                self._heartbeat.heard()
            for operation in self._decode(frame):
                await self._admit(operation)
            await self._outbox.room()  # who asks on and on without reading the answers is not read either
        await anyio.sleep_forever()  # the writer says the last words and ends the group

    def _decode(self, frame: str | bytes) -> Iterable[op.Operation]:
        """Return what a message asks for: nothing when it is too long or one too many.

        Before the authentication one that is too long is a failed one, so that the client is told.
        """
        is_stranger = self._machine.state is State.WAITING
        if _exceeds(frame, self._pace.first_frame if is_stranger else self._pace.frame):
            if is_stranger:
                return (op.Invalid(Problem(Code.CONTENT_TOO_LARGE), "auth"),)
            _log.warning("connection.refused", reason="too large a message", user=self.principal.user)
            self.stop(CLOSE_TOO_BIG)
            return ()
        wait = self._meter.take(self._clock.monotonic()) if self._meter is not None else 0.0
        if wait:
            self._say(out.Failure(op.Ignore(), Problem(Code.REQUESTS_EXCEEDED, retry_after=wait)))
            return ()
        return self._dialect.receive(frame)

    async def _admit(self, operation: op.Operation) -> None:
        try:
            self._machine.admits(operation)
        except Problem as problem:
            if not self._machine.is_closed:
                self._say(out.Failure(operation, problem))
            await self._apply()
            self._outbox.poke()
            return
        try:
            with anyio.CancelScope(shield=True):  # what has begun in the database is not cut off in its middle
                await self._perform(operation)
        except Problem as problem:
            if not problem.silent:
                self._say(out.Failure(operation, problem))
        except Exception:  # noqa: BLE001 - a bug must not take the connection down
            reference = short_id()
            _log.exception("operation.failed", reference=reference, operation=type(operation).__name__)
            text = f"An unexpected error occurred. Reference: {reference}."
            self._say(out.Failure(operation, Problem(Code.INTERNAL, text, id=reference)))

    async def _perform(self, operation: op.Operation) -> None:
        match operation:
            case op.Authenticate():
                self._machine.presented(operation)
                await self._apply()
                self._outbox.poke()
            case op.Ping():
                self._say(out.Pong(operation.id))
            case op.Ignore():
                pass
            case op.Invalid(problem=problem):
                raise problem
            case op.Subscribe():
                await self._subscribe(operation)
            case op.FollowLog():
                await self._follow_log(operation)
            case op.Unsubscribe():
                self._unsubscribe(operation)
            case op.Read() | op.Create() | op.Update() | op.Delete():
                self._say(await self._services.perform(await self._context(), operation))

    async def _subscribe(self, operation: op.Subscribe) -> None:
        name = operation.subscription
        if name not in self._subscriptions and len(self._subscriptions) >= self._pace.subscriptions:
            raise Problem(Code.REQUESTS_EXCEEDED, "Too many subscriptions on this connection.")
        self._forget(name)
        while True:
            principal = self.principal
            following = await self._services.subscribe(self._context, self, operation)
            member = following.member
            if self._machine.is_closed or member not in member.view.members:
                return  # what has failed while its data was being read has been told so
            if principal is self.principal:
                break
            self._services.hub.unfollow(self, name)  # it was withdrawn, or expired, while its data was being read
        self._subscriptions[name] = operation
        self._say(following.told)
        following.go_live()

    async def _follow_log(self, operation: op.FollowLog) -> None:
        try:
            subscribed = await self._services.follow_log(self._context, self, operation)
        except Problem as problem:
            if problem.code is not Code.INVALID_PAYLOAD:  # that is about the message, not about who sends it
                self._forget(None)
            raise
        if self._machine.is_closed:
            self._services.journal.unfollow(self)
            return
        self._subscriptions[None] = operation
        self._say(subscribed)

    def _unsubscribe(self, operation: op.Unsubscribe) -> None:
        names = tuple(self._subscriptions) if operation.subscription is None else (operation.subscription,)
        for name in names:
            self._forget(name)
        self._say(out.Ended(operation.subscription, operation.id))

    def _forget(self, subscription: str | None) -> None:
        self._services.hub.unfollow(self, subscription)
        if isinstance(self._subscriptions.pop(subscription, None), op.FollowLog):
            self._services.journal.unfollow(self)
        self._outbox.discard(subscription)

    async def _context(self) -> Context:
        return await self._services.context(self._machine.principal, self._client)

    def _say(self, outcome: out.Outcome) -> None:
        if not self._machine.is_closed or isinstance(outcome, out.Refused):
            self._outbox.say(self._dialect.send(outcome), apart=isinstance(outcome, out.Subscribed))

    async def _apply(self) -> None:
        """Do what the machine wants done, and what that leads to."""
        effects = self._machine.effects()
        while effects:
            for effect in effects:
                match effect:
                    case Admit(principal=principal):
                        await self._act_as(principal)
                    case Tell(outcome=outcome):
                        self._say(outcome)
                    case Verify(operation=operation):
                        await self._verify(operation)
                    case Shut():
                        self._outbox.discard_all()
                        self._shut = effect
            effects = self._machine.effects()

    async def _verify(self, operation: op.Authenticate) -> None:
        try:
            verified = await self._services.identify(operation.credential, self._client)
        except Problem as problem:
            self._machine.rejected(operation, problem, self._clock.monotonic())
            return
        lifetime = self._lifetime(verified.principal)
        now = self._clock.monotonic()
        self._machine.verified(operation, verified.principal, now, lifetime, verified.refresh_token)
        # The session may have been revoked while the credential was being checked and before the hub could know of us.
        if not await self._services.is_live(verified.principal):
            self._machine.revoked(SESSION_ENDED, self._clock.monotonic())

    async def _act_as(self, principal: Principal) -> None:
        if self._heartbeat is not None and self._machine.state is State.ACTIVE:
            self._heartbeat.start(self._clock.monotonic(), random.random() / 10)  # noqa: S311  # jitter, not a secret
        if self._machine.state is State.GRACE:
            self._outbox.hold()  # what comes until the client authenticates again waits for it
            return
        self._follower = principal
        if self._identified is not None:
            self._identified(principal)
        await self.refile()
        if self.state is not State.GRACE:
            self._outbox.release()

    def _lifetime(self, principal: Principal | None) -> float | None:
        if principal is None or principal.expires_at is None:
            return None
        return principal.expires_at - self._clock.now()

    async def _write(self, transport: Transport, scope: anyio.CancelScope) -> None:
        self._scope = scope
        while True:
            now = self._clock.monotonic()
            await self._keep_time(now)
            self._write_to_line(now)
            while (frame := self._outbox.take(now, is_last=self._shut is not None)) is not None:
                self._writing_since = self._clock.monotonic()
                await transport.send(frame)
                self._writing_since = None
            if self._shut is not None:
                await transport.close(self._shut.code or self._dialect.close_code(self._shut.reason))
                scope.cancel()
                return
            await self._outbox.wait(now, self._deadline())

    def _write_now(self) -> None:
        """Write what may be written, without waking the task that writes; what is more than that is left to it."""
        now, deadline = self._clock.monotonic(), self._deadline()
        is_late = deadline is not None and now >= deadline
        if not (is_late or self._machine.has_effects):
            self._write_to_line(now)
        if not self._outbox.is_empty or self._machine.has_effects:
            self._outbox.poke()

    def _write_to_line(self, now: float) -> None:
        line, outbox = self._line, self._outbox
        if line is None or self._shut is not None or self._writing_since is not None:
            return
        while line.is_free and (frame := outbox.take(now)) is not None:
            line.write(frame, outbox.receipts.along(now))

    def _cut(self) -> None:
        self._services.hub.cut += 1
        _log.warning("connection.cut", reason="the client does not read", user=self.principal.user)
        self._machine.disconnected()
        self._outbox.discard_all()
        if self._scope is not None:
            self._scope.cancel()

    def _deadline(self) -> float | None:
        beat = self._heartbeat.deadline if self._heartbeat is not None else None
        deadlines = [moment for moment in (self._machine.deadline, beat) if moment is not None]
        return min(deadlines, default=None)

    async def _keep_time(self, now: float) -> None:
        deadline = self._deadline()
        if deadline is not None and now >= deadline:
            self._machine.tick(now)
            self._beat(now)
        if self._machine.has_effects:
            await self._apply()

    def _position(self) -> str | None:
        """Return the position up to which the client has been told everything; none while something waits for it."""
        if self._outbox.waiting or not self._subscriptions:
            return None
        members = (self._services.hub.member(self, name) for name in self._subscriptions)
        is_live = all(member is None or member.is_live for member in members)
        return self._services.position() if is_live else None

    def _beat(self, now: float) -> None:
        if self._heartbeat is None:
            return
        match self._heartbeat.tick(now):
            case Beat.ASK:
                self._say(out.Heartbeat(self._position()))
            case Beat.GIVE_UP:
                self._shut = Shut()
                self._machine.disconnected()
            case Beat.NOTHING:
                pass


def _exceeds(frame: str | bytes, limit: int) -> bool:
    """Whether a message takes more bytes; text is encoded only where its length leaves that open."""
    if len(frame) > limit or isinstance(frame, bytes):
        return len(frame) > limit
    return not frame.isascii() and len(frame.encode("utf-8", "surrogatepass")) > limit
