"""The alarm: rung by hand or by time, and never before its time."""

from __future__ import annotations

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
        alarm, early = Alarm(), list[float]()
        for microseconds in range(0, 2_500, 125):
            end = monotonic() + microseconds / 1_000_000
            await alarm.wait(end - monotonic())
            early.append(end - monotonic())
        return early

    assert max(uvloop.run(main())) <= 0
