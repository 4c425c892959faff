"""Two processes of clients at once: all hear the same in the same order, and nobody what is not for them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.clients.socketcluster.conftest import HERE
from tests.support.newsroom import Newsroom
from tests.support.node import running
from tests.support.server import Server

pytestmark = pytest.mark.timeout(300)

SIZE = 10
BEATS = {"ann": "news", "bob": "sports"}


def test_two_processes_of_clients(room: Newsroom, server: Server, node: str) -> None:
    def given(name: str) -> dict[str, Any]:
        person = {"name": name, "password": f"{name}'s word"}
        return room.as_given(size=SIZE, person=person, desk=f"desk/{BEATS[name]}")

    with (
        running(node, HERE / "crowd.mjs", given("ann")) as ann,
        running(node, HERE / "crowd.mjs", given("bob")) as bob,
    ):
        for crowd in (ann, bob):
            assert crowd.expect("ready") == SIZE
        for crowd in (ann, bob):
            crowd.tell()
        heard = {"ann": ann.expect("heard"), "bob": bob.expect("heard")}
        for crowd in (ann, bob):
            crowd.tell()
            assert crowd.expect("afterwards") == [2 * SIZE, SIZE]

    said = {name: sorted(f"{name} {number}" for number in range(SIZE)) for name in BEATS}
    for name, told in heard.items():
        assert told["orders"] == 1
        assert told["common"] == [*said["ann"], *said["bob"]]
        assert told["own"] == said[name]
