"""Journal: who follows this node's own log, and the road of its records to them.

Whoever logs is never kept waiting. Records may come from any thread; they are handed to the event loop, and from there
to each follower's connection. What a follower is too slow to read is dropped and counted, and the next record that it
takes is preceded by one that tells how many are missing.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from typing import TYPE_CHECKING, Protocol

from watchword.base.errors import Code, Problem
from watchword.protocol.events import Event
from watchword.protocol.records import Level, Record, levels_from

if TYPE_CHECKING:
    from collections.abc import Callable

INBOX = 10_000
BACKLOG = 1_000
NOBODY = 1 << 16
"""A level above all levels: what is wanted when nobody follows."""


class Listener(Protocol):
    """What the journal needs of a connection."""

    def offer(self, subscription: str | None, event: Event, most: int) -> bool:
        """Queue an event unless `most` wait already; say whether it was queued. Must be quick and never wait."""


class _Follower:
    __slots__ = ("dropped", "least")

    def __init__(self, least: int) -> None:
        self.least = least
        self.dropped = 0


class Journal:
    """The followers of this node's log. `allowed` are the levels that can be followed, by name.

    `backlog` bounds the records that may wait for one follower. Everything but `offer` is called from the event loop.
    """

    def __init__(
        self, node: str, least: Level, now: Callable[[], float], *, inbox: int = INBOX, backlog: int = BACKLOG
    ) -> None:
        self.node = node
        self.allowed = levels_from(least)
        self.wanted = NOBODY
        self.dropped = 0
        self._now = now
        self._limits = (inbox, backlog)
        self._followers: dict[Listener, _Follower] = {}
        self._listeners: list[Callable[[], None]] = []
        self._inbox: deque[Record] = deque()
        self._overflow = 0
        self._is_called = False
        self._spreading: int | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    @property
    def followers(self) -> int:
        """How many connections follow."""
        return len(self._followers)

    def on_wanted(self, listener: Callable[[], None]) -> None:
        """Call `listener` when `wanted`, the least level that anybody follows, has changed."""
        self._listeners.append(listener)

    def follow(self, listener: Listener, level: str) -> None:
        """Tell a connection every record of this level and above, instead of what it followed before.

        Raises:
            Problem: INVALID_PAYLOAD for a level that does not exist or is not to be followed.
        """
        least = self.allowed.get(level)
        if least is None:
            raise Problem(Code.INVALID_PAYLOAD, f'Invalid "{level}" log level')
        self._loop = asyncio.get_running_loop()
        self._followers.setdefault(listener, _Follower(least)).least = least
        self._settle()

    def unfollow(self, listener: Listener) -> None:
        """Tell a connection nothing more."""
        if self._followers.pop(listener, None) is not None:
            self._settle()

    def offer(self, record: Record) -> None:
        """Take a record, from any thread; calls do not overlap. Never waits and never raises.

        What is logged because a record is being handed out is left out: it would never end.
        """
        loop = self._loop
        if record.level < self.wanted or loop is None or self._spreading == threading.get_ident():
            return
        if len(self._inbox) >= self._limits[0]:
            self._overflow += 1
            return
        self._inbox.append(record)
        if self._is_called:
            return
        self._is_called = True
        try:
            loop.call_soon_threadsafe(self._spread)
        except RuntimeError:  # the loop has ended, and nobody follows any more
            self._is_called = False

    def _spread(self) -> None:
        self._is_called = False
        self._spreading = threading.get_ident()
        try:
            lost, self._overflow = self._overflow, 0
            for follower in self._followers.values() if lost else ():
                self._count(follower, lost)
            while self._inbox:
                self._tell(self._inbox.popleft())
        finally:
            self._spreading = None

    def _tell(self, record: Record) -> None:
        event = Event("log", record, 0)
        for listener, follower in tuple(self._followers.items()):
            if record.level < follower.least:
                continue
            if follower.dropped and listener.offer(None, self._missing(follower.dropped), self._limits[1]):
                follower.dropped = 0
            if follower.dropped or not listener.offer(None, event, self._limits[1]):
                self._count(follower, 1)

    def _count(self, follower: _Follower, lost: int) -> None:
        follower.dropped += lost
        self.dropped += lost

    def _missing(self, count: int) -> Event:
        text = "Records were dropped: this connection does not read fast enough."
        return Event("log", Record(Level.WARN, int(self._now() * 1000), text, self.node, {"dropped": count}), 0)

    def _settle(self) -> None:
        wanted = min((follower.least for follower in self._followers.values()), default=NOBODY)
        if wanted == self.wanted:
            return
        self.wanted = wanted
        for listener in self._listeners:
            listener()
