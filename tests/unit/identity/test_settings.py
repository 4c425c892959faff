"""Settings: what cannot be is refused at the start."""

from __future__ import annotations

import math
from typing import Any

import pytest

from watchword.identity.settings import IdentitySettings, Mode


@pytest.mark.parametrize("value", [0, -1, math.nan, math.inf])
@pytest.mark.parametrize("name", ["access_ttl", "refresh_ttl", "session_lifetime", "failures_per_account"])
def test_value_that_cannot_be_is_refused(name: str, value: float) -> None:
    values: dict[str, Any] = {name: value}
    with pytest.raises(ValueError, match=name):
        IdentitySettings(**values)


def test_grace_and_stall_may_be_off() -> None:
    IdentitySettings(refresh_grace=0, login_stall=0)


def test_ticket_does_not_live_for_longer_than_half_a_minute() -> None:
    assert IdentitySettings(ticket_ttl=30.0).ticket_ttl == 30.0
    with pytest.raises(ValueError, match="ticket_ttl must be 30 seconds at the most"):
        IdentitySettings(ticket_ttl=30.1)


@pytest.mark.parametrize(("now", "expected"), [(1000.0, 1002.0), (1000.2, 1003.0)])
def test_token_lives_at_least_its_time(now: float, expected: float) -> None:
    assert IdentitySettings(access_ttl=2).token_expiry(Mode.JSON, now, 1e12) == expected


def test_token_does_not_outlive_its_session() -> None:
    assert IdentitySettings(access_ttl=900).token_expiry(Mode.JSON, 1000.0, 1500.0) == 1500.0


def test_session_mode_has_a_time_of_its_own() -> None:
    settings = IdentitySettings(access_ttl=10, refresh_ttl=100, session_ttl=50)
    assert settings.token_expiry(Mode.SESSION, 1000.0, 1e12) == 1050.0
    assert settings.token_expiry(Mode.COOKIE, 1000.0, 1e12) == 1010.0
    assert (settings.idle_ttl(Mode.SESSION), settings.idle_ttl(Mode.JSON)) == (50, 100)
