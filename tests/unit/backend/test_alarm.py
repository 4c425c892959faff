"""The alarm: rung by hand or by time, and never before its time."""

from __future__ import annotations

import asyncio
from time import monotonic

import uvloop

from watchword.backend.alarm import Alarm


def test_alarm_rung_before_it_is_waited_for_is_not_lost() -> None:
    async def main() -> None:
        alarm = Alarm()
        alarm.ring()
        assert alarm.is_rung
        await alarm.wait(None)
        assert not alarm.is_rung

    uvloop.run(main())


def test_alarm_does_not_ring_early_on_a_loop_that_counts_milliseconds() -> None:
    async def main() -> list[float]:
        def be_busy() -> None:  # a loop that sleeps wakes up late, and hides what its timers do
            loop.call_soon(be_busy)

        loop, alarm, early = asyncio.get_running_loop(), Alarm(), list[float]()
        be_busy()
        for microseconds in range(0, 25_000, 130):
            begin = monotonic() + microseconds * 7 % 1_000 / 1_000_000
            while monotonic() < begin:
                pass
            end = monotonic() + microseconds % 2_500 / 1_000_000
            await alarm.wait(end - monotonic())
            early.append(end - monotonic())
        return early

    assert max(uvloop.run(main())) <= 0
