"""KeepAlive: a sign of life is asked for when there has been none."""

from __future__ import annotations

from watchword.connection.heartbeat import Beat, KeepAlive


def test_a_quiet_client_is_asked_and_then_given_up() -> None:
    alive = KeepAlive(30.0, 5.0)
    assert alive.tick(100.0) is Beat.NOTHING
    alive.start(0.0)
    assert alive.tick(29.9) is Beat.NOTHING
    assert alive.tick(30.0) is Beat.ASK
    assert alive.deadline == 35.0
    assert alive.tick(35.0) is Beat.GIVE_UP
    assert alive.tick(100.0) is Beat.NOTHING


def test_any_sign_of_life_begins_the_quiet_anew() -> None:
    alive = KeepAlive(30.0, 5.0)
    alive.start(0.0)
    assert alive.tick(30.0) is Beat.ASK
    alive.heard(31.0)
    assert alive.deadline == 61.0
    assert alive.tick(36.0) is Beat.NOTHING
    assert alive.tick(61.0) is Beat.ASK


def test_it_begins_once() -> None:
    alive = KeepAlive(30.0, 5.0)
    alive.heard(1.0)
    assert alive.deadline is None
    alive.start(0.0, 0.1)
    alive.start(20.0)
    assert alive.deadline == 27.0
