"""Relations to any of several collections: told, read, asked about, written and followed, under everyone's rights."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.support.application import ADMIN, Application, application, execute, permission

pytestmark = pytest.mark.timeout(60)

DDL = """
CREATE TABLE pages (id INTEGER PRIMARY KEY, title VARCHAR(50) NOT NULL);
CREATE TABLE authors (id INTEGER PRIMARY KEY, name VARCHAR(50));
CREATE TABLE headings (id INTEGER PRIMARY KEY, title VARCHAR(50), level INTEGER);
CREATE TABLE quotes (slug VARCHAR(50) PRIMARY KEY, words VARCHAR(50), author INTEGER REFERENCES authors);
CREATE TABLE secrets (id INTEGER PRIMARY KEY, title VARCHAR(50));
CREATE TABLE blocks (id INTEGER PRIMARY KEY, page INTEGER REFERENCES pages, item VARCHAR(255),
    collection VARCHAR(64), place INTEGER);
INSERT INTO pages VALUES (1, 'home'), (2, 'empty');
INSERT INTO authors VALUES (1, 'Ann');
INSERT INTO headings VALUES (1, 'Welcome', 1), (2, 'More', 2), (3, 'Hidden', 9);
INSERT INTO quotes VALUES ('1', 'to be', 1), ('or-not', 'not to be', NULL);
INSERT INTO secrets VALUES (1, 'the secret');
INSERT INTO blocks VALUES (1, 1, '1', 'headings', 1), (2, 1, '1', 'quotes', 2), (3, 1, 'or-not', 'quotes', 3),
    (4, 1, '1', 'secrets', 4), (5, 1, '77', 'headings', 5), (6, 1, NULL, NULL, 6), (7, 1, '3', 'headings', 7);
