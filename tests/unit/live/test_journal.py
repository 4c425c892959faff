from __future__ import annotations

import threading

import anyio
import anyio.lowlevel
import pytest

from watchword.base.errors import Code, Problem
from watchword.live.journal import NOBODY, Journal
from watchword.protocol.events import Event
from watchword.protocol.records import Level, Record


class Reader:
    """A connection whose client reads when the test says so."""

    def __init__(self, capacity: int = 1000) -> None:
        self.told: list[Record] = []
        self.room = capacity

    @property
    def texts(self) -> list[str]:
        return [record.text for record in self.told]

    def offer(self, subscription: str | None, event: Event, most: int) -> bool:
        if self.room == 0:
            return False
        self.room -= 1
        self.told.append(event.data)
        return True


def journal(least: Level = Level.TRACE, inbox: int = 100) -> Journal:
    return Journal("node0001", least, lambda: 1.5, inbox=inbox)


def record(text: str, level: int = Level.INFO) -> Record:
    return Record(level, 1, text, "node0001")


async def spread() -> None:
    await anyio.lowlevel.checkpoint()
    await anyio.lowlevel.checkpoint()


async def test_followers_are_told_their_level_and_above() -> None:
    log, all_of_it, errors = journal(), Reader(), Reader()
    log.follow(all_of_it, "info")
    log.follow(errors, "error")
    log.offer(record("a"))
    log.offer(record("b", Level.ERROR))
    log.offer(record("c", Level.DEBUG))
    await spread()
    assert (all_of_it.texts, errors.texts) == (["a", "b"], ["b"])


async def test_nothing_is_told_after_the_end() -> None:
    log, reader = journal(), Reader()
    log.follow(reader, "info")
    log.offer(record("a"))
    log.unfollow(reader)
    await spread()
    log.offer(record("b"))
    await spread()
    assert reader.texts == []
    assert log.followers == 0


async def test_a_level_below_the_least_or_unknown_is_refused_and_the_old_one_goes_on() -> None:
    log, reader = journal(Level.INFO), Reader()
    log.follow(reader, "warn")
    for level in ("debug", "nope", "WARN", ""):
        with pytest.raises(Problem, match=f'Invalid "{level}" log level') as refused:
            log.follow(reader, level)
        assert refused.value.code is Code.INVALID_PAYLOAD
    log.offer(record("a", Level.WARN))
    await spread()
    assert reader.texts == ["a"]


async def test_what_is_wanted_is_what_the_keenest_follower_wants() -> None:
    log, first, second = journal(), Reader(), Reader()
    wanted: list[int] = []
    log.on_wanted(lambda: wanted.append(log.wanted))
    log.follow(first, "error")
    log.follow(second, "debug")
    log.follow(second, "warn")
    log.unfollow(second)
    log.unfollow(first)
    assert wanted == [50, 20, 40, 50, NOBODY]


async def test_a_slow_reader_loses_records_and_is_told_how_many() -> None:
    log, slow, quick = journal(), Reader(capacity=2), Reader()
    log.follow(slow, "info")
    log.follow(quick, "info")
    for text in "abcde":
        log.offer(record(text))
    await spread()
    slow.room = 10
    log.offer(record("f"))
    await spread()
    assert quick.texts == list("abcdef")
    assert [slow.texts[:2], slow.texts[3:]] == [["a", "b"], ["f"]]
    assert (slow.told[2].level, slow.told[2].members, slow.told[2].time) == (Level.WARN, {"dropped": 3}, 1500)
    assert log.dropped == 3


async def test_records_that_come_faster_than_the_loop_turns_are_dropped_and_told() -> None:
    log, reader = journal(inbox=3), Reader()
    log.follow(reader, "info")
    for number in range(10):
        log.offer(record(str(number)))
    await spread()
    log.offer(record("later"))
    await spread()
    assert [each.members.get("dropped") for each in reader.told if each.members] == [7]
    assert reader.texts[-1] == "later"


async def test_records_come_from_any_thread_in_order() -> None:
    log, reader = journal(), Reader()
    log.follow(reader, "info")

    def write() -> None:
        for text in "abc":
            log.offer(record(text))

    thread = threading.Thread(target=write)
    thread.start()
    thread.join()
    await spread()
    assert reader.texts == list("abc")


async def test_what_is_logged_by_the_telling_itself_is_left_out() -> None:
    log = journal()

    class Chatty(Reader):
        def offer(self, subscription: str | None, event: Event, most: int) -> bool:
            log.offer(record("echo"))
            return super().offer(subscription, event, most)

    reader = Chatty()
    log.follow(reader, "info")
    log.offer(record("a"))
    await spread()
    await spread()
    assert reader.texts == ["a"]


def test_a_loop_that_has_ended_is_no_error() -> None:
    log, reader = journal(), Reader()

    async def follow() -> None:
        log.follow(reader, "info")

    anyio.run(follow)
    log.offer(record("a"))
    log.offer(record("b"))
    assert reader.texts == []
