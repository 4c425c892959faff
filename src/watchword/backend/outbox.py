"""Outbox: what waits to be written to one connection, in order, bounded, paced.

Events of one subscription that come within `gap` seconds are gathered into as few frames as the dialect can. A frame
with events keeps `gap` apart from the frames before and after it, because clients lose frames that arrive in one read;
and where the client can be asked whether it has read the one, the other waits for that too. Where events still wait
for longer than that, client or server cannot keep up with so many frames: then they keep up to `STRETCH` gaps apart.
Answers go before events, at once otherwise, until an event has waited for a `gap`; those that begin a subscription keep
apart as events do, and no event goes before them: it may be one of that subscription. One task writes; everybody else
only appends.
"""

from __future__ import annotations

from collections import deque
from itertools import pairwise
from math import inf
from typing import TYPE_CHECKING

import msgspec

from watchword.backend.alarm import Alarm
from watchword.backend.receipts import Receipts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from watchword.backend.line import Line
    from watchword.protocol.dialect import Frame
    from watchword.protocol.events import Event


STRETCH = 2
"""How many gaps frames with events keep apart at the most: in a stream that is too fast, fewer frames say the same."""


class Mark(msgspec.Struct, frozen=True):
    """So many events or frames, or so many bytes of them, whichever comes first."""

    count: int
    size: int

    def is_below(self, count: int, size: int) -> bool:
        """Whether this is more than the mark."""
        return count > self.count or size > self.size


AT_ONCE = Mark(1_000, 256 * 1024)
"""What is encoded at once of the events of a subscription: a backlog is shared by all who have it, frames are not."""


