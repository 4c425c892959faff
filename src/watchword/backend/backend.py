"""Backend: performs operations for a caller, over the cores. The one road for REST and for every socket."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from msgspec.structs import replace

from watchword.backend.call import Call
from watchword.backend.context import Context
from watchword.backend.conversation import Conversation
from watchword.backend.entitlements import Entitlements
from watchword.backend.exchange import Exchange
from watchword.backend.finishing import unbroken
from watchword.backend.following import Following, Move
from watchword.backend.hook_attendant import HookAttendant
from watchword.backend.hooks import ItemsEvent
from watchword.backend.items import Inside
from watchword.backend.passages import MOST_MISSED, Passages
from watchword.backend.procedures import Kind
from watchword.backend.publishing import Joined, Publishing
from watchword.backend.returning import OF_RIGHTS, concerns, may_have_lost_sight
from watchword.backend.shapes import shape_of
from watchword.backend.store import Into, Store
from watchword.backend.ticket_inputs import bound_input, take_ticket
from watchword.backend.timetable import Timetable
from watchword.backend.watching import Watching, merge_last_event_id
from watchword.base.errors import Code, Problem, not_supported
from watchword.data.writes import Written
from watchword.protocol import operations as op
from watchword.protocol.outcomes import Reply, Subscribed

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from watchword.access.permissions import Action
    from watchword.access.principal import Principal
    from watchword.backend.application import Application
    from watchword.backend.attendant import Attendant
    from watchword.backend.background import Background
    from watchword.backend.context import Connection
    from watchword.backend.executor import Executor, Work
    from watchword.backend.feed import Feed
    from watchword.backend.pace import Pace
    from watchword.backend.procedure_table import ProcedureTable
    from watchword.backend.procedures import Procedure
    from watchword.backend.rights import Rights
    from watchword.backend.structure import Structure
    from watchword.backend.system import SystemGuard
    from watchword.base.clock import Clock
    from watchword.connection.policy import AuthPolicy
    from watchword.data.forms import Showing
    from watchword.data.mutate import Writer
    from watchword.data.mutation import Objection
    from watchword.data.select import Reader
    from watchword.identity.authenticator import Authenticated, Identity
    from watchword.identity.client import Client
    from watchword.live.channels import Channels, Hearer
    from watchword.live.hub import Hub
    from watchword.live.journal import Journal, Listener
    from watchword.live.membership import Membership
    from watchword.live.peer import Peer
    from watchword.protocol.dialect import Dialect

T = TypeVar("T")

MOST_LOOKED_AT = 20_000
"""Through how many changes of users, roles and rules is looked for those that concern who comes back."""


class Backend:
    """Joins identity, data and live. Everything it is made of is passed in."""

    def __init__(  # noqa: PLR0913 - the parts that it joins, by name
        self,
        *,
        structure: Structure,
        reader: Reader,
        writer: Writer,
        guard: SystemGuard,
        identity: Identity,
        hub: Hub,
        journal: Journal,
        feed: Feed,
        rights: Rights,
        clock: Clock,
        application: Application,
        channels: Channels,
        background: Background,
    ) -> None:
        self.background = background
        self.application = application
        self.channels = channels
        self.exchange = Exchange(channels, application.rules)
        self._publishing = Publishing(channels, self.exchange, application.rules, identity, self.call)
        self.clock = clock
        self.timetable = Timetable(clock)
        self.executor: Executor | None = None
        self.entitlements = Entitlements(structure, reader, clock)
        self.hub = hub
        self.identity = identity
        self.journal = journal
        self.structure = structure
        self._writer = writer
        self._store = Store(structure, reader, writer)
        self._guard = guard
        self._feed = feed
        self._rights = rights
        self._passages = Passages(hub, feed, rights)

    def open(
        self,
        dialect: Dialect,
        policy: AuthPolicy,
        pace: Pace,
        connection: Connection,
        attendant: Attendant | None = None,
    ) -> Conversation:
        """Start a conversation on a connection that has just been accepted."""
        if attendant is None:
            attendant = HookAttendant(self.application.hooks, self.background, connection)
        return Conversation(self, dialect, policy, pace, connection, attendant)

    def call(self, context: Context, socket: Any = None) -> Call:
        """Return what the application's code sees of an operation."""
        return Call(context, self.inside, self.exchange, socket, self.identity.subscription_tickets)

    def leave(self, peer: Peer, listener: Listener) -> None:
        """Forget a connection that has ended."""
        self.channels.part_all(peer)
        self.hub.leave(peer)
        self.journal.unfollow(listener)

    async def join(self, context: Context, hearer: Hearer, operation: op.Join) -> Joined:
        """Let a connection hear a channel; return what it is told first.

        Raises:
            Problem: it may not.
        """
        return await self._through(
            context, operation, lambda admitted: self._publishing.join(context, hearer, admitted)
        )

    async def rejoin(self, context: Context, operation: op.Join) -> None:
        """Let a connection go on hearing a channel, or raise Problem."""
        await self._publishing.rejoin(context, operation)

    def part(self, hearer: Hearer, channel: str) -> None:
        """Let a connection hear a channel no more."""
        self.channels.part(hearer, channel)

    async def publish(self, context: Context, operation: op.Publish) -> Reply:
        """Tell all who hear a channel.

        Raises:
            Problem: it may not be said there.
        """
        return await self._through(context, operation, lambda admitted: self._publishing.publish(context, admitted))

    async def invoke(
        self, context: Context, operation: op.Invoke, socket: Any = None, table: ProcedureTable | None = None
    ) -> Reply:
        """Call a procedure of the application's, or of another table.

        Raises:
            Problem: ROUTE_NOT_FOUND when there is none of that name; what the procedure raises.
        """
        procedure = (table or self.application.procedures).find(operation.procedure, operation.kind)
        names = await unbroken(self.identity.names())

        async def core(admitted: op.Invoke) -> Reply:
            call = self.call(context, socket)
            return Reply(await procedure.call(call, admitted.data, names, operation.manner), id=operation.id)

        return await self._through(context, operation, core, socket)

    async def begin(self, context: Context, operation: op.Execute) -> Work | op.Subscribe:
        """Understand a document of a query language; return how to run it, or what it wants to follow.

        Raises:
            Problem: it cannot be run; NOT_SUPPORTED where nothing runs documents.
        """
        if self.executor is None:
            raise not_supported("documents")
        return await self.executor.begin(context, operation)

    async def watch(self, context: Context, operation: op.Watch, table: ProcedureTable | None = None) -> Watching:
        """Begin a subscription to a procedure of the application's, or of another table.

        Raises:
            Problem: ROUTE_NOT_FOUND when there is none of that name; what the procedure raises.
        """
        procedure = (table or self.application.procedures).find(operation.procedure, Kind.SUBSCRIPTION)
        names = await unbroken(self.identity.names())
        call = self.call(context)

        async def core(admitted: op.Watch) -> Watching:
            procedure.require(context.principal, names)  # who may not have one is told that, and not of its ticket
            given = self._with_ticket(procedure, context.principal, admitted.data)
            if procedure.resumes:
                given = merge_last_event_id(given, admitted.since)
            values = await procedure.subscribe(call, given, names, operation.manner)
            return Watching(procedure, call, values, names)

        return await self._through(context, operation, core)

    def _with_ticket(self, procedure: Procedure, principal: Principal, data: Any) -> Any:
        """Return the input of a subscription, for which the ticket that it needs has been shown."""
        if not procedure.needs_ticket:
            return data
        ticket, given = take_ticket(data)
        self.identity.subscription_tickets.check(ticket, principal, procedure.path, bound_input(given))
        return given

    async def _through(
        self, context: Context, operation: Any, core: Callable[[Any], Awaitable[T]], socket: Any = None
    ) -> T:
        """Do an operation through what the application has put around all of them."""
        pipeline = self.application.pipeline
        if not pipeline:
            return await core(operation)
        done: T = await pipeline.run(self.call(context, socket), operation, core)
        return done

    async def identify(self, credential: op.Credential, client: Client) -> Authenticated:
        """Check a credential.

        Raises:
            Problem: INVALID_CREDENTIALS, TOKEN_EXPIRED, INVALID_TOKEN, REQUESTS_EXCEEDED, …
        """
        return await self.identity.authenticate(credential, client)

    async def is_live(self, principal: Principal) -> bool:
        """Whether what the principal stands for has not been withdrawn; in doubt it has."""
        try:
            await self.identity.renew(principal)
        except Problem:
            return False
        return True

    def is_singleton(self, collection: str) -> bool:
        """Whether a collection has one row at the most; no for one that does not exist."""
        found = self.structure.catalogue.schema.collections.get(collection)
        return found is not None and found.singleton

    async def context(self, principal: Principal, client: Client) -> Context:
        """Return the rights that a principal has now; when some change while they are looked up, they are again.

        Raises:
            Problem: INVALID_CREDENTIALS when it has been withdrawn.
        """
        while True:
            generation = self._rights.generation
            renewed = await self.identity.renew(replace(principal, address=client.address))
            if generation == self._rights.generation:
                return Context(renewed.principal, renewed.access, client)

    @property
    def is_overseen(self) -> bool:
        """Whether the application looks at what is read, and has to get objects then."""
        return bool(self.application.pipeline)

    async def show(self, context: Context, operation: op.Read, showing: Showing) -> Reply:
        """Read rows, in a form of the caller's own.

        Raises:
            Problem: whatever the caller may know of a refusal.
        """
        if self.is_overseen:
            raise TypeError("the application has to see objects")
        return await self._store.read(context.scope(self.clock.now()), operation, showing)

    async def perform(self, context: Context, operation: op.Read | op.Write) -> Reply:
        """Read or write. A write is one transaction: all of it or nothing, read back before it commits.

        The reply's data is None when the caller may not read what it wrote.

        Raises:
            Problem: whatever the caller may know of a refusal.
        """
        return await self._through(context, operation, lambda admitted: self._perform(context, admitted))

    @property
    def inside(self) -> Inside:
        """What the application's own code reads and writes by: its middleware is not asked again."""
        return Inside(self._perform)

    async def _perform(self, context: Context, operation: op.Read | op.Write) -> Reply:
        scope = context.scope(self.clock.now())
        if isinstance(operation, op.Read):
            return await self._store.read(scope, operation)
        guarded = await self._guard.prepare(context, operation)
        hooks, writes = self.application.hooks, list[Written]()
        async with self._writer.transaction() as connection:
            write = await self._store.located(connection, guarded.operation)
            into: Into = {"connection": connection, "writes": writes, "before": self._objection(context)}
            keys = await self._store.write(into, scope, write)
            await guarded.finish(connection, keys, writes)
            data = await self._store.read_back(connection, scope, write, keys)
        guarded.committed()
        if hooks.has_after:
            await hooks.after(self.call(context), writes)
        return Reply(data, id=operation.id)

    def _objection(self, context: Context) -> Objection | None:
        hooks = self.application.hooks
        if not hooks.has_before:
            return None

        async def ask(action: Action, collection: str, keys: Sequence[Any], given: dict[str, Any]) -> None:
            await hooks.before(self.call(context), ItemsEvent(action, collection, keys, given))

        return ask

    def forget(self) -> None:
        """Read everything anew that is kept in memory of rights, tokens and settings."""
        self._rights.invalidate()
        self.identity.static_tokens.forget()
        self.identity.project.invalidate()

    async def subscribe(
        self, context: Callable[[], Awaitable[Context]], peer: Peer, operation: op.Subscribe
    ) -> Following:
        """Follow a query. The subscription buffers until it is told to go live.

        Where it begins is settled before the data is read: an event may repeat what the data already shows, none is
        missing. What was committed before the call is in the data alone. When rights change meanwhile, all is done
        again under the new ones.
        """
        if not self.application.pipeline:
            return await self._subscribe(context, peer, operation)
        caller = await context()
        return await self._through(caller, operation, lambda admitted: self._subscribe(context, peer, admitted))

    async def _subscribe(
        self, context: Callable[[], Awaitable[Context]], peer: Peer, operation: op.Subscribe
    ) -> Following:
        while True:
            generation = self._rights.generation
            caller = await context()
            scope = caller.scope(self.clock.now())
            shape = shape_of(self.structure.catalogue, scope, operation)
            await self._store.check(scope, operation)
            await self._feed.settle()
            member = self.hub.follow(peer, operation.subscription, shape, scope.variables)
            try:
                following = await self._follow(member, caller, operation)
            except BaseException:
                self.hub.unfollow(peer, operation.subscription)
                raise
            if not self._rights.have_changed(caller.principal.user, generation):
                return following
            self.hub.unfollow(peer, operation.subscription)

    async def _follow(self, member: Membership, caller: Context, operation: op.Subscribe) -> Following:
        lost = None
        if operation.since is not None:
            try:
                return await self._resume(member, caller.principal, operation, operation.since)
            except Problem as problem:
                if problem.code is not Code.POSITION_LOST or operation.must_resume:
                    raise
                lost = problem
        position = self._feed.horizon
        told = await self._store.initial(caller.scope(self.clock.now()), operation)
        return Following(member, position, replace(told, position=self._feed.mark(position), lost=lost))

    async def _resume(self, member: Membership, principal: Principal, operation: op.Subscribe, since: str) -> Following:
        """Find out what the client has missed, by its rights of now.

        Where those may show less than its rights of then did, nobody knows which rows to take back from it.

        Raises:
            Problem: POSITION_LOST when that cannot be told.
        """
        position, changes = await self._feed.missed(operation.query.collection, since, MOST_MISSED)
        ruled = await self._feed.logged(OF_RIGHTS, since, lambda entry: concerns(entry, principal), MOST_LOOKED_AT)
        if may_have_lost_sight(ruled, principal, member.view):
            raise Problem(Code.POSITION_LOST, reason="rights")
        missed = await self.hub.replay(member.view, changes)
        # Who drops again before the first of what was missed has come is still where it was.
        told = Subscribed(
            operation.subscription, has_data=False, position=since if missed else self._feed.mark(position)
        )
        return Following(member, position, told, missed)

    def refollow(self, context: Context, peer: Peer, operation: op.Subscribe) -> Move | None:
        """Follow a query under changed rights; None when they show the same. It buffers until `complete`."""
        scope = context.scope(self.clock.now())
        shape = shape_of(self.structure.catalogue, scope, operation)
        if self.hub.follows(peer, operation.subscription, shape, scope.variables):
            return None
        former = self.hub.member(peer, operation.subscription)
        member = self.hub.follow(peer, operation.subscription, shape, scope.variables)
        if former is not None:
            member.succeed(former, self.hub.reach(former, self._feed.head))
        return Move(member, self._feed.horizon)

    async def complete(self, move: Move, *, same_user: bool) -> None:
        """Let a subscription go on under its new rights.

        Rows that the same user sees no longer are told as deletes; what another user saw is nobody's business.
        """
        await self._passages.complete(move, same_user=same_user)

    async def follow_log(
        self, context: Callable[[], Awaitable[Context]], listener: Listener, operation: op.FollowLog
    ) -> Subscribed:
        """Follow the server's own log; administrators may. When rights change meanwhile, they are looked up again.

        Raises:
            Problem: FORBIDDEN for everybody else, who is told nothing of it any more; INVALID_PAYLOAD for a level that
                cannot be followed, and what was followed goes on.
        """
        while True:
            generation = self._rights.generation
            caller = await context()
            if not self._rights.have_changed(caller.principal.user, generation):
                return self.refollow_log(caller, listener, operation)

    def refollow_log(self, context: Context, listener: Listener, operation: op.FollowLog) -> Subscribed:
        """Follow the server's own log under these rights; what is raised is what `follow_log` raises."""
        if not context.principal.admin:
            self.journal.unfollow(listener)
            raise Problem(Code.FORBIDDEN)
        self.journal.follow(listener, operation.level)
        return Subscribed(None, operation.level)

    def position(self) -> str:
        """Return the position up to which everything has been told."""
        return self._feed.mark(self._feed.head)
