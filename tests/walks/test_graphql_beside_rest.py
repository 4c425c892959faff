"""GraphQL and REST side by side: what one refuses, the other does not do, also within other items and by whole sets."""

from __future__ import annotations

import sqlite3
from typing import Any

import anyio.to_thread
import httpx
import msgspec
import pytest

from tests.support.application import Application, application, execute, permission
from tests.walks.test_graphql import PUBLISHED, TABLES

TOKEN = {"Authorization": "Bearer somebody-static-token"}
NAMES = ("authors", "articles", "labels", "articles_labels")
BOB, BLUE, FIRST = {"name": {"_eq": "Bob"}}, {"name": {"_eq": "blue"}}, {"article": {"_eq": 1}}

Rights = list[dict[str, Any]]


async def asked(app: Application, query: str, **variables: Any) -> dict[str, Any]:
    body = {"query": query, "variables": variables}
    answer = await app.http.post("/graphql", json=body, headers=TOKEN)
    told: dict[str, Any] = answer.json()
    return told


def codes(told: dict[str, Any]) -> set[str]:
    return {error["extensions"]["code"] for error in told.get("errors", ())}


def every(action: str, *but: str) -> Rights:
    """Return the permission for an action on all collections but some."""
    return [permission(action, each) for each in NAMES if each not in but]


# -- reading -----------------------------------------------------------------------------------------------------------

READERS: dict[str, Rights] = {
    "everything": every("read"),
    "no labels": every("read", "labels"),
    "no junction": every("read", "articles_labels"),
    "one label": [*every("read", "labels"), permission("read", "labels", BLUE)],
    "links of one": [*every("read", "articles_labels"), permission("read", "articles_labels", FIRST)],
    "no names": [
        *every("read", "labels", "authors"),
        permission("read", "labels", fields="id"),
        permission("read", "authors", fields="id,articles"),
    ],
    "plain articles": [*every("read", "articles"), permission("read", fields="id,title,author")],
    "published": [*every("read", "articles"), permission("read", rows=PUBLISHED)],
    "bodies of published": [
        *every("read", "articles"),
        permission("read", fields="id,title,author,labels,status"),
        permission("read", rows=PUBLISHED, fields="id,body,price,published_on"),
    ],
    "by label": [*every("read", "articles"), permission("read", rows={"labels": {"_some": {"label": BLUE}}})],
}  # fmt: skip


class Question(msgspec.Struct, frozen=True):
    """One question in the words of both; `path` leads to the values in a row of GraphQL's."""

    graphql: str
    rest: dict[str, str]
    collection: str = "articles"


