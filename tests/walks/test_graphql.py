"""GraphQL over real databases: what is read and written, and that it shows nobody more than REST does."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx
import msgspec
import pytest

from tests.support.application import ADMIN, Application, application, execute, permission

TABLES = """
CREATE TABLE authors (id INTEGER PRIMARY KEY, name VARCHAR(100) NOT NULL, salary INTEGER);
CREATE TABLE articles (
    id INTEGER PRIMARY KEY, title VARCHAR(255) NOT NULL, body TEXT, status VARCHAR(20) NOT NULL DEFAULT 'draft',
    author INTEGER REFERENCES authors (id), price DECIMAL(10, 2), reads BIGINT, published_on TIMESTAMP
);
CREATE TABLE labels (id INTEGER PRIMARY KEY, name VARCHAR(50));
CREATE TABLE articles_labels (
    id INTEGER PRIMARY KEY, article INTEGER REFERENCES articles (id), label INTEGER REFERENCES labels (id)
);
INSERT INTO authors (id, name, salary) VALUES (1, 'Ann', 70), (2, 'Bob', 50);
INSERT INTO articles (id, title, body, status, author, price, reads, published_on) VALUES
    (1, 'One', 'first', 'published', 1, 1.50, 9007199254740993, '2024-02-03 04:05:06'),
    (2, 'Two', 'second', 'draft', 1, 2.25, 2, '2025-02-03 04:05:06'),
    (3, 'Three', NULL, 'published', 2, NULL, NULL, NULL);
