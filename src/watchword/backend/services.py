"""Services: what a conversation needs of those around it: the backend, and the socket below."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from watchword.access.principal import Principal
    from watchword.backend.context import Context
    from watchword.backend.executor import Work
    from watchword.backend.following import Following, Move
    from watchword.backend.line import Line
    from watchword.backend.publishing import Joined
    from watchword.backend.timetable import Timetable
    from watchword.base.clock import Clock
    from watchword.identity.authenticator import Authenticated
    from watchword.identity.client import Client
    from watchword.live.channels import Hearer
    from watchword.live.hub import Hub
    from watchword.live.journal import Journal, Listener
    from watchword.live.peer import Peer
    from watchword.protocol import operations as op
    from watchword.protocol import outcomes as out


class Services(Protocol):
    """What a conversation needs of the backend."""

    clock: Clock
    hub: Hub
    journal: Journal
    timetable: Timetable

    async def identify(self, credential: op.Credential, client: Client) -> Authenticated:
        """Check a credential, or raise Problem."""

    async def is_live(self, principal: Principal) -> bool:
        """Whether what the principal stands for has not been withdrawn."""

    async def context(self, principal: Principal, client: Client) -> Context:
        """Return the rights that a principal has now, or raise Problem."""

    async def perform(self, context: Context, operation: op.Read | op.Create | op.Update | op.Delete) -> out.Reply:
        """Read or write, or raise Problem."""

    async def begin(self, context: Context, operation: op.Execute) -> Work | op.Subscribe:
        """Understand a document, or raise Problem; return how to run it, or what it wants to follow."""

    async def subscribe(
        self, context: Callable[[], Awaitable[Context]], peer: Peer, operation: op.Subscribe
    ) -> Following:
        """Follow a query, or raise Problem; the subscription buffers until it is told to go live."""

    async def follow_log(
        self, context: Callable[[], Awaitable[Context]], listener: Listener, operation: op.FollowLog
    ) -> out.Subscribed:
        """Follow the server's log, or raise Problem; FORBIDDEN ends what was followed of it."""

    async def join(self, context: Context, hearer: Hearer, operation: op.Join) -> Joined:
        """Let a connection hear a channel, or raise Problem; return what it is told first."""

    async def rejoin(self, context: Context, operation: op.Join) -> None:
        """Let it go on under changed rights, or raise Problem."""

    def leave(self, peer: Peer, listener: Listener) -> None:
        """Forget a connection that has ended."""

    def part(self, hearer: Hearer, channel: str) -> None:
        """Let it hear a channel no more."""

    async def publish(self, context: Context, operation: op.Publish) -> out.Reply:
        """Tell all who hear a channel, or raise Problem."""

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

    async def send(self, frame: str | bytes) -> None:
        """Write a message; may wait for the client to read."""

    async def close(self, code: int, reason: str = "") -> None:
        """Close with a code, and a reason of 123 bytes at the most (RFC 6455, 5.5)."""

    @property
    def ended(self) -> tuple[int, str]:
        """With which code and reason the other end has closed; 1006 before it has, or when it went without a word."""

    @property
    def line(self) -> Line | None:
        """What the server below offers beside this; most offer nothing."""
