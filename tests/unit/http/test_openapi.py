from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import pytest

from tests.support.application import ADMIN, Application, application, permission
from tests.unit.http.conftest import ADMIN as HTTP_ADMIN
from tests.unit.http.conftest import NOBODY
from watchword.http.openapi.schemas import nullable

MEL = {"Authorization": "Bearer mel-static-token"}
TABLES = """
CREATE TABLE authors (id INTEGER PRIMARY KEY, name VARCHAR(100) NOT NULL);
CREATE TABLE articles (
    id INTEGER PRIMARY KEY, title VARCHAR(255) NOT NULL, body TEXT, status VARCHAR(20) NOT NULL DEFAULT 'draft',
    author INTEGER REFERENCES authors (id), price NUMERIC(10, 2), published TIMESTAMP, sort INTEGER);
CREATE TABLE "odd name" (a INTEGER, b INTEGER, PRIMARY KEY (a, b));
CREATE TABLE "odd_name" (id INTEGER PRIMARY KEY);
CREATE TABLE "odd/name" (id INTEGER PRIMARY KEY);
"""


@pytest.fixture
async def place(database_url: str) -> AsyncIterator[Application]:
    """An application with tables of every sort, and Mel, who may do something with articles."""
    async with application(database_url, TABLES) as app:
        mel = [
            permission("read", fields="id,title,author", rows={"status": {"_eq": "open"}}),
            permission("create", fields="title,body") | {"presets": {"title": "New"}},
            permission("update", fields="sort"),
        ]
        await app.user("mel", mel)
        yield app


async def described(client: httpx.AsyncClient, headers: dict[str, str]) -> dict[str, Any]:
    answer = await client.get("/server/specs/oas", headers=headers)
    assert answer.status_code == 200
    return dict(answer.json())


def references(node: Any) -> Iterator[str]:
    """Yield every `$ref` of a document."""
    if isinstance(node, dict):
        if "$ref" in node:
            yield node["$ref"]
        for item in node.values():
            yield from references(item)
    elif isinstance(node, list):
        for item in node:
            yield from references(item)


def operations(document: dict[str, Any]) -> set[tuple[str, str]]:
    return {(method, path) for path, item in document["paths"].items() for method in item if method != "parameters"}


async def test_everything_that_is_referred_to_is_there(place: Application) -> None:
    for headers in (ADMIN, MEL, {}):
        document = await described(place.http, headers)
        for reference in references(document):
            found: Any = document
            for step in reference.removeprefix("#/").split("/"):
                found = found[step]


async def test_everything_that_is_described_has_a_route(place: Application) -> None:
    document = await described(place.http, ADMIN)

    for method, path in operations(document):
        answer = await place.http.request(method, path.replace("{key}", "1"), headers=ADMIN)
        assert answer.status_code not in {404, 500, 501}, (method, path)


async def test_administrator_sees_every_collection_and_action(place: Application) -> None:
    document = await described(place.http, ADMIN)
    whole = {("get", ""), ("post", ""), ("patch", ""), ("delete", "")}
    single = {("get", "/{key}"), ("patch", "/{key}"), ("delete", "/{key}")}

    for path in ("/items/articles", "/items/odd%20name", "/items/odd_name", "/users", "/roles", "/access"):
        assert {(method, path + rest) for method, rest in whole | single} <= operations(document)
    assert {each for each in operations(document) if each[1].startswith("/activity")} == {
        ("get", "/activity"),
        ("get", "/activity/{key}"),
    }
    assert {method for method, path in operations(document) if path == "/settings"} == {"get", "patch"}
    assert ("post", "/utils/sort/articles") in operations(document)
    assert not any("odd/name" in path or "odd%2Fname" in path for _, path in operations(document))
    names = document["components"]["schemas"]
    assert {"articles", "articles.create", "articles.update", "odd_name", "odd_name-2"} <= names.keys()
    assert all(re.fullmatch(r"[A-Za-z0-9._-]+", name) for name in names)


