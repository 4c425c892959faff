"""A restart of the server under `@directus/sdk`: the client comes back, and its subscription goes on."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.clients.directus.conftest import HERE
from tests.support.newsroom import made, newsroom
from tests.support.node import running

pytestmark = pytest.mark.timeout(300)

CLOSE_SERVICE_RESTART = 1012


@pytest.mark.parametrize("sdk", ["26", "20"])
def test_subscription_goes_on_after_a_restart(sdk: str, database_url: str, tmp_path: Path, node: str) -> None:
    with (
        newsroom(database_url, tmp_path) as room,
        running(node, HERE / "restart.mjs", room.as_given(sdk=sdk)) as script,
    ):
        script.expect("following")
        room.server.stop()
        room.server.hold()  # the client tries once, a second later, and never again
        closed = script.expect("closed")
        room.execute("INSERT INTO articles (title) VALUES ('While away')")
        room.server.start()
        script.expect("back")
        with room.administrator() as rest:
            made(rest.post("/items/articles", json={"title": "Back again"}))
        script.tell({"last": "Back again"})
        first, *frames = script.expect("frames")

    assert closed == CLOSE_SERVICE_RESTART
    assert first["data"] == []
    assert [frame["data"] for frame in frames if frame["event"] == "init"][-1] == [{"title": "While away"}]
    assert [frame["data"] for frame in frames if frame["event"] != "init"] == [[{"title": "Back again"}]]
