"""What GraphQL keeps of a document serves others who send it, and shows none of them what is another's."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.application import PASSWORD, Application, application, permission
from watchword import Watchword
from watchword.backend.call import Call
from watchword.protocol.outcomes import Reply

TABLES = """
CREATE TABLE authors (id INTEGER PRIMARY KEY, name VARCHAR(100) NOT NULL);
CREATE TABLE articles (
    id INTEGER PRIMARY KEY, title VARCHAR(255), body TEXT, author INTEGER REFERENCES authors (id), owner CHAR(36)
);
CREATE INDEX by_author ON articles (author);
INSERT INTO authors VALUES (1, 'Ann'), (2, 'Bob');
"""
OWN = {"owner": {"_eq": "$CURRENT_USER"}}
RIGHTS = [permission("read", rows=OWN), permission("read", "authors")]
ASKED = "{ articles { id title } authors { name articles(limit: 1) { id author { articles { id } } } } }"


async def told(app: Application, name: str, query: str = ASKED) -> Any:
    """Return the data that a user is told."""
    headers = {"Authorization": f"Bearer {name}-static-token"}
    body = (await app.http.post("/graphql", json={"query": query}, headers=headers)).json()
    assert "errors" not in body, body
    return body["data"]


async def write(app: Application, **owners: str) -> None:
    """Write two articles of each owner."""
    for author in (1, 2):
        for name, owner in owners.items():
            data = {"title": f"{name} {author}", "author": author, "owner": owner, "body": name}
            await app.admin("POST", "/items/articles", data)


def own(*titles: tuple[str, str]) -> Any:
    """Return what is shown of one's own articles, the first of Ann's and the second of Bob's."""
    articles = [{"id": key, "title": title} for key, title in titles]
    names = zip(("Ann", "Bob"), titles, strict=True)
    below = [
        {"name": name, "articles": [{"id": key, "author": {"articles": [{"id": key}]}}]} for name, (key, _) in names
    ]
    return {"articles": articles, "authors": below}


@pytest.mark.parametrize("same_role", [True, False])
async def test_users_with_the_same_rights_never_see_each_others_rows(database_url: str, *, same_role: bool) -> None:
    async with application(database_url, TABLES) as app:
        one = await app.user("one", RIGHTS)
        if same_role:
            role = (await app.admin("GET", f"/users/{one}"))["role"]
            user = {"email": "two@example.com", "password": PASSWORD, "role": role, "token": "two-static-token"}
            two = (await app.admin("POST", "/users", user))["id"]
        else:
            two = await app.user("two", RIGHTS)
        await app.user("three", RIGHTS)
        await write(app, one=one, two=two)

        for _ in range(3):
            assert await told(app, "one") == own(("1", "one 1"), ("3", "one 2"))
            assert await told(app, "two") == own(("2", "two 1"), ("4", "two 2"))
            nothing = [{"name": "Ann", "articles": []}, {"name": "Bob", "articles": []}]
            assert await told(app, "three") == {"articles": [], "authors": nothing}


async def test_a_field_that_is_seen_on_some_rows_is_null_on_the_others(database_url: str) -> None:
    rights = [permission("read", fields="id,title"), permission("read", rows=OWN, fields="id,body")]
    rights.append(permission("read", "authors"))
    asked = '{ articles { id title body } authors { articles(limit: 1, sort: "-id") { body: body title } } }'
    async with application(database_url, TABLES) as app:
        users = {name: await app.user(name, rights) for name in ("one", "two")}
        await write(app, **users)
        found = {name: await told(app, name, asked) for name in users}

    for name, seen in found.items():
        assert [row["body"] for row in seen["articles"]] == [each if each == name else None for each in users] * 2
        assert [row["title"] for row in seen["articles"]] == ["one 1", "two 1", "one 2", "two 2"]
    shown = [[row["articles"][0]["body"] for row in seen["authors"]] for seen in found.values()]
    assert shown == [[None, None], ["two", "two"]]


async def test_rights_that_are_taken_away_are_gone_from_the_next_request_on(database_url: str) -> None:
    async with application(database_url, TABLES) as app:
        one = await app.user("one", RIGHTS)
        await write(app, one=one)
        assert await told(app, "one") == own(("1", "one 1"), ("2", "one 2"))
        rules = await app.admin("GET", "/permissions?filter[collection][_eq]=articles")
        await app.admin("PATCH", f"/permissions/{rules[0]['id']}", {"permissions": {"title": {"_eq": "one 2"}}})
        assert (await told(app, "one"))["articles"] == [{"id": "2", "title": "one 2"}]


async def test_middleware_sees_and_changes_what_is_read(sqlite_url: str) -> None:
    def register(app: Watchword) -> None:
        @app.middleware
        async def shout(call: Call, operation: Any, proceed: Any) -> Any:
            reply = await proceed(operation)
            if isinstance(reply, Reply) and isinstance(reply.data, list):
                return Reply([row | {"title": "changed"} for row in reply.data], id=reply.id)
            return reply

    async with application(sqlite_url, TABLES, register=register) as app:
        one = await app.user("one", RIGHTS)
        await write(app, one=one)
        found = await told(app, "one", "{ articles(limit: 1) { title author { name } } }")
    assert found == {"articles": [{"title": "changed", "author": {"name": "Ann"}}]}


async def test_nothing_left_of_a_selection_is_an_empty_object(database_url: str) -> None:
    async with application(database_url, TABLES) as app:
        one = await app.user("one", RIGHTS)
        await write(app, one=one)
        found = await told(
            app, "one", "{ articles { id @skip(if: true) } authors { articles { id @skip(if: true) } } }"
        )
    assert found == {"articles": [{}, {}], "authors": [{"articles": [{}]}, {"articles": [{}]}]}
