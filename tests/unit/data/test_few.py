"""The first rows of each parent are the same however they are found."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from sqlalchemy import event

from tests.unit.data.world import NOW
from tests.unit.storage.support import run
from watchword.access.compile import FULL_ACCESS, Access, compile_access
from watchword.access.permissions import Action, Permission, Policy
from watchword.data.reflect import reflect
from watchword.data.scope import Scope
from watchword.data.select import Reader
from watchword.query.conditions import parse_permission_filter
from watchword.query.variables import Variables
from watchword.query.wire import parse_query
from watchword.storage.engine import Database

TABLES = (
    "CREATE TABLE authors (id INTEGER PRIMARY KEY, name VARCHAR(9))",
    """CREATE TABLE {articles} (id {key}, title VARCHAR(9), owner VARCHAR(9), rank INTEGER,
        author {link} REFERENCES authors)""",
    "INSERT INTO authors VALUES (1, 'Ann'), (2, 'Bob'), (3, 'Cid')",
    """INSERT INTO {articles} (id, title, owner, rank, author) VALUES (1, 'a', 'u', 3, 1), (2, 'b', 'v', 1, 1),
        (3, 'c', 'u', 2, 1), (4, 'd', 'v', 2, 2), (5, 'e', 'u', 2, 2), (6, 'f', 'u', NULL, 2),
        (7, 'g', 'u', 1, NULL)""",
)
INDEX = "CREATE INDEX by_author ON {articles} (author)"
ALIKE = {"key": "INTEGER PRIMARY KEY", "link": "INTEGER", "articles": "articles"}


class Shelf:
    """Authors with articles, and the statements that ran."""

    def __init__(self, db: Database) -> None:
        self.db = db
        self.seen: list[str] = []

    async def fill(self, names: dict[str, str] | None = None, *, indexed: bool = True) -> None:
        await run(self.db, *(each.format(**ALIKE | (names or {})) for each in (*TABLES, *([INDEX] if indexed else []))))
        self.catalogue = await reflect(self.db)
        self.reader = Reader(self.db)
        event.listen(self.db._working, "before_cursor_execute", lambda *given: self.seen.append(given[2]))

    async def ids(
        self, access: Access = FULL_ACCESS, user: str | None = None, name: str = "articles", **deep: Any
    ) -> list[list[int]]:
        query = parse_query("authors", {"fields": f"{name}.id", "deep": {name: {f"_{k}": v for k, v in deep.items()}}})
        scope = Scope(access, Variables(user), NOW)
        found = await self.reader.read(self.catalogue, scope, query)
        return [[row["id"] for row in author[name]] for author in found.data]

    @property
    def numbers(self) -> bool:
        """Whether the last statement numbered all rows."""
        return "row_number" in self.seen[-1]


@pytest.fixture
async def shelf(sqlite_url: str) -> AsyncIterator[Shelf]:
    db = Database(sqlite_url)
    yield Shelf(db)
    await db.close()


def owned() -> Access:
    rows = parse_permission_filter({"owner": {"_eq": "$CURRENT_USER"}})
    return compile_access(
        [Policy("p", (Permission("articles", Action.READ, rows), Permission("authors", Action.READ)))]
    )


@pytest.mark.parametrize("indexed", [True, False])
@pytest.mark.parametrize(
    ("deep", "ids"),
    [
        ({"limit": 2}, [[1, 2], [4, 5], []]),
        ({"limit": 2, "offset": 1}, [[2, 3], [5, 6], []]),
        ({"limit": -1, "offset": 2}, [[3], [6], []]),
        ({"limit": 2, "sort": "-rank"}, [[1, 3], [4, 5], []]),
        ({"limit": 1, "sort": "rank,-id"}, [[2], [6], []]),
        ({"limit": 1, "sort": "author.name,-title"}, [[3], [6], []]),
        ({"limit": 1, "filter": {"owner": {"_eq": "v"}}}, [[2], [4], []]),
        ({"limit": 1, "search": "e"}, [[], [5], []]),
        ({"limit": 0}, [[], [], []]),
    ],
)
async def test_each_parent_shows_its_first_rows(
    shelf: Shelf, deep: dict[str, Any], ids: list[list[int]], *, indexed: bool
) -> None:
    await shelf.fill(indexed=indexed)
    assert await shelf.ids(**deep) == ids
    assert shelf.numbers is not indexed


async def test_a_table_with_hostile_names_is_looked_up_too(shelf: Shelf) -> None:
    await shelf.fill({"articles": '"select "" from"'})
    assert await shelf.ids(name='select " from', limit=1) == [[1], [4], []]
    assert not shelf.numbers


@pytest.mark.parametrize(
    "names", [{"key": "VARCHAR(9) PRIMARY KEY"}, {"link": "VARCHAR(9)"}], ids=["text for a key", "text for a link"]
)
async def test_rows_are_numbered_where_a_lookup_could_miss_some(shelf: Shelf, names: dict[str, str]) -> None:
    await shelf.fill(names)
    await shelf.ids(limit=1)
    assert shelf.numbers


@pytest.mark.parametrize("indexed", [True, False])
async def test_users_with_the_same_rights_see_the_first_of_their_own_rows(shelf: Shelf, *, indexed: bool) -> None:
    await shelf.fill(indexed=indexed)
    access = owned()
    assert await shelf.ids(access, "u", limit=1) == [[1], [5], []]
    assert await shelf.ids(access, "v", limit=1) == [[2], [4], []]
    assert await shelf.ids(access, None, limit=1) == [[], [], []]
    assert await shelf.ids(access, "u", limit=9) == [[1, 3], [5, 6], []]
