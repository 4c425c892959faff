"""Attendant: what an application has to say about one connection. This one has nothing to say, and lets everything by.

A conversation asks it in the order of the frames. What it raises as a Problem blocks what it was asked about.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, Protocol

from watchword.base.errors import Code, Problem

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from watchword.access.principal import Principal
    from watchword.backend.context import Context
    from watchword.identity.authenticator import Authenticated
    from watchword.identity.client import Client
    from watchword.protocol import operations as op
    from watchword.protocol import outcomes as out
    from watchword.protocol.events import Event

Caller = Callable[[], "Awaitable[Context]"]


class Begun(Protocol):
    """A subscription to a procedure that has been granted."""

    values: AsyncGenerator[Any, None]

    def keeps(self, principal: Principal) -> bool:
        """Whether it goes on, for the time being, when somebody else begins to act on the connection."""

    def admit(self, context: Context) -> None:
        """Go on under other rights, or raise Problem."""


class Attendant:
    """The base of all attendants."""

    filters = False
    """Whether `outgoing` has to be asked before an event is delivered."""

    async def received(self, frame: str | bytes) -> str | bytes | None:
        """Take a message before it is decoded; None drops it."""
        return frame

    async def identify(self, credential: op.Credential, client: Client) -> Authenticated | None:
        """Judge a credential of the application's own; None leaves that to the backend.

        Raises:
            Problem: it is one, and not good.
        """
        return None

    def established(self) -> Authenticated | None:
        """Return whom the upgrade has established, where the first message brings no credential.

        Raises:
            Problem: the upgrade's was not good.
        """
        return None

    async def opening(self, principal: Principal, problem: Problem | None) -> None:
        """Agree to a connection that is about to open for a principal, or for the public after a `problem`."""

    async def authenticating(self, operation: op.Authenticate | op.Open, principal: Principal) -> None:
        """Agree to a credential that has been found good."""

    async def admit(self, operation: op.Operation, caller: Caller) -> op.Operation:
        """Agree to an operation, perhaps to another one in its place. `caller` is who asks, with the rights of now."""
        return operation

    async def call(self, operation: op.Invoke, caller: Caller) -> out.Reply | None:
        """Answer a call of a procedure; None answers nothing."""
        return None

    async def watch(self, operation: op.Watch, caller: Caller) -> Begun:
        """Begin a subscription to a procedure.

        Raises:
            Problem: there is none, or the caller may not.
        """
        raise Problem(Code.ROUTE_NOT_FOUND, "There is no such procedure.", procedure=operation.procedure)

    def unwatched(self, name: str) -> None:
        """Hear that a subscription to a procedure is no more."""

    def transmitted(self, operation: op.Transmit) -> None:
        """Hear what the client only tells."""

    def answered(self, operation: op.Answer) -> None:
        """Hear the client's answer to a call of the server's."""

    def raw(self, operation: op.Raw) -> None:
        """Hear a message that is none of the dialect's."""

    def outgoing(self, subscription: str | None, event: Event) -> Event | None:
        """Return the event to deliver in place of this one, None for none; only asked where it `filters`."""
        return event

    def discard(self, subscription: str | None) -> None:
        """Drop what waits of a subscription for the application to agree to."""

    def discard_all(self) -> None:
        """Drop all that waits for it."""

    def refused(self, operation: op.Authenticate | op.Open, problem: Problem) -> None:
        """Hear that a credential was not good."""

    def failed(self, operation: op.Operation, problem: Problem) -> None:
        """Hear that an operation was blocked or failed."""

    def begun(self) -> None:
        """Hear that the connection stands."""

    def acts_as(self, principal: Principal) -> None:
        """Hear that somebody acts on the connection."""

    def keeps(self, outcome: out.Outcome) -> bool:
        """Whether the application will have an outcome about the identity said at a time of its own."""
        return False

    def told(self, outcome: out.Outcome) -> None:
        """Hear what has just been said about the identity of the connection."""

    def deauthenticated(self) -> None:
        """Hear that the client has given up its identity of its own accord."""

    def joined(self, operation: op.Join | op.Subscribe) -> None:
        """Hear that a subscription stands."""

    def left(self, subscription: str, problem: Problem | None) -> None:
        """Hear that a subscription is no more."""

    def closed(self, code: int, reason: str) -> None:
        """Hear that the connection has ended, with which code and reason."""
