"""Membership: one subscription of one connection, and the buffer that closes the gap between following and reading."""

from __future__ import annotations

from typing import TYPE_CHECKING

from watchword.base.errors import Code, Problem

if TYPE_CHECKING:
    from collections.abc import Sequence

    from watchword.live.matching import View
    from watchword.live.peer import Peer
    from watchword.protocol.events import Event

BUFFER_LIMIT = 10_000


class Membership:
    """A subscription in its view. It buffers until `go_live`, because its initial data is being read meanwhile.

    A buffer that would grow beyond `BUFFER_LIMIT` events ends the subscription with an error. `shown` is the view whose
    rows the client holds as of the offset `reach`: another one than `view` while it moves to that, and no offset when
    that cannot be said. It `is_live` when events have begun to be delivered as they come.
    """

    __slots__ = ("_buffer", "_ended", "_floor", "is_live", "peer", "reach", "shown", "subscription", "view")

    def __init__(self, peer: Peer, subscription: str | None, view: View) -> None:
        self.peer = peer
        self.subscription = subscription
        self.view = view
        self.shown = view
        self.reach: int | None = None
        self.is_live = False
        self._buffer: list[Event] | None = []
        self._floor = -1
        self._ended = False

    def offer(self, event: Event) -> None:
        """Deliver an event, or keep it until the subscription is live."""
        if self._ended:
            return
        if self._buffer is None:
            if event.kind == "init":
                self._floor = event.position  # all that there is; offsets may have begun anew with it
            elif event.position <= self._floor:
                return
            self.reach = event.position
            self.peer.deliver(self.subscription, event)
            return
        self._buffer.append(event)
        if len(self._buffer) > BUFFER_LIMIT:
            self._buffer = []
            self.peer.fail(self.subscription, Problem(Code.SERVICE_UNAVAILABLE, "Too many changes to follow."))

    def go_live(self, position: int, missed: Sequence[Event] = ()) -> None:
        """Deliver `missed`, then what was buffered after `position` (an offset in the log), then all as it comes."""
        if self._ended:
            return
        for event in missed:
            if not self._ended:
                self.peer.deliver(self.subscription, event)
        kept, self._buffer, self._floor = self._buffer or (), None, position
        self.shown, self.reach, self.is_live = self.view, position, True
        for event in kept:
            self.offer(event)

    def succeed(self, former: Membership, head: int) -> None:
        """Take the place of a subscription; all changes up to `head` have been told to it if it was live.

        What waits for its connection is taken back, to be told by the rights of now.
        """
        reach = former.reach if not former.is_live or former.reach is None else max(former.reach, head)
        self.shown = former.shown
        self.reach = None if reach is None else former.peer.withdraw(former.subscription, reach)

    def end(self) -> None:
        """Deliver nothing any more."""
        self._ended = True
        self._buffer = None
