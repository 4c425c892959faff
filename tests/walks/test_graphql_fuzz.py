"""GraphQL under documents and variables that nobody thought of: whatever comes, no bug is met and nothing is shown."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from anyio.from_thread import BlockingPortal, start_blocking_portal
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis_graphql import from_schema, nodes

from tests.support.application import ADMIN, Application, application, permission
from watchword.base import json

pytestmark = pytest.mark.timeout(120)

TABLES = """
CREATE TABLE authors (id INTEGER PRIMARY KEY, name VARCHAR(100) NOT NULL, salary INTEGER);
CREATE TABLE articles (
    id INTEGER PRIMARY KEY, title VARCHAR(255) NOT NULL, body TEXT, author INTEGER REFERENCES authors (id),
    price DECIMAL(10, 2), reads BIGINT, live BOOLEAN, published_on TIMESTAMP, day DATE, meta JSON
);
INSERT INTO authors (id, name, salary) VALUES (1, 'Ann', 70);
INSERT INTO articles (id, title, body, author, price) VALUES (1, 'One', 'kept back', 1, 1.5);
"""
SECRET = "kept back"


class Talk:
    """An application, asked from outside of its loop."""

    def __init__(self, portal: BlockingPortal, app: Application) -> None:
        self._portal = portal
        self._app = app

    def ask(self, body: dict[str, Any], token: str | None = None) -> tuple[int, str]:
        headers = ADMIN if token is None else {"Authorization": f"Bearer {token}"}
        answer: tuple[int, str] = self._portal.call(self._ask, body, headers | {"Content-Type": "application/json"})
        return answer

    async def _ask(self, body: dict[str, Any], headers: dict[str, str]) -> tuple[int, str]:
        answer = await self._app.http.post("/graphql", content=json.encode(body), headers=headers)
        return answer.status_code, answer.text

    def text(self) -> str:
        return self._portal.call(self._text)

    async def _text(self) -> str:
        return (await self._app.http.get("/server/specs/graphql", headers=ADMIN)).text


@pytest.fixture(scope="module")
def talk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Talk]:
    """An application whose reader sees neither bodies nor salaries."""
    url = f"sqlite:///{tmp_path_factory.mktemp('fuzz') / 'fuzz.db'}"
    reading = [permission("read", fields="id,title,author,price"), permission("read", "authors", fields="id,name")]
    with start_blocking_portal() as portal, portal.wrap_async_context_manager(application(url, TABLES)) as app:
        portal.call(app.user, "reader", reading)
        yield Talk(portal, app)


def checked(status: int, text: str) -> Any:
    """Return what was answered; a bug is none of it."""
    assert status in {200, 400}, text
    assert "INTERNAL_SERVER_ERROR" not in text, text
    body = json.decode(text)
    assert "data" in body or body["errors"], text
    return body


SCALARS = {
    "Date": st.sampled_from(["2024-01-02", "2024-01-02T03:04:05Z", "nonsense", ""]).map(nodes.String),
    "GraphQLBigInt": st.integers().map(nodes.Int),
    "GraphQLStringOrFloat": st.integers().map(nodes.Int) | st.text(max_size=5).map(nodes.String),
    "Hash": st.text(max_size=5).map(nodes.String),
    "JSON": st.booleans().map(nodes.Boolean) | st.text(max_size=5).map(nodes.String),
    "Void": st.just(nodes.Null),
}


@pytest.fixture(scope="module")
def documents(talk: Talk) -> st.SearchStrategy[Any]:
    """Documents that fit the schema."""
    return from_schema(talk.text(), custom_scalars=SCALARS)


@settings(max_examples=60, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_any_document_that_fits_the_schema_meets_no_bug(
    talk: Talk, documents: st.SearchStrategy[Any], data: st.DataObject
) -> None:
    checked(*talk.ask({"query": data.draw(documents)}))


LEAVES = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8)
)
OPERATORS = ["_and", "_or", "_eq", "_in", "_between", "_null", "_contains", "_some"]
NAMES = [*OPERATORS, "id", "title", "price", "author", "name", "author_func", "x", "body", "salary"]
FILTERS = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=3),
    max_leaves=10,
)


@settings(max_examples=100)
@given(FILTERS)
def test_any_filter_in_a_variable_meets_no_bug_and_shows_nothing(talk: Talk, value: Any) -> None:
    query = "query($f: articles_filter) { articles(filter: $f) { id title author { name } } }"
    for token in (None, "reader-static-token"):
        status, text = talk.ask({"query": query, "variables": {"f": value}}, token)
        checked(status, text)
        assert SECRET not in text


@settings(max_examples=100)
@given(
    st.fixed_dictionaries(
        {},
        optional={
            "query": st.text(max_size=30) | st.none() | st.integers(),
            "variables": st.none()
            | st.dictionaries(st.text(max_size=3), st.integers(), max_size=2)
            | st.text(max_size=3),
            "operationName": st.none() | st.text(max_size=5) | st.integers(),
            "extensions": st.none() | st.dictionaries(st.sampled_from(["persistedQuery", "x"]), st.text(max_size=3)),
        },
    )
)
def test_any_request_meets_no_bug(talk: Talk, body: dict[str, Any]) -> None:
    checked(*talk.ask(body))
