"""Peer: what the hub needs of a connection."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from watchword.access.principal import Principal
    from watchword.base.errors import Problem
    from watchword.protocol.events import Event


class Peer(Protocol):
    """One connection, as this node's cores see it. No method waits for the client."""

    @property
    def id(self) -> str:
        """What it is called on this node."""

    @property
    def principal(self) -> Principal:
        """Who acts on the connection now."""

    def deliver(self, subscription: str | None, event: Event) -> None:
        """Queue an event; called from the loop that fans out, so it must be quick and never wait."""

    def withdraw(self, subscription: str | None, reach: int) -> int | None:
        """Drop what waits of a subscription that has been told everything up to the offset `reach`.

        Returns up to where it still has, None when something that waited cannot be told again from the log.
        """

    def fail(self, subscription: str | None, problem: Problem) -> None:
        """End one subscription with an error that does not disturb the others."""

    def revoke(self, problem: Problem) -> None:
        """The identity was withdrawn: nothing more is delivered under it."""

    def extend(self, session: str, expires_at: float) -> None:
        """A session, this connection's or another one's, lives on until `expires_at` (epoch seconds)."""

    def doubt(self) -> None:
        """Its rights may have changed; `refile` or `revoke` follows as soon as that is known."""

    async def refile(self) -> None:
        """Go on under the rights of now, or end with the older ones; returns when nothing is delivered under those."""

    def check(self) -> None:
        """Give the connection up if its client has not read for too long; called every few seconds."""

    def stop(self, code: int) -> None:
        """Close with a WebSocket close code after the answers that wait have been written."""
