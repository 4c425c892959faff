from __future__ import annotations

from collections.abc import Callable, Sequence
from math import inf

import pytest
from anyio import create_task_group, fail_after, wait_all_tasks_blocked

from watchword.backend.outbox import Mark, Outbox
from watchword.protocol.events import Event


def push(subscription: str | None, events: Sequence[Event]) -> list[str]:
    return [f"{subscription}:{','.join(str(event.data) for event in events)}"]


def outbox(limit: int = 100, size: int = 10_000, high: Mark | None = None) -> Outbox:
    return Outbox(push, 0.025, Mark(limit, size), high)


def event(data: object, position: int = 1) -> Event:
    return Event("create", data, position)


def test_answers_go_before_events() -> None:
    box = outbox()
    box.deliver("a", event(1))
    box.say(["answer"])
    assert box.take(0.0) == "answer"


def test_events_of_one_subscription_share_a_frame() -> None:
    box = outbox()
    box.deliver("a", event(1))
    box.deliver("a", event(2))
    assert box.take(0.0) == "a:1,2"
    assert box.take(1.0) is None


def test_frames_with_events_keep_their_distance() -> None:
    box = outbox()
    box.deliver("a", event(1))
    box.deliver("b", event(2))
    assert box.take(0.0) == "a:1"
    assert box.take(0.024) is None
    assert box.take(0.025) == "b:2"


def test_an_event_keeps_its_distance_to_the_answer_before_it() -> None:
    box = outbox()
    box.say(["answer"])
    box.deliver("a", event(1))
    assert box.take(1.0) == "answer"
    assert box.take(1.01) is None
    assert box.take(1.025) == "a:1"


def test_an_answer_keeps_its_distance_to_the_event_before_it() -> None:
    box = outbox()
    box.deliver("a", event(1))
    assert box.take(1.0) == "a:1"
    box.say(["answer", "another"])
    assert box.take(1.024) is None
    assert [box.take(1.025), box.take(1.025)] == ["answer", "another"]


def test_the_last_answer_waits_for_nothing() -> None:
    box = outbox()
    box.deliver("a", event(1))
    assert box.take(1.0) == "a:1"
    box.say(["goodbye"])
    assert box.take(1.0, is_last=True) == "goodbye"


def test_a_stream_of_answers_does_not_keep_events_back() -> None:
    box = outbox()
    box.deliver("a", event(1))
    for tick in range(3):
        box.say(["answer"])
        assert box.take(1.0 + tick / 100) == "answer"
    box.say(["waits"])
    assert [box.take(1.03), box.take(1.044)] == [None, None]
    assert [box.take(1.046), box.take(1.07), box.take(1.072)] == ["a:1", None, "waits"]


def test_a_stream_of_events_does_not_keep_answers_back() -> None:
    box = outbox()
    box.deliver("a", event(1))
    assert box.take(1.0) == "a:1"
    box.deliver("a", event(2))
    box.say(["answer"])
    assert [box.take(1.01), box.take(1.026), box.take(1.026)] == [None, "answer", None]
    assert box.take(1.052) == "a:2"


def test_stream_that_is_too_fast_is_told_in_fewer_frames_until_it_is_not() -> None:
    box = outbox()
    box.deliver("a", event(1))
    assert box.take(1.0) == "a:1"
    box.deliver("a", event(2))
    assert box.take(1.01) is None
    assert box.take(1.06) == "a:2"  # it might have been written at 1.025
    box.deliver("a", event(3))
    box.deliver("a", event(4))
    assert [box.take(1.08), box.take(1.109)] == [None, None]
    assert box.take(1.111) == "a:3,4"
    for now, then in [(1.12, 1.137), (1.14, 1.163)]:
        box.deliver("a", event(5))
        assert [box.take(now), box.take(then - 0.002), box.take(then)] == [None, None, "a:5"]


def test_event_after_quiet_is_written_at_once_whatever_was_before() -> None:
    box = outbox()
    box.deliver("a", event(1))
    assert box.take(1.0) == "a:1"
    box.deliver("a", event(2))
    assert [box.take(1.01), box.take(1.06)] == [None, "a:2"]
    box.deliver("a", event(3))
    assert box.take(1.2) == "a:3"


