"""GraphQL gives what the general executor gives for the same document over the same data, byte by byte of its JSON."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from anyio.from_thread import BlockingPortal, start_blocking_portal
from graphql import GraphQLSchema, build_schema, graphql_sync
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.application import ADMIN, Application, application

pytestmark = pytest.mark.timeout(120)

TABLES = """
CREATE TABLE authors (id INTEGER PRIMARY KEY, name VARCHAR(100) NOT NULL, self INTEGER);
CREATE TABLE articles (
    id INTEGER PRIMARY KEY, title VARCHAR(255), class TEXT, author INTEGER REFERENCES authors (id), m0 REAL,
    price DECIMAL(10, 2), reads BIGINT, live BOOLEAN, seen TIMESTAMP, at DATETIME, day DATE, meta JSON, Shown VARCHAR(9)
);
CREATE TABLE labels (id CHAR(36) PRIMARY KEY, article INTEGER REFERENCES articles (id), name VARCHAR(50));
CREATE INDEX by_author ON articles (author);
INSERT INTO authors VALUES (1, 'Ann "the first"', 7), (2, 'B\u00f6b \u2603', NULL), (3, '', -2147483648);
INSERT INTO articles VALUES
    (1, 'One', 'a\\b/c', 1, 0.5, 1.50, 9007199254740993, 1, '2024-02-03 04:05:06', '2024-02-03 04:05:06', '2024-02-03',
        '{"a": [1, null, "x"]}', 'x'),
    (2, NULL, '', 1, 1e300, 2, -3, 0, '2024-02-03T04:05:06.789+02:00', '2024-02-03T04:05:06.789', NULL, '[]', NULL),
    (3, 'Three', NULL, 2, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
    (4, 'no number', 'x', NULL, 9e999, 'dear', 12, 0, 'once', 'then', 'soon', 'not json', 'x'),
    (5, char(7), char(10), 2, -0.0, 0, 0, 1, '2024-02-03', '2024-02-03', '2024-02-03', '"text"', '');
INSERT INTO labels VALUES ('a', 1, 'red'), ('b', 1, 'blue'), ('c', 2, NULL);
"""
FIELDS = {
    "authors": ["id", "name", "self", "__typename"],
    "articles": [
        "id", "title", "class", "m0", "reads", "live", "seen", "at", "day", "meta", "Shown", "__typename",
    ],
    "labels": ["id", "name", "__typename"],
}  # fmt: skip
BELOW = {
    "authors": {"articles": ("articles", True)},
    "articles": {"author": ("authors", False), "labels": ("labels", True)},
    "labels": {"article": ("articles", False)},
}
ALIASES = ["class", "None", "m0", "m1", "self", "Shown", "_", "__proto__", "__init__", "constructor"]


class Talk:
    """An application, asked from outside of its loop, and what the general executor would say in its place."""

    def __init__(self, portal: BlockingPortal, app: Application) -> None:
        self._portal = portal
        self._app = app
        self.schema: GraphQLSchema = build_schema(self.get("/server/specs/graphql").decode(), assume_valid=True)
        rows = {name: json.loads(self.get(f"/items/{name}?limit=-1"))["data"] for name in FIELDS}
        self.root = {name: chosen([_form(name, row, rows) for row in each]) for name, each in rows.items()}

    def get(self, url: str) -> bytes:
        answer: bytes = self._portal.call(self._get, url)
        return answer

    async def _get(self, url: str) -> bytes:
        return (await self._app.http.get(url, headers=ADMIN)).content

    def ask(self, query: str, variables: dict[str, Any]) -> bytes:
        answer: bytes = self._portal.call(self._ask, {"query": query, "variables": variables})
        return answer

    async def _ask(self, body: dict[str, Any]) -> bytes:
        return (await self._app.http.post("/graphql", json=body, headers=ADMIN)).content


def chosen(rows: list[Any]) -> Callable[..., list[Any]]:
    """Return the resolver of a list."""

    def resolve(_: Any, limit: int = 100, offset: int = 0, sort: list[str] | None = None, **__: Any) -> list[Any]:
        ordered = rows[::-1] if sort == ["-id"] else rows
        return ordered[offset:] if limit < 0 else ordered[offset : offset + limit]

    return resolve


def _form(name: str, row: dict[str, Any], rows: dict[str, Any]) -> dict[str, Any]:
    """Return a row as GraphQL shows it, with resolvers for its relations."""
    made = row | {"id": str(row["id"])}
    if made.get("reads") is not None:
        made["reads"] = str(made["reads"])
    if name == "authors":
        below = [Lazy("articles", each, rows) for each in rows["articles"] if each["author"] == row["id"]]
        made["articles"] = chosen(below)
    elif name == "articles":
        made["labels"] = chosen([Lazy("labels", each, rows) for each in rows["labels"] if each["article"] == row["id"]])
        made["author"] = next((Lazy("authors", e, rows) for e in rows["authors"] if e["id"] == row["author"]), None)
    else:
        made["article"] = next((Lazy("articles", e, rows) for e in rows["articles"] if e["id"] == row["article"]), None)
    return made


class Lazy:
    """A row that is formed when a member of it is asked for: rows lead back to each other."""

    def __init__(self, name: str, row: dict[str, Any], rows: dict[str, Any]) -> None:
        self._row = (name, row, rows)

    def __getattr__(self, name: str) -> Any:
        return _form(*self._row)[name]


@pytest.fixture(scope="module")
def talk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Talk]:
    """An application with what is odd in its tables."""
    url = f"sqlite:///{tmp_path_factory.mktemp('equality') / 'app.db'}"
    with (
        start_blocking_portal() as portal,
        portal.wrap_async_context_manager(application(url, TABLES, GRAPHQL_ALIASES_MAX=2000)) as app,
    ):
        yield Talk(portal, app)


ARGUMENTS = ["", "(limit: 1)", "(limit: $n)", "(limit: 2, offset: 1)", '(sort: ["-id"])', '(sort: ["-id"], limit: $n)']
CONDITIONS = ["", "", "", " @include(if: $yes)", " @skip(if: $yes)", " @skip(if: true)"]


@st.composite
def selections(draw: st.DrawFn, name: str, depth: int = 2, taken: set[str] | None = None) -> str:
    """Draw a selection set."""
    keys = set() if taken is None else taken
    parts = []
    for _ in range(draw(st.integers(1, 4))):
        kind = draw(st.sampled_from(["leaf", "leaf", "leaf", "below", "below", "fragment"]))
        condition = draw(st.sampled_from(CONDITIONS))
        if kind == "fragment" and depth:
            on = draw(st.sampled_from(["", f" on {name}"]))
            parts.append(f"...{on}{condition} {draw(selections(name, depth - 1, keys))}")
            continue
        below = draw(st.sampled_from(sorted(BELOW[name]))) if kind == "below" and depth else None
        field = below or draw(st.sampled_from(FIELDS[name]))
        alias = draw(st.sampled_from([field, *ALIASES]))
        if alias in keys:
            continue
        keys.add(alias)
        shown = field if alias == field else f"{alias}: {field}"
        if below is not None:
            related, many = BELOW[name][below]
            arguments = draw(st.sampled_from(ARGUMENTS)) if many else ""
            shown += f"{arguments}{condition} {draw(selections(related, depth - 1))}"
        else:
            shown += condition
        parts.append(shown)
    if not parts:
        parts = [f"free{len(keys)}: id"]
        keys.add(f"free{len(keys)}")
    return f"{{ {' '.join(parts)} }}"


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data(), yes=st.booleans(), n=st.integers(0, 3))
def test_a_document_gives_what_the_general_executor_gives(talk: Talk, data: st.DataObject, yes: bool, n: int) -> None:
    roots = data.draw(st.lists(st.sampled_from(sorted(FIELDS)), min_size=1, max_size=3))
    fields = [
        f"r{index}: {name}{data.draw(st.sampled_from(ARGUMENTS))} {data.draw(selections(name))}"
        for index, name in enumerate(roots)
    ]
    query = f"query ($yes: Boolean!, $n: Int) {{ u: __typename @include(if: $yes) v: __typename @skip(if: $yes) l: authors(limit: $n) {{ id }} {' '.join(fields)} }}"  # noqa: E501
    variables = {"yes": yes, "n": n}
    expected = graphql_sync(talk.schema, query, talk.root, variable_values=variables)
    assert not expected.errors, (query, expected.errors)
    told = json.loads(talk.ask(query, variables))
    assert "errors" not in told, (told["errors"], query)
    assert json.dumps(told) == json.dumps({"data": expected.data}), query
