"""Access tokens that expire after two seconds under `@directus/sdk`: nothing is lost, nothing is said needlessly."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.clients.directus.conftest import Case, Report
from tests.support.newsroom import Newsroom

pytestmark = pytest.mark.timeout(300)


@pytest.fixture
def room(rooms: Callable[..., Newsroom]) -> Newsroom:
    """A newsroom whose access tokens live for two seconds, and whose sockets have long to bring a new one."""
    return rooms(ACCESS_TOKEN_TTL="2s", WEBSOCKETS_REST_AUTH_TIMEOUT="60s")


@pytest.fixture(params=["26", "20"])
def report(request: pytest.FixtureRequest, room: Newsroom, case_of: Callable[[str, Newsroom], Case]) -> Report:
    """What came of the steps of expiry.mjs."""
    return case_of(request.param, room).report("expiry.mjs")


def test_subscription_outlives_its_tokens_and_misses_nothing(report: Report) -> None:
    moments = [f"Anew {token} {moment}" for token in (1, 2) for moment in ("before", "meanwhile", "after")]

    assert report["anew codes"] == ["TOKEN_EXPIRED", "TOKEN_EXPIRED"]
    assert report["anew rows"] == moments


def test_nothing_is_told_between_the_end_of_a_token_and_the_next_one(report: Report) -> None:
    assert report["anew 1 seen while expired"] is False
    assert report["anew 2 seen while expired"] is False


def test_socket_does_not_hear_of_expiry_when_its_client_refreshes_in_time(report: Report) -> None:
    assert report["in time"] == {"codes": [], "closes": [], "rows": ["In time"]}
