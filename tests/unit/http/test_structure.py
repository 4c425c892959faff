"""The structure over HTTP: what is told of it, and what becomes of the database when it is changed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import anyio
import pytest

from tests.support.application import ADMIN, Application, application, execute, permission

pytestmark = pytest.mark.timeout(60)

READER = {"Authorization": "Bearer reader-static-token"}
EVERY_TYPE = {
    "words": "string",
    "prose": "text",
    "whole": "integer",
    "huge": "bigInteger",
    "measured": "float",
    "exact": "decimal",
    "flag": "boolean",
    "day": "date",
    "clock": "time",
    "local": "dateTime",
    "moment": "timestamp",
    "tree": "json",
    "list": "csv",
    "mark": "uuid",
    "secret": "hash",
    "bytes": "binary",
}


@pytest.fixture
async def app(database_url: str) -> AsyncIterator[Application]:
    """An application with authors and articles."""
    async with application(database_url) as running:
        yield running


async def ask(app: Application, method: str, path: str, body: Any = None, headers: Any = ADMIN) -> tuple[int, Any]:
    answer = await app.http.request(method, path, json=body, headers=headers)
    return answer.status_code, answer.json() if answer.content else None


async def refused(app: Application, method: str, path: str, body: Any = None) -> tuple[int, str, str]:
    status, answer = await ask(app, method, path, body)
    error = answer["errors"][0]
    return status, error["extensions"]["code"], error["message"]


async def make_notes(app: Application, *fields: dict[str, Any], **more: Any) -> Any:
    return await app.admin("POST", "/collections", {"collection": "notes", "schema": {}, "fields": list(fields)} | more)


async def test_tables_are_told_as_collections_fields_and_relations(app: Application) -> None:
    collections = {each["collection"]: each for each in await app.admin("GET", "/collections")}
    fields = {each["field"]: each for each in await app.admin("GET", "/fields/articles")}
    relations = await app.admin("GET", "/relations/articles")

    assert collections["articles"] == {"collection": "articles", "meta": None, "schema": {"name": "articles"}}
    assert collections["directus_users"]["meta"]["system"] is True
    assert list(fields) == ["id", "title", "body", "status", "author", "owner"]
    assert fields["title"]["type"] == "string"
    assert fields["title"]["meta"] is None
    title = fields["title"]["schema"]
    assert (title["max_length"], title["is_nullable"], title["table"]) == (255, False, "articles")
    assert fields["status"]["schema"]["default_value"] == "draft"
    assert fields["id"]["schema"]["is_primary_key"] is fields["id"]["schema"]["has_auto_increment"] is True
    assert fields["author"]["schema"]["foreign_key_table"] == "authors"
    assert [(each["field"], each["related_collection"]) for each in relations] == [("author", "authors")]
    assert relations[0]["schema"]["foreign_key_column"] == "id"
    alias = await app.admin("GET", "/fields/authors/articles")
    assert (alias["type"], alias["schema"], alias["meta"]["special"]) == ("alias", None, ["o2m"])


async def test_reader_is_told_of_nothing_without_the_right_to(app: Application) -> None:
    await app.user("reader", [permission("read", fields="id,title")])
    for path in ("/collections", "/collections/articles", "/fields", "/fields/articles", "/relations"):
        status, answer = await ask(app, "GET", path, headers=READER)
        assert (status, answer["errors"][0]["extensions"]["code"]) == (403, "FORBIDDEN"), path


async def test_reader_is_told_of_what_the_rights_show(app: Application) -> None:
    told = [permission("read", name) for name in ("directus_collections", "directus_fields", "directus_relations")]
    await app.user("reader", [permission("read", fields="id,title"), *told])

    names = [each["collection"] for each in (await ask(app, "GET", "/collections", headers=READER))[1]["data"]]
    fields = [each["field"] for each in (await ask(app, "GET", "/fields/articles", headers=READER))[1]["data"]]
    relations = (await ask(app, "GET", "/relations", headers=READER))[1]["data"]

    assert (names, fields, relations) == (["articles"], ["id", "title"], [])
    for path in ("/collections/authors", "/fields/authors", "/fields/articles/body", "/relations/articles/author"):
        assert (await ask(app, "GET", path, headers=READER))[0] == 403, path


async def test_fields_do_not_name_collections_out_of_sight(app: Application) -> None:
    told = [permission("read", name) for name in ("directus_fields", "directus_relations")]
    await app.user("reader", [permission("read"), *told])
    await app.user("author", [permission("read", "authors"), *told])
    await app.user("both", [permission("read"), permission("read", "authors"), *told])

    async def named(name: str, collection: str) -> list[tuple[str, str | None]]:
        headers = {"Authorization": f"Bearer {name}-static-token"}
        told = (await ask(app, "GET", f"/fields/{collection}", headers=headers))[1]["data"]
        return [(each["field"], each["schema"] and each["schema"]["foreign_key_table"]) for each in told]

    assert ("author", None) in await named("reader", "articles")
    assert await named("author", "authors") == [("id", None), ("name", None)]
    headers = {"Authorization": "Bearer author-static-token"}
    assert (await ask(app, "GET", "/fields/authors/articles", headers=headers))[0] == 403
    assert ("author", "authors") in await named("both", "articles")
    assert ("articles", None) in await named("both", "authors")


async def test_only_administrators_change_the_structure(app: Application) -> None:
    everything = [permission(each, name) for each in ("create", "read", "update", "delete") for name in ("articles",)]
    system = ("directus_collections", "directus_fields", "directus_relations")
    everything += [permission(each, name) for each in ("create", "read", "update", "delete") for name in system]
    await app.user("reader", everything)
    for method, path, body in (
        ("POST", "/collections", {"collection": "notes", "schema": {}}),
        ("PATCH", "/collections/articles", {"meta": {"note": "x"}}),
        ("PATCH", "/collections", [{"collection": "articles", "meta": {"note": "x"}}]),
        ("DELETE", "/collections/articles", None),
        ("POST", "/fields/articles", {"field": "extra", "type": "string"}),
        ("PATCH", "/fields/articles/title", {"meta": {"note": "x"}}),
        ("PATCH", "/fields/articles", [{"field": "title", "meta": {"note": "x"}}]),
        ("DELETE", "/fields/articles/title", None),
        ("POST", "/relations", {"collection": "articles", "field": "owner", "related_collection": "authors"}),
        ("PATCH", "/relations/articles/author", {"meta": {}}),
        ("DELETE", "/relations/articles/author", None),
    ):
        status, answer = await ask(app, method, path, body, READER)
        assert (status, answer["errors"][0]["extensions"]["code"]) == (403, "FORBIDDEN"), (method, path)
    assert await app.admin("GET", "/collections/articles")


async def test_collection_with_a_field_of_every_type_holds_values(app: Application) -> None:
    made = await make_notes(
        app, *({"field": name, "type": kind} for name, kind in EVERY_TYPE.items()), meta={"note": "n"}
    )
    types = {each["field"]: each["type"] for each in await app.admin("GET", "/fields/notes")}
    row = {
        "words": "w", "prose": "p", "whole": 7, "huge": "9007199254740993", "measured": 1.5, "exact": "12.34000",
        "flag": True, "day": "2026-01-02", "clock": "03:04:05", "local": "2026-01-02T03:04:05",
        "moment": "2026-01-02T03:04:05Z", "tree": {"a": [1]}, "list": ["x", "y"],
        "mark": "9b2f8a2e-1111-4222-8333-444455556666", "secret": "hush", "bytes": "AAE=",
    }  # fmt: skip
    created = await app.admin("POST", "/items/notes", row)

    assert (made["collection"], made["meta"]["note"]) == ("notes", "n")
    assert types == {"id": "integer"} | EVERY_TYPE
    assert created["id"] == 1
    assert created["secret"] == "**********"
    for name in ("words", "whole", "huge", "flag", "day", "clock", "local", "tree", "list", "mark", "bytes"):
        assert created[name] == row[name], name
    key = await app.admin("GET", "/fields/notes/id")
    assert (key["meta"]["hidden"], key["meta"]["interface"]) == (True, "numeric")


async def test_collection_may_choose_its_key_and_the_limits_of_its_columns(app: Application) -> None:
    await make_notes(
        app,
        {"field": "code", "type": "string", "schema": {"is_primary_key": True, "max_length": 12}},
        {"field": "title", "type": "string", "schema": {"is_nullable": False, "default_value": "it's \\ 100%"}},
        {"field": "slug", "type": "string", "schema": {"is_unique": True}},
        {"field": "price", "type": "decimal", "schema": {"numeric_precision": 8, "numeric_scale": 2}},
        {"field": "made", "type": "timestamp", "schema": {"default_value": "CURRENT_TIMESTAMP", "is_indexed": True}},
        {"field": "line", "type": "alias", "schema": None, "meta": {"special": ["alias", "no-data"]}},
    )
    created = await app.admin("POST", "/items/notes", {"code": "a", "slug": "s"})
    schema = {each["field"]: each["schema"] for each in await app.admin("GET", "/fields/notes")}

    assert created["code"] == "a"
    assert created["title"] == "it's \\ 100%"
    assert created["made"].endswith("Z")
    assert (schema["code"]["max_length"], schema["code"]["is_primary_key"]) == (12, True)
    assert (schema["price"]["numeric_precision"], schema["price"]["numeric_scale"]) == (8, 2)
    assert (schema["slug"]["is_unique"], schema["made"]["is_indexed"]) == (True, True)
    assert schema["line"] is None
    assert (await refused(app, "POST", "/items/notes", {"code": "b", "slug": "s"}))[1] == "RECORD_NOT_UNIQUE"
    assert "line" not in created


async def test_folder_has_no_table_and_no_items(app: Application) -> None:
    made = await app.admin(
        "POST", "/collections", {"collection": "content", "schema": None, "meta": {"icon": "folder"}}
    )
    await app.admin("PATCH", "/collections/articles", {"meta": {"group": "content"}})

    assert (made["schema"], made["meta"]["icon"]) == (None, "folder")
    assert (await ask(app, "GET", "/items/content"))[0] == 403
    await app.admin("DELETE", "/collections/content")
    assert (await app.admin("GET", "/collections/articles"))["meta"]["group"] is None


async def test_what_is_said_of_collections_is_kept_and_changed(app: Application) -> None:
    first = await app.admin("PATCH", "/collections/articles", {"meta": {"note": "a", "sort_field": "id"}})
    batch = [{"collection": "articles", "meta": {"hidden": True}}, {"collection": "authors", "meta": {"icon": "x"}}]
    second = await app.admin("PATCH", "/collections", batch)

    assert (first["meta"]["note"], first["meta"]["hidden"]) == ("a", False)
    assert [each["meta"]["hidden"] for each in second] == [True, False]
    assert second[0]["meta"]["note"] == "a"
    assert (await app.admin("PATCH", "/collections/articles", {"meta": None}))["meta"] is None
    assert await refused(app, "PATCH", "/collections/articles", {"meta": {"colour": "red"}}) == (
        400, "INVALID_PAYLOAD", 'Invalid payload. "meta.colour" is not allowed.',
    )  # fmt: skip


async def test_added_column_takes_values_and_is_captured(app: Application) -> None:
    await app.admin("POST", "/items/articles", {"title": "Before"})
    made = await app.admin(
        "POST",
        "/fields/articles",
        {"field": "views", "type": "integer", "schema": {"default_value": 3}, "meta": {"note": "v"}},
    )
    strict = {"field": "lang", "type": "string", "schema": {"is_nullable": False, "default_value": "en"}}
    await app.admin("POST", "/fields/articles", strict)

    assert (made["schema"]["default_value"], made["meta"]["note"]) == (3, "v")
    assert [(row["views"], row["lang"]) for row in await app.admin("GET", "/items/articles")] == [(3, "en")]
    async with app.authenticated("admin-token-0001") as socket:
        await socket.ask({"type": "subscribe", "collection": "articles", "query": {"fields": ["views"]}, "uid": "1"})
        await app.admin("PATCH", "/items/articles/1", {"views": 9})
        assert (await socket.receive())["data"] == [{"views": 9}]


async def test_changed_column_keeps_the_rows_and_everything_else_of_the_table(database_url: str) -> None:
    ddl = """
    CREATE TABLE authors (id INTEGER PRIMARY KEY, name TEXT);
    CREATE TABLE articles (id INTEGER PRIMARY KEY, title VARCHAR(20) NOT NULL, views VARCHAR(9) DEFAULT '1',
        price NUMERIC(8, 2) CHECK (price > 0), author INTEGER REFERENCES authors (id) ON DELETE CASCADE,
        "odd name" TEXT);
    CREATE TABLE comments (id INTEGER PRIMARY KEY, article INTEGER REFERENCES articles (id) ON DELETE CASCADE);
    CREATE INDEX by_price ON articles (price);
    CREATE VIEW cheap AS SELECT id FROM articles WHERE price < 10;
    INSERT INTO authors VALUES (1, 'Ann');
    INSERT INTO articles (title, views, price, author) VALUES ('One', '7', 5, 1);
    INSERT INTO comments (article) VALUES (1);
    """
    async with application(database_url, ddl) as app:
        changed = await app.admin(
            "PATCH",
            "/fields/articles/views",
            {"type": "integer", "schema": {"default_value": 2, "is_nullable": False}, "meta": {"note": "n"}},
        )
        await app.admin(
            "PATCH", "/fields/articles", [{"field": "title", "schema": {"max_length": 300, "is_unique": True}}]
        )

        assert (changed["type"], changed["schema"]["is_nullable"], changed["meta"]["note"]) == ("integer", False, "n")
        assert changed["schema"]["default_value"] == 2
        [row] = await app.admin("GET", "/items/articles")
        assert (row["title"], row["views"], row["author"], row["comments"]) == ("One", 7, 1, [1])
        assert (await app.admin("POST", "/items/articles", {"title": "x" * 300}))["views"] == 2
        assert (await refused(app, "POST", "/items/articles", {"title": "One"}))[1] == "RECORD_NOT_UNIQUE"
        assert (await refused(app, "POST", "/items/articles", {"title": "y", "price": -1}))[1] == "INVALID_PAYLOAD"
        price = await app.admin("GET", "/fields/articles/price")
        assert price["schema"]["is_indexed"]
        await app.admin("PATCH", "/fields/articles/title", {"schema": {"is_unique": False}})
        await app.admin("POST", "/items/articles", {"title": "One"})
        await app.admin("DELETE", "/items/authors/1")
        assert await app.admin("GET", "/items/comments") == []


async def test_change_that_the_rows_forbid_is_refused_and_undone(app: Application) -> None:
    await app.admin("POST", "/items/articles", [{"title": "Same"}, {"title": "Same"}])
    for body, code in (
        ({"schema": {"is_unique": True}}, "RECORD_NOT_UNIQUE"),
        ({"type": "nothing"}, "INVALID_PAYLOAD"),
        ({"schema": {"is_nullable": "yes"}}, "INVALID_PAYLOAD"),
        ({"meta": {"sort": "x"}}, "INVALID_PAYLOAD"),
        ({"field": "other"}, "INVALID_PAYLOAD"),
    ):
        assert (await refused(app, "PATCH", "/fields/articles/title", body))[:2] == (400, code), body
    assert (await refused(app, "PATCH", "/fields/articles/body", {"schema": {"is_nullable": False}}))[1] == (
        "NOT_NULL_VIOLATION"
    )
    strict = {"field": "must", "type": "string", "schema": {"is_nullable": False}}
    assert (await refused(app, "POST", "/fields/articles", strict))[1] == "NOT_NULL_VIOLATION"
    assert "must" not in {each["field"] for each in await app.admin("GET", "/fields/articles")}
    assert len(await app.admin("GET", "/items/articles")) == 2


async def test_names_that_cannot_be_are_refused(app: Application) -> None:
    for name in ("directus_notes", "watchword_notes", "sqlite_notes", "a.b", "", "x" * 64, "articles", "1a", "a b"):
        status, code, _ = await refused(app, "POST", "/collections", {"collection": name, "schema": {}})
        assert (status, code) == (400, "INVALID_PAYLOAD"), name
    for name in ("title", "a.b", "$x", "", "a(b)"):
        status, code, _ = await refused(app, "POST", "/fields/articles", {"field": name, "type": "string"})
        assert (status, code) == (400, "INVALID_PAYLOAD"), name
    for path, body in (("/collections", {}), ("/collections", [1]), ("/fields/articles", {"type": "string"})):
        assert (await refused(app, "POST", path, body))[:2] == (400, "INVALID_PAYLOAD")
    assert (await refused(app, "POST", "/fields/nothing", {"field": "a", "type": "string"}))[:2] == (403, "FORBIDDEN")
    assert (await refused(app, "POST", "/fields/directus_users", {"field": "a", "type": "string"}))[0] == 400
    assert (await refused(app, "DELETE", "/collections/directus_users"))[0] == 400
    assert (await refused(app, "DELETE", "/fields/directus_users/email"))[0] == 400


async def test_several_collections_are_made_together_or_not_at_all(app: Application) -> None:
    one, two = {"collection": "one", "schema": {}}, {"collection": "two", "schema": {}}
    assert (await refused(app, "POST", "/collections", [one, two | {"fields": [{"field": "x", "type": "?"}]}]))[
        0
    ] == 400
    assert (await ask(app, "GET", "/collections/one"))[0] == 403
    assert [each["collection"] for each in await app.admin("POST", "/collections", [one, two])] == ["one", "two"]


async def test_dropped_field_is_gone_with_what_was_said_of_it(app: Application) -> None:
    await app.user("reader", [permission("read", fields="id,body")])
    await app.admin("PATCH", "/collections/articles", {"meta": {"sort_field": "body"}})
    await app.admin("PATCH", "/fields/articles/body", {"meta": {"note": "n"}, "schema": {"is_indexed": True}})
    await app.admin("POST", "/items/articles", {"title": "One", "body": "b"})

    await app.admin("DELETE", "/fields/articles/body")

    assert (await ask(app, "GET", "/fields/articles/body"))[0] == 403
    assert "body" not in (await app.admin("GET", "/items/articles"))[0]
    assert (await app.admin("GET", "/collections/articles"))["meta"]["sort_field"] is None
    again = await app.admin("POST", "/fields/articles", {"field": "body", "type": "text"})
    assert again["meta"] is None
    _, seen = await ask(app, "GET", "/items/articles", headers=READER)
    assert seen["data"] == [{"id": 1}]
    assert (await refused(app, "DELETE", "/fields/articles/id"))[0] == 400


async def test_dropped_collection_leaves_its_children_and_no_rights_behind(app: Application) -> None:
    await app.user("reader", [permission("read", "authors"), permission("read")])
    await app.admin("POST", "/items/articles", {"title": "One", "author": {"name": "Ann"}})

    await app.admin("DELETE", "/collections/authors")

    assert (await ask(app, "GET", "/items/authors"))[0] == 403
    [row] = await app.admin("GET", "/items/articles")
    assert (row["title"], row["author"]) == ("One", 1)
    assert await app.admin("GET", "/relations") == [
        each for each in await app.admin("GET", "/relations") if each["collection"].startswith("directus_")
    ]
    await app.admin("POST", "/collections", {"collection": "authors", "schema": {}})
    assert (await ask(app, "GET", "/items/authors", headers=READER))[0] == 403
    assert (await ask(app, "GET", "/items/articles", headers=READER))[0] == 200


async def make_authors_anew(app: Application) -> None:
    """Drop the collection and make another one of its name, with an item."""
    await app.admin("DELETE", "/collections/authors")
    await app.admin("POST", "/collections", {"collection": "authors", "schema": {}})
    await app.admin("POST", "/items/authors", {})


async def test_rights_to_a_dropped_collection_are_gone_when_that_is_answered(app: Application) -> None:
    await app.user("reader", [permission("read", "authors"), permission("read")])
    assert (await ask(app, "GET", "/items/authors", headers=READER))[0] == 200

    async with app.app.parts.log._turn:  # nothing is heard of the log meanwhile
        await make_authors_anew(app)
        assert (await ask(app, "GET", "/items/authors", headers=READER))[0] == 403
        assert (await ask(app, "GET", "/items/articles", headers=READER))[0] == 200


async def test_rights_to_a_dropped_collection_are_gone_on_another_node_that_has_seen_the_next(
    app: Application, database_url: str
) -> None:
    await app.user("reader", [permission("read", "authors"), permission("read")])
    async with application(database_url, ddl="") as other:
        assert (await ask(other, "GET", "/items/authors", headers=READER))[0] == 200
        async with other.app.parts.log._turn:
            await make_authors_anew(app)
            await other.app.parts.structure.refresh()
            assert (await ask(other, "GET", "/items/authors", headers=READER))[0] == 403
            assert (await ask(other, "GET", "/items/articles", headers=READER))[0] == 200


async def test_rights_to_a_dropped_collection_are_gone_on_another_node_by_the_log(
    app: Application, database_url: str
) -> None:
    await app.user("reader", [permission("read", "authors"), permission("read")])
    async with application(database_url, ddl="") as other:
        assert (await ask(other, "GET", "/items/authors", headers=READER))[0] == 200
        async with other.app.parts.structure._turn:  # it does not look at the structure
            await make_authors_anew(app)
            await other.app.parts.feed.settle()
            assert (await ask(other, "GET", "/items/authors", headers=READER))[0] == 403
            assert (await ask(other, "GET", "/items/articles", headers=READER))[0] == 200


async def test_relation_is_made_named_changed_and_dropped(app: Application) -> None:
    await app.admin("POST", "/fields/articles", {"field": "editor", "type": "integer"})
    wanted = {"collection": "articles", "field": "editor", "related_collection": "authors"}
    made = await app.admin(
        "POST", "/relations", wanted | {"schema": {"on_delete": "SET NULL"}, "meta": {"one_field": "edited"}}
    )
    await app.admin("POST", "/items/authors", {"name": "Ann"})
    await app.admin("POST", "/items/articles", {"title": "One", "editor": 1})

    assert (made["schema"]["on_delete"], made["meta"]["one_field"]) == ("SET NULL", "edited")
    assert (await app.admin("GET", "/items/authors?fields=edited.title"))[0] == {"edited": [{"title": "One"}]}
    assert (await refused(app, "POST", "/relations", wanted))[:2] == (400, "INVALID_PAYLOAD")
    changed = await app.admin(
        "PATCH", "/relations/articles/editor", {"schema": {"on_delete": "CASCADE"}, "meta": {"one_field": "works"}}
    )
    assert (changed["schema"]["on_delete"], changed["meta"]["one_field"]) == ("CASCADE", "works")
    assert (await app.admin("GET", "/items/authors?fields=works"))[0] == {"works": [1]}
    await app.admin("DELETE", "/fields/authors/works")
    assert (await ask(app, "GET", "/items/authors?fields=works"))[0] == 403
    await app.admin("DELETE", "/relations/articles/editor")
    assert (await ask(app, "GET", "/relations/articles/editor"))[0] == 403
    await app.admin("DELETE", "/items/authors/1")
    assert (await app.admin("GET", "/items/articles"))[0]["editor"] == 1


async def test_relation_to_nothing_is_refused(app: Application) -> None:
    await app.admin("POST", "/fields/articles", {"field": "editor", "type": "integer"})
    await app.admin("POST", "/items/articles", {"title": "One", "editor": 77})
    wanted = {"collection": "articles", "field": "editor", "related_collection": "authors"}

    assert (await refused(app, "POST", "/relations", wanted))[1] == "INVALID_FOREIGN_KEY"
    for change in (
        {"related_collection": "nobody"},
        {"field": "missing"},
        {"schema": {"on_delete": "EXPLODE"}},
        {"meta": {"one_field": "name"}, "schema": None},
        {"meta": {"one_allowed_collections": ["authors"]}, "schema": None},
    ):
        assert (await refused(app, "POST", "/relations", wanted | change))[:2] == (400, "INVALID_PAYLOAD"), change
    assert await app.admin("GET", "/relations/articles") == [
        each for each in await app.admin("GET", "/relations/articles") if each["field"] == "author"
    ]


async def test_relation_without_a_foreign_key_leads_both_ways(app: Application) -> None:
    await app.admin("POST", "/fields/articles", {"field": "editor", "type": "integer"})
    wanted = {"collection": "articles", "field": "editor", "related_collection": "authors", "schema": None}
    made = await app.admin("POST", "/relations", wanted | {"meta": {"one_field": "edited"}})
    await app.admin("POST", "/items/articles", {"title": "One", "editor": {"name": "Ann"}})

    assert made["schema"] is None
    assert await app.admin("GET", "/items/authors?fields=name,edited.title") == [
        {"name": "Ann", "edited": [{"title": "One"}]}
    ]


async def test_many_to_many_goes_through_a_junction_that_is_named(app: Application) -> None:
    key = {"field": "id", "type": "integer", "schema": {"is_primary_key": True, "has_auto_increment": True}}
    sides = [{"field": "article", "type": "integer"}, {"field": "tag", "type": "integer"}]
    await app.admin(
        "POST",
        "/collections",
        {"collection": "tags", "schema": {}, "fields": [key, {"field": "name", "type": "string"}]},
    )
    await app.admin("POST", "/collections", {"collection": "articles_tags", "schema": {}, "fields": [key, *sides]})
    for field, other, one_field, junction in (
        ("article", "articles", "labels", "tag"),
        ("tag", "tags", None, "article"),
    ):
        meta = {"one_field": one_field, "junction_field": junction}
        relation = {"collection": "articles_tags", "field": field, "related_collection": other, "meta": meta}
        await app.admin("POST", "/relations", relation)
    await app.admin("POST", "/items/articles", {"title": "One", "labels": [{"tag": {"name": "red"}}]})

    assert await app.admin("GET", "/items/articles?fields=labels.tag.name") == [{"labels": [{"tag": {"name": "red"}}]}]
    assert (await app.admin("GET", "/fields/articles/labels"))["meta"]["special"] == ["m2m"]


async def test_field_may_refer_to_users(app: Application) -> None:
    await app.admin("POST", "/fields/articles", {"field": "reviewer", "type": "uuid", "meta": {"special": ["m2o"]}})
    relation = {"collection": "articles", "field": "reviewer", "related_collection": "directus_users"}
    made = await app.admin("POST", "/relations", relation | {"schema": {"on_delete": "SET NULL"}})
    me = await app.admin("GET", "/users/me?fields=id")
    row = await app.admin("POST", "/items/articles?fields=reviewer.email", {"title": "One", "reviewer": me["id"]})

    assert made["related_collection"] == "directus_users"
    assert row == {"reviewer": {"email": "admin@example.com"}}


async def test_singleton_is_read_and_written_as_one_object(app: Application) -> None:
    await make_notes(
        app,
        {"field": "title", "type": "string", "schema": {"default_value": "Untitled"}},
        {"field": "body", "type": "text"},
        meta={"singleton": True},
    )
    await app.user("reader", [permission("read", "notes", fields="id,title")])

    assert await app.admin("GET", "/items/notes") == {"id": None, "title": "Untitled"}
    assert await app.admin("GET", "/items/notes?fields=title") == {"title": "Untitled"}
    assert (await ask(app, "PATCH", "/items/notes", {"title": "x"}, READER))[0] == 403
    assert await app.admin("PATCH", "/items/notes", {"title": "One"}) == {"id": 1, "title": "One", "body": None}
    assert (await app.admin("PATCH", "/items/notes", {"body": "b"}))["id"] == 1
    assert await app.admin("GET", "/items/notes") == {"id": 1, "title": "One", "body": "b"}
    assert (await ask(app, "GET", "/items/notes", headers=READER))[1]["data"] == {"id": 1, "title": "One"}
    assert (await ask(app, "PATCH", "/items/notes", {"title": "x"}, READER))[0] == 403
    assert (await refused(app, "POST", "/items/notes", {"title": "Two"}))[:2] == (404, "ROUTE_NOT_FOUND")
    async with app.authenticated("admin-token-0001") as socket:
        read = {"type": "items", "action": "read", "collection": "notes", "uid": "1"}
        assert (await socket.ask(read))["data"]["title"] == "One"
        update = {"type": "items", "action": "update", "collection": "notes", "data": {"title": "Uno"}, "uid": "2"}
        assert (await socket.ask(update))["data"]["title"] == "Uno"
    assert len(await app.admin("GET", "/items/notes?aggregate[count]=*")) == 1
    assert (await app.admin("PATCH", "/collections/notes", {"meta": {"singleton": False}}))["meta"][
        "singleton"
    ] is False
    assert isinstance(await app.admin("GET", "/items/notes"), list)


async def test_specials_shape_what_fields_hold(app: Application) -> None:
    await make_notes(
        app,
        {"field": "list", "type": "text", "meta": {"special": ["cast-csv"]}},
        {"field": "tree", "type": "text", "meta": {"special": ["cast-json"]}},
        {"field": "hidden", "type": "string", "meta": {"special": ["conceal"]}},
        {"field": "made", "type": "timestamp", "meta": {"special": ["date-created"]}},
        {"field": "maker", "type": "string", "schema": {"max_length": 36}, "meta": {"special": ["user-created"]}},
    )
    row = await app.admin("POST", "/items/notes", {"list": ["a", "b"], "tree": {"x": 1}, "hidden": "h"})

    assert (row["list"], row["tree"], row["hidden"]) == (["a", "b"], {"x": 1}, "**********")
    assert row["made"]
    assert row["maker"] == (await app.admin("GET", "/users/me?fields=id"))["id"]
    await app.admin("PATCH", "/fields/notes/hidden", {"meta": {"special": None}})
    assert (await app.admin("GET", "/items/notes"))[0]["hidden"] == "h"


async def test_follower_gets_everything_anew_when_the_columns_change(app: Application) -> None:
    await app.admin("POST", "/items/articles", {"title": "One"})
    async with app.authenticated("admin-token-0001") as socket:
        await socket.ask({"type": "subscribe", "collection": "articles", "uid": "all"})
        await socket.ask({"type": "subscribe", "collection": "articles", "query": {"fields": ["body"]}, "uid": "body"})
        await socket.ask({"type": "subscribe", "collection": "authors", "uid": "other"})

        await app.admin(
            "POST", "/fields/articles", {"field": "views", "type": "integer", "schema": {"default_value": 0}}
        )
        frames = {frame["uid"]: frame for frame in [await socket.receive(), await socket.receive()]}
        assert frames["all"]["event"] == "init"
        assert frames["all"]["data"][0]["views"] == 0
        assert set(frames) == {"all", "body"}

        await app.admin("DELETE", "/fields/articles/body")
        frames = {frame["uid"]: frame for frame in [await socket.receive(), await socket.receive()]}
        assert frames["body"]["event"] == "unsubscribe"
        assert frames["body"]["error"]["code"] == "FORBIDDEN"
        assert "body" not in frames["all"]["data"][0]

        await app.admin("DELETE", "/collections/articles")
        frames = {frame["uid"]: frame for frame in [await socket.receive(), await socket.receive()]}
        assert frames["all"]["error"]["code"] == "FORBIDDEN"
        assert frames["other"]["event"] == "init"


async def test_change_by_another_program_is_seen_and_followed(app: Application, database_url: str) -> None:
    async with app.authenticated("admin-token-0001") as socket:
        await socket.ask({"type": "subscribe", "collection": "articles", "uid": "1"})
        await execute(database_url, "ALTER TABLE articles ADD COLUMN views INTEGER DEFAULT 5")
        await execute(database_url, "CREATE TABLE notes (id INTEGER PRIMARY KEY, text TEXT)")
        await app.app.parts.structure.refresh()
        assert (await socket.receive())["event"] == "init"
        await execute(database_url, "INSERT INTO articles (id, title) VALUES (1, 'One')")
        assert (await socket.receive())["data"][0]["views"] == 5
        await socket.ask({"type": "subscribe", "collection": "notes", "uid": "2"})
        await execute(database_url, "INSERT INTO notes VALUES (1, 'n')")
        assert (await socket.receive())["data"] == [{"id": 1, "text": "n"}]
        await execute(database_url, "DROP TABLE notes")
        await app.app.parts.structure.refresh()
        assert (await socket.receive())["error"]["code"] == "FORBIDDEN"


async def test_structure_that_nobody_changed_is_not_looked_at_again(app: Application) -> None:
    structure = app.app.parts.structure
    await structure.refresh()
    before = structure.catalogue
    await structure.refresh()

    assert structure.catalogue is before


async def test_change_by_another_process_of_ours_is_seen(app: Application, database_url: str) -> None:
    await app.admin("GET", "/collections")
    async with application(database_url, "SELECT 1;") as other:
        await other.admin("PATCH", "/collections/articles", {"meta": {"note": "from there"}})
        await app.app.parts.structure.refresh()
        assert (await app.admin("GET", "/collections/articles"))["meta"]["note"] == "from there"


async def test_read_of_what_has_just_been_dropped_may_be_tried_again(app: Application, database_url: str) -> None:
    await app.admin("POST", "/items/articles", {"title": "One"})
    await execute(database_url, "ALTER TABLE articles RENAME COLUMN body TO prose")
    refused_now = await ask(app, "GET", "/items/articles?fields=body")
    await app.app.parts.structure.refresh()

    # The server looks by itself, too; it may have seen the change before the first read.
    assert refused_now[0] in {403, 503}
    assert await app.admin("GET", "/items/articles?fields=prose") == [{"prose": None}]
    assert (await ask(app, "GET", "/items/articles?fields=body"))[0] == 403


async def test_writes_go_on_while_the_structure_changes_and_none_is_lost(app: Application) -> None:
    async with app.authenticated("admin-token-0001") as socket:
        query = {"fields": ["id"], "limit": -1}
        await socket.ask({"type": "subscribe", "collection": "articles", "query": query, "uid": "1"})
        async with anyio.create_task_group() as group:
            for number in range(20):
                group.start_soon(app.admin, "POST", "/items/articles", {"id": number + 1, "title": "x"})
            for number in range(3):
                group.start_soon(app.admin, "POST", "/fields/articles", {"field": f"f{number}", "type": "string"})
        seen: set[int] = set()
        with anyio.fail_after(20):
            while len(seen) < 20:
                seen |= {row["id"] for row in (await socket.receive())["data"]}
    assert len(await app.admin("GET", "/items/articles?limit=-1")) == 20


@pytest.mark.parametrize(
    "meta",
    [
        {"note": "a\0b"},
        {"translations": [{"text": "\0"}]},
        {"icon": "x" * 65},
        {"sort": 2**31},
        {"sort": 2**70},
        {"item_duplication_fields": ["\0"]},
    ],
)
async def test_what_cannot_be_kept_is_not_said(app: Application, meta: dict[str, Any]) -> None:
    status, code, message = await refused(app, "PATCH", "/collections/articles", {"meta": meta})

    assert (status, code) == (400, "INVALID_PAYLOAD")
    assert f"meta.{next(iter(meta))}" in message
    assert (await app.admin("GET", "/collections/articles"))["meta"] is None


async def test_the_largest_that_can_be_kept_is_said(app: Application) -> None:
    meta = {"icon": "x" * 64, "sort": 2**31 - 1, "note": "é" * 1000, "translations": [{"text": "é"}]}
    told = await app.admin("PATCH", "/collections/articles", {"meta": meta})

    assert {name: told["meta"][name] for name in meta} == meta


async def test_a_default_that_cannot_be_kept_is_refused(app: Application) -> None:
    for kind, default in (("string", "a\0b"), ("json", {"a": "\0"}), ("text", "\0")):
        field = {"field": "extra", "type": kind, "schema": {"default_value": default}}
        assert (await refused(app, "POST", "/fields/articles", field))[:2] == (400, "INVALID_PAYLOAD")


@pytest.mark.parametrize("sent_back", [True, False])
async def test_a_computed_default_stays_one_when_its_column_changes(database_url: str, *, sent_back: bool) -> None:
    tables = "CREATE TABLE codes (id INTEGER PRIMARY KEY, code VARCHAR(20) DEFAULT (upper('ab')), other INTEGER);"
    async with application(database_url, tables) as app:
        before = await app.admin("GET", "/fields/codes/code")
        schema = before["schema"] | {"max_length": 40} if sent_back else {"max_length": 40}
        changed = await app.admin("PATCH", "/fields/codes/code", {"schema": schema})
        assert (changed["schema"]["max_length"], changed["schema"]["default_value"]) == (
            40,
            before["schema"]["default_value"],
        )
        assert (await app.admin("POST", "/items/codes", {"id": 1}))["code"] == "AB"
        await app.admin("PATCH", "/fields/codes/code", {"type": "text"})
        assert (await app.admin("POST", "/items/codes", {"id": 2}))["code"] == "AB"
        await app.admin("PATCH", "/fields/codes/code", {"schema": {"default_value": "xy"}})
        assert (await app.admin("POST", "/items/codes", {"id": 3}))["code"] == "xy"


async def test_a_computed_default_does_not_become_a_text_of_another_type(database_url: str) -> None:
    tables = "CREATE TABLE codes (id INTEGER PRIMARY KEY, code VARCHAR(20) DEFAULT (upper('ab')));"
    async with application(database_url, tables) as app:
        await app.admin("PATCH", "/fields/codes/code", {"type": "csv"})
        assert (await app.admin("POST", "/items/codes", {"id": 1}))["code"] is None
