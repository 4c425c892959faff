"""Subscriptions: what one connection follows and hears: begun, moved to other rights and ended, in order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import structlog
from msgspec.structs import replace

from watchword.base.errors import Code, Problem, forbidden
from watchword.live.journal import Listener
from watchword.live.peer import Peer
from watchword.protocol import operations as op
from watchword.protocol import outcomes as out

if TYPE_CHECKING:
    from watchword.access.principal import Principal
    from watchword.backend.attendant import Attendant
    from watchword.backend.context import Context
    from watchword.backend.following import Move
    from watchword.backend.services import Services
    from watchword.protocol.events import Event

_log = structlog.get_logger(__name__)

ANOTHER_IDENTITY = "The identity of the connection has changed."

Followed = op.Subscribe | op.FollowLog | op.Join


class Host(Peer, Listener, Protocol):
    """The connection that follows."""

    @property
    def acting(self) -> Principal:
        """On whose behalf operations run; in grace not on that of who goes on to be told."""

    @property
    def is_closed(self) -> bool:
        """Whether nothing more is said."""

    @property
    def watched(self) -> int:
        """How many subscriptions to procedures it has beside these."""

    def say(self, outcome: out.Outcome) -> None:
        """Say an outcome."""

    def discard(self, subscription: str | None) -> None:
        """Drop what waits of a subscription."""

    def hold(self) -> None:
        """Keep events back until `release`."""

    def release(self) -> None:
        """Let events go out again."""

    def discard_all(self) -> None:
        """Drop every event that waits."""

    async def rights(self, principal: Principal) -> Context:
        """Return the rights that a principal has now, or raise Problem."""


class Ear:
    """What hears a channel for a subscription that is not called as the channel is."""

    def __init__(self, host: Host, subscription: str) -> None:
        self._host = host
        self._subscription = subscription

    @property
    def id(self) -> str:
        """What the connection is called on this node."""
        return self._host.id

    @property
    def principal(self) -> Principal:
        """Who acts on it."""
        return self._host.principal

    def deliver(self, subscription: str | None, event: Event) -> None:
        """Queue an event of the channel."""
        del subscription  # the name of the channel
        self._host.deliver(self._subscription, event)


class Subscriptions:
    """The subscriptions of one connection, by name; `most` of them at the same time."""

    def __init__(self, host: Host, services: Services, attendant: Attendant, most: int) -> None:
        self._host = host
        self._services = services
        self._attendant = attendant
        self._most = most
        self._operations: dict[str | None, Followed] = {}
        self._hearers: dict[str, Host | Ear] = {}
        self._owner: str | None = None

    def __bool__(self) -> bool:
        return bool(self._operations)

    def __len__(self) -> int:
        return len(self._operations)

    def __contains__(self, subscription: object) -> bool:
        return subscription in self._operations

    @property
    def names(self) -> tuple[str | None, ...]:
        """What they are called, in the order in which they began."""
        return tuple(self._operations)

    def begins_with_data(self, subscription: str | None) -> bool:
        """Whether a subscription is ever told all there is at once."""
        operation = self._operations.get(subscription)
        return not isinstance(operation, op.Subscribe) or operation.initial

    @property
    def are_live(self) -> bool:
        """Whether all of them have been told everything, and are told what comes as it comes."""
        return all(self._services.hub.is_current(self._host, name) for name in self._operations)

    async def follow(self, operation: op.Subscribe) -> None:
        """Begin to follow a query.

        Raises:
            Problem: it is refused.
        """
        host, services, name = self._host, self._services, operation.subscription
        self._check_room(name)
        self.forget(name)
        while True:
            principal = host.principal
            following = await services.subscribe(lambda: host.rights(host.acting), host, operation)
            member = following.member
            if host.is_closed or member not in member.view.members:
                return  # what has failed while its data was being read has been told so
            if principal is host.principal:
                break
            services.hub.unfollow(host, name)  # it was withdrawn, or expired, while its data was being read
        self._operations[name] = operation
        host.say(replace(following.told, id=operation.id, projection=operation.projection))
        following.go_live()
        self._attendant.joined(operation)

    async def follow_log(self, operation: op.FollowLog) -> None:
        """Begin to follow the server's log.

        Raises:
            Problem: it is refused.
        """
        host, services = self._host, self._services
        try:
            subscribed = await services.follow_log(lambda: host.rights(host.acting), host, operation)
        except Problem as problem:
            if problem.code is not Code.INVALID_PAYLOAD:  # that is about the message, not about who sends it
                self.forget(None)
            raise
        if host.is_closed:
            services.journal.unfollow(host)
            return
        self._operations[None] = operation
        host.say(subscribed)

    async def join(self, operation: op.Join) -> None:
        """Begin to hear a channel; once more is no error, and asks for the right again.

        Raises:
            Problem: it is refused.
        """
        host, name = self._host, operation.name
        self._check_room(name)
        while True:
            principal = host.acting
            context = await host.rights(principal)
            if principal is host.acting or host.is_closed:
                break
        if host.is_closed:
            return
        is_new = name not in self._operations
        self._operations[name] = operation
        hearer = self._hearers.setdefault(name, host if operation.subscription is None else Ear(host, name))
        try:
            joined = await self._services.join(context, hearer, operation)
        except BaseException:
            self._operations.pop(name, None)
            self._part(operation)
            raise
        if self._operations.get(name) is not operation:  # the right has ended while it was being asked for
            self._services.part(hearer, operation.channel)  # which it has joined since it was forgotten
            raise forbidden()
        told = out.Subscribed(name, has_data=False, position=joined.position, lost=joined.lost, id=operation.id)
        host.say(told)
        for event in joined.missed:
            host.deliver(name, event)
        if is_new:
            self._attendant.joined(operation)

    def unfollow(self, operation: op.Unsubscribe) -> None:
        """End one or all at the client's wish.

        Raises:
            Problem: UNPROCESSABLE_CONTENT when there is none where there has to be one.
        """
        name = operation.subscription
        if operation.must_exist and name not in self._operations:
            raise Problem(Code.UNPROCESSABLE_CONTENT, "There is no such subscription.")
        for each in self.names if name is None else (name,):
            known = each in self._operations
            self.forget(each)
            if known and each is not None:
                self._attendant.left(each, None)
        self._host.say(out.Ended(name, operation.id))

    def fail(self, subscription: str | None, problem: Problem) -> None:
        """End one and say why."""
        operation = self._operations.get(subscription)
        self.forget(subscription)
        self._host.say(out.Ended(subscription, operation.id if operation is not None else None, problem))
        if operation is not None and subscription is not None:
            self._attendant.left(subscription, problem)

    def forget(self, subscription: str | None) -> None:
        """End one without a word."""
        operation = self._operations.pop(subscription, None)
        if isinstance(operation, op.Join):
            self._part(operation)
        else:
            self._services.hub.unfollow(self._host, subscription)
        if isinstance(operation, op.FollowLog):
            self._services.journal.unfollow(self._host)
        self._host.discard(subscription)

    def part_all(self) -> None:
        """Hear no channel any more; the connection has ended."""
        for operation in self._operations.values():
            if isinstance(operation, op.Join):
                self._part(operation)

    def _part(self, operation: op.Join) -> None:
        hearer = self._hearers.pop(operation.name, None)
        if hearer is not None:
            self._services.part(hearer, operation.channel)

    async def refile(self, context: Context | Problem, *, ends_others: bool) -> None:
        """Follow everything anew under the rights of now; what is no longer allowed ends with an error.

        With `ends_others` so does what another user followed.
        """
        host = self._host
        await self._rejoin(context)
        # Until all has moved nothing waits: nobody else can act on the connection between two of its subscriptions.
        # What everybody could see is no secret to whoever comes after.
        same_user, moves = self._owner in {None, host.principal.subject}, list["Move"]()
        if not same_user:
            host.discard_all()
        self._owner = host.principal.subject
        for subscription, operation in tuple(self._operations.items()):
            if isinstance(operation, op.Join):
                continue
            if ends_others and not same_user:
                self.fail(subscription, Problem(Code.INVALID_CREDENTIALS, ANOTHER_IDENTITY))
                continue
            try:
                move = self._refollow(_granted(context), operation)
                moves += [] if move is None else [move]
            except Problem as problem:
                self.fail(subscription, problem)
        for move in moves:
            await self._services.complete(move, same_user=same_user)

    async def _rejoin(self, context: Context | Problem) -> None:
        """Hear no more of the channels that the rights of now do not allow; nothing is said on them meanwhile."""
        joined = [operation for operation in self._operations.values() if isinstance(operation, op.Join)]
        if not joined:
            return
        self._host.hold()
        for operation in joined:
            try:
                await self._services.rejoin(_granted(context), operation)
            except Problem as problem:
                self.fail(operation.name, problem)
            except Exception:  # noqa: BLE001 - a rule that cannot be asked lets nobody hear
                _log.exception("channel.rule_failed", channel=operation.channel)
                self.fail(operation.name, Problem(Code.SERVICE_UNAVAILABLE))
        self._host.release()

    def _refollow(self, context: Context, operation: op.Subscribe | op.FollowLog) -> Move | None:
        if isinstance(operation, op.FollowLog):
            self._services.refollow_log(context, self._host, operation)
            return None
        return self._services.refollow(context, self._host, operation)

    async def rights_to_follow(self) -> Context | Problem:
        """Return the rights of the principal, or why there are none; if it changes meanwhile, those of the new one."""
        host = self._host
        while True:
            principal = host.principal
            context: Context | Problem
            try:
                context = await host.rights(principal)
            except Problem as problem:
                context = problem
            if principal is host.principal or host.is_closed:
                return context

    def _check_room(self, name: str | None) -> None:
        if name not in self._operations and len(self) + self._host.watched >= self._most:
            raise Problem(Code.REQUESTS_EXCEEDED, "Too many subscriptions on this connection.", limit=self._most)


def _granted(context: Context | Problem) -> Context:
    if isinstance(context, Problem):
        raise context
    return context
