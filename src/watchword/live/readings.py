"""Readings: what has to be read before it can be told, view by view, beside all that can be told at once.

One task reads. What waits for a view waits in the order of the log, and views take turns: whoever follows what takes
long to read delays nobody who needs no reading, and others who do by one turn. What is told of a view at once while
something waits for it would overtake that, so that it waits, too.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

import anyio
import msgspec

from watchword.live.judging import Judged
from watchword.live.matching import View
from watchword.protocol.events import Resync

if TYPE_CHECKING:
    from collections.abc import Sequence

Check = Callable[[], Awaitable[None]]
"""Sees to it that nobody is told anything by rights that have ended before the call."""

MOST_WAITING = 10_000
"""How many changes may wait for one view."""
MOST_AT_ONCE = 1_000
"""How many changes are read for in one turn."""


class Portion(msgspec.Struct, frozen=True):
    """Changes of one batch that a view is told in its turn, `first` being the offset of the first one.

    `judge` says what they are to the view, when it has its turn. `check` is awaited before anything that has been read
    is told. A `resync` gives everything anew.
    """

    first: int
    count: int
    judge: Callable[[View], Awaitable[list[Judged]]]
    check: Check | None = None
    resync: Resync | None = None


class Readings:
    """What waits to be read. `tell` reads portions and tells them, `give_up` ends a view for which too much waits."""

    def __init__(
        self, tell: Callable[[View, Sequence[Portion]], Awaitable[None]], give_up: Callable[[View], None]
    ) -> None:
        self._tell = tell
        self._give_up = give_up
        self._queues: dict[View, deque[Portion]] = {}  # the one whose turn is next comes first
        self._is_running = False
        self._news = anyio.Event()

    async def run(self) -> None:
        """Read beside everything else until cancelled; no turn is cut off in its middle, as drivers dislike that."""
        self._is_running = True
        try:
            while True:
                await self._take_turns()
                self._news = anyio.Event()
                await self._news.wait()
        finally:
            self._is_running = False

    def add(self, view: View, portion: Portion) -> None:
        """Let a view be told something when it has been read; a view for which too much waits is given up."""
        queue = self._queues.setdefault(view, deque())
        if queue and sum(each.count for each in queue) + portion.count > MOST_WAITING:
            self._give_up(view)
            return
        queue.append(portion)
        self._news.set()

    async def finish(self) -> None:
        """Read what waits here and now, where nothing runs that would."""
        if not self._is_running:
            await self._take_turns()

    def wait_for(self, view: View) -> bool:
        """Whether something waits for a view."""
        return view in self._queues

    def reach(self, view: View, head: int) -> int:
        """Return up to which offset a view has been told, where all has been told or waits up to `head`."""
        queue = self._queues.get(view)
        return min(head, queue[0].first - 1) if queue else head

    async def _take_turns(self) -> None:
        while self._queues:
            await self._turn(next(iter(self._queues)))

    async def _turn(self, view: View) -> None:
        """Tell a view what comes next; until that has been told, it counts as waiting."""
        queue = self._queues[view]
        taken = _together(queue)
        if view.members:
            with anyio.CancelScope(shield=True):
                await self._tell(view, taken)
        for _ in taken:
            queue.popleft()
        del self._queues[view]
        if queue and view.members:
            self._queues[view] = queue


def _together(queue: deque[Portion]) -> list[Portion]:
    """Return the portions from the front that are read in one go."""
    taken, count = [queue[0]], queue[0].count
    for portion in list(queue)[1:]:
        count += portion.count
        if taken[0].resync or portion.resync or count > MOST_AT_ONCE:
            break
        taken.append(portion)
    return taken
