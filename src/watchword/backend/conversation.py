"""Conversation: drives one connection. It decides the order; the machine decides who may, the dialect the words.

Operations run one after the other, in the order of their frames; calls of procedures and documents begin in that order
and run beside the rest. One task reads and performs, one writes and keeps the time. The hub calls `deliver`, `fail`,
`revoke` and `extend` from its own loop; none of them waits.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import anyio
import anyio.lowlevel
import structlog
from msgspec.structs import replace

from watchword.access.principal import ANONYMOUS
from watchword.backend.attendant import Attendant
from watchword.backend.delivery import Delivery
from watchword.backend.executions import Executions
from watchword.backend.fifo import Batch, Fifo
from watchword.backend.finishing import unbroken
from watchword.backend.heart import Heart
from watchword.backend.incoming import IncomingCalls, Inlet
from watchword.backend.subscriptions import Subscriptions
from watchword.backend.verification import RIGHTS_CHANGED, SESSION_ENDED, Verification, problem_of, unexpected
from watchword.backend.watches import Watches
from watchword.backend.writer import Writer
from watchword.base.errors import Code, Problem
from watchword.connection.machine import Admit, AuthMachine, Shut, State, Tell, Verify
from watchword.protocol import operations as op
from watchword.protocol import outcomes as out
from watchword.protocol.dialect import Answering, Explaining

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterable

    from anyio.abc import TaskGroup

    from watchword.access.principal import Principal
    from watchword.backend.context import Connection, Context
    from watchword.backend.pace import Pace
    from watchword.backend.services import Services, Transport
    from watchword.connection.policy import AuthPolicy
    from watchword.protocol.dialect import Dialect

_log = structlog.get_logger(__name__)

CLOSE_RESTART = 1012
CLOSE_TOO_BIG = 1009
TURN = 20
"""How many operations of one message are performed before everybody else has a turn."""

CLOSE_ERROR = 1011
APPLICATION_SECONDS = 60.0
"""For how long the application's rules, authenticators and lines may think about one operation."""

_ASKING = op.Open | op.Authenticate | op.Join | op.Publish
_Calls = op.Invoke | op.Watch | op.Transmit | op.Answer
_Quick = op.Ping | op.Ignore | op.Respond | op.Break | op.Invalid | op.Unsubscribe | op.Raw | _Calls


