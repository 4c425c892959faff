"""A small newspaper in a database of each kind, and readers with rights."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy import event

from watchword.access.compile import FULL_ACCESS, Access, compile_access
from watchword.access.permissions import Action, Permission, Policy
from watchword.data.binding import Binder
from watchword.data.catalogue import Catalogue
from watchword.data.reflect import ReflectOptions, reflect
from watchword.data.schema import Collection
from watchword.data.scope import Page, Scope
from watchword.data.select import Reader
from watchword.query.conditions import parse_permission_filter
from watchword.query.query import Query
from watchword.query.variables import Variables
from watchword.query.wire import parse_query
from watchword.storage.engine import Database
from watchword.storage.tables import metadata, roles, tokens, users

ANN = "00000000-0000-4000-8000-00000000000a"
BOB = "00000000-0000-4000-8000-00000000000b"
EDITORS = "00000000-0000-4000-8000-0000000000e0"
NOW = 1_800_000_000.0

TABLES = {
    "sqlite": [
        "CREATE TABLE categories (id INTEGER PRIMARY KEY, name TEXT NOT NULL, parent INTEGER REFERENCES categories)",
        """CREATE TABLE articles (
            id INTEGER PRIMARY KEY, title VARCHAR(80) NOT NULL, body TEXT, status VARCHAR(9) NOT NULL DEFAULT 'draft',
            author CHAR(36) REFERENCES watchword_users, category INTEGER REFERENCES categories,
            published_on DATETIME, seen_at TIMESTAMP, price DECIMAL(8, 2), meta JSON, secret TEXT)""",
        """CREATE TABLE comments (
            id INTEGER PRIMARY KEY, article INTEGER REFERENCES articles, body TEXT, hidden BOOLEAN)""",
        "CREATE TABLE tags (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE)",
        """CREATE TABLE articles_tags (article INTEGER REFERENCES articles, tag INTEGER REFERENCES tags, sort INTEGER,
            PRIMARY KEY (article, tag))""",
    ],
    "postgresql": [
        "CREATE TABLE categories (id integer PRIMARY KEY, name text NOT NULL, parent integer REFERENCES categories)",
        """CREATE TABLE articles (
            id serial PRIMARY KEY, title varchar(80) NOT NULL, body text, status varchar(9) NOT NULL DEFAULT 'draft',
            author varchar(36) REFERENCES watchword_users, category integer REFERENCES categories,
            published_on timestamp, seen_at timestamptz, price numeric(8, 2), meta jsonb, secret text)""",
        """CREATE TABLE comments (
            id integer PRIMARY KEY, article integer REFERENCES articles, body text, hidden boolean)""",
        "CREATE TABLE tags (id integer PRIMARY KEY, name text NOT NULL UNIQUE)",
        """CREATE TABLE articles_tags (article integer REFERENCES articles, tag integer REFERENCES tags, sort integer,
            PRIMARY KEY (article, tag))""",
    ],
}
_HEADER = ("id", "title", "body", "status", "author", "category", "published_on", "seen_at", "price", "meta", "secret")
ARTICLES = [
    (
        1,
        "Apples",
        "about apples",
        "published",
        ANN,
        2,
        "2026-01-05 12:00:00",
        "2026-01-05 12:00:00",
        1.5,
        '["a","b"]',
        "s1",
    ),
    (2, "bananas", None, "draft", ANN, 2, "2026-02-01 08:30:00", None, 20, "{}", "s2"),
    (3, "Cherries", "red", "published", BOB, 1, None, None, None, None, "s3"),
    (4, "Dates", "100% sweet", "draft", BOB, None, "2025-12-31 23:59:59", None, 3.25, "[]", None),
    (5, "Elderberries", "apples and pears", "published", None, 3, "2026-02-01 00:00:00", None, 4, "5", "s5"),
]
OTHERS = [
    """INSERT INTO comments VALUES (1, 1, 'first', false), (2, 1, 'second', true), (3, 1, 'third', false),
        (4, 3, 'fourth', false), (5, 4, 'fifth', true), (6, NULL, 'lost', false)""",
    "INSERT INTO tags VALUES (1, 'fruit'), (2, 'red'), (3, 'unused')",
    "INSERT INTO articles_tags VALUES (1, 1, 2), (1, 2, 1), (3, 2, 1)",
]


class World(msgspec.Struct):
    """The database, its catalogue and a reader."""

    db: Database
    catalogue: Catalogue
    reader: Reader

    def collection(self, name: str) -> Collection:
        return self.catalogue.collection(name)

    def binder(self, access: Access = FULL_ACCESS) -> Binder:
        return Binder(self.catalogue, scope(access))

    async def page(self, collection: str, access: Access = FULL_ACCESS, user: str | None = None, **params: Any) -> Page:
        query = params.pop("query", None) or parse_query(collection, params)
        return await self.reader.read(self.catalogue, scope(access, user), query)

    async def read(
        self, collection: str, access: Access = FULL_ACCESS, user: str | None = None, **params: Any
    ) -> list[dict[str, Any]]:
        return (await self.page(collection, access, user, **params)).data

    async def ids(
        self, collection: str, access: Access = FULL_ACCESS, user: str | None = None, **params: Any
    ) -> list[Any]:
        return [row["id"] for row in await self.read(collection, access, user, fields="id", **params)]

    @contextmanager
    def statements(self) -> Iterator[list[str]]:
        """Collect the statements that run, without those that begin and end transactions."""
        seen: list[str] = []

        def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
            if statement.startswith("SELECT") and "pg_catalog" not in statement:
                seen.append(statement)

        for engine in self.db._separate:
            event.listen(engine, "before_cursor_execute", note)
        yield seen
        for engine in self.db._separate:
            event.remove(engine, "before_cursor_execute", note)


async def build(url: str, options: ReflectOptions | None = None) -> World:
    """Create the tables, fill them, and reflect them."""
    db = Database(url)
    async with db.write() as connection:
        await connection.run_sync(metadata.create_all)
        for statement in TABLES[db.kind]:
            await connection.execute(sa.text(statement))
        await _fill(connection)
    catalogue = await reflect(db, options or ReflectOptions())
    return World(db, catalogue, Reader(db))


async def _fill(connection: Any) -> None:
    await connection.execute(sa.insert(roles), [{"id": EDITORS, "name": "Editors"}])
    people = [
        {"id": ANN, "first_name": "Ann", "email": "ann@example.com", "password": "argon-hash", "role": EDITORS},
        {"id": BOB, "first_name": "Bob", "email": "bob@example.com", "password": None, "role": None},
    ]
    await connection.execute(sa.insert(users), people)
    token = {"id": "t", "user": ANN, "digest": "d", "created_at": datetime(2026, 1, 1, tzinfo=UTC)}
    await connection.execute(sa.insert(tokens), [token])
    await connection.execute(
        sa.text("INSERT INTO categories VALUES (1, 'food', NULL), (2, 'fruit', 1), (3, 'hidden', 1)")
    )
    for article in ARTICLES:
        values = ", ".join("NULL" if value is None else repr(value) for value in article)
        await connection.exec_driver_sql(f"INSERT INTO articles ({', '.join(_HEADER)}) VALUES ({values})")
    for statement in OTHERS:
        await connection.exec_driver_sql(statement)


def scope(access: Access, user: str | None = None) -> Scope:
    """The scope of a caller, at a fixed moment."""
    return Scope(access, Variables(current_user=user), NOW)


def may_read(**rules: Any) -> Access:
    """Rights to read collections: a filter, or `(filter, fields)`, or a list of those; `{}` is every row."""
    permissions = []
    for collection, grants in rules.items():
        for grant in grants if isinstance(grants, list) else [grants]:
            condition, fields = grant if isinstance(grant, tuple) else (grant, None)
            allowed = None if fields is None else frozenset(fields.split(","))
            permissions.append(Permission(collection, Action.READ, parse_permission_filter(condition), allowed))
    return compile_access([Policy("p", tuple(permissions))])


def query(collection: str, **params: Any) -> Query:
    """A query as clients write it."""
    return parse_query(collection, params)
