"""Rows come out the same by column and by name, whatever their members are called."""

from __future__ import annotations

import gc
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchword.base import json
from watchword.base.errors import Code, Problem
from watchword.data.tally import rows_read
from watchword.graphql.assembly import Assembly, Cell
from watchword.graphql.forms import as_float, as_id

AUTHOR = Assembly([Cell("id", "id", as_id), Cell("kind", constant="authors"), Cell("name", "name")])
YEAR = Assembly([Cell("y", "0_year"), Cell("__typename", constant="date_functions")])
ARTICLE = Assembly(
    [
        Cell("__typename", constant="articles"),
        Cell("key", "id", as_id),
        Cell("again", "id"),
        Cell("price", "price", as_float),
        Cell("author", "1", nested=AUTHOR),
        Cell("others", "2", nested=AUTHOR),
        Cell("when", inside=YEAR),
    ]
)
NAMES = ("id", "price", "1", "2", "0_year", "unasked")

authors = st.fixed_dictionaries({"id": st.none() | st.integers(), "name": st.none() | st.text()})
articles = st.fixed_dictionaries(
    {
        "id": st.none() | st.integers() | st.text(),
        "price": st.none() | st.sampled_from(["1.50", "0", "-7"]),
        "1": st.none() | authors,
        "2": st.lists(authors, max_size=3),
        "0_year": st.none() | st.integers(),
        "unasked": st.text(),
    }
)


def told(value: Any) -> Any:
    return json.decode(json.encode(value))


def expected_author(row: Any) -> Any:
    return row and {"id": as_id(row["id"]), "kind": "authors", "name": row["name"]}


def expected(row: dict[str, Any]) -> dict[str, Any]:
    return {
        "__typename": "articles",
        "key": as_id(row["id"]),
        "again": row["id"],
        "price": as_float(row["price"]),
        "author": expected_author(row["1"]),
        "others": [expected_author(each) for each in row["2"]],
        "when": {"y": row["0_year"], "__typename": "date_functions"},
    }


def by_column(rows: list[dict[str, Any]]) -> list[Any]:
    columns: list[Any] = [[row[name] for row in rows] for name in NAMES]
    below = ARTICLE.below("1")
    columns[2] = [None if each is None else made(below, [each])[0] for each in columns[2]]
    columns[3] = [made(ARTICLE.below("2"), each) for each in columns[3]]
    return ARTICLE.made(NAMES, columns, len(rows))


def made(assembly: Assembly, rows: list[dict[str, Any]]) -> list[Any]:
    return assembly.made(("name", "id"), [[row["name"] for row in rows], [row["id"] for row in rows]], len(rows))


@given(st.lists(articles, max_size=5))
def test_rows_are_shown_the_same_by_column_and_by_name(rows: list[dict[str, Any]]) -> None:
    given = told(rows)  # half characters, which no database gives, are left out
    shown = told(by_column(given))
    assert shown == told(ARTICLE.rows(given, rows_read())) == [expected(row) for row in given]
    assert all(list(row) == [cell.key for cell in ARTICLE._cells] for row in shown)


@pytest.mark.parametrize(
    "key", ["__proto__", "class", "None", "self", "m0", "__init__", "__slots__", "Shown", "gc", "_"]
)
@pytest.mark.parametrize(
    "source", ['a "quoted" one', "class", "m0", "größe", "\N{SNOWMAN}", "a'; import os", "{x}", ""]
)
def test_no_name_means_anything_to_what_puts_rows_together(key: str, source: str) -> None:
    assembly = Assembly([Cell(key, source), Cell("other", "m1")])
    assert told(assembly.made((source, "m1"), [[1, 2], [3, 4]], 2)) == [{key: 1, "other": 3}, {key: 2, "other": 4}]


def test_nothing_asked_of_rows_shows_as_many_empty_ones() -> None:
    assert told(Assembly([]).made(("id",), [[1, 2]], 2)) == [{}, {}]
    assert told(Assembly([Cell("k", constant="x")]).made((), [], 2)) == [{"k": "x"}, {"k": "x"}]


def test_a_member_that_was_not_read_says_that_the_structure_has_changed() -> None:
    with pytest.raises(Problem) as by_column:
        AUTHOR.made(("id",), [[1]], 1)
    with pytest.raises(Problem) as by_name:
        AUTHOR.rows([{"id": 1}], rows_read())
    assert by_column.value.code is by_name.value.code is Code.SERVICE_UNAVAILABLE


def test_what_shows_the_same_is_equal() -> None:
    assert Assembly([Cell("a", "x", nested=AUTHOR)]) == Assembly([Cell("a", "x", nested=Assembly(AUTHOR._cells))])
    assert Assembly([Cell("a", "x")]) != Assembly([Cell("b", "x")])


def test_half_a_character_is_written_as_json_can() -> None:
    assert json.encode(made(AUTHOR, [{"id": 1, "name": "\ud800"}])) == (
        rb'[{"id":"1","kind":"authors","name":"\ud800"}]'
    )


def test_the_type_of_what_is_shown_goes_with_its_document() -> None:
    def shown() -> int:
        gc.collect()
        return sum(each.__name__ == "Shown" for each in msgspec.Struct.__subclasses__())

    kept = Assembly([Cell("a", "x")])
    before = shown()
    for _ in range(2):
        told(kept.made(("x",), [[1]], 1))
    assert shown() == before + 1
    del kept
    assert shown() == before