class Outbox:
    """The queue of one connection. More events, or more bytes of them, than `hard` allows, and it is `overrun`.

    Above the mark `high` it is `lagging`: `room` returns when it is so no more. What is held back does not count for
    that, since it waits for the client and not for the line.
    """

    def __init__(
        self,
        push: Callable[[str | None, Sequence[Event]], Iterable[Frame]],
        gap: float,
        hard: Mark,
        high: Mark | None = None,
    ) -> None:
        self._push = push
        self._gap = gap
        self._hard = hard
        self._high = high or hard
        self._answers: deque[tuple[Frame, bool]] = deque()
        self._apart = 0
        self._ready: deque[tuple[str | None, Frame]] = deque()
        self._pending: dict[str | None, list[Event]] = {}
        self._waiting = 0
        self._event_bytes = 0
        self._answer_bytes = 0
        self._ready_bytes = 0
        self._written_at = self._apart_at = self._event_free_at = -inf
        self._due: float | None = None
        self._stretch = 1
        self._held = False
        self._alarm = Alarm()
        self._room = Alarm()
        self.is_writing = False
        self._wake = self._alarm.ring
        self.receipts = Receipts(self._wake_for_more)

    def begin(self, line: Line, write: Callable[[], None]) -> None:
        """From now on call `write` when an event may have to be written, instead of waking who waits."""
        self._wake = write
        self.receipts.begin(line.when_read)

    def _wake_for_more(self) -> None:
        if not self.is_empty:
            self._wake()

    @property
    def overrun(self) -> bool:
        """Whether more events wait than may wait: the client does not read."""
        return self._hard.is_below(self.waiting, self._event_bytes + self._ready_bytes)

    def has_room_for(self, event: Event) -> bool:
        """Whether an event can be queued without too many bytes waiting."""
        return not self._hard.is_below(0, self._event_bytes + self._ready_bytes + event.size)

    @property
    def lagging(self) -> bool:
        """Whether so much waits to be written that the client should read before it asks for more."""
        if self._held:
            return self._high.is_below(len(self._answers), self._answer_bytes)
        count = self._waiting + len(self._answers) + len(self._ready)
        return self._high.is_below(count, self._event_bytes + self._answer_bytes + self._ready_bytes)

    async def room(self) -> None:
        """Return when it is not `lagging`. One task may wait at a time."""
        while self.lagging:
            await self._room.wait(None)

    @property
    def waiting(self) -> int:
        """How many events and frames with events wait."""
        return self._waiting + len(self._ready)

    def say(self, frames: Iterable[Frame], *, apart: bool = False) -> None:
        """Queue an answer, which may have to keep `apart` from other frames as events do."""
        for frame in frames:
            self._answers.append((frame, apart))
            self._apart += apart
            self._answer_bytes += len(frame)
        self._alarm.ring()

    def say_alone(self, frames: Iterable[Frame]) -> None:
        """Queue an answer that has nothing beside it in its frame; here none has."""
        self.say(frames)

    def deliver(self, subscription: str | None, event: Event) -> None:
        """Queue an event of a subscription."""
        self._pending.setdefault(subscription, []).append(event)
        self._waiting += 1
        self._event_bytes += event.size
        self._wake()

    def discard(self, subscription: str | None) -> None:
        """Drop what waits of a subscription."""
        self._give_up(self._pending.pop(subscription, ()))
        self._ready_bytes -= sum(len(frame) for name, frame in self._ready if name == subscription)
        self._ready = deque((name, frame) for name, frame in self._ready if name != subscription)
        self._room.ring()

    def withdraw(self, subscription: str | None, reach: int) -> int | None:
        """Drop what waits of a subscription whose events up to the offset `reach` have been delivered.

        Returns up to where they have been written, None when the log alone cannot tell again what has been dropped.
        """
        is_begun = any(name == subscription for name, _ in self._ready)  # which events the frames hold, nobody knows
        events = self._pending.get(subscription, ())
        self.discard(subscription)
        if is_begun or not all(event.is_logged for event in events):
            return None
        return events[0].position - 1 if events else reach

    def discard_all(self) -> None:
        """Drop every event that waits."""
        self._pending.clear()
        self._ready.clear()
        self._waiting = self._event_bytes = self._ready_bytes = 0
        self._room.ring()

    def hold(self) -> None:
        """Keep events back until `release`; answers still go out."""
        self._held = True
        self._room.ring()

    def release(self) -> None:
        """Let events go out again."""
        self._held = False
        self._alarm.ring()

    def poke(self) -> None:
        """Make `wait` return."""
        self._alarm.ring()

    def take(self, now: float, *, is_last: bool = False) -> Frame | None:
        """Return the next frame that may be written at `now` (monotonic seconds), or None.

        When the connection closes after it (`is_last`), an answer waits for nothing.
        """
        self._note_waiting(now)
        if self._answers and (is_last or self._may_answer(now)):
            answer, apart = self._answers.popleft()
            self._answer_bytes -= len(answer)
            self._apart -= apart
            self._note(now, apart=apart)
            return answer
        if self._due is None or now < self._event_free_at or self._is_too_close(now, apart=True):
            return None
        self._pace(is_late=self._is_event_due(now))
        frame = self._next_frame()
        if frame is not None:
            self._due = None
            self._note(now, apart=True)
        return frame

    @property
    def is_empty(self) -> bool:
        """Whether nothing waits that may be written at some time."""
        return not self._answers and (self._held or not (self._pending or self._ready))

    def next_at(self, now: float) -> float | None:
        """Return when the next frame may be written; None when nothing waits, or only for the client to read.

        Where nothing can be written though that moment has come, `wait` is what knows more.
        """
        self._note_waiting(now)
        if self._answers:
            return now
        if self._due is None:
            return None
        if self.receipts.is_waiting and not self.lagging:
            return None if self.receipts.deadline == inf else now
        return max(self._free_at(apart=True), self._event_free_at)

    async def wait(self, now: float, deadline: float | None) -> None:
        """Return when something may be written, when `deadline` has come, or when poked."""
        moments = [] if deadline is None else [deadline]
        if self.receipts.is_waiting:
            moments.append(self.receipts.deadline)
        else:
            if self._has_events:
                moments.append(max(self._free_at(apart=True), self._event_free_at))
            if self._answers and not self._is_event_due(now):
                moments.append(self._free_at(apart=self._answers[0][1]))
        await self._alarm.wait(min(moments) - now if moments else None)

    def _note_waiting(self, now: float) -> None:
        """Note from when on the event that comes next is late."""
        if self._held or not (self._pending or self._ready):
            self._due = None
        elif self._due is None:
            self._due = max(now, self._event_free_at) + self._gap

    def _next_frame(self) -> Frame | None:
        """Return the next frame with events; of those that wait, some of one subscription are encoded."""
        if self._ready:
            _, frame = self._ready.popleft()
            self._ready_bytes -= len(frame)
            return frame
        subscription, waiting = next(iter(self._pending.items()))
        del self._pending[subscription]
        count = _first_of(waiting)
        events, rest = waiting[:count], waiting[count:]
        if rest:
            self._pending[subscription] = rest  # after the others
        self._give_up(events)
        frames = iter(self._push(subscription, events))
        first = next(frames, None)
        for frame in frames:
            self._ready.append((subscription, frame))
            self._ready_bytes += len(frame)
        return first

    def _give_up(self, events: Sequence[Event]) -> None:
        self._waiting -= len(events)
        for event in events:
            self._event_bytes -= event.size

    @property
    def _has_events(self) -> bool:
        return not self._held and bool(self._pending or self._ready)

    def _may_answer(self, now: float) -> bool:
        return not self._is_event_due(now) and not self._is_too_close(now, apart=self._answers[0][1])

    def _free_at(self, *, apart: bool) -> float:
        """Return when the pause after what was written is over, for a frame that keeps apart, or for another one."""
        return (self._written_at if apart else self._apart_at) + self._gap

    def _pace(self, *, is_late: bool) -> None:
        """Keep frames with events further apart after one that has been late, and less so after each that was not."""
        self._stretch = STRETCH if is_late else max(1, self._stretch - 1)

    def _is_too_close(self, now: float, *, apart: bool) -> bool:
        """Whether a frame has to wait for the pause to end, and the client to have read.

        When the client lags it is not read itself, so that no receipt would come.
        """
        if now < self._free_at(apart=apart):
            return True
        receipts = self.receipts
        return not receipts.has_read(apart=apart) and not self.lagging and receipts.is_due(now, apart=apart)

    def _note(self, now: float, *, apart: bool) -> None:
        self._written_at = now
        if apart:
            self._apart_at = now
            self._event_free_at = now + self._gap * self._stretch
        self.receipts.wrote(now, apart=apart)
        self._room.ring()

    def _is_event_due(self, now: float) -> bool:
        """Whether answers have to let the event go first: a stream of them must not keep it back for ever."""
        return self._due is not None and now >= self._due and not self._apart and self._has_events


def _first_of(events: Sequence[Event]) -> int:
    """Return how many events are encoded at once; two that have one position are not parted."""
    size = 0
    for count, (event, following) in enumerate(pairwise(events), 1):
        size += event.size
        if AT_ONCE.is_below(count + 1, size + following.size) and following.position != event.position:
            return count
    return len(events)