"""
MEMBERS = ["headings", "quotes", "secrets"]
UNION = {"one_collection_field": "collection", "one_allowed_collections": MEMBERS, "junction_field": "page"}
READER = {"Authorization": "Bearer reader-static-token"}
NUMBERED = ("pages", "authors", "headings", "secrets", "blocks")


@pytest.fixture
async def app(database_url: str) -> AsyncIterator[Application]:
    """An application whose pages consist of blocks of several kinds."""
    async with application(database_url, DDL) as running:
        if not database_url.startswith("sqlite"):
            for table in NUMBERED:
                await execute(database_url, f"SELECT setval('{table}_id_seq', 100)")
        page = {"collection": "blocks", "field": "page", "related_collection": "pages", "schema": None}
        await running.admin(
            "PATCH", "/relations/blocks/page", page | {"meta": {"one_field": "blocks", "junction_field": "item"}}
        )
        await running.admin(
            "POST", "/relations", {"collection": "blocks", "field": "item", "related_collection": None, "meta": UNION}
        )
        yield running


async def get(app: Application, path: str, headers: Any = ADMIN) -> Any:
    answer = await app.http.get(path, headers=headers)
    assert answer.status_code == 200, answer.text
    return answer.json()["data"]


async def ask(app: Application, method: str, path: str, body: Any = None, headers: Any = ADMIN) -> tuple[int, str]:
    answer = await app.http.request(method, path, json=body, headers=headers)
    return answer.status_code, answer.json()["errors"][0]["extensions"]["code"] if answer.is_error else ""


async def search(app: Application, collection: str, headers: Any = ADMIN, **query: Any) -> Any:
    answer = await app.http.request("SEARCH", f"/items/{collection}", json={"query": query}, headers=headers)
    return answer.json().get("data", answer.json().get("errors"))


async def reader(app: Application, *more: dict[str, Any], blocks: str = "*") -> None:
    """Make a user who reads pages, blocks, some headings and quotes, but no secrets."""
    rights = [
        permission("read", "pages"),
        permission("read", "blocks", fields=blocks),
        permission("read", "headings", rows={"level": {"_lt": 9}}, fields="id,title"),
        permission("read", "quotes", fields="slug,words"),
        *more,
    ]
    await app.user("reader", rights)


class TestStructure:
    async def test_union_is_told_as_a_relation_to_no_collection(self, app: Application) -> None:
        [told] = [each for each in await app.admin("GET", "/relations/blocks") if each["field"] == "item"]

        assert (told["related_collection"], told["schema"]) == (None, None)
        assert told["meta"]["one_allowed_collections"] == MEMBERS
        assert (await app.admin("GET", "/fields/pages/blocks"))["meta"]["special"] == ["m2a"]
        assert (await app.admin("GET", "/relations/blocks/item"))["field"] == "item"

    async def test_who_does_not_see_a_member_is_not_told_of_it(self, app: Application) -> None:
        await reader(app, permission("read", "directus_relations"))
        told = await get(app, "/relations/blocks/item", READER)

        assert told["meta"]["one_allowed_collections"] == ["headings", "quotes"]

    async def test_what_cannot_be_a_union_is_refused(self, app: Application) -> None:
        await app.admin("DELETE", "/relations/blocks/item")
        wanted = {"collection": "blocks", "field": "item", "related_collection": None, "meta": UNION}
        for change in (
            {"field": "place"},
            {"meta": UNION | {"one_collection_field": "item"}},
            {"meta": UNION | {"one_collection_field": "missing"}},
            {"meta": UNION | {"one_allowed_collections": ["nobody"]}},
            {"meta": UNION | {"one_allowed_collections": []}},
            {"schema": {"on_delete": "CASCADE"}},
        ):
            assert await ask(app, "POST", "/relations", wanted | change) == (400, "INVALID_PAYLOAD"), change
        assert (await get(app, "/items/blocks/1"))["item"] == "1"

    async def test_union_can_be_changed_and_dropped(self, app: Application) -> None:
        await app.admin("PATCH", "/relations/blocks/item", {"meta": {"one_allowed_collections": ["quotes"]}})
        rows = await get(app, "/items/blocks?fields=item.*&filter[id][_in]=1,2&sort=id")
        assert rows == [{"item": "1"}, {"item": {"slug": "1", "words": "to be", "author": 1}}]

        await app.admin("DELETE", "/relations/blocks/item")
        assert await ask(app, "GET", "/items/blocks?fields=item.*") == (403, "FORBIDDEN")
        assert (await app.admin("GET", "/fields/pages/blocks"))["meta"]["special"] == ["o2m"]

    async def test_collection_that_goes_leaves_the_others(self, app: Application) -> None:
        await app.admin("DELETE", "/collections/quotes")

        told = await app.admin("GET", "/relations/blocks/item")
        assert told["meta"]["one_allowed_collections"] == ["headings", "secrets"]
        assert (await get(app, "/items/blocks/3?fields=item.*"))["item"] == "or-not"

    async def test_snapshot_makes_the_union_again(self, app: Application) -> None:
        document = (await app.http.get("/schema/snapshot", headers=ADMIN)).json()["data"]
        await app.admin("DELETE", "/relations/blocks/item")
        assert await ask(app, "GET", "/items/blocks?fields=item:headings.title") == (403, "FORBIDDEN")

        difference = (await app.http.post("/schema/diff", json=document, headers=ADMIN)).json()["data"]
        assert (await app.http.post("/schema/apply", json=difference, headers=ADMIN)).status_code == 204
        assert await get(app, "/items/blocks/1?fields=item:headings.title") == {"item": {"title": "Welcome"}}
        again = await app.http.post("/schema/diff", json=document, headers=ADMIN)
        assert again.status_code == 204


class TestReading:
    async def test_key_alone_is_what_the_column_holds(self, app: Application) -> None:
        rows = await get(app, "/items/pages/1?fields=blocks.item,blocks.collection")

        assert rows["blocks"][1:4] == [
            {"item": "1", "collection": "quotes"},
            {"item": "or-not", "collection": "quotes"},
            {"item": "1", "collection": "secrets"},
        ]

    async def test_each_way_has_fields_of_its_own(self, app: Application) -> None:
        fields = "blocks.id,blocks.item:headings.title,blocks.item:quotes.words,blocks.item:quotes.author.name"
        rows = (await get(app, f"/items/pages/1?fields={fields}"))["blocks"]

        assert [row["item"] for row in rows] == [
            {"title": "Welcome"},
            {"words": "to be", "author": {"name": "Ann"}},
            {"words": "not to be", "author": None},
            "1",
            None,
            None,
            {"title": "Hidden"},
        ]

    async def test_unscoped_fields_are_those_of_every_way(self, app: Application) -> None:
        rows = (await get(app, "/items/pages/1?fields=blocks.*.*"))["blocks"]

        assert rows[0]["item"] == {"id": 1, "title": "Welcome", "level": 1}
        assert rows[1]["item"] == {"slug": "1", "words": "to be", "author": 1}
        assert rows[3]["item"] == {"id": 1, "title": "the secret"}
        assert rows[0]["collection"] == "headings"
        assert await ask(app, "GET", "/items/blocks?fields=item.words") == (403, "FORBIDDEN")

    async def test_fields_as_the_sdk_nests_them(self, app: Application) -> None:
        fields = [{"blocks": ["id", {"item": {"headings": ["title"], "quotes": ["words"]}}]}]
        [home] = await search(app, "pages", fields=fields, filter={"id": 1})

        assert [row["item"] for row in home["blocks"]][:3] == [
            {"title": "Welcome"},
            {"words": "to be"},
            {"words": "not to be"},
        ]

    async def test_deep_asks_of_one_way(self, app: Application) -> None:
        deep = {"item:headings": {"_filter": {"level": {"_eq": 1}}}}
        rows = await search(app, "blocks", fields=["item:headings.title"], deep=deep, filter={"collection": "headings"})

        assert [row["item"] for row in rows] == [{"title": "Welcome"}, None, None]

    async def test_aliases_name_a_way(self, app: Application) -> None:
        rows = await search(app, "blocks", fields=["part:headings.title"], alias={"part": "item"}, filter={"id": 1})

        assert rows == [{"part": {"title": "Welcome"}}]

    async def test_alias_stands_for_a_field_and_a_way_has_no_functions(self, app: Application) -> None:
        for fields, alias, code in (
            (["part.title"], {"part": "item:headings"}, "FORBIDDEN"),
            (["part"], {"part": "item:headings"}, "FORBIDDEN"),
            (["part:headings.title"], {"part": "item:headings"}, "FORBIDDEN"),
            (["count(item:headings)"], {}, "INVALID_QUERY"),
            (["json(item:headings, a)"], {}, "INVALID_QUERY"),
        ):
            [error] = await search(app, "blocks", fields=fields, alias=alias)
            assert error["extensions"]["code"] == code, fields

    async def test_ways_that_there_are_not_are_refused(self, app: Application) -> None:
        for path in ("item:authors.name", "item:nobody.name", "page:pages.title", "item:headings.words", "item:.title"):
            assert await ask(app, "GET", f"/items/blocks?fields={path}") == (403, "FORBIDDEN"), path


class TestConditions:
    async def ids(self, app: Application, headers: Any = ADMIN, **query: Any) -> list[int]:
        rows = await search(app, "blocks", headers, fields=["id"], **query)
        return [row["id"] for row in rows]

    async def test_filter_asks_of_the_items_of_one_way(self, app: Application) -> None:
        assert await self.ids(app, filter={"item:headings": {"title": {"_eq": "Welcome"}}}) == [1]
        assert await self.ids(app, filter={"item:quotes": {"author": {"name": {"_eq": "Ann"}}}}) == [2]
        assert await self.ids(app, filter={"item:headings": {"id": {"_nnull": True}}}) == [1, 7]
        pages = await search(app, "pages", fields=["id"], filter={"blocks": {"item:quotes": {"words": "to be"}}})
        assert pages == [{"id": 1}]

    async def test_none_takes_the_rows_that_lead_elsewhere_too(self, app: Application) -> None:
        found = await self.ids(app, filter={"item:headings": {"_none": {"title": {"_eq": "Welcome"}}}})
        assert found == [2, 3, 4, 5, 6, 7]

    async def test_rows_are_sorted_by_one_way(self, app: Application) -> None:
        found = await self.ids(app, sort=["-item:headings.level", "id"], filter={"collection": {"_eq": "headings"}})
        assert found == [7, 1, 5]

    async def test_a_way_is_no_value(self, app: Application) -> None:
        for query in (
            {"filter": {"item:headings": {"_eq": 1}}},
            {"sort": ["item:headings"]},
            {"filter": {"count(item:headings)": {"_gt": 0}}},
            {"aggregate": {"count": ["item:headings"]}},
            {"groupBy": ["item:headings"], "aggregate": {"count": ["*"]}},
            {"filter": {"item": {"title": {"_eq": "x"}}}},
        ):
            [error, *_] = await search(app, "blocks", **query)
            assert error["extensions"]["code"] in {"FORBIDDEN", "INVALID_QUERY"}, query


class TestRights:
    async def test_items_out_of_sight_are_null_and_their_collection_is_no_way(self, app: Application) -> None:
        await reader(app)
        rows = (await get(app, "/items/pages/1?fields=blocks.id,blocks.item.*", READER))["blocks"]

        assert [row["item"] for row in rows] == [
            {"id": 1, "title": "Welcome"},
            {"slug": "1", "words": "to be"},
            {"slug": "or-not", "words": "not to be"},
            "1",
            None,
            None,
            None,
        ]
        for fields in ("item:secrets.title", "item:headings.level", "item:quotes.author"):
            assert await ask(app, "GET", f"/items/blocks?fields={fields}", headers=READER) == (403, "FORBIDDEN")

    async def test_way_out_of_sight_looks_like_one_that_there_is_not(self, app: Application) -> None:
        await reader(app)
        answers = {
            str(await search(app, "blocks", READER, **query)).replace(name, "…")
            for name in ("secrets", "nobody")
            for query in (
                {"fields": [f"item:{name}.title"]},
                {"filter": {f"item:{name}": {"title": "x"}}},
                {"sort": [f"item:{name}.title"]},
                {"fields": ["id"], "deep": {f"item:{name}": {"_limit": 1}}},
            )
        }
        assert len(answers) == 1, answers

    async def test_conditions_tell_nothing_of_items_out_of_sight(self, app: Application) -> None:
        await reader(app)
        conditions = TestConditions()

        assert await conditions.ids(app, READER, filter={"item:headings": {"title": {"_eq": "Hidden"}}}) == []
        assert await conditions.ids(app, READER, filter={"item:headings": {"title": {"_eq": "Welcome"}}}) == [1]
        for query in (
            {"filter": {"item:secrets": {"title": {"_eq": "the secret"}}}},
            {"filter": {"item:headings": {"level": {"_eq": 9}}}},
            {"filter": {"_or": [{"item:headings": {"_none": {"level": {"_eq": 9}}}}]}},
            {"sort": ["item:secrets.title"]},
            {"sort": ["item:headings.level"]},
            {"fields": ["item:headings.title"], "deep": {"item:headings": {"_filter": {"level": {"_eq": 9}}}}},
            {"fields": ["id"], "deep": {"item:secrets": {"_limit": 1}}},
        ):
            [error, *_] = await search(app, "blocks", READER, **query)
            assert error["extensions"]["code"] == "FORBIDDEN", query

    @pytest.mark.parametrize("shown", ["id,page,item", "id,page,collection", "id,page"])
    async def test_who_does_not_see_where_a_row_leads_follows_it_nowhere(self, app: Application, shown: str) -> None:
        await reader(app, blocks=shown)

        for query in (
            {"fields": ["item:headings.title"]},
            {"fields": ["item.title"]},
            {"filter": {"item:headings": {"title": {"_eq": "Welcome"}}}},
            {"sort": ["item:headings.title"]},
        ):
            [error, *_] = await search(app, "blocks", READER, **query)
            assert error["extensions"]["code"] == "FORBIDDEN", query
        for row in await search(app, "blocks", READER, fields=["*.*"]):
            assert not isinstance(row.get("item"), dict)

    async def test_rule_may_ask_of_one_way(self, app: Application) -> None:
        rows = {"item:quotes": {"author": {"name": {"_eq": "Ann"}}}}
        await app.user("reader", [permission("read", "blocks", rows=rows)])

        assert await get(app, "/items/blocks?fields=id", READER) == [{"id": 2}]

    async def test_field_that_shows_on_some_rows_leads_on_from_those(self, app: Application) -> None:
        await app.user(
            "reader",
            [
                permission("read", "blocks", fields="id,item"),
                permission("read", "blocks", rows={"id": {"_eq": 7}}, fields="collection"),
                permission("read", "headings", fields="title"),
            ],
        )
        rows = await get(app, "/items/blocks?fields=item:headings.title&filter[id][_in]=1,7&sort=id", READER)

        assert rows == [{"item": None}, {"item": {"title": "Hidden"}}]
        assert await TestConditions().ids(app, READER, filter={"item:headings": {"title": {"_nnull": True}}}) == [7]


class TestWriting:
    async def test_items_are_written_with_the_rows_that_lead_to_them(self, app: Application) -> None:
        blocks = [
            {"collection": "headings", "item": {"title": "New", "level": 1}},
            {"collection": "quotes", "item": {"slug": "or-not", "words": "changed"}},
            {"collection": "quotes", "item": "1"},
            {"collection": "headings", "item": 2},
        ]
        made = await app.admin(
            "POST",
            "/items/pages?fields=blocks.item:headings.title,blocks.item:quotes.words",
            {"title": "n", "blocks": blocks},
        )

        assert [row["item"] for row in made["blocks"]] == [
            {"title": "New"},
            {"words": "changed"},
            {"words": "to be"},
            {"title": "More"},
        ]

    async def test_item_is_changed_through_the_row_that_says_whose_it_is(self, app: Application) -> None:
        body = {"collection": "headings", "item": {"id": 1, "title": "Changed"}}
        await app.admin("PATCH", "/items/blocks/1", body)

        assert (await get(app, "/items/headings/1"))["title"] == "Changed"
        assert (await get(app, "/items/blocks/1"))["item"] == "1"

    async def test_object_without_a_collection_of_the_union_is_refused(self, app: Application) -> None:
        for body in (
            {"item": {"title": "x"}},
            {"item": {"title": "x"}, "collection": "authors"},
            {"item": {"title": "x"}, "collection": None},
        ):
            assert await ask(app, "POST", "/items/blocks", body) == (400, "INVALID_PAYLOAD"), body
        assert (await app.http.post("/items/blocks", json={"item:headings": {"title": "x"}}, headers=ADMIN)).is_success
        assert len(await get(app, "/items/headings")) == 3

    async def test_item_is_written_under_the_rights_to_its_own_collection(self, app: Application) -> None:
        writes = [permission("create", "blocks"), permission("create", "quotes"), permission("update", "blocks")]
        await reader(app, *writes)
        for item in ({"id": 1, "title": "stolen"}, {"title": "new"}):
            for name in ("headings", "secrets"):
                body = {"collection": name, "item": item}
                assert await ask(app, "POST", "/items/blocks", body, READER) == (403, "FORBIDDEN"), body
        body = {"collection": "quotes", "item": {"slug": "mine", "words": "x"}}
        assert (await ask(app, "POST", "/items/blocks", body, READER))[0] == 200
        assert (await ask(app, "POST", "/items/blocks", {"item:quotes": {"slug": "no"}}, READER))[0] == 200
        assert [row["slug"] for row in await get(app, "/items/quotes")] == ["1", "mine", "or-not"]
        assert await get(app, "/items/secrets") == [{"id": 1, "title": "the secret"}]

    async def test_check_looks_into_the_item_of_a_way(self, app: Application) -> None:
        check = permission("create", "blocks") | {"validation": {"item:headings": {"level": {"_lte": 3}}}}
        await reader(app, check, permission("create", "headings"))
        for level, status in ((9, 400), (2, 200)):
            body = {"collection": "headings", "item": {"title": "x", "level": level}}
            assert (await ask(app, "POST", "/items/blocks", body, READER))[0] == status

    async def test_check_of_a_way_is_not_got_around_by_a_key(self, app: Application) -> None:
        check = permission("update", "blocks") | {"validation": {"item:headings": {"level": {"_lte": 3}}}}
        await reader(app, check, permission("create", "headings"), permission("update", "headings"))
        for body, status in (
            ({"item": "3", "collection": "headings"}, 400),
            ({"item": "3"}, 400),
            ({"collection": "headings"}, 400),
            ({"collection": "headings", "item": {"id": 3}}, 400),
            ({"collection": "headings", "item": {"title": "x", "level": 9}}, 400),
            ({"collection": "headings", "item": {"title": "x", "level": 2}}, 200),
            ({"place": 9}, 200),
        ):
            assert (await ask(app, "PATCH", "/items/blocks/2", body, READER))[0] == status, body


async def asked(app: Application, query: str, headers: Any = ADMIN, **variables: Any) -> Any:
    answer = await app.http.post("/graphql", json={"query": query, "variables": variables}, headers=headers)
    return answer.json()


class TestGraphQL:
    async def test_field_is_a_union_of_what_the_caller_sees(self, app: Application) -> None:
        await reader(app)
        text = (await app.http.get("/server/specs/graphql", headers=ADMIN)).text
        limited = (await app.http.get("/server/specs/graphql", headers=READER)).text

        assert "union blocks_item_union = headings | quotes | secrets" in text
        assert "union blocks_item_union = headings | quotes\n" in limited
        assert "secrets" not in limited
        assert "  item: blocks_item_union\n" in text
        assert "  item__quotes: quotes_filter\n" in text
        assert "  item: String\n" in text[text.index("input create_blocks_input") :]

    async def test_who_does_not_see_where_a_row_leads_has_the_key(self, app: Application) -> None:
        await reader(app, blocks="id,item")
        text = (await app.http.get("/server/specs/graphql", headers=READER)).text

        assert "blocks_item_union" not in text
        assert "item__" not in text
        assert await asked(app, "{ blocks(limit: 1) { item } }", READER) == {"data": {"blocks": [{"item": "1"}]}}

    async def test_collection_that_is_said_twice_is_one(self, app: Application) -> None:
        twice = {"meta": {"one_allowed_collections": ["headings", "headings"]}}
        await app.admin("PATCH", "/relations/blocks/item", twice)
        told = await asked(app, '{ __type(name: "blocks_item_union") { possibleTypes { name } } }')

        assert told["data"]["__type"]["possibleTypes"] == [{"name": "headings"}]

    async def test_each_item_is_shown_as_what_it_is(self, app: Application) -> None:
        query = """query($n: Int) { pages_by_id(id: 1) { blocks(limit: $n) { id item { __typename
            ... on headings { title id } ...words ... on blocks_item_union { ... on secrets { title } } } } } }
            fragment words on quotes { words author { name } }"""
        found = (await asked(app, query, n=5))["data"]["pages_by_id"]["blocks"]

        assert [row["item"] for row in found] == [
            {"__typename": "headings", "title": "Welcome", "id": "1"},
            {"__typename": "quotes", "words": "to be", "author": {"name": "Ann"}},
            {"__typename": "quotes", "words": "not to be", "author": None},
            {"__typename": "secrets", "title": "the secret"},
            None,
        ]

    async def test_items_that_are_not_asked_for_are_empty(self, app: Application) -> None:
        found = await asked(app, '{ blocks(limit: 3, sort: ["id"]) { item { ... on headings { title } } } }')
        assert found == {"data": {"blocks": [{"item": {"title": "Welcome"}}, {"item": {}}, {"item": {}}]}}
        twice = "{ blocks(limit: 1) { a: item { __typename } b: item { ... on headings { x: title } } } }"
        assert await asked(app, twice) == {
            "data": {"blocks": [{"a": {"__typename": "headings"}, "b": {"x": "Welcome"}}]}
        }

    async def test_items_out_of_sight_are_null(self, app: Application) -> None:
        await reader(app)
        query = '{ blocks(sort: ["id"]) { item { __typename ... on headings { title } } } }'
        found = (await asked(app, query, READER))["data"]["blocks"]

        quote = {"__typename": "quotes"}
        kinds = [{"__typename": "headings", "title": "Welcome"}, quote, quote, None, None, None, None]
        assert [row["item"] for row in found] == kinds
        refused = await asked(app, "{ blocks { item { ... on secrets { title } } } }", READER)
        assert refused["errors"][0]["extensions"]["code"] == "GRAPHQL_VALIDATION"

    async def test_filters_and_sorting_ask_of_one_way(self, app: Application) -> None:
        by_title = "query($f: blocks_filter, $s: [String]) { blocks(filter: $f, sort: $s) { id } }"
        for condition, sort, found in (
            ({"item__headings": {"title": {"_eq": "Welcome"}}}, ["id"], ["1"]),
            ({"item__quotes": {"author": {"name": {"_eq": "Ann"}}}}, ["id"], ["2"]),
            ({"_or": [{"item__headings": {"level": {"_gt": 1}}}, {"item": {"_eq": "or-not"}}]}, ["id"], ["3", "7"]),
            ({"collection": {"_eq": "headings"}}, ["-item:headings.level", "id"], ["7", "1", "5"]),
        ):
            rows = (await asked(app, by_title, f=condition, s=sort))["data"]["blocks"]
            assert [row["id"] for row in rows] == found
        await reader(app)
        for hidden in ({"item__secrets": {"title": {"_eq": "x"}}}, {"item__headings": {"level": {"_eq": 9}}}):
            assert "errors" in await asked(app, by_title, READER, f=hidden)

    async def test_what_is_written_is_shown_with_its_item(self, app: Application) -> None:
        query = """mutation { create_blocks_item(data: {collection: "headings", item: "2"}) {
            id item { ... on headings { title } } } }"""
        made = (await asked(app, query))["data"]["create_blocks_item"]

        assert made["item"] == {"title": "More"}

    async def test_groups_and_whole_documents_go_on(self, app: Application) -> None:
        query = '{ blocks_aggregated(groupBy: ["collection"]) { group count { item } } __schema { types { name } } }'
        found = (await asked(app, query))["data"]

        assert {"group": {"collection": "quotes"}, "count": {"item": 2}} in found["blocks_aggregated"]
        assert {"name": "blocks_item_union"} in found["__schema"]["types"]

    async def test_subscriber_is_shown_items_as_what_they_are(self, app: Application) -> None:
        await reader(app)
        query = "subscription { blocks_mutated { event data { item { __typename ... on headings { title } } } } }"
        async with app.socket("/graphql", subprotocols=["graphql-transport-ws"]) as socket:
            await socket.ask({"type": "connection_init", "payload": {"access_token": "reader-static-token"}})
            await socket.say({"type": "subscribe", "id": "1", "payload": {"query": query}})
            assert (await socket.ask({"type": "ping"}))["type"] == "pong"
            for name, key in (("headings", 1), ("headings", 3), ("secrets", 1), ("quotes", "or-not")):
                await app.admin("POST", "/items/blocks", {"collection": name, "item": key})
            told = [(await socket.receive())["payload"]["data"]["blocks_mutated"]["data"]["item"] for _ in range(4)]

        shown = {"__typename": "headings", "title": "Welcome"}
        assert told == [shown, None, None, {"__typename": "quotes"}]


async def test_subscriber_is_told_of_items_of_each_way_and_of_none_out_of_sight(app: Application) -> None:
    await reader(app)
    fields = ["id", "item:headings.title", "item:quotes.words"]
    async with app.authenticated("reader-static-token") as socket:
        query = {"fields": fields, "filter": {"id": {"_gt": 7}}}
        await socket.ask({"type": "subscribe", "collection": "blocks", "query": query})
        for name, key in (("headings", 1), ("headings", 3), ("quotes", "or-not"), ("secrets", 1)):
            made = await app.admin("POST", "/items/blocks", {"collection": name, "item": key})
            told = await socket.receive()
            assert told["event"] == "create"
            [row] = told["data"]
            assert row["id"] == made["id"]
            wanted = {"headings1": {"title": "Welcome"}, "quotesor-not": {"words": "not to be"}, "secrets1": "1"}
            assert row["item"] == wanted.get(f"{name}{key}")


async def test_rule_over_a_way_decides_what_a_subscriber_is_told(app: Application) -> None:
    rows = {"item:headings": {"level": {"_lt": 5}}}
    await app.user("reader", [permission("read", "blocks", rows=rows)])
    async with app.authenticated("reader-static-token") as socket:
        await socket.ask({"type": "subscribe", "collection": "blocks", "query": {"fields": ["id", "item"]}})
        for name, key in (("headings", 3), ("quotes", "1"), ("headings", 1)):
            await app.admin("POST", "/items/blocks", {"collection": name, "item": key})
        told = await socket.receive()
        assert [row["item"] for row in told["data"]] == ["1"]
        await app.admin("PATCH", f"/items/blocks/{told['data'][0]['id']}", {"item": "3"})
        assert (await socket.receive())["event"] == "delete"
