from __future__ import annotations

from typing import TYPE_CHECKING

import anyio

from tests.support.application import application, permission
from watchword.access.principal import ANONYMOUS
from watchword.backend.structure import SESSIONS
from watchword.storage.log import Bulk
from watchword.storage.tables import sessions

if TYPE_CHECKING:
    from watchword.base.errors import Problem
    from watchword.protocol.events import Event

READS = [permission("read")]


class Broken:
    """A connection that cannot follow anything anew."""

    principal = ANONYMOUS

    def __init__(self) -> None:
        self.stopped_with: int | None = None

    def deliver(self, subscription: str | None, event: Event) -> None:
        pass

    def fail(self, subscription: str | None, problem: Problem) -> None:
        pass

    def revoke(self, problem: Problem) -> None:
        pass

    def extend(self, expires_at: float) -> None:
        pass

    async def refile(self) -> None:
        raise KeyError("articles")

    def check(self) -> None:
        pass

    def stop(self, code: int) -> None:
        self.stopped_with = code


async def test_a_connection_that_cannot_be_told_of_new_rights_is_closed_and_holds_up_nobody(sqlite_url: str) -> None:
    async with application(sqlite_url) as app:
        await app.user("reader", READS)
        broken = Broken()
        app.app.parts.hub.enter(broken)
        async with app.authenticated("reader-static-token") as reader:
            await reader.ask({"type": "subscribe", "collection": "articles", "uid": "s"})
            await app.user("other", READS)
            await app.admin("POST", "/items/articles", {"title": "news"})
            assert [row["title"] for row in (await reader.receive())["data"]] == ["news"]
        assert broken.stopped_with == 1011


async def test_sessions_that_end_by_the_thousand_end_their_connections_too(sqlite_url: str) -> None:
    async with application(sqlite_url) as app:
        await app.user("reader", READS)
        tokens = await app.login("reader")
        async with app.authenticated(tokens["access_token"]) as socket:
            async with app.app.parts.db.write(silent=True) as connection:  # as if another node had, untold
                await connection.execute(sessions.update().values(revoked_at=sessions.c.created_at))
                await connection.exec_driver_sql("DELETE FROM watchword_change")
            await app.app.parts.rights.apply([Bulk(SESSIONS, 20_000, 1)])
            with anyio.fail_after(1):  # at once, not when all sessions are looked up again
                assert (await socket.receive())["status"] == "error"
            assert await socket.closed() == 4401
