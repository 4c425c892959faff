"""Backlogs: all that waits for a client that does not read counts, once, and stays shared until it is written."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from watchword.backend.fifo import Fifo
from watchword.backend.outbox import AT_ONCE, Mark, Outbox
from watchword.protocol.events import Event

MARK = Mark(10_000, 100_000)
GAP = 0.025


class Pen:
    """A dialect's `push`: one frame for each event, as long as that, or one for all; it counts what it has written."""

    def __init__(self, *, together: bool = False) -> None:
        self.written = 0
        self._together = together

    def push(self, subscription: str | None, events: Sequence[Event]) -> list[str]:
        self.written += len(events)
        frames = [f"{subscription:-<16}{event.data}" for event in events]
        return [",".join(frames)] if self._together else frames


def event(position: int, size: int = 100) -> Event:
    return Event("create", "x" * (size - 16), position)


def filled(box: Outbox | Fifo, count: int, size: int = 100, name: str = "a") -> Outbox | Fifo:
    for position in range(1, count + 1):
        box.deliver(name, event(position, size))
    return box


@pytest.fixture(params=["outbox", "fifo"])
def box(request: pytest.FixtureRequest) -> Outbox | Fifo:
    pen = Pen()
    return Outbox(pen.push, 0.0, MARK) if request.param == "outbox" else Fifo(pen.push, None, MARK)


def test_the_bound_is_the_same_whether_or_not_events_have_become_frames(box: Outbox | Fifo) -> None:
    filled(box, 900)
    assert not box.overrun
    assert box.take(0.0) is not None
    filled(box, 90)
    assert (box.overrun, box.has_room_for(event(1, 50_000))) == (False, False)
    filled(box, 40)
    assert box.overrun


def test_the_number_is_bounded_whether_or_not_events_have_become_frames() -> None:
    box = filled(Outbox(Pen().push, 0.0, Mark(100, 10**9)), 100)
    assert box.take(0.0) is not None
    assert not box.overrun
    assert filled(box, 2).overrun


def test_what_was_written_or_dropped_counts_no_more(box: Outbox | Fifo) -> None:
    filled(box, 900)
    for moment in range(450):
        assert box.take(float(moment)) is not None
    assert not filled(box, 440).overrun
    box.discard("a")
    assert (box.waiting, box.has_room_for(event(1, 99_000))) == (0, True)
    assert not filled(box, 990).overrun


def test_a_backlog_is_encoded_a_few_at_a_time() -> None:
    pen = Pen(together=True)
    box = filled(Outbox(pen.push, GAP, MARK), AT_ONCE.count * 2 + 1, 20)
    written = []
    for moment in range(4):
        box.take(float(moment))
        written.append(pen.written)
    assert written == [AT_ONCE.count, AT_ONCE.count * 2, AT_ONCE.count * 2 + 1, AT_ONCE.count * 2 + 1]


def test_large_events_are_encoded_fewer_at_a_time() -> None:
    pen = Pen(together=True)
    box = filled(Outbox(pen.push, GAP, Mark(100, 10**9)), 5, AT_ONCE.size // 2)
    written = []
    for moment in range(3):
        box.take(float(moment))
        written.append(pen.written)
    assert written == [2, 4, 5]


def test_one_that_is_larger_than_that_is_encoded_alone() -> None:
    pen = Pen()
    filled(Outbox(pen.push, GAP, Mark(100, 10**9)), 2, AT_ONCE.size * 2).take(0.0)
    assert pen.written == 1


def test_subscriptions_with_backlogs_take_turns() -> None:
    box = filled(Outbox(Pen(together=True).push, GAP, Mark(100, 10**9)), 2, AT_ONCE.size)
    filled(box, 1, 20, "b")
    frames = [str(box.take(float(moment)))[0] for moment in range(3)]
    assert frames == ["a", "b", "a"]


def test_halves_of_one_position_are_encoded_together() -> None:
    pen = Pen()
    box = Outbox(pen.push, GAP, Mark(100, 10**9))
    for position in (1, 1, 2):
        box.deliver("a", event(position, AT_ONCE.size))
    box.take(0.0)
    assert pen.written == 2


def test_what_of_a_backlog_has_not_been_encoded_can_be_told_again() -> None:
    box = filled(Outbox(Pen(together=True).push, GAP, Mark(100, 10**9)), 3, AT_ONCE.size)
    assert box.take(0.0) is not None
    assert box.withdraw("a", 3) == 1


def test_who_does_not_read_keeps_no_copy_of_what_others_keep() -> None:
    pens = [Pen() for _ in range(3)]
    queues = [Fifo(pen.push, None, MARK) for pen in pens]
    shared = event(1)
    for queue in queues:
        queue.deliver("a", shared)
    assert [pen.written for pen in pens] == [0, 0, 0]
    assert queues[0].take(0.0) == f"a{'-' * 15}{shared.data}"
    assert [pen.written for pen in pens] == [1, 0, 0]


def test_an_event_that_takes_several_frames_keeps_its_place() -> None:
    box = Fifo(lambda name, events: [f"{name}{part}{events[0].position}" for part in "xyz"], None, MARK)
    filled(box, 1)
    box.say(["answer"])
    filled(box, 1, name="b")
    frames = [box.take(0.0) for _ in range(8)]
    assert frames == ["ax1", "ay1", "az1", "answer", "bx1", "by1", "bz1", None]
    assert box.has_room_for(event(1, MARK.size))


def test_an_event_that_has_no_words_when_it_is_written_is_lost_alone() -> None:
    def push(subscription: str | None, events: Sequence[Event]) -> list[str]:
        if events[0].position == 2:
            raise TypeError("no words for this")
        return [str(events[0].position)]

    lost: list[int] = []
    box = filled(Fifo(push, None, MARK, None, lambda _, event, error: lost.append(event.position)), 3)
    assert [box.take(0.0), box.take(0.0), box.take(0.0)] == ["1", "3", None]
    assert (lost, box.waiting) == ([2], 0)
