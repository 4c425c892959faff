"""Pace: the numbers of one endpoint."""

from __future__ import annotations

import msgspec

from watchword.backend.limits import Quota
from watchword.backend.outbox import Mark


class Pulse(msgspec.Struct, frozen=True):
    """Ask for a sign of life every `period` seconds from the start; give up who says nothing for `patience` seconds."""

    period: float = 8.0
    patience: float = 30.0


class KeepAlive(msgspec.Struct, frozen=True):
    """Ask after `quiet` seconds without a sign of life; give up who says nothing for `patience` seconds after that."""

    quiet: float = 30.0
    patience: float = 5.0


class Gathering(msgspec.Struct, frozen=True):
    """For `duration` seconds after the beginning, gather what is said for `interval` seconds at a time."""

    interval: float = 0.05
    duration: float = 0.4


class Pace(msgspec.Struct, frozen=True):
    """Numbers of one endpoint. `gap`: seconds that events are gathered for and frames with events keep apart.

    Without a `gap` everything goes out as it comes; then `batch` is what is gathered at the beginning, if anything.
    `outbound`: what may wait for a client that does not read; more, and it is cut. `high_water`: from where on nothing
    more is read from it. `stall`: seconds that one write may take. `heartbeat`: seconds between signs of life that are
    asked for; None asks for none. `subscriptions`: how many a connection may have. `frame` and `first_frame`: bytes of
    a message, and of one before the authentication. `messages`: how many a client may send; None sets no bound.
    `calls`: how many procedures may be running for it at the same time. `executions`: the same of documents, of which
    `backlog` more may wait before no more is read from it.
    """

    gap: float | None = 0.025
    outbound: Mark = Mark(10_000, 16 * 1024**2)
    high_water: Mark = Mark(1_000, 1024**2)
    stall: float = 20.0
    heartbeat: float | Pulse | KeepAlive | None = 30.0
    subscriptions: int = 100
    frame: int = 64 * 1024
    first_frame: int = 4 * 1024
    messages: Quota | None = None
    calls: int = 100
    executions: int = 10
    backlog: int = 20
    batch: Gathering | None = None
