"""Heartbeat: when to ask for a sign of life, and when to give up. No clock of its own."""

from __future__ import annotations

from enum import StrEnum


class Beat(StrEnum):
    """What the heartbeat wants done."""

    NOTHING = "nothing"
    ASK = "ask"
    GIVE_UP = "give up"


class Heartbeat:
    """Asks every `period` seconds; a client that then says nothing for another period is gone.

    Any frame counts as a sign of life. `start` says when the first period begins: not before the connection is
    authenticated, because clients take the first frame they get for the answer to their credential.
    """

    def __init__(self, period: float) -> None:
        self._period = self._patience = period
        self._asked = False
        self.deadline: float | None = None

    def start(self, now: float, jitter: float = 0.0) -> None:
        """Begin, unless it has begun; `jitter` (0 to 1) shortens the first period, to spread sockets."""
        if self.deadline is None:
            self.deadline = now + self._period * (1.0 - jitter)

    def heard(self, now: float) -> None:
        """Note a sign of life at `now`."""
        del now  # that there was one is enough
        self._asked = False

    def tick(self, now: float) -> Beat:
        """Return what is due."""
        if self.deadline is None or now < self.deadline:
            return Beat.NOTHING
        if self._asked:
            self.deadline = None
            return Beat.GIVE_UP
        self._asked = True
        self.deadline = now + self._patience
        return Beat.ASK


class Pulse:
    """Asks every `period` seconds whatever comes; a client that says nothing for `patience` seconds is gone.

    For dialects whose clients leave when they are not asked. It begins with the connection.
    """

    def __init__(self, period: float, patience: float) -> None:
        self._period = period
        self._patience = patience
        self._next: float | None = None
        self._end = 0.0

    @property
    def deadline(self) -> float | None:
        """When `tick` has something to do; None before the start and after the end."""
        return None if self._next is None else min(self._next, self._end)

    def start(self, now: float, jitter: float = 0.0) -> None:
        """Begin, unless it has begun; `jitter` (0 to 1) shortens the first period, to spread sockets."""
        if self._next is None:
            self._next = now + self._period * (1.0 - jitter)
            self._end = now + self._patience

    def heard(self, now: float) -> None:
        """Note a sign of life at `now`."""
        self._end = now + self._patience

    def tick(self, now: float) -> Beat:
        """Return what is due."""
        if self._next is None:
            return Beat.NOTHING
        if now >= self._end:
            self._next = None
            return Beat.GIVE_UP
        if now < self._next:
            return Beat.NOTHING
        self._next = now + self._period
        return Beat.ASK


class KeepAlive(Heartbeat):
    """Asks after `quiet` seconds without a sign of life; who then says nothing for `patience` seconds is gone."""

    def __init__(self, quiet: float, patience: float) -> None:
        super().__init__(quiet)
        self._patience = patience

    def heard(self, now: float) -> None:
        """Note a sign of life at `now`."""
        super().heard(now)
        if self.deadline is not None:
            self.deadline = now + self._period
