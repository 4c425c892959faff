"""Arguments: filters as GraphQL has them, written as REST has them."""

from __future__ import annotations

from typing import Any

import pytest

from watchword.base.errors import Problem
from watchword.data.catalogue import Catalogue
from watchword.graphql.arguments import conditions, query_of
from watchword.query.query import Grouping, Order
from watchword.query.types import Function


@pytest.mark.parametrize(
    ("given", "written"),
    [
        ({"title": {"_eq": "a"}}, {"title": {"_eq": "a"}}),
        ({"title": {"_eq": None, "_neq": "a"}}, {"title": {"_neq": "a"}}),
        ({"title": None}, {}),
        ({"day_func": {"year": {"_eq": 2024}, "month": None}}, {"year(day)": {"_eq": 2024}}),
        ({"labels_func": {"count": {"_gt": 2}}}, {"count(labels)": {"_gt": 2}}),
        ({"author": {"name": {"_eq": "a"}}}, {"author": {"name": {"_eq": "a"}}}),
        ({"author": {"_null": True}}, {"author": {"_null": True}}),
        (
            {"labels": {"_some": {"label": {"name": {"_eq": "x"}}}}},
            {"labels": {"_some": {"label": {"name": {"_eq": "x"}}}}},
        ),
        (
            {"_or": [{"seen_func": {"hour": {"_lt": 3}}}, None, {"_and": [{"live": {"_eq": True}}]}]},
            {"_or": [{"hour(seen)": {"_lt": 3}}, {"_and": [{"live": {"_eq": True}}]}]},
        ),
    ],
)
def test_filter_is_written_as_rest_has_it(catalogue: Catalogue, given: dict[str, Any], written: Any) -> None:
    assert conditions(catalogue, catalogue.collection("articles"), given) == written


def test_other_arguments_are_those_of_rest(catalogue: Catalogue) -> None:
    arguments = {"sort": ["-id", "author.name"], "limit": 5, "page": 3, "search": "x", "groupBy": ["year(day)"]}
    query = query_of(catalogue, catalogue.collection("articles"), arguments)

    assert query.sort == (Order(("id",), descending=True), Order(("author", "name")))
    assert (query.limit, query.offset, query.search) == (5, 10, "x")
    assert query.group == (Grouping("day", Function.YEAR),)


def test_null_is_not_given(catalogue: Catalogue) -> None:
    nothing = dict.fromkeys(("filter", "sort", "limit", "offset", "page", "search", "groupBy"))

    plain = query_of(catalogue, catalogue.collection("articles"), {})
    assert query_of(catalogue, catalogue.collection("articles"), nothing) == plain


def test_filter_with_too_many_objects_is_refused(catalogue: Catalogue) -> None:
    with pytest.raises(Problem, match="Filter has more than 1000 conditions"):
        conditions(catalogue, catalogue.collection("articles"), {"_or": [{}] * 2_000})


def test_filter_with_as_many_quantifiers_as_may_be_is_written(catalogue: Catalogue) -> None:
    quantified = {"labels": {"_some": {"label": {"name": {"_eq": "x"}}}}}
    given = {"_or": [quantified] * 333}

    assert conditions(catalogue, catalogue.collection("articles"), given) == given
