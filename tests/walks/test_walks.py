"""The ways that operations and changes take through all floors, on both databases."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import anyio
import pytest

from tests.support.application import PASSWORD, Application, application, execute, permission
from tests.support.sockets import Refused

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

READER = [permission("read", rows={"status": {"_eq": "published"}}, fields="id,title,status")]
EDITOR = [permission(action) for action in ("create", "read", "update", "delete")]
OWNER = [permission("read", rows={"owner": {"_eq": "$CURRENT_USER"}}, fields="id,title")]
RELATIONAL = [
    permission("read", rows={"author": {"name": {"_eq": "Ann"}}}, fields="id,title"),
    permission("read", collection="authors"),
]


@pytest.fixture
async def app(database_url: str) -> AsyncIterator[Application]:
    async with application(database_url, ACCESS_TOKEN_TTL="900s") as running:
        await running.user("reader", READER)
        await running.user("editor", EDITOR)
        yield running


def subscription(event: str, data: Any, uid: str = "s") -> dict[str, Any]:
    return {"type": "subscription", "event": event, "data": data, "uid": uid}


def plain(frame: dict[str, Any]) -> dict[str, Any]:
    """Return a frame without the position that it must have."""
    assert frame["position"]
    return {name: value for name, value in frame.items() if name != "position"}


async def test_a_login_over_the_socket_expires_and_is_renewed(database_url: str) -> None:
    settings = {"ACCESS_TOKEN_TTL": "1s", "WEBSOCKETS_REST_AUTH_TIMEOUT": "2s"}
    async with application(database_url, **settings) as app:
        await app.user("reader", READER)
        async with app.socket() as socket:
            credentials = {"type": "auth", "email": "reader@example.com", "password": PASSWORD, "uid": "a"}
            answer = await socket.ask(credentials)
            assert (answer["status"], answer["uid"], len(answer["refresh_token"])) == ("ok", "a", 64)
            assert plain(await socket.ask({"type": "subscribe", "collection": "articles", "uid": "s"})) == subscription(
                "init", []
            )
            expired = await socket.receive()
            assert expired["error"]["code"] == "TOKEN_EXPIRED"
            await app.admin("POST", "/items/articles", {"title": "meanwhile", "status": "published"})
            assert await socket.silent()
            renewed = await socket.ask({"type": "auth", "refresh_token": answer["refresh_token"]})
            assert renewed["status"] == "ok"
            held = await socket.receive()
            assert [row["title"] for row in held["data"]] == ["meanwhile"]
            assert (await socket.receive())["error"]["code"] == "TOKEN_EXPIRED"
            assert (await socket.receive())["error"]["code"] == "AUTH_TIMEOUT"
            assert await socket.closed() == 4401


async def test_a_write_reaches_each_subscriber_as_it_may_see_it(app: Application, database_url: str) -> None:
    mine = await app.user("owner", OWNER)
    async with app.authenticated("reader-static-token") as reader, app.authenticated("owner-static-token") as owner:
        for socket in (reader, owner):
            assert plain(await socket.ask({"type": "subscribe", "collection": "articles", "uid": "s"})) == subscription(
                "init", []
            )
        created = await app.admin("POST", "/items/articles", {"title": "one", "body": "secret", "owner": mine})
        key = created["id"]
        assert plain(await owner.receive()) == subscription("create", [{"id": key, "title": "one"}])
        await app.admin("PATCH", f"/items/articles/{key}", {"status": "published"})
        assert plain(await reader.receive()) == subscription(
            "create", [{"id": key, "title": "one", "status": "published"}]
        )
        assert plain(await owner.receive()) == subscription("update", [{"id": key, "title": "one"}])
        await app.admin("PATCH", f"/items/articles/{key}", {"owner": None})
        assert plain(await owner.receive()) == subscription("delete", [str(key)])
        assert (await reader.receive())["event"] == "update"
        await execute(database_url, "UPDATE articles SET status = 'draft'")
        assert plain(await reader.receive()) == subscription("delete", [str(key)])
        await app.admin("DELETE", f"/items/articles/{key}")
        assert await reader.silent()
        assert await owner.silent(0.05)


async def test_relational_rules_and_nested_fields_are_followed(app: Application, database_url: str) -> None:
    await app.user("fan", RELATIONAL)
    await execute(database_url, "INSERT INTO authors (id, name) VALUES (1, 'Ann'), (2, 'Bob')")
    async with app.authenticated("fan-static-token") as fan:
        query = {"fields": ["title", "author.name"]}
        refused = await fan.ask({"type": "subscribe", "collection": "articles", "uid": "s", "query": query})
        assert refused["error"]["code"] == "FORBIDDEN"
        query = {"fields": ["title"]}
        await fan.ask({"type": "subscribe", "collection": "articles", "uid": "s", "query": query})
        await app.admin("POST", "/items/articles", [{"title": "a", "author": 1}, {"title": "b", "author": 2}])
        assert plain(await fan.receive()) == subscription("create", [{"title": "a"}])
        await execute(database_url, "UPDATE articles SET author = 3 - author")
        told = [await fan.receive(), await fan.receive()]
        assert {frame["event"]: frame["data"] for frame in told} == {"delete": ["1"], "create": [{"title": "b"}]}
    async with app.authenticated("editor-static-token") as editor:
        await app.admin(
            "POST", "/permissions", permission("read", "authors") | {"policy": await _policy(app, "editor")}
        )
        query = {"fields": ["title", "author.name"], "sort": ["id"]}
        await editor.ask({"type": "subscribe", "collection": "articles", "uid": "s", "query": query})
        await app.admin("POST", "/items/articles", {"title": "c", "author": 2})
        assert plain(await editor.receive()) == subscription("create", [{"title": "c", "author": {"name": "Bob"}}])


async def _policy(app: Application, name: str) -> str:
    answer = await app.http.get("/policies", params={"filter[name][_eq]": name, "access_token": "admin-token-0001"})
    return str(answer.json()["data"][0]["id"])


async def test_revoking_a_session_ends_its_sockets_and_no_others(app: Application) -> None:
    gone, kept = await app.login("editor"), await app.login("editor")
    async with app.authenticated(gone["access_token"]) as closing, app.authenticated(kept["access_token"]) as open_one:
        for socket in (closing, open_one):
            await socket.ask({"type": "subscribe", "collection": "articles", "uid": "s"})
        answer = await app.http.post("/auth/logout", json={"refresh_token": gone["refresh_token"]})
        assert answer.status_code == 204
        told = await closing.receive()
        assert (told["type"], told["status"]) == ("auth", "error")
        assert await closing.closed() == 4401
        await app.admin("POST", "/items/articles", {"title": "after"})
        assert (await open_one.receive())["event"] == "create"
    refused = await app.http.get("/users/me", headers={"Authorization": f"Bearer {gone['access_token']}"})
    assert refused.status_code == 401
    with pytest.raises(Refused) as raised:
        async with app.socket(query=f"access_token={gone['access_token']}"):
            pass
    assert raised.value.status == 401


@pytest.mark.parametrize(
    "change", [{"status": "suspended"}, {"password": "another-long-password"}, {"email": "moved@example.com"}]
)
async def test_what_ends_a_user_ends_the_sockets(app: Application, change: dict[str, str]) -> None:
    tokens = await app.login("reader")
    user = (await app.http.get("/users/me", headers={"Authorization": f"Bearer {tokens['access_token']}"})).json()
    async with app.authenticated(tokens["access_token"]) as socket:
        await app.admin("PATCH", f"/users/{user['data']['id']}", change)
        assert (await socket.receive())["status"] == "error"
        assert await socket.closed() == 4401


async def test_a_user_who_vanishes_from_the_database_is_gone_at_once(app: Application, database_url: str) -> None:
    async with app.authenticated("reader-static-token") as socket:
        await execute(database_url, "DELETE FROM watchword_users WHERE email = 'reader@example.com'")
        assert (await socket.receive())["status"] == "error"
        assert await socket.closed() == 4401


async def test_rights_that_are_taken_away_end_what_they_allowed(app: Application) -> None:
    async with app.authenticated("reader-static-token") as reader:
        await reader.ask({"type": "subscribe", "collection": "articles", "uid": "s"})
        permissions = await app.admin("GET", "/permissions")
        mine = next(p for p in permissions if p["collection"] == "articles" and "title" in p["fields"])
        await app.admin("PATCH", f"/permissions/{mine['id']}", {"fields": ["id"]})
        await app.admin("POST", "/items/articles", {"title": "x", "status": "published"})
        assert (await reader.receive())["data"] == [{"id": 1}]
        await app.admin("DELETE", f"/permissions/{mine['id']}")
        ended = await reader.receive()
        assert (ended["event"], ended["uid"], ended["error"]["code"]) == ("unsubscribe", "s", "FORBIDDEN")
        await app.admin("POST", "/items/articles", {"title": "y", "status": "published"})
        assert await reader.silent()


async def test_rows_that_a_change_of_rights_takes_away_are_told_as_deletes(app: Application) -> None:
    await app.admin(
        "POST", "/items/articles", [{"title": "a", "status": "published"}, {"title": "b", "status": "published"}]
    )
    async with app.authenticated("reader-static-token") as reader, app.authenticated("editor-static-token") as editor:
        for socket in (reader, editor):
            assert len((await socket.ask({"type": "subscribe", "collection": "articles", "uid": "s"}))["data"]) == 2
        permissions = await app.admin("GET", "/permissions")
        mine = next(each for each in permissions if each["permissions"] == {"status": {"_eq": "published"}})
        await app.admin("PATCH", f"/permissions/{mine['id']}", {"permissions": {"title": {"_eq": "b"}}})
        assert plain(await reader.receive()) == subscription("delete", ["1"])
        await app.admin("PATCH", "/items/articles/1", {"body": "unseen"})
        assert await reader.silent()
        assert (await editor.receive())["event"] == "update"
        assert await editor.silent(0.05)


async def test_a_refresh_over_http_extends_the_sockets_of_the_session(database_url: str) -> None:
    async with application(database_url, ACCESS_TOKEN_TTL="2s", WEBSOCKETS_REST_AUTH_TIMEOUT="1s") as app:
        await app.user("reader", READER)
        tokens = await app.login("reader")
        async with app.authenticated(tokens["access_token"]) as socket:
            await socket.ask({"type": "subscribe", "collection": "articles", "uid": "s"})
            for _ in range(3):
                assert await socket.silent(1.0)
                answer = await app.http.post("/auth/refresh", json={"refresh_token": tokens["refresh_token"]})
                tokens = answer.json()["data"]
            await app.admin("POST", "/items/articles", {"title": "still here", "status": "published"})
            assert (await socket.receive())["event"] == "create"


async def test_another_user_on_the_same_socket_gets_nothing_of_the_first(app: Application) -> None:
    async with app.authenticated("editor-static-token") as socket:
        await socket.ask({"type": "subscribe", "collection": "articles", "uid": "s"})
        assert (await socket.ask({"type": "auth", "access_token": "reader-static-token"}))["status"] == "ok"
        await app.admin("POST", "/items/articles", [{"title": "draft"}, {"title": "public", "status": "published"}])
        told = await socket.receive()
        assert [set(row) for row in told["data"]] == [{"id", "title", "status"}]
        assert [row["title"] for row in told["data"]] == ["public"]


async def test_unsubscribed_means_silent_even_in_a_burst(app: Application) -> None:
    async with app.authenticated("editor-static-token") as socket:
        await socket.ask({"type": "subscribe", "collection": "articles", "uid": "s", "event": "create"})
        async with anyio.create_task_group() as group:
            for number in range(20):
                group.start_soon(app.admin, "POST", "/items/articles", {"title": str(number)})
            await socket.say({"type": "unsubscribe", "uid": "s"})
            while (await socket.receive()) != {"type": "subscription", "event": "unsubscribe", "uid": "s"}:
                pass
        assert await socket.silent()
