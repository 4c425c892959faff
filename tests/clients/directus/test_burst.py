"""Many changes at once reach the generator of `@directus/sdk`, which loses frames that come too close together."""

from __future__ import annotations

import pytest

from tests.clients.directus.conftest import Case

pytestmark = pytest.mark.timeout(300)

WITH_WEBSOCKET = "--experimental-websocket"


def test_hundred_rows_of_one_request_all_arrive(case: Case) -> None:
    assert case.run("burst.mjs", words=["Together"]) == {"Together": True}


def test_hundred_rows_one_by_one_all_arrive(case: Case) -> None:
    assert case.run("burst.mjs", words=["Singly", "By socket"]) == {"Singly": True, "By socket": True}


def test_hundred_rows_all_arrive_at_the_websocket_of_node(case: Case) -> None:
    report = case.run("burst.mjs", WITH_WEBSOCKET, native=True, words=["Together", "Singly"])

    assert report == {"Together": True, "Singly": True}
