"""Names of events."""

from __future__ import annotations

import pytest

from watchword.base.names import event_name


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ("authStateChange", "auth_state_change"),
        ("connection", "connection"),
        ("auth_state_change", "auth_state_change"),
    ],
)
def test_an_event_has_one_name_however_it_is_written(given: str, name: str) -> None:
    assert event_name(given) == name
