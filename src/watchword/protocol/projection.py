"""Projection: how a subscriber wants events to be written, where the dialect alone does not say that."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from watchword.protocol.events import Event


class Projection(Protocol):
    """Writes events for all subscribers who want to be told the same."""

    def written(self, event: Event) -> str:
        """Return an event as JSON; worked out once for each event, which keeps it."""
