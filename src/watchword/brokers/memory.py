"""The broker of a single process: what is published is heard at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from watchword.live.broker import Hint


class MemoryBroker:
    """Calls every listener of this process."""

    def __init__(self) -> None:
        self._handlers: list[Callable[[Hint], None]] = []

    async def start(self) -> None:
        """There is nothing to connect to."""

    async def stop(self) -> None:
        """Forget the listeners."""
        self._handlers.clear()

    def publish(self, hint: Hint) -> None:
        """Call the listeners."""
        for handler in self._handlers:
            handler(hint)

    def listen(self, handler: Callable[[Hint], None]) -> None:
        """Add a listener."""
        self._handlers.append(handler)
