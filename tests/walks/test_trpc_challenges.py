"""Challenges through all floors: whoever acts on a socket is asked, however it has come to its identity."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.support.application import ADMIN, application
from watchword import Challenge, Watchword

if TYPE_CHECKING:
    from tests.support.application import Application

TOKEN = ADMIN["Authorization"].removeprefix("Bearer ")
ASKED = {"id": 1, "method": "subscription", "params": {"path": "challenges"}}
SOON = Challenge(every=0.05, within=0.5)


def register(app: Watchword) -> None:
    app.trpc("/trpc", challenge=SOON)


async def last_words(app: Application, **connection: Any) -> tuple[list[Any], int]:
    """Follow the challenges on a socket and answer none; return the frames up to the close, and its code."""
    async with app.socket("/trpc", **connection) as socket:
        frames = [await socket.ask(ASKED), await socket.receive(), await socket.receive()]
        return frames, await socket.closed()


@pytest.mark.parametrize("connection", [{"headers": ADMIN}, {"query": f"token={TOKEN}"}], ids=["header", "url"])
async def test_socket_whose_upgrade_has_authenticated_it_is_challenged(
    sqlite_url: str, connection: dict[str, Any]
) -> None:
    async with application(sqlite_url, register=register) as app:
        (started, question, error), code = await last_words(app, **connection)

    assert started["result"] == {"type": "started"}
    assert question["result"]["data"]["subscription"] is None
    assert (error["id"], error["error"]["data"]["code"], code) == (None, "UNAUTHORIZED", 4408)
