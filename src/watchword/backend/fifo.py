"""Fifo: what waits to be written to one connection, in the order in which it came, bounded.

For dialects whose clients read whatever arrives together. What finds nothing before it goes out at once, framed once
for all connections that it goes to. Events that wait are encoded when they are written, as until then all connections
can share them. While a connection is `batching`, everything is gathered for an interval and put
together to one frame. One task writes what could not go out at once; everybody else only appends.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING

import msgspec

from watchword.backend.alarm import Alarm
from watchword.backend.receipts import Receipts
from watchword.protocol.dialect import Frame
from watchword.protocol.events import Event

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from watchword.backend.line import Line
    from watchword.backend.outbox import Mark


Lost = Callable[[str | None, Event, Exception], None]
"""Hears of an event that cannot be encoded."""


class _Waiting(msgspec.Struct, frozen=True):
    """A frame, or an event to be encoded, and how many bytes it takes.

    A frame of a subscription that is no event's is a value, which keeps its place among the answers.
    """

    subscription: str | None
    what: Frame | Event
    size: int
    is_event: bool


class Batch(msgspec.Struct, frozen=True):
    """Gather for `interval` seconds, until `until` (monotonic seconds) or, without it, until told otherwise."""

    interval: float
    until: float | None = None


_ENDING = Batch(0.0, until=0.0)
"""What has been gathered is due, as one frame, and the last of its kind."""


class Fifo:
    """The queue of one connection; the twin of `Outbox`.

    More frames and events, or more bytes of them, than `hard` allows, and it is `overrun`; above the mark `high` it is
    `lagging`.
    """

    def __init__(
        self,
        push: Callable[[str | None, Sequence[Event]], Iterable[Frame]],
        join: Callable[[Sequence[Frame]], Frame] | None,
        hard: Mark,
        high: Mark | None = None,
        lost: Lost | None = None,
    ) -> None:
        self._push = push
        self._lost = lost
        self._join = join
        self._hard = hard
        self._high = high or hard
        self._queue: deque[_Waiting] = deque()
        self._urgent: deque[Frame] = deque()
        self._kept: list[_Waiting] = []
        self._aside: list[_Waiting] = []
        self._size = 0
        self._held = False
        self._batch: Batch | None = None
        self._flush_at: float | None = None
        self._line: Line | None = None
        self._alarm = Alarm()
        self._room = Alarm()
        self._wake = self._alarm.ring
        self.is_writing = False
        self.receipts = Receipts(self._alarm.ring)

    def begin(self, line: Line, write: Callable[[], None]) -> None:
        """From now on call `write` when something may have to be written, instead of waking who waits."""
        self._line = line
        self._wake = write

    @property
    def overrun(self) -> bool:
        """Whether more waits than may wait: the client does not read."""
        if not (self._queue or self._kept or self._aside):  # as after most deliveries
            return False
        return self._hard.is_below(self.waiting, self._size)

    def has_room_for(self, event: Event) -> bool:
        """Whether an event can be queued without too many bytes waiting."""
        return not self._hard.is_below(0, self._size + event.size)

    @property
    def lagging(self) -> bool:
        """Whether so much waits to be written that the client should read before it asks for more."""
        return self._high.is_below(len(self._queue), self._size)

    async def room(self) -> None:
        """Return when it is not `lagging`. One task may wait at a time."""
        while self.lagging:
            await self._room.wait(None)

    @property
    def waiting(self) -> int:
        """How many frames and events wait."""
        return len(self._queue) + len(self._aside) + len(self._kept)

    @property
    def is_empty(self) -> bool:
        """Whether nothing waits that may be written at some time."""
        return not (self._queue or self._urgent)

    def say(self, frames: Iterable[Frame], *, apart: bool = False, value_of: str | None = None) -> None:
        """Queue an answer, or a value of a subscription; nothing needs to keep `apart` here."""
        del apart
        for frame in frames:
            self._size += len(frame)
            self._queue.append(_Waiting(value_of, frame, len(frame), is_event=False))
        self._wake()

    def say_alone(self, frames: Iterable[Frame]) -> None:
        """Queue what is never part of a batch, before what is."""
        self._urgent.extend(frames)
        self._wake()

    def deliver(self, subscription: str | None, event: Event) -> None:
        """Write an event of a subscription, or queue it."""
        line = self._line
        if self._held or line is None or self._queue or self._urgent or self._batch or not self._may_put(line):
            self._size += event.size
            (self._kept if self._held else self._queue).append(_Waiting(subscription, event, event.size, is_event=True))
            if not self._held:
                self._wake()
            return
        for frame in self._encoded(subscription, event):
            framed = event.cache.get(frame)
            if framed is None:
                framed = event.cache[frame] = line.frame(frame)
            line.put(framed)

    def discard(self, subscription: str | None) -> None:
        """Drop the events and values that wait of a subscription."""
        self._keep(lambda each: each.subscription != subscription or (subscription is None and not each.is_event))

    def withdraw(self, subscription: str | None, reach: int) -> int | None:
        """Drop what waits of a subscription whose events up to the offset `reach` have been delivered.

        Returns `reach` when nothing waited, None when the log alone cannot tell again what has been dropped.
        """
        waiting = self.waiting
        self.discard(subscription)
        return reach if self.waiting == waiting else None

    def discard_all(self) -> None:
        """Drop every event that waits."""
        self._keep(lambda each: not each.is_event)

    def discard_values(self) -> None:
        """Drop every value that waits."""
        self._keep(lambda each: each.is_event or each.subscription is None)

    def hold(self) -> None:
        """Keep events back until `release`; answers still go out."""
        self._held = True
        self._aside += [each for each in self._queue if each.is_event]
        self._queue = deque(each for each in self._queue if not each.is_event)
        self._room.ring()

    def release(self) -> None:
        """Let events go out again."""
        if self._held:
            self._held = False
            self._queue.extendleft(reversed(self._aside))
            self._queue.extend(self._kept)
            self._aside.clear()
            self._kept.clear()
            self._wake()

    def start_batching(self, batch: Batch) -> None:
        """Gather what is said from now on."""
        if self._join is not None:
            self._batch = batch

    def stop_batching(self) -> None:
        """Write what has been gathered, and gather no more."""
        if self.is_batching and self._queue:
            self._batch, self._flush_at = _ENDING, 0.0
        else:
            self._batch = self._flush_at = None
        self._wake()

    def cancel_batching(self) -> None:
        """Drop what has been gathered, and gather no more."""
        kept, self._kept = self._kept, []
        self._keep(lambda _: False)
        self._kept = kept
        self.stop_batching()

    @property
    def is_batching(self) -> bool:
        """Whether what is said is gathered."""
        return self._batch is not None and self._batch is not _ENDING

    def poke(self) -> None:
        """Make `wait` return."""
        self._alarm.ring()

    def take(self, now: float, *, is_last: bool = False) -> Frame | None:
        """Return the next frame that may be written at `now` (monotonic seconds), or None."""
        if self._urgent:
            return self._urgent.popleft()
        if not self._queue:
            return None
        batch = self._batch
        if batch is None or self._join is None or is_last:
            return self._next()
        if self._flush_at is None:
            self._flush_at = now + batch.interval
        if now < self._flush_at:
            return None
        frames: list[Frame] = []
        while (frame := self._next()) is not None:
            frames.append(frame)
        self._flush_at = None
        if batch.until is not None and now >= batch.until:
            self._batch = None
        return self._join(frames) if len(frames) > 1 else next(iter(frames), None)

    def next_at(self, now: float) -> float | None:
        """Return when to look whether something may be written: now; None when nothing waits."""
        return None if self.is_empty else now

    async def wait(self, now: float, deadline: float | None) -> None:
        """Return when something may be written, when `deadline` has come, or when poked."""
        moments = [moment for moment in (deadline, self._flush_at if self._queue else None) if moment is not None]
        await self._alarm.wait(min(moments) - now if moments else None)

    def _may_put(self, line: Line) -> bool:
        return line.is_free and not self.is_writing

    def _next(self) -> Frame | None:
        """Take the next frame off the queue; what is left of an event that takes several comes first in it."""
        while self._queue:
            taken = self._queue.popleft()
            self._size -= taken.size
            self._room.ring()
            if not isinstance(taken.what, Event):
                return taken.what
            frames = self._encoded(taken.subscription, taken.what)
            self._size += sum(map(len, frames[1:]))
            self._queue.extendleft(_Waiting(taken.subscription, each, len(each), True) for each in frames[:0:-1])
            if frames:
                return frames[0]
        return None

    def _encoded(self, subscription: str | None, event: Event) -> tuple[Frame, ...]:
        """Return the frames of an event; none when it cannot be encoded, which is no other event's business."""
        try:
            return tuple(self._push(subscription, (event,)))
        except Exception as error:
            if self._lost is None:
                raise
            self._lost(subscription, event, error)
            return ()

    def _keep(self, wanted: Callable[[_Waiting], bool]) -> None:
        everything = (*self._queue, *self._aside, *self._kept)
        self._size -= sum(each.size for each in everything if not wanted(each))
        self._queue = deque(filter(wanted, self._queue))
        self._aside = list(filter(wanted, self._aside))
        self._kept = list(filter(wanted, self._kept))
        self._room.ring()
