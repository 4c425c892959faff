"""Timetable: calls at moments, for the many sockets that wait for the same pause to end.

All calls of one millisecond are made together, by one timer of the event loop, and so are all that are due as soon as
what runs now has come to its end. A timer for each would cost more than what it is for.
"""

from __future__ import annotations

import asyncio
from math import ceil
from typing import TYPE_CHECKING

import structlog

from watchword.backend.alarm import GRAIN

if TYPE_CHECKING:
    from collections.abc import Callable

    from watchword.base.clock import Clock

_log = structlog.get_logger(__name__)

_SOON = -1
_SLOTS = 1_000


class Timetable:
    """What one event loop calls when. A call that fails is logged and disturbs no other."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._calls: dict[int, list[Callable[[], None]]] = {}

    def soon(self, call: Callable[[], None]) -> None:
        """Make a call after what runs now has come to its end."""
        calls = self._calls.get(_SOON)
        if calls is not None:
            calls.append(call)
            return
        self._calls[_SOON] = [call]
        asyncio.get_running_loop().call_soon(self._make, _SOON)

    def at(self, moment: float, call: Callable[[], None]) -> None:
        """Make a call at a moment (monotonic seconds), never before it and hardly later."""
        slot = ceil(moment * _SLOTS)
        calls = self._calls.get(slot)
        if calls is not None:
            calls.append(call)
            return
        self._calls[slot] = [call]
        seconds = max(0.0, slot / _SLOTS - self._clock.monotonic())
        asyncio.get_running_loop().call_later(seconds + GRAIN, self._make, slot)

    def _make(self, slot: int) -> None:
        for call in self._calls.pop(slot):
            try:
                call()
            except Exception:  # noqa: BLE001 - the others wait, too
                _log.exception("timetable.failed")
