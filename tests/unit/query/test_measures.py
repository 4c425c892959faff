"""Measures: depth and size of queries."""

from __future__ import annotations

from typing import Any

import pytest

from watchword.query.measures import conditions_of, depth_of
from watchword.query.wire import parse_query


@pytest.mark.parametrize(
    ("params", "depth"),
    [
        ({}, 0),
        ({"fields": ["id", "*"]}, 0),
        ({"fields": ["author.team.name"]}, 2),
        ({"sort": ["author.name"]}, 1),
        ({"filter": {"_or": [{"author": {"team": {"name": {"_eq": "x"}}}}, {"id": {"_eq": 1}}]}}, 2),
        ({"deep": {"author": {"_filter": {"team": {"name": "x"}}, "posts": {"_sort": ["author.name"]}}}}, 3),
    ],
)
def test_depth_is_that_of_the_longest_path(params: dict[str, Any], depth: int) -> None:
    assert depth_of(parse_query("posts", params)) == depth


def test_conditions_are_counted_in_filters_and_below() -> None:
    params = {
        "filter": {"_or": [{"a": {"_eq": 1}}, {"b": {"_some": {"c": {"_gt": 1, "_lt": 5}}}}]},
        "deep": {"author": {"_filter": {"name": "x"}}},
    }
    assert conditions_of(parse_query("posts", params)) == 4
    assert conditions_of(parse_query("posts", {})) == 0