READS = {
    "far names": Question(
        'articles(sort: ["id"]) { id labels(sort: ["id"]) { id label { id name } } }',
        {"fields": "id,labels.id,labels.label.id,labels.label.name", "sort": "id", "deep": '{"labels":{"_sort":"id"}}'},
    ),
    "back to the start": Question(
        'authors(sort: ["id"]) { id articles(sort: ["id"]) { id author { id name } } }',
        {"fields": "id,articles.id,articles.author.id,articles.author.name", "sort": "id",
         "deep": '{"articles":{"_sort":"id"}}'},
        "authors",
    ),
    "sorted below by what is far": Question(
        'authors(sort: ["id"]) { id articles(sort: ["-author.name", "body", "id"]) { id } }',
        {"fields": "id,articles.id", "sort": "id", "deep": '{"articles":{"_sort":"-author.name,body,id"}}'},
        "authors",
    ),
    "filtered below": Question(
        'articles(sort: ["id"]) { id labels(sort: ["id"], filter: {label: {name: {_neq: "red"}}}) { id } }',
        {"fields": "id,labels.id", "sort": "id",
         "deep": '{"labels":{"_sort":"id","_filter":{"label":{"name":{"_neq":"red"}}}}}'},
    ),
    "searched below": Question(
        'authors(sort: ["id"]) { id articles(sort: ["id"], search: "second") { id } }',
        {"fields": "id,articles.id", "sort": "id", "deep": '{"articles":{"_sort":"id","_search":"second"}}'},
        "authors",
    ),
    "far names in a filter": Question(
        'articles(sort: ["id"], filter: {labels: {_some: {label: {name: {_eq: "red"}}}}}) { id }',
        {"fields": "id", "sort": "id", "filter": '{"labels":{"_some":{"label":{"name":{"_eq":"red"}}}}}'},
    ),
    "no such far names": Question(
        'articles(sort: ["id"], filter: {labels: {_none: {label: {name: {_in: ["red", "blue"]}}}}}) { id }',
        {"fields": "id", "sort": "id", "filter": '{"labels":{"_none":{"label":{"name":{"_in":["red","blue"]}}}}}'},
    ),
    "there and back in a filter": Question(
        '''authors(sort: ["id"],
          filter: {articles: {_some: {author: {articles: {_some: {body: {_eq: "second"}}}}}}}) { id }''',
        {"fields": "id", "sort": "id",
         "filter": '{"articles":{"_some":{"author":{"articles":{"_some":{"body":{"_eq":"second"}}}}}}}'},
        "authors",
    ),
    "not in a filter": Question(
        'articles(sort: ["id"], filter: {_or: [{author: {name: {_neq: "Ann"}}}, {body: {_null: true}}]}) { id }',
        {"fields": "id", "sort": "id",
         "filter": '{"_or":[{"author":{"name":{"_neq":"Ann"}}},{"body":{"_null":true}}]}'},
    ),
    "counted in a filter": Question(
        'articles(sort: ["id"], filter: {labels_func: {count: {_gte: 2}}}) { id }',
        {"fields": "id", "sort": "id", "filter": '{"count(labels)":{"_gte":2}}'},
    ),
    "counted below a filter": Question(
        'authors(sort: ["id"], filter: {articles: {labels_func: {count: {_gte: 2}}}}) { id }',
        {"fields": "id", "sort": "id", "filter": '{"articles":{"count(labels)":{"_gte":2}}}'},
        "authors",
    ),
    "sorted by a count": Question(
        'articles(sort: ["-count(labels)", "id"]) { id }', {"fields": "id", "sort": "-count(labels),id"}
    ),
    "sorted by what is far": Question(
        'articles(sort: ["author.name", "-id"]) { id }', {"fields": "id", "sort": "author.name,-id"}
    ),
    "sorted by a year of what may not be": Question(
        'articles(sort: ["-year(published_on)", "id"]) { id }', {"fields": "id", "sort": "-year(published_on),id"}
    ),
    "grouped by what is far": Question(
        'articles: articles_aggregated(groupBy: ["author"], sort: ["author"]) { group countAll }',
        {"groupBy": "author", "aggregate[countAll]": "*", "sort": "author"},
    ),
    "grouped and filtered": Question(
        '''articles: articles_aggregated(groupBy: ["status"], sort: ["status"], filter: {body: {_nnull: true}})
          { group countAll }''',
        {"groupBy": "status", "aggregate[countAll]": "*", "sort": "status", "filter": '{"body":{"_nnull":true}}'},
    ),
    "all together, filtered by what is far": Question(
        'articles: articles_aggregated(filter: {labels: {_some: {label: {name: {_eq: "red"}}}}}) { countAll }',
        {"aggregate[countAll]": "*", "filter": '{"labels":{"_some":{"label":{"name":{"_eq":"red"}}}}}'},
    ),
    "greatest of what may not be": Question(
        "articles: articles_aggregated { max { price } }", {"aggregate[max]": "price"}
    ),
    "links counted by label": Question(
        'articles_labels: articles_labels_aggregated(groupBy: ["label"], sort: ["label"]) { group countAll }',
        {"groupBy": "label", "aggregate[countAll]": "*", "sort": "label"},
        "articles_labels",
    ),
}  # fmt: skip


def same(value: Any) -> Any:
    """Return a value of either road: keys are texts, and a group's values beside its measures."""
    match value:
        case {"group": group, **measures}:
            return same({**(group or {}), **measures})
        case dict():
            return {name: same(each) for name, each in value.items()}
        case list():
            return [same(each) for each in value]
        case None | bool():
            return value
        case _:
            return str(float(value)) if str(value).replace(".", "").isdecimal() else value


async def rest(app: Application, question: Question) -> httpx.Response:
    return await app.http.get(f"/items/{question.collection}", params=question.rest, headers=TOKEN)


@pytest.mark.parametrize("rights", READERS)
async def test_what_is_read_is_the_same_or_refused_by_both(database_url: str, rights: str) -> None:
    answered = set()
    async with application(database_url, TABLES) as app:
        await app.user("somebody", READERS[rights])
        for name, question in READS.items():
            by_rest, told = await rest(app, question), await asked(app, f"{{ {question.graphql} }}")
            if by_rest.status_code == 200 and "errors" not in told:
                assert same(told["data"][question.collection]) == same(by_rest.json()["data"]), name
                answered.add(name)
            elif by_rest.status_code == 200:
                # What leads out of sight is a plain key, or no field at all, and a document cannot ask for more.
                assert codes(told) == {"GRAPHQL_VALIDATION"}, (name, told)
                assert "." in question.rest["fields"], (name, told)
            else:
                assert told.get("data") is None, (name, told)
                assert codes(told) <= {"GRAPHQL_VALIDATION", by_rest.json()["errors"][0]["extensions"]["code"]}, name

    assert answered == READS.keys() if rights == "everything" else answered


