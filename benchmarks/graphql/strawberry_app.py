"""The same reads by Strawberry, as its documentation writes them: typed resolvers, and a loader for the relation."""

from __future__ import annotations

import os
from typing import Any

import aiosqlite
import strawberry
from strawberry.asgi import GraphQL
from strawberry.dataloader import DataLoader

_COLUMNS = "id, title, slug, body, status, views, rating, published_on"
_FIELDS = {"Article": _COLUMNS.split(", "), "Author": ["id", "name"]}
_connection: aiosqlite.Connection | None = None


async def _fetch(statement: str, *values: Any) -> list[Any]:
    global _connection  # noqa: PLW0603 - one connection for the program
    if _connection is None:
        _connection = await aiosqlite.connect(os.environ["DATABASE"])
    return list(await _connection.execute_fetchall(statement, values))


def _made(kind: Any, row: Any) -> Any:
    return kind(**dict(zip(_FIELDS[kind.__name__], row, strict=True)))


@strawberry.type
class Article:
    """A row of `articles`."""

    id: strawberry.ID
    title: str
    slug: str | None
    body: str | None
    status: str
    views: int
    rating: float | None
    published_on: str | None


async def _articles_of(authors: list[int]) -> list[list[Article]]:
    places = ", ".join("?" for _ in authors)
    numbered = f"SELECT author, {_COLUMNS}, row_number() OVER (PARTITION BY author ORDER BY id) AS n FROM articles"  # noqa: S608
    rows = await _fetch(f"SELECT * FROM ({numbered} WHERE author IN ({places})) WHERE n <= 10", *authors)  # noqa: S608
    found: dict[int, list[Article]] = {author: [] for author in authors}
    for author, *columns, _ in rows:
        found[author].append(_made(Article, columns))
    return [found[author] for author in authors]


@strawberry.type
class Author:
    """A row of `authors`."""

    id: strawberry.ID
    name: str

    @strawberry.field
    async def articles(self, info: strawberry.Info, limit: int = 10) -> list[Article]:
        """The author's first articles."""
        del limit  # the loader gives ten
        found: list[Article] = await info.context["articles"].load(int(self.id))
        return found


@strawberry.type
class Query:
    """The root."""

    @strawberry.field
    async def articles(self, limit: int = 100) -> list[Article]:
        """The first articles."""
        rows = await _fetch(f"SELECT {_COLUMNS} FROM articles ORDER BY id LIMIT ?", limit)  # noqa: S608
        return [_made(Article, row) for row in rows]

    @strawberry.field
    async def authors(self, limit: int = 100) -> list[Author]:
        """The first authors."""
        return [_made(Author, row) for row in await _fetch("SELECT id, name FROM authors ORDER BY id LIMIT ?", limit)]


class App(GraphQL[Any, Any]):
    """Strawberry's application with a loader for each request."""

    async def get_context(self, request: Any, response: Any) -> Any:
        """Return what resolvers are given."""
        return {"request": request, "response": response, "articles": DataLoader(load_fn=_articles_of)}


app = App(strawberry.Schema(Query, config=None))
