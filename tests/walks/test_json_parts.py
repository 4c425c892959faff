"""Parts of JSON values: shown, sorted by, asked about and checked, alike on both databases, under everyone's rights."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.support.application import ADMIN, Application, application, execute, permission

pytestmark = pytest.mark.timeout(60)

DDL = """
CREATE TABLE shops (id INTEGER PRIMARY KEY, name VARCHAR(50), meta JSON);
CREATE TABLE items (id INTEGER PRIMARY KEY, shop INTEGER REFERENCES shops, plain VARCHAR(50), meta JSON);
"""
READER = {"Authorization": "Bearer reader-static-token"}
VALUES: list[Any] = [
    {"color": "red", "size": 5, "new": True, "theme": {"name": "Dark"}, "tags": ["a", "b"], "list": [{"n": "x"}]},
    {"color": "blue", "size": 10.5, "new": False, "theme": {"name": None}, "tags": []},
    {"color": "10", "size": "10", "new": "true", "color-name": "é"},
    {"color": None, "size": 100, "tags": "a"},
    [{"color": "in a list"}, 2],
    "a text",
    None,
]


@pytest.fixture
async def app(database_url: str) -> AsyncIterator[Application]:
    """An application with items whose JSON values have all kinds of parts, numbered from 1."""
    async with application(database_url, DDL) as running:
        await running.admin("POST", "/items/shops", {"name": "first", "meta": {"city": "Oslo"}})
        rows = [{"meta": value, "shop": 1 if index < 2 else None} for index, value in enumerate(VALUES)]
        await running.admin("POST", "/items/items", rows)
        yield running


async def search(app: Application, headers: Any = ADMIN, collection: str = "items", **query: Any) -> Any:
    answer = await app.http.request("SEARCH", f"/items/{collection}", json={"query": query}, headers=headers)
    return answer.json().get("data", answer.json().get("errors"))


async def ids(app: Application, condition: Any, headers: Any = ADMIN) -> list[int]:
    rows = await search(app, headers, fields=["id"], filter={"meta": {"_json": condition}}, sort=["id"])
    return [row["id"] for row in rows]


async def parts(app: Application, place: str) -> list[Any]:
    rows = await search(app, fields=[f"json(meta, {place})"], sort=["id"])
    return [next(iter(row.values())) for row in rows]


class TestShown:
    async def test_part_is_told_under_a_name_of_field_and_path(self, app: Application) -> None:
        answer = await app.http.get("/items/items/1?fields=id,json(meta, color),json(meta, list[0].n)", headers=ADMIN)

        assert answer.json()["data"] == {"id": 1, "meta_color_json": "red", "meta_list_0_n_json": "x"}

    @pytest.mark.parametrize(
        ("place", "told"),
        [
            ("color", ["red", "blue", "10", None, None, None, None]),
            ("size", [5, 10.5, "10", 100, None, None, None]),
            ("new", [True, False, "true", None, None, None, None]),
            ("theme", [{"name": "Dark"}, {"name": None}, None, None, None, None, None]),
            ("theme.name", ["Dark", None, None, None, None, None, None]),
            ("tags", [["a", "b"], [], None, "a", None, None, None]),
            ("tags[1]", ["b", None, None, None, None, None, None]),
            ("[0].color", [None, None, None, None, "in a list", None, None]),
            ("[1]", [None, None, None, None, 2, None, None]),
            ("color-name", [None, None, "é", None, None, None, None]),
        ],
    )
    async def test_part_is_what_the_path_leads_to(self, app: Application, place: str, told: list[Any]) -> None:
        assert await parts(app, place) == told

    async def test_parts_that_would_have_one_name_are_told_apart_by_an_alias(self, app: Application) -> None:
        made = await app.admin("POST", "/items/items", {"meta": {"a": {"b": 1}, "a_b": 2}})
        mine: Any = {"filter": {"id": {"_eq": made["id"]}}}
        [error] = await search(app, fields=["json(meta, a_b)", "json(meta, a.b)"], **mine)
        [row] = await search(app, fields=["json(x, a_b)", "json(meta, a.b)"], alias={"x": "meta"}, **mine)

        assert error["extensions"]["code"] == "INVALID_QUERY"
        assert row == {"x_a_b_json": 2, "meta_a_b_json": 1}

    async def test_part_of_a_related_row_is_told_below_it(self, app: Application) -> None:
        rows = await search(app, fields=["id", "json(shop.meta, city)"], filter={"id": {"_in": [1, 3]}}, sort=["id"])
        assert rows == [{"id": 1, "shop": {"meta_city_json": "Oslo"}}, {"id": 3, "shop": None}]
        [shop] = await search(app, collection="shops", fields=["json(items.meta, color)"])
        assert shop == {"items": [{"meta_color_json": "red"}, {"meta_color_json": "blue"}]}

    async def test_index_leads_into_lists_and_a_name_into_objects(self, app: Application) -> None:
        await app.admin("POST", "/items/items", {"meta": {"1": {"0": "named"}}})

        for place in ("[1]", "1[0]", "[1].0", "tags.0", "list.0.n"):
            assert (await parts(app, place))[-1] is None, place
        assert (await parts(app, "1.0"))[-1] == "named"
        assert await parts(app, "tags.0") == [None] * 8

    async def test_value_that_no_look_goes_into_keeps_nobody_from_the_others(
        self, app: Application, database_url: str
    ) -> None:
        written = (r'"\ud800"', r'"\uDC00\ud83d"', r'"\u0000"', "1e300000", "[ 1E-99999 ]")
        rows = ", ".join(f"""({20 + index}, '{{"odd": {text}}}')""" for index, text in enumerate(written))
        await execute(database_url, f"INSERT INTO items (id, meta) VALUES {rows}")

        assert len(await parts(app, "color")) == 12
        assert len(await search(app, fields=["id"], sort=["json(meta, odd)"])) == 12
        assert await ids(app, {"color": "red"}) == [1]

    async def test_what_only_looks_like_that_is_read(self, app: Application) -> None:
        texts = [r"\u0000", r"\ud800", "\\", "😀", "9e1234567", r"\😀", "ud800"]
        made = await app.admin("POST", "/items/items", [{"meta": {"odd": text}} for text in texts])

        assert (await parts(app, "odd"))[-len(texts) :] == texts
        for item, text in zip(made, texts, strict=True):
            assert await ids(app, {"odd": text}) == [item["id"]], text

    @pytest.mark.parametrize(
        "place",
        [
            *("items[]", "items[*].name", "a.*", "items[?(@.price)]", "$.a", "@.a", "a..b", ".a", "a.", "a'b", "a b"),
            *("a\0b", "a\x01", "a\nb"),
        ],
    )
    async def test_what_is_no_path_is_refused(self, app: Application, place: str) -> None:
        for query in ({"fields": [f"json(meta, {place})"]}, {"filter": {"meta": {"_json": {place: {"_eq": 1}}}}}):
            [error] = await search(app, **query)
            assert error["extensions"]["code"] == "INVALID_QUERY", query

    async def test_path_has_ten_steps_at_the_most(self, app: Application) -> None:
        assert await parts(app, ".".join("abcdefghij")) == [None] * 7
        [error] = await search(app, fields=[f"json(meta, {'.'.join('abcdefghijk')})"])
        assert error["extensions"]["code"] == "INVALID_QUERY"

    async def test_other_fields_have_no_parts(self, app: Application) -> None:
        for query in (
            {"fields": ["json(plain, a)"]},
            {"fields": ["json(shop, a)"]},
            {"fields": ["json(missing, a)"]},
            {"fields": ["json(meta)"]},
            {"sort": ["json(plain, a)"]},
            {"filter": {"plain": {"_json": {"a": {"_eq": 1}}}}},
            {"filter": {"json(meta, color)": {"_eq": "red"}}},
            {"filter": {"meta": {"_json": "red"}}},
            {"filter": {"meta": {"_json": ["red"]}}},
            {"groupBy": ["json(meta, color)"], "aggregate": {"count": "*"}},
            {"groupBy": ["shop"], "aggregate": {"count": "*"}, "sort": ["json(shop, a)"]},
        ):
            [error, *_] = await search(app, **query)
            assert error["extensions"]["code"] in {"FORBIDDEN", "INVALID_QUERY"}, query

    async def test_rows_are_sorted_by_a_part(self, app: Application) -> None:
        condition = {"meta": {"_json": {"color": {"_in": ["red", "blue"]}}}}
        up = await search(app, fields=["id"], sort=["json(meta, size)"], filter=condition)
        down = await search(app, fields=["id"], sort=["-json(meta, color)"], filter=condition)
        none_first = await search(app, fields=["id"], sort=["json(meta, theme.name)", "-id"], limit=1)

        assert ([row["id"] for row in up], [row["id"] for row in down]) == ([1, 2], [1, 2])
        assert none_first == [{"id": 7}]


class TestAskedAbout:
    @pytest.mark.parametrize(
        ("condition", "found"),
        [
            ({"color": {"_eq": "red"}}, [1]),
            ({"color": "red"}, [1]),
            ({"color": {"_neq": "red"}}, [2, 3]),
            ({"color": {"_in": ["red", "blue"]}}, [1, 2]),
            ({"color": {"_nin": ["red", "blue"]}}, [3]),
            ({"color": {"_in": []}}, []),
            ({"color": {"_contains": "e"}}, [1, 2]),
            ({"color": {"_ncontains": "e"}}, [3]),
            ({"color": {"_istarts_with": "RE"}}, [1]),
            ({"color": {"_gt": "1"}}, [1, 2, 3]),
            ({"size": {"_eq": 5}}, [1]),
            ({"size": {"_eq": "10"}}, [3]),
            ({"size": {"_neq": 5}}, [2, 3, 4]),
            ({"size": {"_lt": 10**400}}, [1, 2, 4]),
            ({"size": {"_gte": 10}}, [2, 4]),
            ({"size": {"_between": [5, 11]}}, [1, 2]),
            ({"size": {"_nbetween": [5, 11]}}, [3, 4]),
            ({"size": {"_in": [5, "10"]}}, [1, 3]),
            ({"size": {"_nin": [5, "10"]}}, [2, 4]),
            ({"new": {"_eq": True}}, [1]),
            ({"new": {"_neq": True}}, [2, 3]),
            ({"new": {"_eq": "true"}}, [3]),
            ({"color": {"_null": True}}, [4, 5, 6, 7]),
            ({"color": {"_nnull": True}}, [1, 2, 3]),
            ({"color": {"_null": False}}, [1, 2, 3]),
            ({"theme.name": {"_eq": "Dark"}}, [1]),
            ({"theme": {"_eq": "Dark"}}, []),
            ({"theme": {"_neq": "Dark"}}, [1, 2]),
            ({"tags[0]": {"_eq": "a"}}, [1]),
            ({"list[0].n": {"_eq": "x"}}, [1]),
            ({"[0].color": {"_nempty": True}}, [5]),
            ({"color": {"_eq": "red"}, "size": {"_eq": 10.5}}, []),
            ({"_or": [{"color": {"_eq": "red"}}, {"size": {"_eq": 10.5}}]}, [1, 2]),
            ({"_and": [{"size": {"_gt": 5}}, {"size": {"_lt": 50}}]}, [2]),
            ({}, [1, 2, 3, 4, 5, 6, 7]),
        ],
    )
    async def test_condition_takes_rows_by_a_part_of_its_own_kind(
        self, app: Application, condition: Any, found: list[int]
    ) -> None:
        assert await ids(app, condition) == found

    async def test_condition_follows_relations_and_joins_others(self, app: Application) -> None:
        by_shop = await search(app, fields=["id"], filter={"shop": {"meta": {"_json": {"city": {"_eq": "Oslo"}}}}})
        [shop] = await search(app, collection="shops", filter={"items": {"meta": {"_json": {"size": {"_gt": 10}}}}})
        either = {"_or": [{"meta": {"_json": {"size": {"_eq": 5}}}}, {"id": {"_eq": 7}}]}
        under = {"meta": {"_or": [{"_json": {"size": {"_eq": 5}}}, {"_null": True}]}}

        assert [row["id"] for row in by_shop] == [1, 2]
        assert shop["name"] == "first"
        assert [row["id"] for row in await search(app, fields=["id"], filter=either)] == [1, 7]
        assert [row["id"] for row in await search(app, fields=["id"], filter=under)] == [1, 7]

    async def test_query_strings_say_it_in_brackets_or_json(self, app: Application) -> None:
        for query in ("filter[meta][_json][color][_eq]=red", 'filter={"meta":{"_json":{"theme.name":{"_eq":"Dark"}}}}'):
            answer = await app.http.get(f"/items/items?fields=id&{query}", headers=ADMIN)
            assert answer.json()["data"] == [{"id": 1}]

    async def test_operators_that_make_no_sense_are_refused(self, app: Application) -> None:
        for condition in (
            {"color": {"_json": {"a": 1}}},
            {"color": {"_some": {"a": 1}}},
            {"color": {"_regex": "x"}},
            {"new": {"_gt": True}},
            {"size": {"_between": [1, "2"]}},
            {"color": {"_eq": {"a": 1}}},
            {"color": {"_nonsense": 1}},
        ):
            [error] = await search(app, filter={"meta": {"_json": condition}})
            assert error["extensions"]["code"] == "INVALID_QUERY", condition

    async def test_variables_stand_for_texts(self, app: Application) -> None:
        user = await app.user("reader", [permission("read", "items")])
        made = await app.admin("POST", "/items/items", {"meta": {"owner": user, "until": "9999-01-01"}})

        assert await ids(app, {"owner": {"_eq": "$CURRENT_USER"}}, READER) == [made["id"]]
        assert await ids(app, {"owner": {"_in": ["$CURRENT_USER", 5]}}, READER) == [made["id"]]
        assert await ids(app, {"until": {"_gt": "$NOW"}}, READER) == [made["id"]]


class TestRights:
    async def test_rule_may_ask_of_a_part(self, app: Application) -> None:
        await app.user("reader", [permission("read", "items", rows={"meta": {"_json": {"size": {"_gte": 10}}}})])

        assert [row["id"] for row in await search(app, READER, fields=["id"])] == [2, 4]
        async with app.authenticated("reader-static-token") as socket:
            await socket.ask(
                {"type": "subscribe", "collection": "items", "query": {"fields": ["id", "json(meta, size)"]}}
            )
            for size in (9, "11", 11):
                await app.admin("POST", "/items/items", {"meta": {"size": size}})
            [row] = (await socket.receive())["data"]
            assert row["meta_size_json"] == 11
            await app.admin("PATCH", f"/items/items/{row['id']}", {"meta": {"size": 1}})
            assert (await socket.receive())["event"] == "delete"

    async def test_parts_of_a_field_out_of_sight_are_neither_told_nor_asked_about(self, app: Application) -> None:
        await app.user("reader", [permission("read", "items", fields="id,shop")])

        for query in (
            {"fields": ["json(meta, color)"]},
            {"filter": {"meta": {"_json": {"color": {"_eq": "red"}}}}},
            {"sort": ["json(meta, color)"]},
            {"filter": {"shop": {"meta": {"_json": {"city": {"_eq": "Oslo"}}}}}},
        ):
            [error] = await search(app, READER, **query)
            assert error["extensions"]["code"] == "FORBIDDEN", query
        assert await search(app, READER, fields=["id", "json(shop.meta, city)"], limit=1) == [{"id": 1}]

    async def test_parts_are_null_on_rows_where_the_field_is_out_of_sight(self, app: Application) -> None:
        shown = permission("read", "items", rows={"id": {"_eq": 1}})
        await app.user("reader", [permission("read", "items", fields="id"), shown])
        rows = await search(app, READER, fields=["id", "json(meta, color)"], limit=2, sort=["id"])

        assert rows == [{"id": 1, "meta_color_json": "red"}, {"id": 2, "meta_color_json": None}]
        assert await ids(app, {"color": {"_nnull": True}}, READER) == [1]
        assert await ids(app, {"_or": [{"color": {"_neq": "x"}}]}, READER) == [1]

    @pytest.mark.parametrize(
        ("meta", "status"),
        [
            ({"size": 5, "color": "red"}, 200),
            ({"size": 50, "color": "red"}, 400),
            ({"size": "5", "color": "red"}, 400),
            ({"color": "red"}, 400),
            ({"size": 5, "color": "black"}, 400),
            ({"size": 5, "color": 1}, 200),
            (None, 400),
        ],
    )
    async def test_check_looks_into_the_value_that_is_written(self, app: Application, meta: Any, status: int) -> None:
        check = {"meta": {"_json": {"size": {"_lte": 10}, "color": {"_neq": "black"}}}}
        await app.user("reader", [permission("create", "items") | {"validation": check}])
        answer = await app.http.post("/items/items", json={"meta": meta}, headers=READER)

        assert answer.status_code == (204 if status == 200 else status), answer.text


class TestGraphQL:
    async def asked(self, app: Application, query: str, headers: Any = ADMIN, **variables: Any) -> Any:
        answer = await app.http.post("/graphql", json={"query": query, "variables": variables}, headers=headers)
        return answer.json()

    async def test_parts_are_members_of_the_functions_of_a_field(self, app: Application) -> None:
        query = """query($p: String!) { items(limit: 1, sort: ["id"]) { meta_func { __typename
            color: json(path: "color") json(path: $p) also: json(path: "list[0]") }
            shop { meta_func { json(path: "city") count } } } }"""
        for place, told in (("size", 5), ("theme.name", "Dark"), ("tags", ["a", "b"]), ("none", None)):
            [row] = (await self.asked(app, query, p=place))["data"]["items"]
            functions = {"__typename": "json_functions", "color": "red", "json": told, "also": {"n": "x"}}
            assert row == {"meta_func": functions, "shop": {"meta_func": {"json": "Oslo", "count": None}}}

    async def test_each_path_is_a_part_of_its_own(self, app: Application) -> None:
        await app.admin("POST", "/items/items", {"meta": {"a": {"b": 1}, "a_b": 2}})
        query = '{ items(sort: ["-id"], limit: 1) { meta_func { x: json(path: "a_b") y: json(path: "a.b") } } }'

        assert (await self.asked(app, query))["data"]["items"] == [{"meta_func": {"x": 2, "y": 1}}]

    async def test_part_of_a_singleton_that_is_not_there_yet_is_null(self, app: Application) -> None:
        await app.admin(
            "POST", "/collections", {"collection": "shop", "schema": {}, "meta": {"singleton": True}, "fields": [
                {"field": "meta", "type": "json"}
            ]},
        )  # fmt: skip
        shown = 'meta_func { json(path: "a") count }'

        assert (await self.asked(app, f"{{ shop {{ {shown} }} }}"))["data"]["shop"] == {
            "meta_func": {"json": None, "count": None}
        }

    @pytest.mark.parametrize("place", ["a[*]", "", "$.a", "a'b"])
    async def test_what_is_no_path_is_refused(self, app: Application, place: str) -> None:
        for query in (
            "query($p: String!) { items { meta_func { json(path: $p) } } }",
            "query($p: JSON) { items(filter: {meta: {_json: $p}}) { id } }",
        ):
            given: Any = place if "String!" in query else {place: {"_eq": 1}}
            answer = await self.asked(app, query, p=given)
            assert answer["errors"][0]["extensions"]["code"] == "INVALID_QUERY", answer

    @pytest.mark.parametrize(
        ("condition", "found"),
        [
            ('{color: {_eq: "red"}}', ["1"]),
            ("{size: {_gte: 10}}", ["2", "4"]),
            ('{_or: [{color: {_eq: "red"}}, {new: {_eq: false}}]}', ["1", "2"]),
            ("{size: {_lt: 1e999}}", None),
            ("{size: {_in: [5, $c]}}", ["1", "3"]),
            ("$f", ["1"]),
        ],
    )
    async def test_filters_ask_of_parts(self, app: Application, condition: str, found: list[str] | None) -> None:
        query = f'{{ items(filter: {{meta: {{_json: {condition}}}}}, sort: ["id"]) {{ id }} }}'
        query = f"query{'($f: JSON)' if '$f' in condition else '($c: String)' if '$c' in condition else ''} {query}"
        given = (
            {"f": {"theme.name": {"_eq": "Dark"}}} if "$f" in condition else {"c": "10"} if "$c" in condition else {}
        )
        answer = await self.asked(app, query, **given)
        rows = (answer.get("data") or {}).get("items")
        assert (None if rows is None else [row["id"] for row in rows]) == found, answer

    async def test_parts_of_a_field_out_of_sight_are_no_part_of_the_schema(self, app: Application) -> None:
        await app.user("reader", [permission("read", "items", fields="id")])

        for query in ('{ items { meta_func { json(path: "a") } } }', "{ items(filter: {meta: {_json: {}}}) { id } }"):
            answer = await self.asked(app, query, READER)
            assert answer["errors"][0]["extensions"]["code"] == "GRAPHQL_VALIDATION"