NAMED = {
    "sort": 'articles(sort: ["{0}"]) {{ id }}',
    "sort below": 'articles {{ id author {{ articles(sort: ["{0}"]) {{ id }} }} }}',
    "sort by a function": 'articles(sort: ["year({0})"]) {{ id }}',
    "group": 'articles_aggregated(groupBy: ["{0}"]) {{ group }}',
    "group by a function": 'articles_aggregated(groupBy: ["year({0})"]) {{ group }}',
    "sort of groups": 'articles_aggregated(groupBy: ["title"], sort: ["{0}"]) {{ group }}',
    "field": "articles {{ {0} }}",
    "filter": "articles(filter: {{{0}: {{_null: true}}}}) {{ id }}",
    "measure": "articles_aggregated {{ count {{ {0} }} }}",
    "filter there and back": "articles(filter: {{author: {{articles: {{{0}: {{_null: true}}}}}}}}) {{ id }}",
}


@pytest.mark.parametrize("place", NAMED)
@pytest.mark.parametrize("hidden", ["body", "published_on", "labels"])
async def test_hidden_field_and_no_field_are_told_in_the_same_words(sqlite_url: str, place: str, hidden: str) -> None:
    async with application(sqlite_url, TABLES, GRAPHQL_INTROSPECTION="false") as app:
        await app.user("somebody", [permission("read", fields="id,title,author"), permission("read", "authors")])
        told, other = [await asked(app, f"{{ {NAMED[place].format(name)} }}") for name in (hidden, "qqqq")]

    assert told.get("data") is None
    assert str(told).replace(hidden, "?") == str(other).replace("qqqq", "?")


# -- writing -----------------------------------------------------------------------------------------------------------

ALL = [*every("read"), *every("create"), *every("update"), *every("delete")]


def without(action: str, collection: str, *given: dict[str, Any]) -> Rights:
    """Return all rights but one, in place of which there are others."""
    return [*(each for each in ALL if (each["action"], each["collection"]) != (action, collection)), *given]


WRITERS: dict[str, Rights] = {
    "all": ALL,
    "no new authors": without("create", "authors"),
    "no old authors": without("update", "authors"),
    "authors out of sight": without("read", "authors"),
    "Bob alone": without("update", "authors", permission("update", "authors", BOB)),
    "Bob alone in sight": without("read", "authors", permission("read", "authors", BOB)),
    "no new labels": without("create", "labels"),
    "no old labels": without("update", "labels"),
    "no new links": without("create", "articles_labels"),
    "no old links": without("update", "articles_labels"),
    "links of the first": without("update", "articles_labels", permission("update", "articles_labels", FIRST)),
    "no links less": without("delete", "articles_labels"),
    "no new articles": without("create", "articles"),
    "titles alone": without("update", "articles", permission("update", fields="title")),
    "links and titles": without("update", "articles", permission("update", fields="title,labels")),
    "published alone": without("update", "articles", permission("update", rows=PUBLISHED)),
    "drafts to begin with": without("create", "articles", permission("create") | {"presets": {"status": "draft"}}),
    "drafts and nothing else": without(
        "create", "articles", permission("create") | {"validation": {"status": {"_eq": "draft"}}}
    ),
    "never archived": without(
        "update", "articles", permission("update") | {"validation": {"status": {"_neq": "archived"}}}
    ),
}  # fmt: skip


class Write(msgspec.Struct, frozen=True):
    """One write in the words of both: the root field, its payload and where REST takes it."""

    field: str
    data: Any
    method: str
    path: str
    keys: tuple[int, ...] = ()

    def query(self) -> tuple[str, dict[str, Any]]:
        """Return the document, and its variables."""
        action, _, rest = self.field.partition("_")
        collection = rest.rpartition("_")[0]
        kind = f"{action}_{collection}_input!"
        kind = f"[{kind}]" if isinstance(self.data, list) else kind
        ids = f"id: {self.keys[0]}, " if self.field.endswith("_item") and self.keys else f"ids: {list(self.keys)}, "
        given = f"{ids if self.keys else ''}data: $d"
        return f"mutation($d: {kind}) {{ {self.field}({given}) {{ __typename }} }}", {"d": self.data}

    def body(self) -> Any:
        """Return the body for REST."""
        return {"keys": list(self.keys), "data": self.data} if len(self.keys) > 1 else self.data


def new(data: Any, collection: str = "articles") -> Write:
    return Write(
        f"create_{collection}_{'items' if isinstance(data, list) else 'item'}", data, "POST", f"/items/{collection}"
    )


def old(key: int, data: Any, collection: str = "articles") -> Write:
    return Write(f"update_{collection}_item", data, "PATCH", f"/items/{collection}/{key}", (key,))


