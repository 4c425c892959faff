"""Alarm: wakes the one task that waits for it, by hand or by time.

It does what an event under a timeout does, at a fraction of the cost; it is waited for once for every frame that is
written to every socket.
"""

from __future__ import annotations

import asyncio

LONGEST = 86_400.0
"""Whoever waits for longer is woken in between; loops have no timers for the far future."""

GRAIN = 0.0015
"""Event loops count whole milliseconds from the last whole one, and round. A timer may ring that much early; who then
waits for the rest again does so in vain, as fast as the machine can."""


class Alarm:
    """For one waiting task. Ringing before it waits is not lost."""

    def __init__(self) -> None:
        self._rung = False
        self._waiter: asyncio.Future[None] | None = None

    @property
    def is_rung(self) -> bool:
        """Whether who comes to wait does not wait."""
        return self._rung

    def ring(self) -> None:
        """Wake the task, now or when it comes to wait."""
        self._rung = True
        waiter = self._waiter
        if waiter is not None and not waiter.done():
            waiter.set_result(None)

    async def wait(self, seconds: float | None) -> None:
        """Return when it has rung or after `seconds`; None waits without end."""
        if not self._rung:
            loop = asyncio.get_running_loop()
            self._waiter = loop.create_future()
            timer = None if seconds is None else loop.call_later(min(max(0.0, seconds), LONGEST) + GRAIN, self.ring)
            try:
                await self._waiter
            finally:
                self._waiter = None
                if timer is not None:
                    timer.cancel()
        self._rung = False
