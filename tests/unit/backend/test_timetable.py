"""The timetable: what is due together is called together, never before its time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from time import monotonic

import uvloop

from watchword.backend.timetable import Timetable
from watchword.base.clock import SystemClock


def run(use: Callable[[Timetable], None], seconds: float = 0.02) -> None:
    async def main() -> None:
        use(Timetable(SystemClock()))
        await asyncio.sleep(seconds)

    uvloop.run(main())


def test_nothing_is_called_before_its_moment() -> None:
    early: list[float] = []

    def note(moment: float) -> None:
        early.append(moment - monotonic())

    def use(timetable: Timetable) -> None:
        for microseconds in range(-500, 2_500, 125):
            moment = monotonic() + microseconds / 1_000_000
            timetable.at(moment, partial(note, moment))

    run(use)
    assert len(early) == 24
    assert max(early) <= 0


def test_calls_of_one_moment_are_made_in_the_order_in_which_they_were_asked_for() -> None:
    made: list[int] = []

    def use(timetable: Timetable) -> None:
        moment = monotonic() + 0.001
        for number in range(10):
            timetable.at(moment, partial(made.append, number))

    run(use)
    assert made == list(range(10))


def test_what_is_asked_for_soon_is_called_after_what_runs_now() -> None:
    made: list[str] = []

    def use(timetable: Timetable) -> None:
        timetable.soon(lambda: made.append("first"))
        timetable.soon(lambda: made.append("second"))
        made.append("now")

    run(use)
    assert made == ["now", "first", "second"]


def test_who_is_called_may_ask_to_be_called_again() -> None:
    made: list[str] = []

    def use(timetable: Timetable) -> None:
        def again() -> None:
            made.append("called")
            if len(made) < 3:
                timetable.soon(again)

        timetable.soon(again)

    run(use)
    assert made == ["called"] * 3


def test_a_call_that_fails_disturbs_no_other() -> None:
    made: list[str] = []

    def fail() -> None:
        raise ValueError

    def use(timetable: Timetable) -> None:
        timetable.soon(fail)
        timetable.soon(lambda: made.append("made"))

    run(use)
    assert made == ["made"]
