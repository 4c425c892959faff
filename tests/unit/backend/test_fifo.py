"""Fifo: the queue of connections whose clients read whatever arrives together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import anyio
import pytest

from watchword.backend.fifo import Batch, Fifo
from watchword.backend.outbox import Mark
from watchword.protocol.events import Event


class Wire:
    """A line that can be blocked."""

    def __init__(self) -> None:
        self.is_free = True
        self.put_frames: list[bytes] = []
        self.framed = 0

    def frame(self, message: str | bytes) -> bytes:
        self.framed += 1
        return message.encode() if isinstance(message, str) else message

    def put(self, framed: bytes) -> None:
        self.put_frames.append(framed)

    def write(self, frame: str | bytes, read: Callable[[], None] | None = None) -> None:
        raise AssertionError("frames of this queue are put")

    def when_read(self, call: Callable[[], None]) -> None:
        raise AssertionError("nobody is asked")


def push(subscription: str | None, events: Sequence[Event]) -> list[str]:
    return [f"{subscription}:{event.data}" for event in events]


def join(frames: Sequence[Any]) -> str:
    return f"[{','.join(frames)}]"


def queue(hard: Mark | None = None, high: Mark | None = None) -> Fifo:
    return Fifo(push, join, hard or Mark(100, 10_000), high)


def event(data: str) -> Event:
    return Event("publish", data, 0)


def rest(fifo: Fifo, now: float = 0.0) -> list[Any]:
    return list(iter(lambda: fifo.take(now), None))


def test_everything_leaves_in_the_order_in_which_it_came() -> None:
    fifo = queue()
    fifo.say(["a"])
    fifo.deliver("s", event("1"))
    fifo.say(["b"])
    assert rest(fifo) == ["a", "s:1", "b"]
    assert fifo.is_empty


def test_what_finds_nothing_before_it_goes_out_at_once_framed_once_for_all() -> None:
    wire, one, two = Wire(), queue(), queue()
    for fifo in (one, two):
        fifo.begin(wire, lambda: None)
    shared = event("1")
    frame = "s:1"
    for fifo in (one, two):
        fifo._push = lambda *_: [frame]
        fifo.deliver("s", shared)
    assert (wire.put_frames, wire.framed) == ([b"s:1", b"s:1"], 1)
    assert one.is_empty


@pytest.mark.parametrize("why", ["blocked", "waiting", "writing"])
def test_nothing_overtakes_what_was_before_it(why: str) -> None:
    wire, fifo, woken = Wire(), queue(), list[bool]()
    fifo.begin(wire, lambda: woken.append(True))
    wire.is_free = why != "blocked"
    fifo.is_writing = why == "writing"
    if why == "waiting":
        fifo.say(["answer"])
    fifo.deliver("s", event("1"))
    assert wire.put_frames == []
    assert woken
    assert rest(fifo)[-1] == "s:1"


def test_events_that_are_held_back_come_later_in_order_and_answers_do_not_wait() -> None:
    fifo = queue()
    fifo.hold()
    fifo.deliver("s", event("1"))
    fifo.say(["answer"])
    assert rest(fifo) == ["answer"]
    fifo.deliver("t", event("2"))
    fifo.release()
    assert rest(fifo) == ["s:1", "t:2"]


def test_what_waits_of_a_subscription_can_be_dropped() -> None:
    fifo = queue()
    fifo.say(["answer"])
    fifo.deliver("s", event("1"))
    fifo.deliver("t", event("2"))
    assert fifo.withdraw("none", 5) == 5
    assert fifo.withdraw("s", 5) is None
    assert rest(fifo) == ["answer", "t:2"]
    fifo.hold()
    fifo.deliver("s", event("3"))
    fifo.discard("s")
    fifo.deliver("t", event("4"))
    fifo.discard_all()
    fifo.release()
    assert rest(fifo) == []
    assert fifo._size == 0


def test_a_batch_is_put_together_after_its_interval() -> None:
    fifo = queue()
    fifo.start_batching(Batch(0.05))
    fifo.say(["a"])
    assert fifo.take(1.0) is None
    fifo.deliver("s", event("1"))
    fifo.say_alone(["ping"])
    assert fifo.take(1.01) == "ping"
    assert fifo.take(1.04) is None
    assert fifo.take(1.06) == "[a,s:1]"
    fifo.say(["b"])
    assert (fifo.take(2.0), fifo.take(2.06)) == (None, "b")
    fifo.say(["c"])
    fifo.stop_batching()
    assert (rest(fifo), fifo.is_batching) == (["c"], False)


def test_a_batch_at_the_beginning_ends_by_itself_and_a_cancelled_one_says_nothing() -> None:
    fifo = queue()
    fifo.start_batching(Batch(0.05, until=1.1))
    fifo.say(["a", "b"])
    assert fifo.take(1.08) is None
    assert fifo.take(1.14) == "[a,b]"
    assert not fifo.is_batching
    fifo.start_batching(Batch(0.05))
    fifo.say(["dropped"])
    fifo.cancel_batching()
    fifo.say(["c"])
    assert rest(fifo) == ["c"]


def test_the_last_words_do_not_wait_for_a_batch() -> None:
    fifo = queue()
    fifo.start_batching(Batch(60.0))
    fifo.say(["bye"])
    assert fifo.take(0.0, is_last=True) == "bye"


def test_marks_count_frames_and_bytes_also_of_what_is_held_back() -> None:
    fifo = queue(Mark(3, 100), Mark(1, 50))
    fifo.say(["x" * 51])
    assert (fifo.lagging, fifo.overrun) == (True, False)
    rest(fifo)
    fifo.hold()
    for number in range(4):
        fifo.deliver("s", event(str(number)))
    assert fifo.overrun
    assert not fifo.has_room_for(event("y" * 200))


async def test_whoever_waits_for_room_goes_on_when_there_is_some() -> None:
    fifo = queue(high=Mark(1, 1000))
    fifo.say(["a", "b"])
    with anyio.fail_after(5):
        async with anyio.create_task_group() as group:
            group.start_soon(fifo.room)
            await anyio.wait_all_tasks_blocked()
            rest(fifo)


async def test_waiting_ends_when_poked_and_when_a_batch_is_due() -> None:
    fifo = queue()
    fifo.start_batching(Batch(0.001))
    fifo.say(["a"])
    assert fifo.take(0.0) is None
    with anyio.fail_after(5):
        await fifo.wait(0.0, None)
        fifo.poke()
        await fifo.wait(0.0, None)


def test_values_wait_among_the_answers_and_are_dropped_as_events_are() -> None:
    waiting = queue()
    waiting.say(["started"])
    waiting.say(["1"], value_of="a")
    waiting.say(["2"], value_of="b")
    waiting.discard_all()
    waiting.hold()
    waiting.discard("b")
    waiting.discard(None)
    assert [waiting.take(0.0) for _ in range(3)] == ["started", "1", None]
    waiting.say(["1"], value_of="a")
    waiting.say(["refused"])
    waiting.discard_values()
    assert [waiting.take(0.0), waiting.take(0.0)] == ["refused", None]
    assert not waiting.lagging
