"""Echo: what a connection hears while it publishes something itself; it is told after the answer to that."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from watchword.backend.outbox import Mark
    from watchword.protocol.events import Event


class Echo:
    """Events that wait for one answer. More than `hard` allows, and it is `overrun`."""

    def __init__(self, hard: Mark) -> None:
        self._hard = hard
        self._kept: list[tuple[str | None, Event]] = []
        self._size = 0
        self.is_kept = False

    @property
    def overrun(self) -> bool:
        """Whether more waits than may wait: the answer takes too long."""
        return self._hard.is_below(len(self._kept), self._size)

    def begin(self) -> None:
        """Keep what comes from now on."""
        self.is_kept = True

    def deliver(self, subscription: str | None, event: Event) -> None:
        """Keep an event."""
        self._kept.append((subscription, event))
        self._size += event.size

    def end(self) -> list[tuple[str | None, Event]]:
        """Keep nothing any more, and return what was kept."""
        kept, self._kept = self._kept, []
        self._size, self.is_kept = 0, False
        return kept

    def discard(self, subscription: str | None) -> None:
        """Drop the events of a subscription."""
        self._kept = [(name, event) for name, event in self._kept if name != subscription]
        self._size = sum(event.size for _, event in self._kept)

    def discard_all(self) -> None:
        """Drop every event."""
        self._kept.clear()
        self._size = 0
