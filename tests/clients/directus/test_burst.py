"""Many changes at once reach the generator of `@directus/sdk`, which loses frames that come too close together."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.clients.directus.conftest import Case
from tests.support.newsroom import Newsroom

pytestmark = pytest.mark.timeout(300)

WITH_WEBSOCKET = "--experimental-websocket"


@pytest.fixture
def patient_room(rooms: Callable[..., Newsroom]) -> Newsroom:
    """A newsroom that keeps frames so far apart that a busy machine cannot bring them together again."""
    return rooms(WEBSOCKETS_REST_GATHER="250")


def test_hundred_rows_of_one_request_all_arrive(case: Case) -> None:
    assert case.run("burst.mjs", words=["Together"]) == {"Together": True}


@pytest.mark.parametrize("sdk", ["26", "20"])
def test_hundred_rows_one_by_one_all_arrive(
    sdk: str, patient_room: Newsroom, case_of: Callable[[str, Newsroom], Case]
) -> None:
    case = case_of(sdk, patient_room)

    assert case.run("burst.mjs", words=["Singly", "By socket"]) == {"Singly": True, "By socket": True}


def test_hundred_rows_all_arrive_at_the_websocket_of_node(
    patient_room: Newsroom, case_of: Callable[[str, Newsroom], Case]
) -> None:
    case = case_of("26", patient_room)

    report = case.run("burst.mjs", WITH_WEBSOCKET, native=True, words=["Together", "Singly"])

    assert report == {"Together": True, "Singly": True}
