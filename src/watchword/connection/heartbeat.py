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
        self._period = period
        self._asked = False
        self.deadline: float | None = None

    def start(self, now: float, jitter: float = 0.0) -> None:
        """Begin, unless it has begun; `jitter` (0 to 1) shortens the first period, to spread sockets."""
        if self.deadline is None:
            self.deadline = now + self._period * (1.0 - jitter)

    def heard(self) -> None:
        """Note a sign of life."""
        self._asked = False

    def tick(self, now: float) -> Beat:
        """Return what is due."""
        if self.deadline is None or now < self.deadline:
            return Beat.NOTHING
        if self._asked:
            self.deadline = None
            return Beat.GIVE_UP
        self._asked = True
        self.deadline = now + self._period
        return Beat.ASK