def test_answers_do_not_wait_for_the_longer_pause_of_events() -> None:
    box = outbox()
    box.deliver("a", event(1))
    assert box.take(1.0) == "a:1"
    box.deliver("a", event(2))
    assert [box.take(1.01), box.take(1.06)] == [None, "a:2"]
    box.deliver("a", event(3))
    box.say(["answer"])
    assert [box.take(1.08), box.take(1.086)] == [None, "answer"]


async def test_waiting_ends_when_a_frame_may_be_written() -> None:
    box = outbox()
    box.deliver("a", event(1))
    assert box.take(1.0) == "a:1"
    box.say(["answer"])
    with fail_after(1):
        await box.wait(1.0, None)
        await box.wait(1.0, None)


def test_what_was_discarded_is_never_written() -> None:
    box = Outbox(lambda _, events: [str(e.data) for e in events], 0.0, Mark(100, 10_000))
    for number in range(3):
        box.deliver("a", event(number))
    box.deliver("b", event("kept"))
    assert box.take(0.0) == "0"
    box.discard("a")
    assert [box.take(0.0), box.take(0.0)] == ["kept", None]
    assert not box.overrun


def test_what_is_held_waits_and_is_not_lost() -> None:
    box = outbox()
    box.hold()
    box.deliver("a", event(1))
    box.say(["answer"])
    assert [box.take(0.0), box.take(1.0)] == ["answer", None]
    box.release()
    assert box.take(2.0) == "a:1"


def test_a_client_that_does_not_read_is_noticed() -> None:
    box = outbox(limit=2)
    for number in range(3):
        assert not box.overrun
        box.deliver("a", event(number))
    assert box.overrun


def is_overrun(box: Outbox) -> bool:
    return box.overrun


def is_lagging(box: Outbox) -> bool:
    return box.lagging


def test_bytes_of_events_overrun_as_their_number_does() -> None:
    box = outbox(limit=100, size=1_000)
    box.deliver("a", event("x" * 900))
    assert not is_overrun(box)
    box.deliver("a", event("x" * 900))
    assert is_overrun(box)


def test_dropped_and_written_events_weigh_nothing() -> None:
    box = outbox(limit=100, size=1_000)
    box.deliver("a", event("x" * 900))
    box.discard("a")
    box.deliver("b", event("x" * 900))
    assert not is_overrun(box)
    assert box.take(0.0)
    box.deliver("b", event("x" * 900))
    assert not is_overrun(box)
    box.discard_all()
    assert not is_lagging(box)


def test_answers_above_the_high_water_mark_make_it_lag_until_written() -> None:
    box = outbox(high=Mark(2, 1_000))
    box.say(["one", "two"])
    assert not is_lagging(box)
    box.say(["three"])
    assert is_lagging(box)
    box.take(0.0)
    assert not is_lagging(box)
    box.say(["x" * 2_000])
    assert is_lagging(box)


def test_events_that_are_held_back_do_not_make_it_lag() -> None:
    box = outbox(high=Mark(1, 1_000))
    box.deliver("a", event(1))
    box.deliver("b", event(2))
    assert is_lagging(box)
    box.hold()
    assert not is_lagging(box)
    box.release()
    assert is_lagging(box)


async def test_room_is_waited_for() -> None:
    box = outbox(high=Mark(1, 1_000))
    await box.room()
    box.say(["one", "two"])
    with fail_after(2):
        async with create_task_group() as group:
            group.start_soon(box.room)
            await wait_all_tasks_blocked()
            box.take(0.0)


@pytest.mark.parametrize(("data", "least"), [("x" * 500, 500), ({"a": {"b": ["x" * 500]}}, 500), (7, 1)])
def test_size_of_an_event_follows_its_texts(data: object, least: int) -> None:
    assert least <= event(data).size < least + 100


def test_an_answer_that_keeps_apart_does_so() -> None:
    box = outbox()
    box.say(["first", "second"], apart=True)
    box.say(["third"])
    assert box.take(1.0) == "first"
    assert box.take(1.024) is None
    assert box.take(1.025) == "second"
    assert box.take(1.049) is None
    assert box.take(1.050) == "third"