WRITES = {
    "new": new({"title": "x", "status": "published"}),
    "new ones": new([{"title": "x"}, {"title": "y", "status": "archived"}]),
    "new with a new author": new({"title": "x", "author": {"name": "New"}}),
    "new with an old author": new({"title": "x", "author": {"id": 1, "name": "Ann"}}),
    "new with an old author renamed": new({"title": "x", "author": {"id": 1, "name": "Hacked"}}),
    "new with a new label": new({"title": "x", "labels": [{"label": {"name": "new"}}]}),
    "new with an old label renamed": new({"title": "x", "labels": [{"label": {"id": 2, "name": "hacked"}}]}),
    "old": old(1, {"status": "archived"}),
    "old title": old(2, {"title": "x"}),
    "old with a new author": old(1, {"author": {"name": "New"}}),
    "old with another author": old(1, {"author": {"id": 2}}),
    "old without an author": old(1, {"author": None}),
    "old with its author renamed": old(1, {"author": {"id": 1, "name": "Hacked"}}),
    "old with another author renamed": old(1, {"author": {"id": 2, "salary": 1}}),
    "old with an author that is none": old(1, {"author": {"id": 99, "name": "x"}}),
    "old with a new link": old(1, {"labels": [{"id": 1}, {"id": 2}, {"label": {"id": 1}}]}),
    "old with a new label": old(1, {"title": "x", "labels": [{"id": 1}, {"id": 2}, {"label": {"name": "new"}}]}),
    "old with a label renamed": old(1, {"labels": [{"id": 1, "label": {"id": 1, "name": "hacked"}}, {"id": 2}]}),
    "old with another's link": old(2, {"labels": [{"id": 1}, {"id": 3, "label": {"id": 2}}]}),
    "old with a link less": old(1, {"labels": [{"id": 1}]}),
    "author with a new article": old(2, {"articles": [{"id": 3}, {"title": "new"}]}, "authors"),
    "author with another's article": old(2, {"articles": [{"id": 3}, {"id": 1, "title": "taken"}]}, "authors"),
    "author with an article less": old(1, {"articles": [{"id": 1}]}, "authors"),
    "new author with all below": new(
        {"name": "D", "articles": [{"title": "t", "labels": [{"label": {"name": "l"}}]}]}, "authors"
    ),
    "there and back": old(1, {"author": {"id": 1, "articles": [{"id": 1}, {"id": 2, "body": "hacked"}]}}),
    "all at once": Write("update_articles_items", {"author": {"id": 2}}, "PATCH", "/items/articles", (1, 2)),
    "each by itself": Write(
        "update_articles_batch", [{"id": 1, "author": {"id": 2}}, {"id": 2, "title": "x"}], "PATCH", "/items/articles"
    ),
}  # fmt: skip
DO_ALL = {"all", "no links less", "Bob alone in sight", "drafts to begin with"}
"""Rights that no write here needs more than: a link less leads nowhere, and what is written may be unseen."""

SEED = "".join(f"DELETE FROM {each};" for each in reversed(NAMES)) + TABLES[TABLES.index("INSERT") :]


def contents(url: str) -> dict[str, list[Any]]:
    """Return all rows, read beside the application."""
    connection = sqlite3.connect(url.removeprefix("sqlite:///"))
    try:
        return {each: connection.execute(f"SELECT * FROM {each} ORDER BY id").fetchall() for each in NAMES}
    finally:
        connection.close()


async def stored(url: str) -> dict[str, list[Any]]:
    return await anyio.to_thread.run_sync(contents, url)


@pytest.mark.parametrize("rights", WRITERS)
@pytest.mark.timeout(60)
async def test_what_is_written_is_the_same_or_refused_by_both(sqlite_url: str, rights: str) -> None:
    done = set()
    async with application(sqlite_url, TABLES) as app:
        await app.user("somebody", WRITERS[rights])
        before = await stored(sqlite_url)
        for name, write in WRITES.items():
            query, variables = write.query()
            told = await asked(app, query, **variables)
            by_graphql = await stored(sqlite_url)
            await execute(sqlite_url, SEED)
            answer = await app.http.request(write.method, write.path, json=write.body(), headers=TOKEN)
            by_rest = await stored(sqlite_url)
            await execute(sqlite_url, SEED)

            if "errors" not in told:
                assert answer.status_code in {200, 204}, (name, answer.text)  # 204: written, and out of sight
                assert by_graphql == by_rest, name
                done.add(name)
                continue
            assert by_graphql == before, (name, told)
            if codes(told) != {"GRAPHQL_VALIDATION"}:
                assert codes(told) == {error["extensions"]["code"] for error in answer.json()["errors"]}, (name, told)
                assert by_rest == before, name

    assert (done == WRITES.keys()) is (rights in DO_ALL)
    assert done
