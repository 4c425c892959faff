"""The subscription of the guide for applications: told, missed and told again, and lost."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.support.application import ADMIN, application
from watchword import Call, Watchword

if TYPE_CHECKING:
    from tests.support.sockets import ScriptedSocket

GUIDE = Path(__file__).parents[2] / "docs" / "guides" / "applications.md"


def register(app: Watchword) -> None:
    code = re.search(r"\*\*Subscriptions\*\*.*?^```python\n(.*?)^```", GUIDE.read_text(), re.DOTALL | re.MULTILINE)
    assert code is not None
    exec(code[1], {"app": app, "Call": Call})  # noqa: S102 - our own page
    app.trpc()


async def begun(socket: ScriptedSocket, since: str | None = None) -> None:
    params = {"path": "prices"} if since is None else {"path": "prices", "lastEventId": since}
    told = await socket.ask({"id": 1, "method": "subscription", "params": params})
    assert told == {"id": 1, "result": {"type": "started"}}


async def test_client_that_comes_back_gets_the_values_that_it_has_missed(sqlite_url: str) -> None:
    async with application(sqlite_url, register=register) as app:
        say = app.app.exchange.transmit_publish
        async with app.socket("/trpc", headers=ADMIN) as socket:
            await begun(socket)
            say("prices", 1.5)
            first = (await socket.receive())["result"]
        say("prices", 2.5)
        say("prices", 3.5)
        async with app.socket("/trpc", headers=ADMIN) as socket:
            await begun(socket, since=first["id"])
            missed: list[Any] = [(await socket.receive())["result"]["data"]["data"] for _ in range(2)]

    assert first["data"] == {"id": first["id"], "data": 1.5}
    assert missed == [2.5, 3.5]


async def test_position_that_is_not_known_is_an_error(sqlite_url: str) -> None:
    async with application(sqlite_url, register=register) as app, app.socket("/trpc", headers=ADMIN) as socket:
        await begun(socket, since="elsewhere:1")
        error = (await socket.receive())["error"]["data"]

    assert (error["code"], error["problem"]) == ("PRECONDITION_FAILED", "POSITION_LOST")
