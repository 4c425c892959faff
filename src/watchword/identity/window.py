"""Window: how often something may happen within a stretch of time."""

from __future__ import annotations

from collections import deque
from datetime import UTC, datetime
from math import ceil
from typing import TYPE_CHECKING

from limits import RateLimitItemPerSecond
from limits.aio.storage import MovingWindowSupport, Storage
from limits.aio.strategies import MovingWindowRateLimiter

from watchword.base.errors import Code, Problem

if TYPE_CHECKING:
    from watchword.base.clock import Clock

_SWEEP_EVERY = 1_000


class Window:
    """A moving window per key, of a minute or so many seconds.

    `storage` may be shared by windows of different names, and by nodes.
    """

    def __init__(self, storage: Storage, limit: int, name: str, seconds: int = 60) -> None:
        self.limit = limit
        self._item = RateLimitItemPerSecond(limit, seconds, namespace=name)
        self._limiter = MovingWindowRateLimiter(storage)

    async def hit(self, key: str) -> bool:
        """Count one; False, and nothing is counted, when the window is full."""
        return await self._limiter.hit(self._item, key)

    async def remaining(self, key: str) -> int:
        """Return how many more fit now."""
        return (await self._limiter.get_window_stats(self._item, key)).remaining

    async def reset_time(self, key: str) -> float:
        """Return when the oldest one leaves the window, in seconds since the epoch."""
        return (await self._limiter.get_window_stats(self._item, key)).reset_time

    async def exceeded(self, key: str, clock: Clock) -> Problem:
        """Say that the window is full: REQUESTS_EXCEEDED with `limit`, `reset` (ISO 8601) and `retry_after`."""
        now = clock.now()
        reset = max(await self.reset_time(key), now + 1)
        return Problem(
            Code.REQUESTS_EXCEEDED,
            limit=self.limit,
            reset=datetime.fromtimestamp(reset, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            retry_after=ceil(reset - now),
        )

    async def clear(self, key: str) -> None:
        """Forget what was counted under the key."""
        await self._limiter.clear(self._item, key)


class ClockedMemory(Storage, MovingWindowSupport):
    """Storage for `limits` in this process's memory, on our clock; the library's own reads the machine's.

    It counts in monotonic seconds, so that setting the machine's clock neither frees nor locks anybody; what it tells
    is the time of day.

    Keys whose window is over are removed as others are counted, so memory follows the traffic of the last minutes.
    """

    STORAGE_SCHEME = None

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self._clock = clock
        self._hits: dict[str, deque[float]] = {}
        self._ends: dict[str, float] = {}
        self._counted = 0

    @property
    def base_exceptions(self) -> type[Exception]:
        return ValueError

    async def acquire_entry(self, key: str, limit: int, expiry: int, amount: int = 1) -> bool:
        if len(self._live(key, expiry)) + amount > limit:
            return False
        self._count(key, expiry, amount)
        return True

    async def get_moving_window(self, key: str, limit: int, expiry: int) -> tuple[float, int]:
        hits = self._live(key, expiry)
        return (self._clock.now() if not hits else self._time_of_day(hits[0])), len(hits)

    async def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        self._live(key, expiry)
        self._count(key, expiry, amount)
        return len(self._hits[key])

    async def get(self, key: str) -> int:
        return len(self._hits.get(key, ()))

    async def get_expiry(self, key: str) -> float:
        return self._time_of_day(self._ends.get(key, self._clock.monotonic()))

    async def check(self) -> bool:
        return True

    async def reset(self) -> int:
        count = len(self._hits)
        self._hits.clear()
        self._ends.clear()
        return count

    async def clear(self, key: str) -> None:
        self._hits.pop(key, None)
        self._ends.pop(key, None)

    def _live(self, key: str, expiry: int) -> deque[float]:
        hits = self._hits.get(key, deque())
        began = self._clock.monotonic() - expiry
        while hits and hits[0] <= began:
            hits.popleft()
        return hits

    def _count(self, key: str, expiry: int, amount: int) -> None:
        now = self._clock.monotonic()
        self._hits.setdefault(key, deque()).extend([now] * amount)
        self._ends[key] = now + expiry
        self._counted += 1
        if self._counted % _SWEEP_EVERY == 0:
            self._sweep(now)

    def _sweep(self, now: float) -> None:
        for key in [key for key, end in self._ends.items() if end <= now]:
            del self._hits[key], self._ends[key]

    def _time_of_day(self, moment: float) -> float:
        return self._clock.now() + (moment - self._clock.monotonic())
