"""Receipts: whether the client has read what was written, where its end can be asked (ping and pong, RFC 6455, 5.5.2).

A pause between two frames keeps them apart only while the client's process is awake. One that was busy for longer finds
both in one read, and there are clients that lose the second one then.

The client is asked when a frame has to wait for the one before. Where frames follow each other quickly, it is asked
along with each of them: the answer is there when the next one comes, and nothing is written for the question alone.
"""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

RECENT_SECONDS = 1.0
"""After so long a frame is taken to have been read; nobody is asked."""

PATIENCE_SECONDS = 5.0
"""A client that has never answered, and does not within this time, is not asked any more."""


class Receipts:
    """What one client has read. `rung` is called when that becomes more."""

    def __init__(self, rung: Callable[[], None]) -> None:
        self._rung = rung
        self._ask: Callable[[Callable[[], None]], None] | None = None
        self._has_answered = False
        self._written = 0
        self._written_at = self._apart_at = self._last_apart_at = -inf
        self._is_stream = False
        self._asked_for = 0
        self._asked_at: float | None = None

    def begin(self, ask: Callable[[Callable[[], None]], None]) -> None:
        """From now on, `ask` the client; what it is given is to be called when the client has read all before."""
        self._ask = ask

    def wrote(self, now: float, *, apart: bool) -> None:
        """Note that a frame was written; one that keeps `apart` is the last thing in any read."""
        self._written += 1
        self._written_at = now
        if apart:
            self._is_stream = now <= self._last_apart_at + RECENT_SECONDS
            self._apart_at = self._last_apart_at = now

    def along(self, now: float) -> Callable[[], None] | None:
        """Return what to call when the client has read the frame that was just written, to be asked for with it.

        None where it need not be asked: it is being asked, cannot be, or no other frame is likely to follow soon.
        """
        if self._ask is None or self._asked_at is not None or not self._is_stream or self._apart_at != now:
            return None
        self._asked_at, self._asked_for = now, self._written
        return self._answered

    def has_read(self, *, apart: bool) -> bool:
        """Whether the client is known to have read all that a frame has to wait for."""
        return (self._written_at if apart else self._apart_at) == -inf

    def is_due(self, now: float, *, apart: bool) -> bool:
        """Whether a frame has to wait until the client has read: what keeps `apart` for all frames, others for those.

        The client is asked when it has not been.
        """
        written_at = self._written_at if apart else self._apart_at
        if self._ask is None or written_at == -inf:
            return False
        if self._asked_at is not None:
            if self._has_answered or now < self._asked_at + PATIENCE_SECONDS:
                return True
            self._ask = self._asked_at = None
            return False
        if now > written_at + RECENT_SECONDS:
            return False
        self._asked_at, self._asked_for = now, self._written
        self._ask(self._answered)
        return True

    @property
    def is_waiting(self) -> bool:
        """Whether the client has been asked and has not answered."""
        return self._asked_at is not None

    @property
    def deadline(self) -> float:
        """When to look again though the client has not answered."""
        return inf if self._has_answered or self._asked_at is None else self._asked_at + PATIENCE_SECONDS

    def _answered(self) -> None:
        self._has_answered = True
        self._asked_at = None
        if self._asked_for == self._written:
            self._written_at = self._apart_at = -inf
        self._rung()
