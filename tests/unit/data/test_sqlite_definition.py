"""Definitions of SQLite's tables, taken apart and put together."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchword.data.sqlite_definition import Definition

AWKWARD = """CREATE TABLE IF NOT EXISTS "main"."t" (
    id INTEGER PRIMARY KEY AUTOINCREMENT, -- the key, with a comma
    [odd, name] VARCHAR(20) NOT NULL DEFAULT 'a,b)' COLLATE NOCASE, /* ( */
    "q""uote" TEXT CONSTRAINT fancy CHECK ("q""uote" <> ')') UNIQUE,
    `back` NUMERIC(8, 2) DEFAULT (1 + 2) REFERENCES other (id) ON DELETE SET NULL ON UPDATE SET DEFAULT
        NOT DEFERRABLE,
    plain,
    half INT GENERATED ALWAYS AS (id / 2) STORED,
    third INT AS (id / 3),
    none TEXT DEFAULT NULL NULL,
    CONSTRAINT pair UNIQUE ("plain", id),
    CONSTRAINT alone UNIQUE (plain),
    FOREIGN KEY (plain) REFERENCES other (id) ON DELETE CASCADE,
    CHECK (plain <> none)
)"""


@pytest.fixture
def database() -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(":memory:")
    connection.execute("CREATE TABLE other (id INTEGER PRIMARY KEY)")
    yield connection
    connection.close()


def shape(database: sqlite3.Connection, table: str) -> dict[str, Any]:
    """What SQLite understands of a table."""
    columns = database.execute(f"PRAGMA table_xinfo({table})").fetchall()
    keys = database.execute(f"PRAGMA foreign_key_list({table})").fetchall()
    unique = [name for (_, name, _, origin, _) in database.execute(f"PRAGMA index_list({table})") if origin == "u"]
    members = sorted(tuple(row[2] for row in database.execute(f"PRAGMA index_info('{name}')")) for name in unique)
    return {
        "columns": {row[1]: row[2:] for row in columns},
        "references": sorted((row[3], row[2], row[6]) for row in keys),
        "unique": members,
    }


def made(database: sqlite3.Connection, definition: Definition) -> dict[str, Any]:
    database.execute(definition.statement("made"))
    return shape(database, "made")


def test_definition_that_nobody_changed_means_the_same(database: sqlite3.Connection) -> None:
    database.execute(AWKWARD)
    assert made(database, Definition(AWKWARD)) == shape(database, "t")


def test_dropped_column_takes_its_constraints_along(database: sqlite3.Connection) -> None:
    definition = Definition(AWKWARD)
    definition.drop_column("plain")
    seen = made(database, definition)
    assert "plain" not in seen["columns"]
    assert seen["references"] == [("back", "other", "SET NULL")]
    assert seen["unique"] == [('q"uote',)]


def test_replaced_column_keeps_the_clauses_that_are_to_stay(database: sqlite3.Connection) -> None:
    definition = Definition(AWKWARD)
    definition.replace_column("back", "back INTEGER NOT NULL", frozenset({"REFERENCES"}))
    definition.replace_column("odd, name", '"odd, name" TEXT', frozenset({"COLLATE", "DEFAULT"}))
    seen = made(database, definition)
    assert seen["columns"]["back"][:3] == ("INTEGER", 1, None)
    assert ("back", "other", "SET NULL") in seen["references"]
    assert seen["columns"]["odd, name"][:3] == ("TEXT", 0, "'a,b)'")
    assert "COLLATE NOCASE" in definition.statement("made")


def test_added_column_comes_before_the_constraints(database: sqlite3.Connection) -> None:
    definition = Definition(AWKWARD)
    definition.add_column("more TEXT DEFAULT 'x'")
    definition.drop_unique("PLAIN")
    definition.drop_unique('q"uote')
    definition.drop_reference("plain")
    definition.drop_reference("back")
    definition.add_constraint("FOREIGN KEY (more) REFERENCES other (id)")
    seen = made(database, definition)
    assert list(seen["columns"])[-1] == "more"
    assert seen["references"] == [("more", "other", "NO ACTION")]
    assert seen["unique"] == [("plain", "id")]
    assert seen["columns"]["back"][:3] == ("NUMERIC(8, 2)", 0, "1 + 2")


def test_unknown_column_is_an_error() -> None:
    with pytest.raises(LookupError):
        Definition(AWKWARD).drop_column("missing")


def test_what_stands_behind_the_parentheses_stays(database: sqlite3.Connection) -> None:
    definition = Definition("CREATE TABLE t (id TEXT PRIMARY KEY, a INT) WITHOUT ROWID")
    definition.drop_column("a")
    assert list(made(database, definition)["columns"]) == ["id"]
    assert definition.statement("made").endswith("WITHOUT ROWID")


NAMES = st.lists(
    st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=8),
    min_size=2,
    max_size=4,
    unique_by=str.lower,
)
CLAUSES = st.sampled_from(
    ["", "NOT NULL DEFAULT ','", "UNIQUE", "CHECK (1 <> 2)", "DEFAULT (')')", "REFERENCES other ON DELETE SET NULL"]
)


@given(NAMES, st.data())
def test_any_definition_survives_the_loss_of_a_column(names: list[str], data: st.DataObject) -> None:
    quoted = ['"' + name.replace('"', '""') + '"' for name in names]
    columns = ", ".join(f"{name} TEXT {data.draw(CLAUSES)}" for name in quoted)
    connection = sqlite3.connect(":memory:")
    try:
        statement = f"CREATE TABLE t ({columns})"
        connection.execute(statement)
        definition = Definition(statement)
        definition.drop_column(names[0])
        connection.execute(definition.statement("made"))
        before, after = shape(connection, "t")["columns"], shape(connection, "made")["columns"]
        assert after == {name: value for name, value in before.items() if name != names[0]}
    finally:
        connection.close()
