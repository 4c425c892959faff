"""Access tokens that expire after two seconds under `@directus/sdk`: nothing is lost, and nothing is said needlessly."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.clients.directus.conftest import Case, Report
from tests.support.newsroom import Newsroom, newsroom

pytestmark = pytest.mark.timeout(120)


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Newsroom]:
    """A newsroom whose access tokens live for two seconds."""
    folder = tmp_path_factory.mktemp("expiry")
    with newsroom(f"sqlite:///{folder / 'newsroom.db'}", folder, ACCESS_TOKEN_TTL="2s") as served:
        yield served


@pytest.fixture(scope="module", params=["26", "20"])
def report(request: pytest.FixtureRequest, room: Newsroom, node: str) -> Report:
    """What came of the steps of expiry.mjs."""
    return Case(request.param, room, node).run("expiry.mjs")


def test_subscription_outlives_its_tokens_and_misses_nothing(report: Report) -> None:
    moments = [f"Anew {token} {moment}" for token in (1, 2) for moment in ("before", "meanwhile", "after")]

    assert report["anew codes"] == ["TOKEN_EXPIRED", "TOKEN_EXPIRED"]
    assert report["anew rows"] == moments


def test_nothing_is_told_between_the_end_of_a_token_and_the_next_one(report: Report) -> None:
    assert report["anew 1 seen while expired"] is False
    assert report["anew 2 seen while expired"] is False


def test_socket_does_not_hear_of_expiry_when_its_client_refreshes_in_time(report: Report) -> None:
    assert report["in time"] == {"codes": [], "closes": [], "rows": ["In time"]}