class Client:
    """Reads when told to."""

    def __init__(self, box: Outbox) -> None:
        self.asked: list[Callable[[], None]] = []
        box.receipts.begin(self.asked.append)

    def read(self) -> None:
        self.asked.pop()()


def test_a_frame_with_events_waits_until_the_client_has_read_the_one_before() -> None:
    box = outbox()
    client = Client(box)
    box.deliver("a", event(1))
    box.deliver("b", event(2))
    assert box.take(0.0) == "a:1"
    assert not client.asked
    assert box.take(0.5) is None
    assert box.take(0.6) is None
    assert len(client.asked) == 1
    client.read()
    assert box.take(0.6) == "b:2"


def test_what_was_written_long_ago_has_been_read() -> None:
    box = outbox()
    client = Client(box)
    box.deliver("a", event(1))
    assert box.take(0.0) == "a:1"
    box.deliver("a", event(2))
    assert box.take(1.5) == "a:2"
    assert not client.asked


def test_an_answer_waits_for_frames_with_events_alone() -> None:
    box = outbox()
    client = Client(box)
    box.say(["first", "second"])
    assert [box.take(0.0), box.take(0.0)] == ["first", "second"]
    box.deliver("a", event(1))
    assert box.take(0.1) is None
    client.read()
    assert box.take(0.1) == "a:1"
    box.say(["third"])
    assert box.take(0.2) is None
    client.read()
    assert box.take(0.2) == "third"


def test_a_receipt_is_for_what_was_written_before_it_was_asked_for() -> None:
    box = outbox()
    client = Client(box)
    box.say(["first"])
    assert box.take(0.0) == "first"
    box.deliver("a", event(1))
    assert box.take(0.03) is None
    box.say(["second"])
    assert box.take(0.03) == "second"
    client.read()
    assert box.take(0.2) is None
    client.read()
    assert box.take(0.2) == "a:1"


def test_a_client_that_never_answers_is_waited_for_once() -> None:
    box = outbox()
    client = Client(box)
    for name in "abc":
        box.deliver(name, event(1))
    assert box.take(0.0) == "a:1"
    assert box.take(0.1) is None
    assert box.take(5.0) is None
    assert box.take(5.1) == "b:1"
    assert box.take(5.2) == "c:1"
    assert len(client.asked) == 1


def test_a_client_that_has_answered_is_waited_for() -> None:
    box = outbox()
    client = Client(box)
    for name in "abc":
        box.deliver(name, event(1))
    assert box.take(0.0) == "a:1"
    assert box.take(0.1) is None
    client.read()
    assert box.take(0.1) == "b:1"
    assert box.take(0.2) is None
    assert box.take(60.0) is None
    client.read()
    assert box.take(60.0) == "c:1"


def test_a_client_that_lags_is_not_asked() -> None:
    box = outbox(high=Mark(2, 10_000))
    client = Client(box)
    for name in "abcd":
        box.deliver(name, event(1))
    assert box.take(0.0) == "a:1"
    assert box.lagging
    assert box.take(0.1) == "b:1"
    assert not client.asked


async def test_a_receipt_ends_the_wait() -> None:
    box = outbox()
    client = Client(box)
    box.deliver("a", event(1))
    box.deliver("b", event(2))
    assert box.take(0.0) == "a:1"
    assert box.take(0.1) is None
    async with create_task_group() as group:
        group.start_soon(box.wait, 0.1, None)
        await wait_all_tasks_blocked()
        client.read()
    assert box.take(0.1) == "b:2"


def test_what_waits_is_withdrawn_and_it_is_told_up_to_where_all_has_gone_out() -> None:
    box = outbox()
    box.deliver("a", event(1, 6))
    assert box.take(0.0) == "a:1"
    box.deliver("a", event(2, 7))
    box.deliver("a", event(3, 9))
    box.deliver("b", event(4, 8))
    assert (box.withdraw("a", 9), box.withdraw("a", 9), box.withdraw("c", 5)) == (6, 9, 5)
    assert box.take(1.0) == "b:4"
    assert box.take(2.0) is None


