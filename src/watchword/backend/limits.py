"""Limits: how much one client may ask for. They decide that it is too much; dialects and HTTP find the words."""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING

import msgspec

from watchword.base.errors import Code, Problem

if TYPE_CHECKING:
    from watchword.base.clock import Clock
    from watchword.identity.client import Client
    from watchword.identity.window import ClockedMemory, Window

UNLIMITED = -1


class Quota(msgspec.Struct, frozen=True):
    """So many within so many seconds.

    Raises:
        ValueError: one of them is not positive.
    """

    points: int
    seconds: float = 1.0

    def __post_init__(self) -> None:
        if self.points < 1 or self.seconds <= 0:
            raise ValueError("A quota must be positive")


class Meter:
    """Counts what one connection sends, in windows that begin with the first message after the last one's end."""

    __slots__ = ("_ends", "_left", "_quota")

    def __init__(self, quota: Quota) -> None:
        self._quota = quota
        self._left = 0
        self._ends = 0.0

    def take(self, now: float) -> float:
        """Count one at `now` (monotonic seconds). Return 0, or the seconds to wait when nothing is left."""
        if now >= self._ends:
            self._ends = now + self._quota.seconds
            self._left = self._quota.points
        if self._left > 0:
            self._left -= 1
            return 0.0
        return self._ends - now


class RequestRates:
    """How many requests an address, and everybody together, may send. None sets no bound.

    The address is asked first, so that one that floods does not use up what all have together.
    """

    def __init__(self, clock: Clock, per_address: Quota | None, together: Quota | None) -> None:
        from watchword.identity.window import ClockedMemory  # noqa: PLC0415 - the start need not wait for it, nor keep it in memory

        storage = ClockedMemory(clock)
        self._clock = clock
        self._address = None if per_address is None else _window(storage, per_address, "requests")
        self._together = None if together is None else _window(storage, together, "requests-global")

    async def admit(self, client: Client) -> None:
        """Count a request.

        Raises:
            Problem: REQUESTS_EXCEEDED with `limit`, `reset` (ISO 8601) and `retry_after` (seconds).
        """
        for window, key in ((self._address, client.network), (self._together, "all")):
            if window is not None and not await window.hit(key):
                raise await window.exceeded(key, self._clock)


def _window(storage: ClockedMemory, quota: Quota, name: str) -> Window:
    from watchword.identity.window import Window  # noqa: PLC0415 - as above

    return Window(storage, quota.points, name, ceil(quota.seconds))


class SocketLimits(msgspec.Struct, frozen=True):
    """How many sockets may be open: at one endpoint, of one address, and of those per address without a user."""

    sockets: int = UNLIMITED
    per_address: int = UNLIMITED
    unauthenticated: int = 1_000


class Occupancy:
    """The sockets of one endpoint that are open now."""

    def __init__(self, limits: SocketLimits) -> None:
        self._limits = limits
        self._addresses: dict[str, _Address] = {}
        self.open = 0

    def enter(self, client: Client) -> Seat:
        """Let a socket in; its seat has to be left when it closes.

        Raises:
            Problem: FORBIDDEN when the endpoint is full, REQUESTS_EXCEEDED when the address has enough.
        """
        key = client.network
        address = self._addresses.get(key) or _Address()
        if _is_full(self.open, self._limits.sockets):
            raise Problem(Code.FORBIDDEN)
        if _is_full(address.open, self._limits.per_address):
            raise Problem(Code.REQUESTS_EXCEEDED, "Too many connections from this address.")
        self._addresses[key] = address
        self.open += 1
        address.open += 1
        return Seat(self, key, address, self._limits.unauthenticated)

    def leave(self, key: str, address: _Address) -> None:
        """Take a socket off the count; called by its seat."""
        self.open -= 1
        address.open -= 1
        if not address.open:
            self._addresses.pop(key, None)


class _Address:
    """The sockets of one address."""

    __slots__ = ("open", "unauthenticated")

    def __init__(self) -> None:
        self.open = 0
        self.unauthenticated = 0


class Seat:
    """The place of one open socket. It begins as that of a user, and counts as what `is_anonymous` says last."""

    __slots__ = ("_address", "_anonymous", "_key", "_limit", "_occupancy")

    def __init__(self, occupancy: Occupancy, key: str, address: _Address, limit: int) -> None:
        self._occupancy = occupancy
        self._key = key
        self._address = address
        self._limit = limit
        self._anonymous = False

    def begin_anonymous(self) -> None:
        """Count as unauthenticated from now on.

        Raises:
            Problem: REQUESTS_EXCEEDED when the address has enough of those.
        """
        if _is_full(self._address.unauthenticated, self._limit):
            raise Problem(Code.REQUESTS_EXCEEDED, "Too many unauthenticated connections from this address.")
        self.count(is_anonymous=True)

    def count(self, *, is_anonymous: bool) -> None:
        """Note whether a user is at the other end now; a socket that is open is never refused for it."""
        self._address.unauthenticated += is_anonymous - self._anonymous
        self._anonymous = is_anonymous

    def leave(self) -> None:
        """Give the place back, once."""
        self.count(is_anonymous=False)
        self._occupancy.leave(self._key, self._address)


def _is_full(count: int, limit: int) -> bool:
    return limit != UNLIMITED and count >= limit
