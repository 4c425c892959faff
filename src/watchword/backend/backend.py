"""Backend: performs operations for a caller, over the cores. The one road for REST and for every socket."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from watchword.access.permissions import Action
from watchword.backend.context import Context
from watchword.backend.conversation import Conversation, Pace
from watchword.backend.shapes import shape_of
from watchword.base.errors import Code, Problem, invalid_payload
from watchword.protocol import operations as op
from watchword.protocol.outcomes import Reply, Subscribed
from watchword.query.query import Query

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from watchword.access.principal import Principal
    from watchword.backend.feed import Feed
    from watchword.backend.rights import Rights
    from watchword.backend.structure import Structure
    from watchword.backend.system import SystemGuard
    from watchword.base.clock import Clock
    from watchword.connection.policy import AuthPolicy
    from watchword.data.mutate import Writer
    from watchword.data.scope import Scope
    from watchword.data.select import Reader
    from watchword.identity.authenticator import Authenticated, Identity
    from watchword.identity.client import Client
    from watchword.live.hub import Hub
    from watchword.live.journal import Journal, Listener
    from watchword.live.membership import Membership
    from watchword.live.peer import Peer
    from watchword.protocol.dialect import Dialect
    from watchword.storage.engine import OpenConnection


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
    ) -> None:
        self.clock = clock
        self.hub = hub
        self.identity = identity
        self.journal = journal
        self.structure = structure
        self._reader = reader
        self._writer = writer
        self._guard = guard
        self._feed = feed
        self._rights = rights

    def open(self, dialect: Dialect, policy: AuthPolicy, pace: Pace, client: Client) -> Conversation:
        """Start a conversation on a connection that has just been accepted."""
        return Conversation(self, dialect, policy, pace, client)

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

    async def context(self, principal: Principal, client: Client) -> Context:
        """Return the rights that a principal has now.

        Raises:
            Problem: INVALID_CREDENTIALS when it has been withdrawn.
        """
        renewed = await self.identity.renew(replace(principal, address=client.address))
        return Context(renewed.principal, renewed.access, client)

    async def perform(self, context: Context, operation: op.Read | op.Write) -> Reply:
        """Read or write. A write is one transaction: all of it or nothing, read back before it commits.

        The reply's data is None when the caller may not read what it wrote.

        Raises:
            Problem: whatever the caller may know of a refusal.
        """
        scope = context.scope(self.clock.now())
        if isinstance(operation, op.Read):
            return await self._read(scope, operation)
        guarded = await self._guard.prepare(context, operation)
        async with self._writer.transaction() as connection:
            keys = await self._write(connection, scope, guarded.operation)
            await guarded.finish(connection, keys)
            data = await self._read_back(connection, scope, guarded.operation, keys)
        guarded.committed()
        return Reply(data, id=operation.id)

    async def subscribe(
        self, context: Callable[[], Awaitable[Context]], peer: Peer, operation: op.Subscribe
    ) -> tuple[Membership, int, Subscribed]:
        """Follow a query. Returns the buffering member, the position to go live from, and what to tell the client.

        The position is taken before the data is read: an event may repeat what the data already shows, none is missing.
        What was committed before the call is in the data alone.
        When rights change meanwhile, all is done again under the new ones.
        """
        while True:
            generation = self._rights.generation
            caller = await context()
            scope = caller.scope(self.clock.now())
            shape = shape_of(self.structure.catalogue, scope, operation)
            await self._check(scope, operation)
            await self._feed.settle()
            member = self.hub.follow(peer, operation.subscription, shape, scope.variables)
            position = self._feed.head
            try:
                told = await self._initial(scope, operation)
            except BaseException:
                self.hub.unfollow(peer, operation.subscription)
                raise
            if generation == self._rights.generation:
                return member, position, told
            self.hub.unfollow(peer, operation.subscription)

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
            if generation == self._rights.generation:
                return self.refollow_log(caller, listener, operation)

    def refollow_log(self, context: Context, listener: Listener, operation: op.FollowLog) -> Subscribed:
        """Follow the server's own log under these rights; what is raised is what `follow_log` raises."""
        if not context.principal.admin:
            self.journal.unfollow(listener)
            raise Problem(Code.FORBIDDEN)
        self.journal.follow(listener, operation.level)
        return Subscribed(None, operation.level)

    def refollow(self, context: Context, peer: Peer, operation: op.Subscribe) -> None:
        """Follow a query under changed rights, from now on, without initial data."""
        scope = context.scope(self.clock.now())
        shape = shape_of(self.structure.catalogue, scope, operation)
        if not self.hub.follows(peer, operation.subscription, shape, scope.variables):
            self.hub.follow(peer, operation.subscription, shape, scope.variables).go_live(self._feed.head)

    async def _check(self, scope: Scope, operation: op.Subscribe) -> None:
        """Find out now, not at the first event, whether the query can be read."""
        if operation.event is not None:
            await self._reader.read(self.structure.catalogue, scope, replace(operation.query, limit=0, meta=()))

    async def _initial(self, scope: Scope, operation: op.Subscribe) -> Subscribed:
        if operation.event is not None:
            return Subscribed(operation.subscription, has_data=False)
        catalogue = self.structure.catalogue
        if operation.item is not None:
            row = await self._reader.read_one(catalogue, scope, operation.query, operation.item)
            return Subscribed(operation.subscription, row)
        page = await self._reader.read(catalogue, scope, operation.query)
        return Subscribed(operation.subscription, page.data, page.meta)

    async def _read(self, scope: Scope, operation: op.Read) -> Reply:
        catalogue = self.structure.catalogue
        if operation.key is not None:
            return Reply(await self._reader.read_one(catalogue, scope, operation.query, operation.key), id=operation.id)
        if operation.keys is not None:
            rows = await self._reader.read_keys(catalogue, scope, operation.query, operation.keys)
            return Reply(rows, id=operation.id)
        page = await self._reader.read(catalogue, scope, operation.query)
        return Reply(page.data, page.meta, operation.id)

    async def _write(self, connection: OpenConnection, scope: Scope, operation: op.Write) -> list[Any]:
        catalogue, name = self.structure.catalogue, operation.query.collection
        match operation:
            case op.Create(data=list(payloads)):
                return await self._writer.create(catalogue, scope, name, payloads, connection=connection)
            case op.Create(data=dict(payload)):
                return await self._writer.create(catalogue, scope, name, [payload], connection=connection)
            case op.Update(data=list(payloads), key=None, keys=None):
                return await self._writer.update_batch(catalogue, scope, name, payloads, connection=connection)
            case op.Update(data=dict(payload)):
                keys, query = _target(operation)
                return await self._writer.update(
                    catalogue, scope, name, payload, keys=keys, query=query, connection=connection
                )
            case op.Delete():
                keys, query = _target(operation)
                return await self._writer.delete(catalogue, scope, name, keys=keys, query=query, connection=connection)
            case _:
                raise invalid_payload('"data" must be an object or an array of objects')

    async def _read_back(
        self, connection: OpenConnection, scope: Scope, operation: op.Write, keys: Sequence[Any]
    ) -> Any:
        """Return what the write made, as the caller may see it; the keys after a delete."""
        single = operation.key is not None if not isinstance(operation, op.Create) else isinstance(operation.data, dict)
        if isinstance(operation, op.Delete):
            return operation.key if single else list(operation.keys if operation.keys is not None else keys)
        collection = operation.query.collection
        if scope.access.find(collection, Action.READ) is None:
            return None
        shown = _shown(operation.query)
        rows = await self._reader.read_keys(self.structure.catalogue, scope, shown, keys, connection=connection)
        if not single:
            return rows
        return rows[0] if rows else None


def _target(operation: op.Update | op.Delete) -> tuple[Sequence[Any] | None, Query | None]:
    if operation.key is not None:
        return [operation.key], None
    return (operation.keys, None) if operation.keys is not None else (None, operation.query)


def _shown(query: Query) -> Query:
    """Return the part of a query that shapes rows, without what selects them."""
    return Query(query.collection, fields=query.fields, deep=query.deep, alias=query.alias)