class Conversation(Delivery):
    """One connection from the upgrade to the close."""

    def __init__(  # noqa: PLR0913, PLR0917 - what it is between
        self,
        services: Services,
        dialect: Dialect,
        policy: AuthPolicy,
        pace: Pace,
        connection: Connection,
        attendant: Attendant | None = None,
    ) -> None:
        super().__init__(dialect, pace, attendant or Attendant(), AuthMachine(policy))
        self._services = services
        self._connection = connection
        self._client = connection.client
        self._clock = services.clock
        self._heart = Heart(self._machine, pace)
        self._writer = Writer(self, self._machine, self._outbox, self._heart, self._clock)
        self._inlet = Inlet(dialect, pace)
        self._calls = IncomingCalls(self, self._attendant, pace.calls)
        self._executions = Executions(self, services, pace)
        self._verification = Verification(self._machine, services, self._attendant, connection)
        self._subscriptions = Subscriptions(self, services, self._attendant, pace.subscriptions)
        self._watches = Watches(self, self._attendant, pace.subscriptions)
        self._applying = anyio.Lock(fast_acquire=True)
        self._presented: list[op.Authenticate | op.Open] = []
        self._follower: Principal = ANONYMOUS
        self.shut: Shut | None = None
        self._group: TaskGroup | None = None
        self._scope: anyio.CancelScope | None = None
        self._identified: Callable[[Principal], None] | None = None

    @property
    def id(self) -> str:
        """What the connection is called on this node."""
        return self._connection.id

    @property
    def principal(self) -> Principal:
        """On whose behalf everything is followed: who acts now, or, in grace, whose credential is over."""
        return self._follower if self._machine.state is State.GRACE else self._machine.principal

    @property
    def acting(self) -> Principal:
        """On whose behalf operations run."""
        return self._machine.principal

    @property
    def watched(self) -> int:
        """How many subscriptions to procedures there are."""
        return len(self._watches)

    @property
    def endpoint(self) -> str:
        """The name of what is spoken."""
        return self._dialect.name

    async def run(
        self,
        transport: Transport,
        principal: Principal | None = None,
        identified: Callable[[Principal], None] | None = None,
        problem: Problem | None = None,
    ) -> None:
        """Drive the connection until it ends. `principal` was established by the upgrade request.

        `identified` is called whenever another principal begins to act. `problem` is why the upgrade request's
        credential was not good, where that is to be told on the connection.
        """
        self._identified = identified
        if transport.line is not None and (self._pace.gap is None or self._pace.gap):
            self._writer.begin(transport.line, self._services.timetable)
        self._services.hub.enter(self)
        self._heart.connected(self._clock.monotonic())
        self._attendant.begun()
        try:
            self._machine.opened(self._clock.monotonic(), principal, self._lifetime(principal), problem)
            # As in `Verification`: between the upgrade's check and now, word of a revocation could not reach us.
            if principal is not None and not await self._services.is_live(principal):
                self._machine.revoked(SESSION_ENDED, self._clock.monotonic())
            async with anyio.create_task_group() as group:
                self._group = group  # before anybody acts: what goes on beside the rest may begin with that
                await self._apply()
                group.start_soon(self._write, transport, group.cancel_scope)
                await self._read(transport)
                group.cancel_scope.cancel()
        finally:
            self._machine.disconnected()
            shut = self.shut
            self._attendant.closed(*(transport.ended if shut is None else (self.code(shut), self.text(shut))))
            self._subscriptions.part_all()
            self._services.leave(self, self)

    def revoke(self, problem: Problem) -> None:
        """Deliver nothing more under this identity; then close, or go on as the public."""
        self._machine.revoked(problem, self._clock.monotonic())
        self._withhold()

    def extend(self, session: str, expires_at: float) -> None:
        """Live as long as the session does now, if it is this one's, or turns out to be when its token is checked."""
        self._verification.extended(session, expires_at)
        if session == self.principal.session:
            self._machine.extended(self._clock.monotonic(), expires_at - self._clock.now())
            self._outbox.poke()

    def check(self) -> None:
        """Cut the connection when one write has taken too long; called every few seconds."""
        if self._writer.is_stuck(self._pace.stall):
            self._cut()

    def stop(self, code: int, text: str = "") -> None:
        """Write the answers that wait and close with `code`: the server stops or the connection is not wanted."""
        if self.shut is None:
            if code == CLOSE_RESTART and self._machine.tells:
                self.say(out.Renew())
            self._machine.disconnected()
            self.shut = Shut(code=code, text=text)
            self._outbox.poke()

    async def refile(self) -> None:
        """Follow everything anew under the rights of now; what is no longer allowed ends with an error.

        Where the policy wants that, the connection ends with rights that have become others.
        """
        context = await self._subscriptions.rights_to_follow()
        if self._machine.policy.on_rights_changed is not None and self._standing.changes(self.principal, context):
            self._machine.rights_changed(RIGHTS_CHANGED, self._clock.monotonic())
        if self.is_closed:
            self._withhold()
            return
        await self._subscriptions.refile(context, ends_others=self._machine.policy.guarded)
        self._watches.refile(context)
        if self._standing.settle():
            self.release()

    def end_watch(self, name: str, problem: Problem) -> None:
        """End a subscription to a procedure."""
        self._watches.end(name, problem)

    def expel(self, problem: Problem) -> None:
        """End the connection for a reason that the client is told."""
        self._machine.expelled(problem, self._clock.monotonic())
        self._withhold()

    def _withhold(self) -> None:
        """Keep back what waits, at once: the task that writes may be waiting for the client meanwhile."""
        self._outbox.hold()
        if self._machine.is_closed:
            self._standing.settle()
            if isinstance(self._outbox, Fifo):
                self._outbox.discard_values()
        self._outbox.poke()

    async def assign(self, principal: Principal, told: out.Issued) -> None:
        """Act as a principal from now on, and give the client its token."""
        self._machine.assigned(principal, self._clock.monotonic(), self._lifetime(principal), told)
        await self._apply()
        self._outbox.poke()

    async def deauthenticate(self, told: out.Deauthenticated | None) -> None:
        """Act as the public from now on; `told` where the client is told."""
        self._machine.deauthenticated(self._clock.monotonic(), told)
        await self._apply()
        self._outbox.poke()

    def spawn(self, work: Callable[..., Coroutine[Any, Any, object]], *arguments: Any) -> None:
        """Do some work beside the rest, until it or the connection ends."""
        if self._group is not None and not self._machine.is_closed:
            self._group.start_soon(work, *arguments)

    async def rights(self, principal: Principal) -> Context:
        """Return the rights that a principal has now, as a caller on this connection.

        Raises:
            Problem: it has been withdrawn.
        """
        context = await unbroken(self._services.context(principal, self._client))
        return replace(context, connection=self._connection)

    async def _read(self, transport: Transport) -> None:
        while not self._machine.is_closed:
            frame = await transport.receive()
            if frame is None:
                self._machine.disconnected()
                return
            self._heart.heard(self._clock.monotonic())
            heard = await self._attendant.received(frame)
            for number, operation in enumerate(self._decode(heard) if heard is not None else (), 1):
                await self._admit(operation)
                if not number % TURN:
                    await self.room()
                    await anyio.lowlevel.checkpoint()
            await self.room()  # who asks on and on without reading the answers is not read either
            await self._executions.room()
        await anyio.sleep_forever()  # the writer says the last words and ends the group

    def _decode(self, frame: str | bytes) -> Iterable[op.Operation]:
        """Return what a message asks for: nothing when it is too long or one too many."""
        try:
            return self._inlet.read(frame, self._clock.monotonic(), is_stranger=self._machine.state is State.WAITING)
        except Problem as problem:
            if problem.code is Code.REQUESTS_EXCEEDED and isinstance(self._dialect, Answering):
                self._outbox.say(self._dialect.refuse(frame, problem))
            elif problem.code is Code.REQUESTS_EXCEEDED:
                self.say(out.Failure(op.Ignore(), problem))
            else:
                _log.warning("connection.refused", reason="too large a message", user=self.principal.user)
                self.stop(CLOSE_TOO_BIG)
        except Exception as error:  # noqa: BLE001 - a codec of the application's may raise anything
            self.blame(op.Ignore(), error)
        return ()

    async def _admit(self, operation: op.Operation) -> None:
        now, deadline = self._clock.monotonic(), self._machine.deadline
        if deadline is not None and now >= deadline:  # the timer may be late, and the identity over
            await self.keep_time(now)
            self._outbox.poke()
        if self._machine.is_closed:
            return  # one that came in the same message has ended the connection
        if isinstance(operation, op.Respond | op.Break):
            self._take(operation)  # the same for everybody, so nobody is asked
            return
        try:
            self._machine.admits(operation, now)
        except Problem as problem:
            if not self._machine.is_closed:
                self.say(out.Failure(operation, problem))
            await self._apply()
            self._outbox.poke()
            return
        try:
            admitted = await self._attendant.admit(operation, self.caller)
            # What has begun in the database is not cut off in its middle; the application's own code is, in the end.
            patience = APPLICATION_SECONDS if isinstance(admitted, _ASKING) else None
            with anyio.move_on_after(patience, shield=True) as scope:
                await self._perform(admitted)
            if scope.cancelled_caught:
                _log.error("application.too_slow", operation=type(operation).__name__)
                self.stop(CLOSE_ERROR)
        except Exception as error:  # noqa: BLE001 - a bug must not take the connection down
            self.blame(operation, error)

    def explain(self, operation: op.Operation, error: Exception) -> Problem:
        """Return what the client may know of an error, after the application has heard of it."""
        problem = problem_of(operation, error)
        self._attendant.failed(operation, problem)
        return problem

    def blame(self, operation: op.Operation, error: Exception) -> None:
        """Say why an operation was blocked, or that it has failed."""
        problem = self.explain(operation, error)
        try:
            self.say(out.Failure(operation, problem))
        except Exception as unsaid:  # noqa: BLE001 - an application may explain by what no dialect has words for
            self.say(out.Failure(operation, unexpected(operation, unsaid)))

    async def caller(self) -> Context:
        """Return the caller of an operation, as it is now."""
        return await self.rights(self._machine.principal)

    async def _perform(self, operation: op.Operation) -> None:
        match operation:
            case op.Open(id=None) | op.Authenticate(id=None) if self._machine.policy.numbered:
                self._machine.shut(out.Cause.REFUSED)
                await self._apply()
                self._outbox.poke()
            case op.Authenticate() | op.Open():
                self._machine.presented(operation)
                await self._apply()
                while self._presented:
                    await self._verification.check(self._presented.pop())
                    await self._apply()
                self._outbox.poke()
            case op.Deauthenticate():
                await self.deauthenticate(None)
                self._attendant.deauthenticated()
            case op.Read() | op.Create() | op.Update() | op.Delete() | op.Execute():
                await self._ask(operation)
            case op.Publish():
                await self._publish(operation)
            case op.Subscribe():
                await self._subscriptions.follow(operation)
            case op.FollowLog():
                await self._subscriptions.follow_log(operation)
            case op.Join():
                await self._subscriptions.join(operation)
            case _:
                self._take(operation)

    async def _ask(self, operation: op.Read | op.Write | op.Execute) -> None:
        """Answer with what was read or written; begin a document, in place of what has its name."""
        if not isinstance(operation, op.Execute):
            self.say(await self._services.perform(await self.caller(), operation))
            return
        if operation.subscription in self._subscriptions:
            self._subscriptions.forget(operation.subscription)
        followed = await self._executions.begin(operation)
        if followed is not None:
            await self._subscriptions.follow(followed)

    async def _publish(self, operation: op.Publish) -> None:
        """Answer before the connection hears what it has published itself."""
        caller = await self.caller()
        self._echo.begin()
        try:
            self.say(await self._services.publish(caller, operation))
        finally:
            for subscription, event in self._echo.end():
                self.deliver_as_it_is(subscription, event)

    def _take(self, operation: _Quick) -> None:  # noqa: C901 - one case an operation
        """Do what needs no waiting."""
        match operation:
            case op.Ping():
                self.say(out.Pong(operation.id, self._machine.principal.expires_at))
            case op.Respond(frame=frame):
                self.write(frame)
            case op.Break(code=code, text=text):
                self.stop(code, text)
            case op.Ignore():
                pass
            case op.Invalid(problem=problem):
                raise problem
            case op.Unsubscribe(subscription=name) if name in self._watches:
                self._watches.end(name)
            case op.Unsubscribe():
                self._executions.end(operation.subscription)
                self._subscriptions.unfollow(operation)
            case op.Invoke():
                self._calls.begin(operation)
            case op.Watch():
                self._watches.begin(operation)
            case op.Transmit():
                self._attendant.transmitted(operation)
            case op.Answer():
                self._attendant.answered(operation)
            case op.Raw():
                self._attendant.raw(operation)

    async def _apply(self) -> None:
        """Do what the machine wants done, in its order, whichever task has come to it first."""
        async with self._applying:
            while effects := self._machine.effects():
                for effect in effects:
                    match effect:
                        case Admit(principal=principal):
                            await self._act_as(principal)
                        case Tell(outcome=outcome):
                            self._tell(outcome)
                        case Verify(operation=operation):
                            self._presented.append(operation)
                        case Shut():
                            self._outbox.discard_all()
                            if isinstance(self._outbox, Fifo):
                                self._outbox.discard_values()
                            self.shut = effect

    def _tell(self, outcome: out.Outcome) -> None:
        if isinstance(outcome, out.Failure):
            self._outbox.say(self._dialect.send(outcome))  # the last word
            return
        if not self._attendant.keeps(outcome):
            self.say(outcome)
        self._attendant.told(outcome)
        queue, gathering = self.batching, self._pace.batch
        if isinstance(outcome, out.Opened) and queue is not None and gathering is not None:
            queue.start_batching(Batch(gathering.interval, self._clock.monotonic() + gathering.duration))

    async def _act_as(self, principal: Principal) -> None:
        if self._machine.state is State.ACTIVE:
            self._heart.active(self._clock.monotonic())
        if self._machine.state is State.GRACE:
            self._outbox.hold()  # what comes until the client authenticates again waits for it
            return
        self._follower = principal
        if self._identified is not None:
            self._identified(principal)
        self._attendant.acts_as(principal)
        self._watches.acts_as(principal)
        await self.refile()
        self.release()

    def _lifetime(self, principal: Principal | None) -> float | None:
        if principal is None or principal.expires_at is None:
            return None
        return principal.expires_at - self._clock.now()

    async def _write(self, transport: Transport, scope: anyio.CancelScope) -> None:
        self._scope = scope
        await self._writer.run(transport)
        scope.cancel()

    def code(self, shut: Shut) -> int:
        """Return the code to close with."""
        return shut.code or self._dialect.close_code(shut.reason)

    def text(self, shut: Shut) -> str:
        """Return the reason to close with."""
        if shut.text or not isinstance(self._dialect, Explaining):
            return shut.text
        return self._dialect.close_text(self.code(shut))

    def _cut(self) -> None:
        self._services.hub.cut += 1
        _log.warning("connection.cut", reason="the client does not read", user=self.principal.user)
        self.drop()

    def drop(self) -> None:
        """End the connection without a word."""
        self._machine.disconnected()
        self._outbox.discard_all()
        if self._scope is not None:
            self._scope.cancel()

    async def keep_time(self, now: float) -> None:
        """Do what is due at `now` (monotonic seconds)."""
        if self._heart.tick(now):
            self.say(out.Heartbeat(self._position()))
        if self._machine.has_effects and not self._applying.locked():  # else who is at it does these, too
            await self._apply()

    def _position(self) -> str | None:
        """Return the position up to which the client has been told everything; none while something waits for it."""
        if self._outbox.waiting or not self._subscriptions or not self._subscriptions.are_live:
            return None
        return self._services.position()
