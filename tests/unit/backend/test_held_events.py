"""Fifo: what is held back stays back, also what was queued before, and one event that has no words holds up nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from watchword.backend.echo import Echo
from watchword.backend.fifo import Batch, Fifo
from watchword.backend.outbox import Mark
from watchword.protocol.events import Event

HARD = Mark(5, 1_000)


def push(subscription: str | None, events: Sequence[Event]) -> list[str]:
    if any(event.data == "odd" for event in events):
        raise TypeError("no words for this")
    return [f"{subscription}:{event.data}" for event in events]


def fifo(lost: list[Any] | None = None) -> Fifo:
    told = [] if lost is None else lost
    return Fifo(
        push,
        lambda frames: ",".join(map(str, frames)),
        HARD,
        None,
        lambda name, event, error: told.append((name, event.data, str(error))),
    )


def event(data: Any) -> Event:
    return Event("publish", data, 0)


def drained(box: Fifo) -> list[Any]:
    frames = []
    while (frame := box.take(0.0)) is not None:
        frames.append(frame)
    return frames


def test_events_that_were_queued_before_wait_with_those_that_come_while_they_are_held() -> None:
    box = fifo()
    box.deliver("a", event(1))
    box.hold()
    box.deliver("a", event(2))
    box.say(["answer"])
    assert (drained(box), box.waiting) == (["answer"], 2)
    box.release()
    assert (drained(box), box.waiting) == (["a:1", "a:2"], 0)


def test_what_is_discarded_while_it_is_held_is_gone() -> None:
    box = fifo()
    for name in ("a", "b"):
        box.deliver(name, event(1))
    box.hold()
    box.deliver("a", event(2))
    box.discard("a")
    box.release()
    assert drained(box) == ["b:1"]
    assert not box.overrun


def test_a_batch_that_goes_out_leaves_what_is_held() -> None:
    box = fifo()
    box.start_batching(Batch(0.0))
    box.deliver("a", event(1))
    box.hold()
    box.say(["one", "two"])
    assert box.take(0.0) == "one,two"
    box.release()
    assert box.take(0.0) == "a:1"


def test_what_is_held_counts_as_what_waits() -> None:
    box = fifo()
    for number in range(3):
        box.deliver("a", event(number))
    box.hold()
    for number in range(3):
        box.deliver("a", event(number))
    assert box.overrun


def test_an_event_that_cannot_be_encoded_is_lost_alone() -> None:
    lost: list[Any] = []
    box = fifo(lost)
    for data in (1, "odd", 2):
        box.deliver("a", event(data))
    box.hold()
    box.deliver("a", event("odd"))
    box.deliver("a", event(3))
    box.release()
    assert drained(box) == ["a:1", "a:2", "a:3"]
    assert lost == [("a", "odd", "no words for this")] * 2


def test_an_echo_is_bounded_and_forgets_what_ends() -> None:
    echo = Echo(HARD)
    echo.begin()
    for number in range(6):
        echo.deliver("a" if number % 2 else "b", event(number))
    assert echo.overrun
    echo.discard("a")
    assert [kept.data for _, kept in echo.end()] == [0, 2, 4]
    echo.deliver("a", event(1))
    echo.discard_all()
    assert echo.end() == []