INSERT INTO labels (id, name) VALUES (1, 'red'), (2, 'blue');
INSERT INTO articles_labels (id, article, label) VALUES (1, 1, 1), (2, 1, 2), (3, 2, 1);
"""


@pytest.fixture
async def app(database_url: str) -> AsyncIterator[Application]:
    """An application with a few articles."""
    async with application(database_url, TABLES) as running:
        if database_url.startswith("postgresql"):
            tables = ("authors", "articles", "labels", "articles_labels")
            await execute(database_url, ";".join(f"SELECT setval('{each}_id_seq', 100)" for each in tables))
        yield running


async def ask(app: Application, query: str, token: str | None = None, **variables: Any) -> Any:
    """Return what a document gives, as the administrator or by a token."""
    headers = ADMIN if token is None else {"Authorization": f"Bearer {token}"}
    answer = await app.http.post("/graphql", json={"query": query, "variables": variables}, headers=headers)
    return answer.json()


async def data(app: Application, query: str, token: str | None = None, **variables: Any) -> Any:
    """Return the data of a document that meets no error."""
    body = await ask(app, query, token, **variables)
    assert "errors" not in body, body
    return body["data"]


async def test_rows_are_read_with_what_they_relate_to(app: Application) -> None:
    found = await data(
        app,
        """{ articles(sort: ["id"]) {
          id kind: __typename price reads
          author { name articles(sort: ["-id"], limit: 1) { id } articles_func { count } }
          labels(sort: ["id"]) { label { name } }
          when: published_on_func { year m: month __typename }
        } }""",
    )

    ann = {"name": "Ann", "articles": [{"id": "2"}], "articles_func": {"count": 2}}
    year = {"m": 2, "__typename": "datetime_functions"}
    assert found["articles"] == [
        {
            "id": "1", "kind": "articles", "price": 1.5, "reads": "9007199254740993", "author": ann,
            "labels": [{"label": {"name": "red"}}, {"label": {"name": "blue"}}], "when": {"year": 2024} | year,
        },
        {
            "id": "2", "kind": "articles", "price": 2.25, "reads": "2", "author": ann,
            "labels": [{"label": {"name": "red"}}], "when": {"year": 2025} | year,
        },
        {
            "id": "3", "kind": "articles", "price": None, "reads": None,
            "author": {"name": "Bob", "articles": [{"id": "3"}], "articles_func": {"count": 1}},
            "labels": [], "when": {"year": None, "m": None, "__typename": "datetime_functions"},
        },
    ]  # fmt: skip
    assert list(found["articles"][0]) == ["id", "kind", "price", "reads", "author", "labels", "when"]


async def test_one_relation_is_read_twice_in_different_ways(app: Application) -> None:
    found = await data(
        app,
        """{ authors_by_id(id: "1") {
          first: articles(sort: ["id"], limit: 1) { title }
          last: articles(sort: ["-id"], limit: 1) { title id }
          drafts: articles(filter: {status: {_eq: "draft"}}) { id }
        } }""",
    )

    assert found["authors_by_id"] == {
        "first": [{"title": "One"}], "last": [{"title": "Two", "id": "2"}], "drafts": [{"id": "2"}],
    }  # fmt: skip


async def test_fragments_and_fields_of_one_name_are_one(app: Application) -> None:
    found = await data(
        app,
        """query { articles(limit: 1, sort: ["id"]) { ...A author { name } ... on articles { author { id } } } }
        fragment A on articles { id author { articles(limit: 1, sort: ["id"]) { title } } }""",
    )

    assert found["articles"] == [{"id": "1", "author": {"articles": [{"title": "One"}], "name": "Ann", "id": "1"}}]


@pytest.mark.parametrize(
    ("given", "ids"),
    [
        ({"id": {"_in": [1, "3"]}}, "13"),
        ({"author": {"name": {"_starts_with": "A"}}}, "12"),
        ({"labels": {"_some": {"label": {"name": {"_eq": "blue"}}}}}, "1"),
        ({"labels": {"_none": {"label": {"name": {"_eq": "red"}}}}}, "3"),
        ({"labels": {"label": {"name": {"_eq": "red"}}}}, "12"),
        ({"published_on_func": {"year": {"_gte": 2025}}}, "2"),
        ({"labels_func": {"count": {"_eq": 2}}}, "1"),
        ({"_or": [{"title": {"_eq": "Two"}}, {"_and": [{"body": {"_null": True}}]}]}, "23"),
        ({"price": {"_between": [1, 2]}}, "1"),
        ({"reads": {"_eq": "9007199254740993"}}, "1"),
        ({"published_on": {"_lt": "2025-01-01"}}, "1"),
        ({"title": {"_eq": None}}, "123"),
        ({}, "123"),
    ],
)
async def test_filters_take_what_they_say(app: Application, given: Any, ids: str) -> None:
    query = 'query($f: articles_filter) { articles(filter: $f, sort: ["id"]) { id } }'

    assert [row["id"] for row in (await data(app, query, f=given))["articles"]] == list(ids)


async def test_groups_are_counted(app: Application) -> None:
    found = await data(
        app,
        """{ articles_aggregated(groupBy: ["status"], sort: ["status"]) {
          group all: countAll count { body title } sum { price reads } avg { price } max { price }
        } whole: articles_aggregated { countDistinct { author } } }""",
    )

    assert found["articles_aggregated"] == [
        {
            "group": {"status": "draft"}, "all": 1, "count": {"body": 1, "title": 1},
            "sum": {"price": 2.25, "reads": "2"}, "avg": {"price": 2.25}, "max": {"price": 2.25},
        },
        {
            "group": {"status": "published"}, "all": 2, "count": {"body": 1, "title": 2},
            "sum": {"price": 1.5, "reads": "9007199254740993"}, "avg": {"price": 1.5}, "max": {"price": 1.5},
        },
    ]  # fmt: skip
    assert found["whole"] == [{"countDistinct": {"author": 2}}]


async def test_groups_by_functions_have_their_names(app: Application) -> None:
    found = await data(app, '{ articles_aggregated(groupBy: ["year(published_on)"]) { group } }')

    years = [row["group"]["published_on_year"] for row in found["articles_aggregated"]]
    assert sorted(years, key=str) == [2024, 2025, None]


async def test_items_are_written_one_by_one_and_together(app: Application) -> None:
    made = await data(
        app,
        """mutation { create_articles_item(data: {
          title: "New", author: {name: "Cy"}, labels: [{label: {name: "new"}}], reads: "12"
        }) { title author { name } labels { label { name } } reads } }""",
    )
    assert made["create_articles_item"] == {
        "title": "New", "author": {"name": "Cy"}, "labels": [{"label": {"name": "new"}}], "reads": "12",
    }  # fmt: skip
    batch = "mutation($d: [update_articles_input!]) { update_articles_batch(data: $d) { id title } }"
    both = [{"id": "1", "title": "1!"}, {"id": "2", "title": "2!"}]
    assert (await data(app, batch, d=both))["update_articles_batch"] == both
    same = 'mutation { update_articles_items(ids: [1, 2], data: {author: {id: "2"}}) { author { name } } }'
    assert (await data(app, same))["update_articles_items"] == [{"author": {"name": "Bob"}}] * 2
    gone = "mutation { delete_articles_labels_items(ids: [1, 2]) { ids } one: delete_articles_item(id: 3) { id } }"
    assert await data(app, gone) == {"delete_articles_labels_items": {"ids": ["1", "2"]}, "one": {"id": "3"}}
    assert len((await data(app, "{ articles { id } }"))["articles"]) == 3


async def test_what_a_write_shows_can_be_chosen(app: Application) -> None:
    query = """mutation { update_articles_items(ids: [1, 2, 3], data: {status: "draft"}, filter: {price: {_gt: 1}},
      sort: ["-id"], limit: 1) { id status } }"""

    assert (await data(app, query))["update_articles_items"] == [{"id": "2", "status": "draft"}]


async def test_same_question_twice_in_a_document_has_the_same_answer(app: Application) -> None:
    query = """mutation { a: update_articles_item(id: 1, data: {title: "A"}) { title }
      b: update_articles_item(id: 1, data: {title: "B"}) { title } }"""
    written = await data(app, query)
    read = await data(app, "{ x: articles_by_id(id: 1) { title } y: articles_by_id(id: 1) { title } }")

    assert written == {"a": {"title": "A"}, "b": {"title": "B"}}
    assert read == {"x": {"title": "B"}, "y": {"title": "B"}}


async def test_singleton_is_one_object(app: Application) -> None:
    await app.admin("POST", "/collections", {
        "collection": "shop", "schema": {}, "meta": {"singleton": True},
        "fields": [
            {"field": "motto", "type": "string"}, {"field": "open", "type": "boolean"},
            {"field": "look", "type": "json"}, {"field": "item", "type": "string"}, {"field": "kind", "type": "string"},
        ],
    })  # fmt: skip
    meta = {"one_collection_field": "kind", "one_allowed_collections": ["authors"]}
    union = {"collection": "shop", "field": "item", "related_collection": None, "meta": meta}
    await app.admin("POST", "/relations", union)
    nothing = {"look_func": {"json": None, "count": None}, "item": None}
    looked = '{ shop { look_func { json(path: "color") count } item { ... on authors { name } } } }'

    assert (await data(app, looked))["shop"] == nothing

    assert (await data(app, "{ shop { motto open } }"))["shop"] == {"motto": None, "open": None}
    assert (await data(app, 'mutation { update_shop(data: {motto: "Hi"}) { motto } }'))["update_shop"] == {
        "motto": "Hi"
    }
    assert (await data(app, "{ shop { motto } }"))["shop"] == {"motto": "Hi"}
    refused = await ask(app, '{ shop(version: "next") { motto } }')
    assert refused["errors"][0]["extensions"]["code"] == "NOT_SUPPORTED"


async def test_schema_follows_changed_rights(app: Application) -> None:
    await app.user("reader", [permission("read", fields="id,title")])
    token = "reader-static-token"
    assert await data(app, "{ articles(limit: 1) { id title } }", token)
    [given] = (await app.admin("GET", "/permissions?filter[collection][_eq]=articles"))[-1:]
    await app.admin("PATCH", f"/permissions/{given['id']}", {"fields": ["id"]})

    assert "title" in str((await ask(app, "{ articles(limit: 1) { id title } }", token))["errors"])
    assert await data(app, "{ articles(limit: 1) { id } }", token)


# -- the same rights through both --------------------------------------------------------------------------------------

PUBLISHED = {"status": {"_eq": "published"}}
CHEAP = {"price": {"_lt": 2}}


RIGHTS: dict[str, list[dict[str, Any]]] = {
    "everything": [permission("read", each) for each in ("articles", "authors", "labels", "articles_labels")],
    "nothing": [],
    "fields": [permission("read", fields="id,title"), permission("read", "authors", fields="id")],
    "rows": [permission("read", rows=PUBLISHED), permission("read", "authors")],
    "uneven": [permission("read", fields="id,title,status"), permission("read", rows=CHEAP, fields="id,body,price")],
    "no author": [permission("read", fields="id,title,author,status")],
    "some authors": [permission("read"), permission("read", "authors", {"name": {"_eq": "Bob"}}, "id,name")],
    "far rows": [
        permission("read"),
        permission("read", "articles_labels"),
        permission("read", "labels", {"name": {"_eq": "blue"}}),
    ],
    "by relation": [permission("read", rows={"author": {"name": {"_eq": "Ann"}}}), permission("read", "authors")],
}


class Question(msgspec.Struct, frozen=True):
    """One question in the words of both: what REST is asked for, and what GraphQL is."""

    rest: dict[str, str]
    fields: str
    arguments: str = ""
    collection: str = "articles"


def _filtered(condition: str, rest: str) -> Question:
    return Question({"fields": "id", "sort": "id", "filter": rest}, "id", f'filter: {condition}, sort: ["id"]')


QUESTIONS = {
    "all": Question({"fields": "id,title", "sort": "id"}, "id title", 'sort: ["id"]'),
    "body": Question({"fields": "id,body", "sort": "id"}, "id body", 'sort: ["id"]'),
    "price": Question({"fields": "id,body,status", "sort": "id"}, "id body status", 'sort: ["id"]'),
    "author": Question({"fields": "id,author.name", "sort": "id"}, "id author { name }", 'sort: ["id"]'),
    "salary": Question({"fields": "id,author.salary", "sort": "id"}, "id author { salary }", 'sort: ["id"]'),
    "far": Question(
        {"fields": "id,labels.label.name", "sort": "id", "deep": '{"labels":{"_sort":"id"}}'},
        'id labels(sort: ["id"]) { label { name } }',
        'sort: ["id"]',
    ),
    "back": Question(
        {"fields": "id,articles.title", "sort": "id", "deep": '{"articles":{"_sort":"id"}}'},
        'id articles(sort: ["id"]) { title }',
        'sort: ["id"]',
        "authors",
    ),
    "oracle body": _filtered('{body: {_starts_with: "s"}}', '{"body":{"_starts_with":"s"}}'),
    "oracle status": _filtered('{status: {_eq: "draft"}}', '{"status":{"_eq":"draft"}}'),
    "oracle salary": _filtered("{author: {salary: {_gt: 60}}}", '{"author":{"salary":{"_gt":60}}}'),
    "oracle name": _filtered('{author: {name: {_eq: "Ann"}}}', '{"author":{"name":{"_eq":"Ann"}}}'),
    "oracle far": _filtered(
        '{labels: {_some: {label: {name: {_eq: "red"}}}}}', '{"labels":{"_some":{"label":{"name":{"_eq":"red"}}}}}'
    ),
    "oracle none": _filtered(
        '{labels: {_none: {label: {name: {_eq: "red"}}}}}', '{"labels":{"_none":{"label":{"name":{"_eq":"red"}}}}}'
    ),
    "oracle function": _filtered("{published_on_func: {year: {_eq: 2025}}}", '{"year(published_on)":{"_eq":2025}}'),
    "oracle count": _filtered("{labels_func: {count: {_gt: 1}}}", '{"count(labels)":{"_gt":1}}'),
    "order body": Question({"fields": "id", "sort": "body,id"}, "id", 'sort: ["body", "id"]'),
    "order salary": Question({"fields": "id", "sort": "author.salary,id"}, "id", 'sort: ["author.salary", "id"]'),
    "order function": Question(
        {"fields": "id", "sort": "year(published_on),id"}, "id", 'sort: ["year(published_on)", "id"]'
    ),
    "search": Question({"fields": "id", "sort": "id", "search": "second"}, "id", 'search: "second", sort: ["id"]'),
    "deep filter": Question(
        {"fields": "id,articles.id", "sort": "id", "deep": '{"articles":{"_filter":{"body":{"_nnull":true}}}}'},
        "id articles(filter: {body: {_nnull: true}}) { id }",
        'sort: ["id"]',
        "authors",
    ),
}


def _plain(value: Any) -> Any:
    """Return a value in which a key is a text, whatever it was, and so is a number that was one."""
    match value:
        case list():
            return [_plain(each) for each in value]
        case dict():
            return {name: _plain(each) for name, each in value.items()}
        case None:
            return None
        case _:
            return str(value)


async def _rest(app: Application, token: str, question: Question) -> httpx.Response:
    headers = {"Authorization": f"Bearer {token}"}
    return await app.http.get(f"/items/{question.collection}", params=question.rest, headers=headers)


@pytest.mark.parametrize("rights", RIGHTS)
async def test_nobody_reads_by_graphql_what_rest_refuses(app: Application, rights: str) -> None:
    await app.user("somebody", RIGHTS[rights])
    token = "somebody-static-token"
    for name, question in QUESTIONS.items():
        arguments = f"({question.arguments})" if question.arguments else ""
        told = await _rest(app, token, question)
        body = await ask(app, f"{{ {question.collection}{arguments} {{ {question.fields} }} }}", token)

        if told.status_code != 200:
            assert told.status_code == 403, (name, told.text)
            assert body.get("data") is None, (name, body)
            assert body["errors"]
        elif "errors" in body:
            # REST leaves a relation out that leads out of sight; a document that asks for it is not valid.
            assert "{" in question.fields, (name, body)
            assert all(set(row) == {"id"} or not isinstance(row.get("author", {}), dict) for row in told.json()["data"])
        else:
            assert _plain(body["data"][question.collection]) == _plain(told.json()["data"]), name


AGGREGATES = {
    "rows": ({"aggregate[countAll]": "*"}, "countAll", ""),
    "salaries": ({"aggregate[sum]": "salary"}, "sum { salary }", ""),
    "prices": ({"aggregate[max]": "price"}, "max { price }", ""),
    "bodies": ({"aggregate[countDistinct]": "body"}, "countDistinct { body }", ""),
    "by body": ({"aggregate[count]": "id", "groupBy": "body"}, "count { id }", '(groupBy: ["body"])'),
    "by status": (
        {"aggregate[count]": "id", "groupBy": "status", "sort": "status"},
        "count { id }",
        '(groupBy: ["status"], sort: ["status"])',
    ),
    "by year": (
        {"aggregate[count]": "id", "groupBy": "year(published_on)"},
        "count { id }",
        '(groupBy: ["year(published_on)"])',
    ),
}


@pytest.mark.parametrize("rights", RIGHTS)
async def test_nobody_counts_by_graphql_what_rest_refuses(app: Application, rights: str) -> None:
    await app.user("somebody", RIGHTS[rights])
    token = "somebody-static-token"
    for name, (params, fields, arguments) in AGGREGATES.items():
        collection = "authors" if name == "salaries" else "articles"
        told = await _rest(app, token, Question(params, "", collection=collection))
        body = await ask(app, f"{{ {collection}_aggregated{arguments} {{ {fields} }} }}", token)

        if told.status_code == 200:
            assert "errors" not in body, (name, body)
            shown = [{key: row[key] for key in found} for found, row in
                     zip(body["data"][f"{collection}_aggregated"], told.json()["data"], strict=True)]  # fmt: skip
            assert _numbers(body["data"][f"{collection}_aggregated"]) == _numbers(shown), name
        else:
            assert told.status_code == 403, (name, told.text)
            assert body.get("data") is None, (name, body)


def _numbers(value: Any) -> Any:
    """Return a value in which a number that was written as a text is a number."""
    match value:
        case list():
            return [_numbers(each) for each in value]
        case dict():
            return {name: _numbers(each) for name, each in value.items()}
        case str():
            return float(value)
        case _:
            return value


_TITLE, _BODY = {"title": "x"}, {"title": "x", "body": "y"}
WRITES: dict[str, tuple[str, str, str, Any]] = {
    "create": ('create_articles_item(data: {title: "x"})', "POST", "/items/articles", _TITLE),
    "create hidden": ('create_articles_item(data: {title: "x", body: "y"})', "POST", "/items/articles", _BODY),
    "update": ('update_articles_item(id: 1, data: {title: "x"})', "PATCH", "/items/articles/1", _TITLE),
    "update other": ('update_articles_item(id: 2, data: {title: "x"})', "PATCH", "/items/articles/2", _TITLE),
    "delete": ("delete_articles_item(id: 3)", "DELETE", "/items/articles/3", None),
    "delete other": ("delete_articles_item(id: 2)", "DELETE", "/items/articles/2", None),
}
MAY_WRITE: dict[str, list[dict[str, Any]]] = {
    "nothing": [permission("read")],
    "titles": [permission("read"), permission("create", fields="title"), permission("update", fields="title")],
    "published": [
        permission("read"),
        permission("create"),
        permission("update", rows=PUBLISHED),
        permission("delete", rows=PUBLISHED),
    ],
}


@pytest.mark.parametrize("rights", MAY_WRITE)
@pytest.mark.parametrize("write", WRITES)
async def test_nobody_writes_by_graphql_what_rest_refuses(sqlite_url: str, rights: str, write: str) -> None:
    query, method, path, body = WRITES[write]
    async with application(sqlite_url, TABLES) as app:
        await app.user("somebody", MAY_WRITE[rights])
        before = (await data(app, '{ articles(sort: ["id"]) { id title body } }'))["articles"]
        done = await ask(app, f"mutation {{ {query} {{ id }} }}", "somebody-static-token")
        after = (await data(app, '{ articles(sort: ["id"]) { id title body } }'))["articles"]
        headers = {"Authorization": "Bearer somebody-static-token"}
        told = await app.http.request(method, path, json=body, headers=headers)

    was_done = "errors" not in done
    assert was_done == (before != after)
    if not was_done:
        assert told.status_code == 403, told.text
    elif method != "DELETE":  # what has been deleted is not there a second time
        assert told.status_code == 200, told.text


async def test_condition_that_is_given_null_in_place_of_its_default_is_refused(app: Application) -> None:
    body = await ask(app, "query ($a: Boolean = true) { articles { id @include(if: $a) title } }", a=None)

    assert body["errors"][0]["extensions"]["code"] == "GRAPHQL_VALIDATION"


CHOOSING = [
    'create_articles_items(data: [{title: "x"}], sort: ["body"])',
    'update_articles_items(ids: [1], data: {title: "x"}, sort: ["author.salary"])',
    'update_articles_batch(data: [{id: 1, title: "x"}], limit: -5)',
]


@pytest.mark.parametrize("write", CHOOSING)
async def test_nothing_is_written_where_what_to_show_of_it_may_not_be_asked(app: Application, write: str) -> None:
    await app.user("writer", [permission("read", fields="id,title"), permission("create"), permission("update")])
    before = await data(app, "{ articles { title } }")
    body = await ask(app, f"mutation {{ {write} {{ title }} }}", "writer-static-token")

    assert body["errors"][0]["extensions"]["code"] in {"FORBIDDEN", "INVALID_QUERY"}
    assert await data(app, "{ articles { title } }") == before


async def test_who_sees_no_keys_is_refused_a_choice_of_what_was_written(app: Application) -> None:
    await app.user("writer", [permission("read", fields="title"), permission("create")])
    token = "writer-static-token"
    refused = await ask(app, 'mutation { create_articles_items(data: [{title: "x"}], limit: 1) { title } }', token)
    made = await data(app, 'mutation { create_articles_items(data: [{title: "y"}]) { title } }', token)

    assert refused["errors"][0]["extensions"]["code"] == "FORBIDDEN"
    assert made["create_articles_items"] == [{"title": "y"}]
    assert "x" not in [row["title"] for row in (await data(app, "{ articles { title } }"))["articles"]]


async def test_who_sees_some_keys_may_choose_among_the_rows_that_have_them(app: Application) -> None:
    uneven = [permission("read", fields="title"), permission("read", rows=PUBLISHED, fields="id,status")]
    await app.user("writer", [*uneven, permission("update")])
    query = 'mutation { update_articles_items(ids: [1, 2], data: {title: "x"}, limit: 5) { title status } }'

    shown = await data(app, query, "writer-static-token")
    assert shown["update_articles_items"] == [{"title": "x", "status": "published"}]


async def test_many_rows_and_groups_are_told_as_few_are(app: Application, database_url: str) -> None:
    count = 2_500
    many = f"SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {count}"
    given = "i + 1000, 'row ' || i, 'many', 2 FROM n"
    await execute(
        database_url, f"WITH RECURSIVE n(i) AS ({many}) INSERT INTO articles (id, title, status, author) SELECT {given}"
    )
    asked = '(filter: { status: { _eq: "many" } }, sort: ["id"], limit: -1)'
    grouped = asked.replace("(", '(groupBy: ["id"], ', 1)
    found = await data(
        app,
        f"{{ articles{asked} {{ id title author {{ name }} }} articles_aggregated{grouped} {{ group count {{ id }} }}"
        f" authors {{ id articles{asked} {{ title }} }} }}",
    )
    titles = [f"row {number}" for number in range(1, count + 1)]
    assert found["articles"] == [
        {"id": str(number), "title": title, "author": {"name": "Bob"}} for number, title in enumerate(titles, 1001)
    ]
    groups = sorted(found["articles_aggregated"], key=lambda each: each["group"]["id"])
    assert groups == [{"group": {"id": number}, "count": {"id": 1}} for number in range(1001, count + 1001)]
    bobs = next(each for each in found["authors"] if each["id"] == "2")
    assert [each["title"] for each in bobs["articles"]] == titles


async def test_halves_of_characters_are_told_beside_many_rows(sqlite_url: str) -> None:
    tables = "CREATE TABLE odd (id INTEGER PRIMARY KEY, half JSON); CREATE TABLE plain (id INTEGER PRIMARY KEY);"
    many = "SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1500"
    async with application(sqlite_url, tables) as app:
        await execute(sqlite_url, r"""INSERT INTO odd (id, half) VALUES (1, '"\ud800"')""")
        await execute(sqlite_url, f"WITH RECURSIVE n(i) AS ({many}) INSERT INTO plain (id) SELECT i FROM n")
        body = await ask(app, "{ plain(limit: -1) { id } odd { half } nothing: odd_by_id(id: 8) { id } }")
        assert len(body["data"].pop("plain")) == 1500
        assert body["data"] == {"odd": [{"half": "\ud800"}], "nothing": None}
        assert body["errors"][0]["path"] == ["nothing"]