async def test_singleton_is_described_as_the_one_object_that_it_is(place: Application) -> None:
    await place.admin("PATCH", "/collections/authors", {"meta": {"singleton": True}})
    document = await described(place.http, ADMIN)
    answers = document["paths"]["/items/authors"]["get"]["responses"]["200"]["content"]["application/json"]["schema"]

    assert answers["properties"]["data"] == {"$ref": "#/components/schemas/authors"}
    assert {method for method, path in operations(document) if path == "/items/authors"} == {"get", "patch", "delete"}
    whole = "integer" if place.app.parts.db.kind == "postgresql" else ["integer", "string"]
    assert document["components"]["schemas"]["authors"]["properties"]["id"]["type"] == nullable({"type": whole})["type"]
    assert (await place.admin("GET", "/items/authors"))["id"] is None  # there is no row yet
    assert isinstance(await place.admin("PATCH", "/items/authors", {"name": "Ann"}), dict)
    assert (await place.http.post("/items/authors", json={"name": "Bob"}, headers=ADMIN)).status_code == 404


async def test_others_see_what_they_may_do_and_no_more(place: Application) -> None:
    document = await described(place.http, MEL)
    items = {each for each in operations(document) if each[1].startswith("/items") or "sort" in each[1]}

    assert items == {
        ("get", "/items/articles"),
        ("post", "/items/articles"),
        ("patch", "/items/articles"),
        ("get", "/items/articles/{key}"),
        ("patch", "/items/articles/{key}"),
        ("post", "/utils/sort/articles"),
    }
    schemas = document["components"]["schemas"]
    assert list(schemas) == ["articles.create", "articles", "articles.update"]
    assert list(schemas["articles"]["properties"]) == ["id", "title", "author"]
    assert list(schemas["articles.create"]["properties"]) == ["title", "body"]
    assert "required" not in schemas["articles.create"]
    assert list(schemas["articles.update"]["properties"]) == ["sort"]
    assert not {"/users", "/roles", "/settings", "/utils/cache/clear", "/tokens"} & document["paths"].keys()
    assert {"/users/me", "/users/me/sessions", "/permissions/me", "/server/health"} <= document["paths"].keys()


async def test_rows_do_not_name_collections_out_of_sight(place: Application) -> None:
    reads, writes = permission("read", "authors"), permission("update", "authors")
    await place.user("kay", [reads, writes])
    await place.user("joe", [reads, writes, permission("create", "articles")])
    kay = (await described(place.http, {"Authorization": "Bearer kay-static-token"}))["components"]["schemas"]
    joe = (await described(place.http, {"Authorization": "Bearer joe-static-token"}))["components"]["schemas"]
    everything = (await described(place.http, ADMIN))["components"]["schemas"]

    assert set(kay["authors"]["properties"]) == set(kay["authors.update"]["properties"]) == {"id", "name"}
    assert "articles" not in joe["authors"]["properties"]
    assert "articles" in joe["authors.update"]["properties"]
    assert "articles" in everything["authors"]["properties"]


async def test_the_public_sees_nothing_of_the_collections(place: Application) -> None:
    document = await described(place.http, {})

    assert document["components"]["schemas"] == {}
    assert set(document["paths"]) == {
        "/auth",
        "/auth/login",
        "/auth/refresh",
        "/auth/logout",
        "/policies/me/globals",
        "/server/info",
        "/server/ping",
        "/server/specs/oas",
        "/utils/random/string",
        "/.well-known/jwks.json",
    }


async def test_rows_are_described_by_their_types(place: Application) -> None:
    schemas = (await described(place.http, ADMIN))["components"]["schemas"]
    row, create = schemas["articles"]["properties"], schemas["articles.create"]

    whole = "integer" if place.app.parts.db.kind == "postgresql" else ["integer", "string"]
    assert row["id"]["type"] == whole
    assert row["title"] == {"type": "string"}
    assert row["body"] == {"type": ["string", "null"]}
    assert [each["type"] for each in row["author"]["anyOf"]] == [whole, "object", "null"]
    assert row["published"]["type"] == ["string", "null"]
    assert row["price"]["type"] == ["string", "number", "null"]
    assert schemas["authors"]["properties"]["articles"]["type"] == ["array", "null"]
    assert schemas["directus_users"]["properties"]["password"] == {"type": ["string", "null"]}
    assert create["required"] == ["title"]
    assert create["properties"]["title"] == {"type": "string", "maxLength": 255}


