"""Heart: the one clockwork of a connection: its credential's time, and the signs of life that are asked for."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from watchword.backend import pace as numbers
from watchword.connection.heartbeat import Beat, Heartbeat, KeepAlive, Pulse
from watchword.protocol.outcomes import Cause

if TYPE_CHECKING:
    from watchword.backend.pace import Pace
    from watchword.connection.machine import AuthMachine

_SPREAD = 10


class Heart:
    """Tells when something is due, and does what the machine and the heartbeat have to do then."""

    def __init__(self, machine: AuthMachine, pace: Pace) -> None:
        self._machine = machine
        self._beat = _heartbeat_of(pace)

    @property
    def deadline(self) -> float | None:
        """When `tick` has something to do; None when nothing is due."""
        own = self._machine.deadline
        beat = self._beat.deadline if self._beat is not None else None
        if own is None or beat is None:  # asked for with every event, so not by a list
            return beat if own is None else own
        return min(own, beat)

    def connected(self, now: float) -> None:
        """Begin to ask, where that begins with the connection."""
        if isinstance(self._beat, Pulse | KeepAlive):
            self._beat.start(now)

    def active(self, now: float) -> None:
        """Begin to ask, where that begins when somebody acts on the connection."""
        if self._beat is not None:
            self._beat.start(now, random.random() / _SPREAD)  # noqa: S311  # jitter, not a secret

    def heard(self, now: float) -> None:
        """Note a sign of life."""
        if self._beat is not None:
            self._beat.heard(now)

    def tick(self, now: float) -> bool:
        """Do what is due; say whether the client is to be asked for a sign of life."""
        deadline = self.deadline
        if deadline is None or now < deadline:
            return False
        self._machine.tick(now)
        beat = Beat.NOTHING if self._beat is None else self._beat.tick(now)
        if beat is Beat.GIVE_UP:
            self._machine.shut(Cause.SILENT)
        return beat is Beat.ASK


def _heartbeat_of(pace: Pace) -> Heartbeat | Pulse | KeepAlive | None:
    asked = pace.heartbeat
    if isinstance(asked, numbers.Pulse):
        return Pulse(asked.period, asked.patience)
    if isinstance(asked, numbers.KeepAlive):
        return KeepAlive(asked.quiet, asked.patience)
    return None if asked is None else Heartbeat(asked)
