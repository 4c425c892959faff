from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchword.base.errors import Code, Problem
from watchword.http.payloads import parse_delete, parse_rows, parse_search, parse_update

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["query", "keys", "data", "x"]), inner),
    max_leaves=12,
)


def reason(call: Any, body: Any) -> str:
    with pytest.raises(Problem) as refused:
        call("articles", body)
    assert refused.value.code is Code.INVALID_PAYLOAD
    return str(refused.value.extensions["reason"])


def test_update_takes_keys_or_a_query() -> None:
    by_keys, data = parse_update("articles", {"keys": [1, "b"], "data": {"body": "x"}})
    by_query, _ = parse_update("articles", {"query": {"limit": 2}, "data": {}})

    assert (by_keys.keys, data) == ((1, "b"), {"body": "x"})
    assert (by_query.keys, by_query.query.limit) == (None, 2)


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ({"title": "x"}, '"data" is required'),
        ({"keys": [1], "data": [1]}, '"data" must be of type object'),
        ({"data": {}}, '"value" must contain at least one of [query, keys]'),
        ({"data": {}, "keys": [1], "query": {}}, '"value" contains a conflict between exclusive peers [query, keys]'),
        ({"data": {}, "keys": [1], "ids": [1]}, '"ids" is not allowed'),
        ({"data": {}, "keys": 1}, '"keys" must be an array'),
        ({"data": {}, "keys": [1, None]}, '"keys[1]" must be one of [string, number]'),
        ({"data": {}, "keys": [True]}, '"keys[0]" must be one of [string, number]'),
        ({"data": {}, "query": []}, '"query" must be of type object'),
    ],
)
def test_update_of_several_items_says_what_is_wrong(body: dict[str, Any], why: str) -> None:
    assert reason(parse_update, body) == why


def test_delete_takes_a_list_or_keys_or_a_query() -> None:
    assert parse_delete("articles", [1, 2]).keys == (1, 2)
    assert parse_delete("articles", []).keys == ()
    assert parse_delete("articles", {"keys": ["a"]}).keys == ("a",)
    assert parse_delete("articles", {"query": {"limit": 3}}).query.limit == 3


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (None, '"value" must contain at least one of [query, keys]'),
        ({}, '"value" must contain at least one of [query, keys]'),
        ({"keys": None}, '"value" must contain at least one of [query, keys]'),
        ({"keys": [1], "query": {}}, '"value" contains a conflict between exclusive peers [query, keys]'),
        ([{"id": 1}], '"keys[0]" must be one of [string, number]'),
        ({"key": [1]}, '"key" is not allowed'),
    ],
)
def test_delete_of_several_items_says_what_is_wrong(body: Any, why: str) -> None:
    assert reason(parse_delete, body) == why


def test_search_takes_a_query_and_keys_and_nothing_else() -> None:
    selected = parse_search("articles", {"query": {"limit": 1}, "keys": [1]})

    assert selected is not None
    assert (selected.query.limit, selected.keys) == (1, (1,))
    assert parse_search("articles", {}) is None
    assert reason(parse_search, {"ids": [1], "query": {}}) == '"ids" is not allowed'


def test_rows_have_to_be_objects() -> None:
    assert parse_rows([{"id": 1}]) == [{"id": 1}]
    with pytest.raises(Problem):
        parse_rows([{"id": 1}, 2])


@given(body=JSON)
def test_any_body_is_read_or_refused(body: Any) -> None:
    members = body if isinstance(body, dict) else {"query": body}
    with suppress(Problem):
        selected, data = parse_update("articles", members)
        assert isinstance(data, dict)
        assert (selected.keys is None) is ("query" in members and members["query"] is not None)
    with suppress(Problem):
        parse_search("articles", members)
    with suppress(Problem):
        parse_delete("articles", body if isinstance(body, dict | list) else [body])