def frame_by_frame(subscription: str | None, events: Sequence[Event]) -> list[str]:
    return [str(event.data) for event in events]


@pytest.mark.parametrize(("taken", "reach"), [(0, 6), (1, None)])
def test_frames_of_which_one_has_gone_out_cannot_be_told_again(taken: int, reach: int | None) -> None:
    box = Outbox(frame_by_frame, 0.025, Mark(100, 10_000))
    box.deliver("b", event(0, 5))
    box.deliver("a", event(1, 7))
    box.deliver("a", event(2, 8))
    frames = [box.take(float(moment)) for moment in range(1 + taken)]
    assert frames == ["0", "1"][: 1 + taken]
    assert box.withdraw("a", 8) == reach


def test_what_is_not_in_the_log_cannot_be_told_again() -> None:
    box = outbox()
    box.deliver("a", Event("init", [], 7, is_logged=False))
    box.deliver("a", event(1, 8))
    assert box.withdraw("a", 8) is None
    assert box.take(1.0) is None


def test_where_frames_follow_each_other_the_client_is_asked_along_with_them() -> None:
    box = outbox()
    client = Client(box)
    for name in "abcd":
        box.deliver(name, event(1))
    assert box.take(0.0) == "a:1"
    assert box.receipts.along(0.0) is None
    assert box.take(0.5) is None
    client.read()
    assert box.take(0.5) == "b:1"
    read = box.receipts.along(0.5)
    assert read is not None
    assert box.receipts.along(0.5) is None
    assert box.take(0.6) is None
    read()
    assert box.take(0.6) == "c:1"
    assert not client.asked


def test_frames_that_come_one_by_one_are_not_asked_for() -> None:
    box = outbox()
    Client(box)
    for moment in (0.0, 2.0, 4.0):
        box.deliver("a", event(1))
        assert box.take(moment) == "a:1"
        assert box.receipts.along(moment) is None


def test_answers_are_not_asked_for() -> None:
    box = outbox()
    Client(box)
    box.say(["first", "second"])
    for moment in (0.0, 0.1):
        assert box.take(moment) is not None
        assert box.receipts.along(moment) is None


def test_an_event_that_has_waited_for_long_still_comes_after_what_begins_its_subscription() -> None:
    box = outbox()
    box.say(["ok"])
    assert box.take(0.0) == "ok"
    box.say(["init"], apart=True)
    box.deliver("a", event(1))
    assert box.take(0.01) is None
    assert box.take(9.0) == "init"
    box.say(["answer"])
    assert box.take(18.0) == "a:1"
    assert box.take(19.0) == "answer"


def test_the_next_event_may_be_written_when_the_pause_after_the_one_before_is_over() -> None:
    box = outbox()
    assert box.next_at(1.0) is None
    box.deliver("a", event(1))
    assert box.next_at(1.0) == -inf
    assert box.take(1.0) == "a:1"
    assert box.next_at(1.0) is None
    box.deliver("a", event(2))
    assert box.next_at(1.01) == 1.025


def test_nothing_may_be_written_of_what_is_held() -> None:
    box = outbox()
    box.hold()
    box.deliver("a", event(1))
    assert box.next_at(1.0) is None


def test_a_client_that_reads_says_itself_when_the_next_event_may_be_written() -> None:
    box = outbox()
    client = Client(box)
    for name in "abc":
        box.deliver(name, event(1))
    assert box.take(0.0) == "a:1"
    assert box.take(0.1) is None
    assert box.next_at(0.1) == 0.1  # whether it ever answers is not known: `wait` sees to that
    client.read()
    assert box.take(0.2) == "b:1"
    assert box.take(0.3) is None
    assert box.next_at(0.3) is None


def test_where_answers_wait_it_is_for_wait_to_know_when() -> None:
    box = outbox()
    box.deliver("a", event(1))
    assert box.take(1.0) == "a:1"
    box.deliver("a", event(2))
    box.say(["answer"])
    assert box.next_at(1.01) == 1.01
