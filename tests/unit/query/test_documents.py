"""Paths into JSON values: what a text stands for, and what a path leads to."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchword.base.errors import Code, Problem
from watchword.query.documents import name_of, parse_json_function, parse_place, value_at
from watchword.query.wire import parse_query

STEPS = st.one_of(st.integers(0, 10**6), st.text("abcXYZ019_-äß", min_size=1, max_size=8))
DOCUMENTS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
)


def written(steps: list[str | int]) -> str:
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in steps).removeprefix(".")


def tried(function: Callable[..., Any], *arguments: Any) -> tuple[Code | None, Any]:
    """Return the code of the refusal, or what came of it."""
    try:
        return None, function(*arguments)
    except Problem as problem:
        return problem.code, None


@given(st.lists(STEPS, min_size=1, max_size=10))
def test_path_is_read_as_it_was_written(steps: list[str | int]) -> None:
    assert parse_place(written(steps)) == tuple(steps)


@given(st.text(max_size=40) | st.text(".[]0aé*$@'\" \0\x01", max_size=12))
def test_any_text_is_a_path_or_refused(text: str) -> None:
    code, steps = tried(parse_place, text)
    assert written(list(steps)) == text if code is None else code is Code.INVALID_QUERY
    assert code is not None or not re.search("[\0-\x1f\ud800-\udfff]", text)


@given(st.text("json(),.a[0] ", max_size=30))
def test_any_entry_is_a_function_a_field_or_refused(text: str) -> None:
    for name in ("fields", "sort"):
        assert tried(parse_query, "articles", {name: [text]})[0] in {None, Code.INVALID_QUERY}


@given(DOCUMENTS, st.lists(STEPS, min_size=1, max_size=4))
def test_every_path_leads_to_something_or_nothing(document: Any, steps: list[str | int]) -> None:
    value_at(document, tuple(steps))


def test_function_names_a_field_and_a_path() -> None:
    assert parse_json_function("json(meta, theme.name)") == (("meta",), ("theme", "name"))
    assert parse_json_function("json(author.meta,a[0])") == (("author", "meta"), ("a", 0))
    assert parse_json_function("author.json(meta, a)") == (("author", "meta"), ("a",))
    for other in ("json(meta)", "json(meta, a", "myjson(meta, a)", "json", "count(meta)"):
        assert parse_json_function(other) is None
    assert name_of("meta", ("items", 0, "name")) == "meta_items_0_name_json"


def test_query_keeps_the_parts_that_are_asked_for() -> None:
    query = parse_query("articles", {"fields": "id,json(meta, a.b)", "sort": "-json(author.meta, [0])"})

    assert [(each.path, each.place) for each in query.fields] == [(("id",), ()), (("meta",), ("a", "b"))]
    assert (query.sort[0].path, query.sort[0].place, query.sort[0].descending) == (("author", "meta"), (0,), True)


@pytest.mark.parametrize(
    "condition", [{"a": {"_in": {}}}, {"": 1}, {"_and": {"a": 1}}, {"_or": 5}, {"a": {"b": {"c": 1}}}]
)
def test_what_is_no_condition_on_parts_is_refused(condition: Any) -> None:
    with pytest.raises(Problem) as caught:
        parse_query("articles", {"filter": {"meta": {"_json": condition}}})
    assert caught.value.code is Code.INVALID_QUERY
