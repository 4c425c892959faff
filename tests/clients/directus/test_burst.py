"""Many changes at once reach the generator of `@directus/sdk`, which loses frames that come too close together."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.clients.directus.conftest import Case
from tests.support.newsroom import Newsroom, newsroom

pytestmark = pytest.mark.timeout(120)

WITH_WEBSOCKET = "--experimental-websocket"


@pytest.fixture(scope="module")
def patient_room(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Newsroom]:
    """A newsroom that keeps frames so far apart that a busy machine cannot bring them together again."""
    folder = tmp_path_factory.mktemp("patient")
    with newsroom(f"sqlite:///{folder / 'newsroom.db'}", folder, WEBSOCKETS_REST_GATHER="250") as room:
        yield room


def test_hundred_rows_of_one_request_all_arrive(case: Case) -> None:
    assert case.run("burst.mjs", words=["Together"]) == {"Together": True}


@pytest.mark.parametrize("sdk", ["26", "20"])
def test_hundred_rows_one_by_one_all_arrive(sdk: str, patient_room: Newsroom, node: str) -> None:
    case = Case(sdk, patient_room, node)

    assert case.run("burst.mjs", words=["Singly", "By socket"]) == {"Singly": True, "By socket": True}


def test_hundred_rows_all_arrive_at_the_websocket_of_node(patient_room: Newsroom, node: str) -> None:
    case = Case("26", patient_room, node)

    report = case.run("burst.mjs", WITH_WEBSOCKET, native=True, words=["Together", "Singly"])

    assert report == {"Together": True, "Singly": True}
