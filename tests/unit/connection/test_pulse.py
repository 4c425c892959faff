"""Pulse: signs of life that are asked for steadily."""

from __future__ import annotations

from watchword.connection.heartbeat import Beat, Pulse


def test_a_pulse_asks_whatever_comes_and_gives_up_who_says_nothing() -> None:
    pulse = Pulse(8.0, 30.0)
    assert pulse.tick(100.0) is Beat.NOTHING
    pulse.start(0.0)
    assert pulse.deadline == 8.0
    assert pulse.tick(7.9) is Beat.NOTHING
    assert pulse.tick(8.0) is Beat.ASK
    pulse.heard(9.0)
    assert pulse.tick(16.0) is Beat.ASK
    assert pulse.tick(38.9) is Beat.ASK
    assert pulse.deadline == 39.0
    assert pulse.tick(39.0) is Beat.GIVE_UP
    assert pulse.tick(100.0) is Beat.NOTHING
