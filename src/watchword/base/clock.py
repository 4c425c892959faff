"""Time as something that is passed in, so that tests can move it."""

from __future__ import annotations

import time
from typing import Protocol

import anyio


class Clock(Protocol):
    """Where the program learns what time it is."""

    def now(self) -> float:
        """Return seconds since the Unix epoch (UTC)."""

    def monotonic(self) -> float:
        """Return seconds from an arbitrary start that never go back; deadlines are kept in these."""

    async def sleep_until(self, deadline: float) -> None:
        """Return when `monotonic()` has reached `deadline`."""


class SystemClock:
    """The machine's clock."""

    def now(self) -> float:
        return time.time()

    def monotonic(self) -> float:
        return time.monotonic()

    async def sleep_until(self, deadline: float) -> None:
        await anyio.sleep(max(0.0, deadline - time.monotonic()))


class ManualClock:
    """A clock that stands still until `advance` moves it."""

    def __init__(self, now: float = 1_800_000_000.0) -> None:
        self._start = now
        self._elapsed = 0.0
        self._moved = anyio.Event()

    def now(self) -> float:
        return self._start + self._elapsed

    def monotonic(self) -> float:
        return self._elapsed

    async def sleep_until(self, deadline: float) -> None:
        while self._elapsed < deadline:
            await self._moved.wait()

    def advance(self, seconds: float) -> None:
        """Move the clock and wake everything whose deadline has come."""
        self._elapsed += seconds
        self._moved.set()
        self._moved = anyio.Event()
