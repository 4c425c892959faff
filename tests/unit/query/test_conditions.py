from __future__ import annotations

import json
from functools import partial
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.query.support import code_of
from watchword.base.errors import Code, Problem
from watchword.query.conditions import parse_filter, parse_permission_filter
from watchword.query.filters import EVERYTHING, NOTHING, All, Compare, Related, Variable
from watchword.query.filters import Any as AnyOf
from watchword.query.types import Function

ONE = Compare("a", "eq", 1)
TWO = Compare("b", "eq", 2)
USER = Variable("CURRENT_USER")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, EVERYTHING),
        ({}, EVERYTHING),
        ("{}", EVERYTHING),
        ("null", EVERYTHING),
        ({"a": {}}, EVERYTHING),
        ({"a": 1}, ONE),
        ({"a": {"_eq": 1}}, ONE),
        ('{"a":{"_eq":1}}', ONE),
        ({"a": 1, "b": 2}, All((ONE, TWO))),
        ({"_and": [{"a": 1}, {"b": 2}]}, All((ONE, TWO))),
        ({"_or": [{"a": 1}, {"b": 2}]}, AnyOf((ONE, TWO))),
        ({"_or": {"1": {"b": 2}, "0": {"a": 1}}}, AnyOf((ONE, TWO))),
        ({"_or": [{"a": 1}, {}]}, EVERYTHING),
        ({"_and": []}, EVERYTHING),
        ({"_or": []}, NOTHING),
        ({"a": {"_gt": 1, "_lt": 5}}, All((Compare("a", "gt", 1), Compare("a", "lt", 5)))),
        ({"a": {"_or": [{"_eq": 1}, {"_null": True}]}}, AnyOf((ONE, Compare("a", "null", True)))),
        ({"a": {"_and": [{"_or": [{"_eq": 1}]}]}}, ONE),
        ({"a": {"_or": []}}, NOTHING),
        ({"_id": {"_eq": 1}}, Compare("_id", "eq", 1)),
        ({"a": {"_unknown": {}}}, Related("a", EVERYTHING)),
        ({"a": {"_unknown": [1]}}, Compare("a", "unknown", [1])),
    ],
)
def test_filters_are_read(value: Any, expected: Any) -> None:
    assert parse_filter(value) == expected


NAME = Compare("name", "eq", "x")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"author": {"name": "x"}}, Related("author", NAME)),
        ({"author": {"role": {"name": {"_eq": "x"}}}}, Related("author", Related("role", NAME))),
        ({"author": {"_id": {"_eq": 1}}}, Related("author", Compare("_id", "eq", 1))),
        (
            {"author": {"_nnull": True, "name": "x"}},
            All((Compare("author", "nnull", True), Related("author", NAME))),
        ),
        ({"posts": {"name": "x", "a": 1}}, Related("posts", All((NAME, ONE)))),
        ({"posts": {"_some": {"name": "x"}}}, Related("posts", NAME)),
        ({"posts": {"_none": {"name": "x"}}}, Related("posts", NAME, "none")),
        ({"posts": {"_none": {}}}, Related("posts", EVERYTHING, "none")),
        ({"posts": {"_or": [{"name": "x"}, {"a": 1}]}}, Related("posts", AnyOf((NAME, ONE)))),
        ({"posts": {"_and": [{"name": "x"}, {"a": 1}]}}, Related("posts", All((NAME, ONE)))),
        (
            {"author": {"_or": [{"_null": True}, {"name": "x"}]}},
            AnyOf((Compare("author", "null", True), Related("author", NAME))),
        ),
    ],
)
def test_conditions_on_related_rows_hold_for_one_row(value: Any, expected: Any) -> None:
    assert parse_filter(value) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"year(born)": {"_eq": 2000}}, Compare("born", "eq", 2000, Function.YEAR)),
        ({"year(born)": 2000}, Compare("born", "eq", 2000, Function.YEAR)),
        ({"author": {"year(born)": 2000}}, Related("author", Compare("born", "eq", 2000, Function.YEAR))),
        ({"year(author.born)": 2000}, Related("author", Compare("born", "eq", 2000, Function.YEAR))),
        ({"author.year(born)": 2000}, Related("author", Compare("born", "eq", 2000, Function.YEAR))),
        ({"count(posts)": {"_gt": 2}}, Compare("posts", "gt", 2, Function.COUNT)),
        ({"$FOLLOW(posts,author)": {"a": 1}}, Related("$FOLLOW(posts,author)", ONE)),
        ({"a.b": 1}, Compare("a.b", "eq", 1)),
    ],
)
def test_functions_are_read_in_keys(value: Any, expected: Any) -> None:
    assert parse_filter(value) == expected


@pytest.mark.parametrize(
    ("operator", "value", "expected"),
    [
        ("_eq", "null", None),
        ("_neq", "null", None),
        ("_contains", "null", "null"),
        ("_eq", None, None),
        ("_eq", "true", "true"),
        ("_eq", "$CURRENT_USER", USER),
        ("_eq", "$CURRENT_USER!", "$CURRENT_USER!"),
        ("_in", "1,2,3", ["1", "2", "3"]),
        ("_in", "[1,2]", [1, 2]),
        ("_in", "", []),
        ("_in", [], []),
        ("_in", 5, [5]),
        ("_in", None, [None]),
        ("_in", (1, 2), [1, 2]),
        ("_in", {"1": "b", "0": "a"}, ["a", "b"]),
        ("_in", "$CURRENT_ROLES", [Variable("CURRENT_ROLES")]),
        ("_nin", ["x", "$CURRENT_USER", None, ""], ["x", USER, None, ""]),
        ("_between", "3,5", ["3", "5"]),
        ("_between", ["$NOW(-1 day)", "$NOW"], [Variable("NOW", shift=-86400.0), Variable("NOW")]),
        ("_null", "true", True),
        ("_null", "", True),
        ("_null", None, True),
        ("_null", "false", False),
        ("_null", "0", False),
        ("_nnull", 0, False),
        ("_empty", False, False),
        ("_nempty", 1, True),
        ("_submitted", True, True),
        ("_regex", "^a", "^a"),
        ("_bad", 1, 1),
    ],
)
def test_operands_are_read_as_their_operator_wants_them(operator: str, value: Any, expected: Any) -> None:
    assert parse_filter({"a": {operator: value}}) == Compare("a", operator[1:], expected)


