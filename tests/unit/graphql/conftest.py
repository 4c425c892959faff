"""A catalogue with every kind of column and relation that there is, without a database."""

from __future__ import annotations

import pytest

from watchword.access.compile import Access, compile_access
from watchword.access.permissions import Action, Permission, Policy
from watchword.data.catalogue import Catalogue
from watchword.data.facts import ColumnFacts, Reference, TableFacts
from watchword.data.reflect import ReflectOptions, build
from watchword.query.types import FieldType as Kind

PLAIN = {
    "id": Kind.INTEGER,
    "title": Kind.STRING,
    "author": Kind.INTEGER,
    "price": Kind.DECIMAL,
    "reads": Kind.BIG_INTEGER,
    "rating": Kind.FLOAT,
    "live": Kind.BOOLEAN,
    "day": Kind.DATE,
    "at": Kind.TIME,
    "published_on": Kind.DATE_TIME,
    "seen": Kind.TIMESTAMP,
    "meta": Kind.JSON,
    "tags": Kind.STRING,
    "pin": Kind.STRING,
}


def table(name: str, columns: dict[str, Kind], *references: Reference, key: tuple[str, ...] = ("id",)) -> TableFacts:
    """Return a table; its key numbers itself, and `title` and `name` have to be given."""
    made = [
        ColumnFacts(each, kind, kind.value, not_null=each in {"id", "title", "name"}, automatic=each == "id")
        for each, kind in columns.items()
    ]
    return TableFacts(name, tuple(made), key, references)


def catalogue_of(*tables: TableFacts, special: dict[str, dict[str, list[str]]] | None = None) -> Catalogue:
    """Return the catalogue that reflection makes of tables."""
    return build("sqlite", list(tables), ReflectOptions(special=special or {}))


@pytest.fixture(scope="session")
def catalogue() -> Catalogue:
    """Articles of authors, with tags of their own, and labels on both sides of a junction."""
    return catalogue_of(
        table("authors", {"id": Kind.INTEGER, "name": Kind.STRING}),
        table("articles", PLAIN, Reference("author", "authors", "id")),
        table("labels", {"id": Kind.INTEGER, "name": Kind.STRING}),
        table(
            "articles_labels",
            {"id": Kind.INTEGER, "article": Kind.INTEGER, "label": Kind.INTEGER},
            Reference("article", "articles", "id"),
            Reference("label", "labels", "id"),
        ),
        special={"articles": {"tags": ["csv"], "pin": ["conceal"]}},
    )


def rights(*permissions: Permission) -> Access:
    """Return the rights of one policy."""
    return compile_access([Policy("p", permissions)])


def reading(collection: str, *fields: str) -> Permission:
    """Return the permission to read fields, or all of them."""
    return Permission(collection, Action.READ, fields=frozenset(fields) or None)
