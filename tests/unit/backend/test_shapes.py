from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.support.application import application, execute, permission

if TYPE_CHECKING:
    from tests.support.application import Application
    from tests.support.sockets import ScriptedSocket

OWN = {"owner": {"_eq": "$CURRENT_USER"}}
TITLES_AND_OWN_TEXTS = [permission("read", fields="id,title"), permission("read", rows=OWN, fields="id,title,body")]
OF_ANN = {"author": {"name": {"_eq": "Ann"}}}
TITLES_AND_TEXTS_OF_ANN = [
    permission("read", fields="id,title"),
    permission("read", rows=OF_ANN, fields="id,title,body"),
    permission("read", collection="authors"),
]


async def follow(socket: ScriptedSocket, **query: Any) -> None:
    told = await socket.ask({"type": "subscribe", "collection": "articles", "uid": "s", "query": query})
    assert told["event"] == "init", told


async def told_of(app: Application, ann: ScriptedSocket, bob: ScriptedSocket, owner: str) -> tuple[Any, Any]:
    await app.admin("POST", "/items/articles", {"title": "one", "body": "for Ann only", "owner": owner})
    return (await ann.receive())["data"], (await bob.receive())["data"]


async def test_fields_of_own_rows_are_told_to_their_owner_and_to_nobody_else(database_url: str) -> None:
    async with application(database_url) as app:
        owner = await app.user("ann", TITLES_AND_OWN_TEXTS)
        await app.user("bob", TITLES_AND_OWN_TEXTS)
        async with app.authenticated("ann-static-token") as ann, app.authenticated("bob-static-token") as bob:
            await follow(ann)
            await follow(bob)
            to_ann, to_bob = await told_of(app, ann, bob, owner)
        assert [row["body"] for row in to_ann] == ["for Ann only"]
        assert [row["body"] for row in to_bob] == [None]


async def test_nested_fields_of_own_rows_are_told_to_their_owner_and_to_nobody_else(sqlite_url: str) -> None:
    rights = [*TITLES_AND_OWN_TEXTS, permission("read", collection="authors")]
    async with application(sqlite_url) as app:
        owner = await app.user("ann", rights)
        await app.user("bob", rights)
        await execute(sqlite_url, f"INSERT INTO authors (id, name) VALUES (1, 'A'); {_article_of(owner)}")
        async with app.authenticated("ann-static-token") as ann, app.authenticated("bob-static-token") as bob:
            for socket in (ann, bob):
                query = {"fields": ["name", "articles.body"]}
                await socket.ask({"type": "subscribe", "collection": "authors", "uid": "s", "query": query})
            await app.admin("PATCH", "/items/authors/1", {"name": "Ann"})
            told = [(await socket.receive())["data"] for socket in (ann, bob)]
        assert told[0] == [{"name": "Ann", "articles": [{"body": "for Ann only"}]}]
        assert told[1] == [{"name": "Ann", "articles": [{"body": None}]}]


async def test_everything_anew_is_what_each_subscriber_has_asked_for(database_url: str) -> None:
    async with application(database_url) as app, app.authenticated("admin-token-0001") as socket:
        for title in ("one", "two", "three"):
            await app.admin("POST", "/items/articles", {"title": title})
        wanted: dict[str, dict[str, Any]] = {
            "first": {"limit": 1, "sort": "id"},
            "last": {"limit": 1, "sort": "-id"},
            "rest": {"offset": 1, "limit": 5},
        }
        for uid, query in wanted.items():
            shown = query | {"fields": "title"}
            await socket.ask({"type": "subscribe", "collection": "articles", "uid": uid, "query": shown})
        await execute(database_url, "ALTER TABLE articles ADD COLUMN views INTEGER DEFAULT 5")
        await app.app.parts.structure.refresh()
        told = {frame["uid"]: frame for frame in [await socket.receive() for _ in wanted]}
    assert {frame["event"] for frame in told.values()} == {"init"}
    titles = {uid: [row["title"] for row in frame["data"]] for uid, frame in told.items()}
    assert titles == {"first": ["one"], "last": ["three"], "rest": ["two", "three"]}


def _article_of(owner: str) -> str:
    return f"INSERT INTO articles (title, body, author, owner) VALUES ('one', 'for Ann only', 1, '{owner}');"


async def test_fields_that_hang_on_related_rows_are_told_as_they_are_read(database_url: str) -> None:
    async with application(database_url) as app:
        await app.user("reader", TITLES_AND_TEXTS_OF_ANN)
        await execute(database_url, "INSERT INTO authors (id, name) VALUES (1, 'Ann'), (2, 'Bob')")
        async with app.authenticated("reader-static-token") as reader:
            await follow(reader, fields=["title", "body"])
            written = [{"title": "a", "body": "seen", "author": 1}, {"title": "b", "body": "hidden", "author": 2}]
            await app.admin("POST", "/items/articles", written)
            told = (await reader.receive())["data"]
        assert told == [{"title": "a", "body": "seen"}, {"title": "b", "body": None}]


async def test_rows_cannot_be_followed_by_what_no_change_tells(database_url: str) -> None:
    async with application(database_url) as app, app.authenticated("admin-token-0001") as socket:
        for condition in (
            {"password": {"_nnull": True}},
            {"_or": [{"email": {"_eq": "x"}}, {"password": {"_null": True}}]},
        ):
            query = {"fields": ["id"], "filter": condition}
            told = await socket.ask({"type": "subscribe", "collection": "directus_users", "uid": "s", "query": query})
            assert told["error"]["code"] == "INVALID_QUERY", told
        await app.user("blind", [permission("read", "directus_users", rows={"password": {"_null": True}})])
        async with app.authenticated("blind-static-token") as blind:
            told = await blind.ask({"type": "subscribe", "collection": "directus_users", "uid": "s"})
            assert told["error"]["code"] == "INVALID_QUERY", told


async def test_change_tells_that_a_concealed_value_is_there(database_url: str) -> None:
    async with application(database_url) as app, app.authenticated("admin-token-0001") as socket:
        query = {"fields": ["email", "password"]}
        await socket.ask({"type": "subscribe", "collection": "directus_users", "uid": "s", "query": query})
        for user in ({"email": "a@example.com", "password": "a long password"}, {"email": "b@example.com"}):
            await app.admin("POST", "/users", user)
            hidden = "**********" if "password" in user else None
            assert (await socket.receive())["data"] == [{"email": user["email"], "password": hidden}]