def nested(levels: int) -> dict[str, Any]:
    value: dict[str, Any] = {"a": 1}
    for _ in range(levels):
        value = {"_and": [value]}
    return value


def related(levels: int) -> dict[str, Any]:
    value: dict[str, Any] = {"a": 1}
    for _ in range(levels):
        value = {"r": value}
    return value


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("{bad", "Invalid JSON for filter object"),
        ("", "Invalid JSON for filter object"),
        ("[]", "Invalid filter object"),
        ([], "Invalid filter object"),
        (5, "Invalid filter object"),
        (True, "Invalid filter object"),
        ({"_and": "x"}, "Invalid filter object"),
        ({"_or": {"a": 1}}, "Invalid filter object"),
        ({"_or": [1]}, "Invalid filter object"),
        ({"_or": [[]]}, "Invalid filter object"),
        ({"a": {"_or": [{"_eq": 1}, 5]}}, "Invalid filter object"),
        ({"posts": {"_some": 5}}, "Invalid filter object"),
        ({"year(born)": {"name": "x"}}, "Invalid filter object"),
        ({"a": [1]}, '"_eq" must be a string, a number or a boolean'),
        ({"a": {"_eq": {"b": 1}}}, '"_eq" must be a string, a number or a boolean'),
        ({"a": {"_in": [[1]]}}, '"_in" must be a string, a number or a boolean'),
        ({"a": {"_in": "[1"}}, "Invalid JSON for filter object"),
        ({"a": {"_null": []}}, '"_null" must be a boolean'),
        ({"a": ""}, '"_eq" must not be empty, use "_empty" or "_nempty"'),
        ({"a": {"_contains": ""}}, '"_contains" must not be empty, use "_empty" or "_nempty"'),
        ({"a": {"_between": [1]}}, '"_between" must have two values'),
        ({"a": {"_between": [1, None]}}, '"_between" must have two values'),
        ({"a": {"_nbetween": "1,2,3"}}, '"_nbetween" must have two values'),
        (nested(32), "Filter is nested more than 32 levels deep"),
        ({"a": nested(40)}, "Filter is nested more than 32 levels deep"),
        (json.dumps(nested(400)), "Filter is nested more than 32 levels deep"),
        (related(11), "Max relational depth exceeded"),
        ({"year(" + "r." * 11 + "born)": 1}, "Max relational depth exceeded"),
        ({"_and": [{"a": 1}] * 500}, "Filter has more than 1000 conditions"),
        ({"_and": [{}] * 1000}, "Filter has more than 1000 conditions"),
        ({"a": {"_in": list(range(10_001))}}, "Filter has more than 10000 values"),
    ],
)
def test_what_is_no_filter_is_refused(value: Any, reason: str) -> None:
    with pytest.raises(Problem) as caught:
        parse_filter(value)

    assert caught.value.code is Code.INVALID_QUERY
    assert caught.value.extensions == {"reason": reason}
    assert caught.value.message == f"Invalid query. {reason}."


def test_the_limits_themselves_are_allowed() -> None:
    parse_filter(related(10))
    parse_filter(nested(15))
    parse_filter({"_and": [{"a": 1}] * 499})
    parse_filter({"a": {"_in": list(range(10_000))}})


def test_stored_rules_may_compare_with_an_empty_text() -> None:
    assert parse_permission_filter({"a": {"_neq": ""}}) == Compare("a", "neq", "")
    assert parse_permission_filter('{"a": ""}') == Compare("a", "eq", "")


def test_a_stored_rule_without_conditions_takes_everything() -> None:
    assert parse_permission_filter(None) == EVERYTHING
    assert parse_permission_filter({}) == EVERYTHING


@pytest.mark.parametrize("value", ["", "{", [], 5])
def test_a_broken_stored_rule_is_refused_and_never_takes_everything(value: Any) -> None:
    with pytest.raises(Problem):
        parse_permission_filter(value)


keys = st.sampled_from(
    ["_and", "_or", "_some", "_none", "_eq", "_in", "_between", "_null", "_bad", "a", "year(a)", "year(a.b)", "0", "1"]
)
texts = st.text(max_size=5) | st.sampled_from(["$NOW", "1,2", "null"])
leaves = st.none() | st.booleans() | st.integers() | st.floats() | texts
filters = st.recursive(
    leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys | texts, inner, max_size=3), max_leaves=10
)


@given(filters)
def test_any_json_gives_a_filter_or_a_problem(value: Any) -> None:
    for parse in (parse_filter, parse_permission_filter):
        assert code_of(partial(parse, value)) in {None, Code.INVALID_QUERY}


@given(st.text())
def test_any_text_gives_a_filter_or_a_problem(text: str) -> None:
    assert code_of(lambda: parse_filter(text)) in {None, Code.INVALID_QUERY}
