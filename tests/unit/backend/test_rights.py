from __future__ import annotations

from typing import TYPE_CHECKING, Any

import anyio

from tests.support.application import application, permission
from watchword.access.permissions import Action
from watchword.access.principal import ANONYMOUS
from watchword.backend.structure import SESSIONS
from watchword.base.secret import Secret
from watchword.identity import sessions as sessions_module
from watchword.identity.client import NOWHERE
from watchword.identity.session_rows import read_sessions
from watchword.identity.settings import Mode
from watchword.protocol.operations import AccessToken
from watchword.storage.log import Bulk
from watchword.storage.tables import sessions

if TYPE_CHECKING:
    import pytest

    from watchword.backend.context import Context
    from watchword.base.errors import Problem
    from watchword.protocol.events import Event

READS = [permission("read")]


class Broken:
    """A connection that cannot follow anything anew."""

    id = "broken"
    principal = ANONYMOUS

    def __init__(self) -> None:
        self.stopped_with: int | None = None

    def deliver(self, subscription: str | None, event: Event) -> None:
        pass

    def withdraw(self, subscription: str | None, reach: int) -> int | None:
        return reach

    def fail(self, subscription: str | None, problem: Problem) -> None:
        pass

    def revoke(self, problem: Problem) -> None:
        pass

    def extend(self, session: str, expires_at: float) -> None:
        pass

    def doubt(self) -> None:
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


async def test_a_connection_that_cannot_follow_a_changed_structure_holds_up_nobody(sqlite_url: str) -> None:
    async with application(sqlite_url) as app:
        await app.user("reader", READS)
        broken = Broken()
        app.app.parts.hub.enter(broken)
        async with app.authenticated("reader-static-token") as reader:
            await reader.ask({"type": "subscribe", "collection": "articles", "uid": "s"})
            await app.admin("DELETE", "/collections/articles")
            frame = await reader.receive()
            assert (frame["type"], frame["error"]["code"]) == ("subscription", "FORBIDDEN")
        assert broken.stopped_with == 1011


async def test_rights_are_others_for_whom_a_change_concerns(sqlite_url: str) -> None:
    async with application(sqlite_url) as app:
        first, second = await app.user("first", READS), await app.user("second", READS)
        rights = app.app.parts.rights

        async def concerned(method: str, path: str, body: Any) -> list[bool]:
            await app.app.parts.feed.settle()
            generation = rights.generation
            await app.admin(method, path, body)
            await app.app.parts.feed.settle()
            return [rights.have_changed(user, generation) for user in (first, second, None)]

        assert await concerned("PATCH", f"/users/{first}", {"first_name": "Ann"}) == [True, False, False]
        assert await concerned("PATCH", "/settings", {"project_name": "x"}) == [False] * 3
        assert await concerned("POST", "/items/articles", {"title": "x"}) == [False] * 3
        assert await concerned("POST", "/policies", {"name": "x"}) == [True] * 3
        nested = {"users": {"create": [], "update": [{"id": second, "first_name": "Bob"}], "delete": []}}
        role = (await app.admin("GET", f"/users/{second}"))["role"]
        assert await concerned("PATCH", f"/roles/{role}", nested) == [True] * 3
        generation = rights.generation
        for number in range(10_001):  # what is kept of single users is bounded; then all count as changed
            rights.invalidate(str(number))
        assert rights.have_changed(second, generation)


async def test_one_who_changes_their_name_on_and_on_keeps_nobody_from_subscribing(sqlite_url: str) -> None:
    async with application(sqlite_url) as app:
        own = permission("update", "directus_users", {"id": {"_eq": "$CURRENT_USER"}}, "first_name")
        await app.user("restless", [own])
        await app.user("reader", [permission("read", rows={"author": {"name": {"_eq": "Ann"}}})])
        headers = {"Authorization": "Bearer restless-static-token"}

        async def change() -> None:
            while True:
                await app.http.patch("/users/me", json={"first_name": "Ann"}, headers=headers)

        async with app.authenticated("reader-static-token") as reader, anyio.create_task_group() as group:
            for _ in range(4):
                group.start_soon(change)
            for number in range(20):
                answer = await reader.ask({"type": "subscribe", "collection": "articles", "uid": str(number)})
                assert (answer["event"], answer["data"]) == ("init", [])
            group.cancel_scope.cancel()


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


async def test_session_that_ends_while_it_is_looked_up_has_ended(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with application(sqlite_url) as app:
        kept = app.app.parts.identity.sessions
        session = (await kept.start(await app.user("reader", READS), Mode.JSON, NOWHERE)).session
        was_read, goes_on = anyio.Event(), anyio.Event()

        async def slow(*arguments: Any) -> Any:
            found = await read_sessions(*arguments)
            was_read.set()
            await goes_on.wait()
            return found

        with monkeypatch.context() as patched, anyio.fail_after(5):
            patched.setattr(sessions_module, "read_sessions", slow)
            async with anyio.create_task_group() as group:
                group.start_soon(kept.sweep, [session])
                await was_read.wait()
                assert await kept.revoke(session, "logout")
                goes_on.set()
        assert not await kept.is_live(session)


async def test_rights_that_change_while_they_are_looked_up_are_looked_up_again(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with application(database_url) as app:
        await app.user("reader", READS)
        [rule] = [each["id"] for each in await app.admin("GET", "/permissions") if each["collection"] == "articles"]
        parts = app.app.parts
        token = AccessToken(Secret("reader-static-token"))
        principal = (await parts.backend.identify(token, NOWHERE)).principal
        read, was_read, goes_on = parts.identity.grants._read_rulebook, anyio.Event(), anyio.Event()
        found: list[Context] = []

        async def slow() -> Any:
            rulebook = await read()
            if not was_read.is_set():
                was_read.set()
                await goes_on.wait()
            return rulebook

        async def look() -> None:
            found.append(await parts.backend.context(principal, NOWHERE))

        parts.identity.grants.invalidate()
        monkeypatch.setattr(parts.identity.grants, "_read_rulebook", slow)
        with anyio.fail_after(5):
            async with anyio.create_task_group() as group:
                group.start_soon(look)
                await was_read.wait()
                await app.admin("DELETE", f"/permissions/{rule}")
                goes_on.set()
        assert [context.access.find("articles", Action.READ) for context in found] == [None]