async def test_writer_who_may_not_read_gets_no_body(place: Application) -> None:
    await place.user("wim", [permission("create", fields="title")])
    document = await described(place.http, {"Authorization": "Bearer wim-static-token"})

    assert document["paths"]["/items/articles"]["post"]["responses"].keys() == {"204", "default"}
    reader = await described(place.http, MEL)
    assert reader["paths"]["/items/articles"]["post"]["responses"].keys() == {"200", "204", "default"}


async def test_description_has_the_name_of_the_project(client: httpx.AsyncClient) -> None:
    for headers in (HTTP_ADMIN, NOBODY):
        document = await described(client, headers)

        assert document["openapi"].startswith("3.1")
        assert document["info"]["title"] == "Test"
        assert document["servers"] == [{"url": "/"}]


async def test_what_is_told_of_credentials_is_what_is_described(place: Application) -> None:
    document = await described(place.http, ADMIN)
    headers = {"Authorization": f"Bearer {(await place.login('admin'))['access_token']}"}
    for path, body in (("/users/me/sessions", None), ("/users/me/tokens", {"name": "a program"})):
        method = "get" if body is None else "post"
        answer = await place.http.request(method, path, json=body, headers=headers)
        content = document["paths"][path][method]["responses"]["200"]["content"]["application/json"]
        told = content["schema"]["properties"]["data"]
        shape, data = (told["items"], answer.json()["data"][0]) if body is None else (told, answer.json()["data"])
        assert set(shape["required"]) == set(shape["properties"]) == set(data)


STRUCTURE = ("/collections", "/fields", "/relations", "/schema")


def of_the_structure(document: dict[str, Any]) -> set[tuple[str, str]]:
    return {each for each in operations(document) if each[1].startswith(STRUCTURE)}


async def test_administrator_sees_how_to_change_the_structure(place: Application) -> None:
    document = await described(place.http, ADMIN)

    assert of_the_structure(document) == {
        ("get", "/collections"),
        ("post", "/collections"),
        ("patch", "/collections"),
        ("get", "/collections/{collection}"),
        ("patch", "/collections/{collection}"),
        ("delete", "/collections/{collection}"),
        ("get", "/fields"),
        ("get", "/fields/{collection}"),
        ("post", "/fields/{collection}"),
        ("patch", "/fields/{collection}"),
        ("get", "/fields/{collection}/{field}"),
        ("patch", "/fields/{collection}/{field}"),
        ("delete", "/fields/{collection}/{field}"),
        ("get", "/relations"),
        ("post", "/relations"),
        ("get", "/relations/{collection}"),
        ("get", "/relations/{collection}/{field}"),
        ("patch", "/relations/{collection}/{field}"),
        ("delete", "/relations/{collection}/{field}"),
        ("get", "/schema/snapshot"),
        ("post", "/schema/diff"),
        ("post", "/schema/apply"),
    }


async def test_who_may_read_fields_sees_how_and_nothing_else_of_the_structure(place: Application) -> None:
    await place.user("fay", [permission("read", "directus_fields")])
    document = await described(place.http, {"Authorization": "Bearer fay-static-token"})

    assert of_the_structure(document) == {
        ("get", "/fields"),
        ("get", "/fields/{collection}"),
        ("get", "/fields/{collection}/{field}"),
    }
    for headers in (MEL, {}):
        assert of_the_structure(await described(place.http, headers)) == set()


async def test_who_may_use_the_app_sees_how_to_read_the_structure(place: Application) -> None:
    await place.user("abe", [])
    policies = await place.admin("GET", "/policies?limit=-1")
    own = [each["id"] for each in policies if "abe" in each["name"]]
    assert len(own) == 1
    await place.admin("PATCH", f"/policies/{own[0]}", {"app_access": True})
    document = await described(place.http, {"Authorization": "Bearer abe-static-token"})

    assert {path for _, path in of_the_structure(document)} >= {"/collections", "/fields", "/relations"}
    assert {method for method, _ in of_the_structure(document)} == {"get"}
