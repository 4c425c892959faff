"""What `/activity` tells, on a whole application."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.application import ADMIN, Application, application, permission

EDIT = [permission(action) for action in ("create", "read", "update", "delete")]
SHOWN = "fields=action,collection,item,user&sort=id"


async def told(app: Application, **which: Any) -> list[tuple[str, str, str]]:
    """Return what was done, without what making users and logging in leaves behind."""
    rows = await app.admin("GET", f"/activity?{SHOWN}")
    return [(row["action"], row["collection"], row["item"]) for row in rows if which.items() <= row.items()]


async def test_changes_of_system_collections_are_told_and_those_of_items_are_not(database_url: str) -> None:
    async with application(database_url) as app:
        mel = await app.user("mel", EDIT)
        before = len(await told(app))
        await app.admin("POST", "/items/articles", {"title": "x"})
        role = (await app.admin("POST", "/roles", {"name": "r"}))["id"]
        await app.admin("PATCH", f"/roles/{role}", {"name": "s", "users": [mel]})
        await app.admin("DELETE", f"/roles/{role}")

        assert (await told(app))[before:] == [
            ("create", "directus_roles", role),
            ("update", "directus_users", mel),
            ("update", "directus_roles", role),
            ("delete", "directus_roles", role),
        ]


async def test_changes_of_items_are_told_where_that_was_chosen(database_url: str) -> None:
    async with application(database_url, ACTIVITY="all") as app:
        mel = await app.user("mel", EDIT)
        headers = {
            "Authorization": "Bearer mel-static-token",
            "User-Agent": "a test",
            "Origin": "https://a.example.com",
        }
        await app.http.post("/items/articles", json=[{"title": "a"}, {"title": "b"}], headers=headers)
        async with app.authenticated((await app.login("mel"))["access_token"]) as socket:
            message = {"type": "items", "action": "update", "collection": "articles", "data": {"title": "c"}}
            await socket.ask(message | {"ids": [1, 2], "uid": "1"})
        await app.http.request("DELETE", "/items/articles", json=[1], headers=headers)

        assert await told(app, collection="articles", user=mel) == [
            ("create", "articles", "1"),
            ("create", "articles", "2"),
            ("update", "articles", "1"),
            ("update", "articles", "2"),
            ("delete", "articles", "1"),
        ]
        [row] = await app.admin("GET", '/activity?filter={"action":"delete"}&fields=*,user.email')
        assert row["user"] == {"email": "mel@example.com"}
        assert (row["user_agent"], row["origin"]) == ("a test", "https://a.example.com")
        assert row["ip"] == "127.0.0.1"
        assert row["timestamp"].endswith("Z")


async def test_refused_write_leaves_nothing_behind(database_url: str) -> None:
    async with application(database_url, ACTIVITY="all") as app:
        await app.user("mel", [permission("create", rows={"status": {"_eq": "open"}})])
        before = await told(app)
        headers = {"Authorization": "Bearer mel-static-token"}
        answer = await app.http.post("/items/articles", json={"title": "x", "status": "shut"}, headers=headers)

        assert answer.status_code == 403
        assert await told(app) == before


async def test_logins_and_logouts_are_told(database_url: str) -> None:
    async with application(database_url) as app:
        mel = await app.user("mel", [])
        tokens = await app.login("mel")
        await app.http.post("/auth/login", json={"email": "mel@example.com", "password": "wrong"})
        await app.http.post("/auth/logout", json={"refresh_token": tokens["refresh_token"]})

        assert await told(app, user=mel) == [("login", "directus_users", mel), ("logout", "directus_users", mel)]


async def test_nothing_is_told_where_it_is_off(database_url: str) -> None:
    async with application(database_url, ACTIVITY="off") as app:
        await app.user("mel", [])
        await app.login("mel")

        assert await told(app) == []


async def test_activity_is_kept_as_long_as_it_says(sqlite_url: str) -> None:
    async with application(sqlite_url, ACTIVITY_RETENTION="1ms") as app:
        await app.user("mel", [])
        assert await app.app.parts.activity.trim() > 0
        assert await told(app) == []
    async with application(sqlite_url + "2", ACTIVITY_RETENTION="0") as app:
        await app.user("mel", [])
        assert await app.app.parts.activity.trim() == 0


async def test_nobody_writes_activity(sqlite_url: str) -> None:
    async with application(sqlite_url) as app:
        [first, *_] = await app.admin("GET", "/roles")
        await app.admin("PATCH", f"/roles/{first['id']}", {"name": "x"})
        [row] = await app.admin("GET", "/activity?limit=1")
        for method, path in (("POST", "/activity"), ("PATCH", f"/activity/{row['id']}"), ("DELETE", "/activity")):
            assert (await app.http.request(method, path, json={}, headers=ADMIN)).status_code == 404
        assert await app.admin("GET", f"/activity/{row['id']}") == row


@pytest.mark.parametrize("app_access", [True, False])
async def test_users_of_the_administration_see_what_they_did_themselves(sqlite_url: str, app_access: bool) -> None:
    async with application(sqlite_url) as app:
        mel = await app.user("mel", [])
        [policy] = await app.admin("GET", '/policies?filter={"name":"mel"}')
        await app.admin("PATCH", f"/policies/{policy['id']}", {"app_access": app_access})
        headers = {"Authorization": f"Bearer {(await app.login('mel'))['access_token']}"}
        answer = await app.http.get(f"/activity?{SHOWN}", headers=headers)

        if not app_access:
            assert answer.status_code == 403
            return
        row = {"action": "login", "collection": "directus_users", "item": mel, "user": mel}
        assert answer.json() == {"data": [row]}
