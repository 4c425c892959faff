"""Heartbeats that ask at regular times, whatever has been heard."""

from __future__ import annotations

from watchword.connection.heartbeat import Beat, Heartbeat


def test_it_asks_every_period_and_gives_up_who_says_nothing_for_another() -> None:
    heart = Heartbeat(10.0)
    assert heart.tick(100.0) is Beat.NOTHING
    heart.start(0.0)
    assert (heart.tick(9.9), heart.tick(10.0), heart.tick(19.9)) == (Beat.NOTHING, Beat.ASK, Beat.NOTHING)
    assert heart.tick(20.0) is Beat.GIVE_UP
    assert heart.tick(100.0) is Beat.NOTHING


def test_a_sign_of_life_answers_and_moves_nothing() -> None:
    heart = Heartbeat(10.0)
    heart.start(0.0)
    assert heart.tick(10.0) is Beat.ASK
    heart.heard(19.0)
    assert heart.deadline == 20.0
    assert heart.tick(20.0) is Beat.ASK


def test_it_begins_once_and_earlier_by_its_jitter() -> None:
    heart = Heartbeat(10.0)
    heart.start(0.0, jitter=0.25)
    heart.start(5.0)
    assert heart.deadline == 7.5
