"""Following: subscriptions that are about to begin, and those that move to other rights."""

from __future__ import annotations

import msgspec

from watchword.live.membership import Membership
from watchword.protocol.events import Event
from watchword.protocol.outcomes import Subscribed


class Following(msgspec.Struct, frozen=True):
    """A buffering subscription, the offset from which it goes live, and what the client is told before."""

    member: Membership
    position: int
    told: Subscribed
    missed: list[Event] = []

    def go_live(self) -> None:
        """Deliver what was missed and buffered, then everything as it comes."""
        self.member.go_live(self.position, self.missed)


class Move(msgspec.Struct, frozen=True):
    """A subscription that buffers under new rights, and the offset from which it goes live."""

    member: Membership
    position: int
