"""Broker: tells nodes that there is something new in the log. It carries hints, never truth: the log is the truth."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable


class Hint(msgspec.Struct, frozen=True):
    """Offsets `first` to `last` of an epoch are in the log. Whoever has not seen them reads them there."""

    epoch: str
    first: int
    last: int


class Broker(Protocol):
    """Tells every node, this one included, what one of them published. It may lose, double and reorder."""

    async def start(self) -> None:
        """Connect."""

    async def stop(self) -> None:
        """Disconnect."""

    def publish(self, hint: Hint) -> None:
        """Send to all nodes; returns at once and never raises."""

    def listen(self, handler: Callable[[Hint], None]) -> None:
        """Call `handler` for whatever arrives; it must return quickly."""
