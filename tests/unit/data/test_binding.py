"""What a filter becomes when it is bound."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.unit.data.world import World, may_read, scope
from watchword.access.compile import FULL_ACCESS, Access, Grant, Rule
from watchword.base.errors import Code, Problem
from watchword.data.binding import Binder
from watchword.query.conditions import parse_filter
from watchword.query.filters import EVERYTHING, NOTHING, All, Compare, Filter, Not, Related, Variable
from watchword.query.types import FieldType, Function

EVERY_ROW: dict[str, Any] = {}
Bind = Callable[..., Filter]


def bind(world: World, node: Any, access: Access = FULL_ACCESS, *, trusted: bool = False) -> Filter:
    parsed = parse_filter(node) if isinstance(node, dict) else node
    return world.binder(access).bind_filter(world.collection("articles"), parsed, trusted=trusted)


async def test_values_become_canonical(world: World) -> None:
    assert bind(world, {"id": {"_gt": "5"}}) == Compare("id", "gt", 5, type=FieldType.INTEGER)
    assert bind(world, {"id": {"_in": "1,2,3"}}) == Compare("id", "in", (1, 2, 3), type=FieldType.INTEGER)
    assert bind(world, {"title": "7"}) == Compare("title", "eq", "7", type=FieldType.STRING)
    assert bind(world, {"year(published_on)": {"_eq": "2026"}}) == Compare(
        "published_on", "eq", 2026, Function.YEAR, FieldType.INTEGER
    )
    assert bind(world, {"author": "$CURRENT_USER"}, trusted=True) == Compare(
        "author", "eq", Variable("CURRENT_USER"), type=world.collection("articles").fields["author"].type
    )


async def test_questions_about_null_have_one_form(world: World) -> None:
    null = Compare("body", "null", True, type=FieldType.TEXT)
    present = Compare("body", "nnull", True, type=FieldType.TEXT)
    assert bind(world, Compare("body", "eq", None)) == bind(world, Compare("body", "nnull", False)) == null
    assert bind(world, Compare("body", "neq", None)) == bind(world, Compare("body", "null", "false")) == present
    assert bind(world, Compare("body", "null", "")) == null
    assert bind(world, Compare("body", "empty", False)) == Compare("body", "nempty", True, type=FieldType.TEXT)
    assert bind(world, Compare("id", "in", [1, None])) == Compare("id", "in", (1,), type=FieldType.INTEGER)


@pytest.mark.parametrize(
    ("node", "reason"),
    [
        (Compare("id", "bad", 1), '"integer" field type does not contain the "_bad" filter operator'),
        (Compare("id", "contains", "1"), '"integer" field type does not contain the "_contains" filter operator'),
        (Compare("title", "regex", "^A"), '"string" field type does not contain the "_regex" filter operator'),
        (Compare("meta", "eq", {}), '"json" field type does not contain the "_eq" filter operator'),
        (Compare("comments", "eq", 1), '"alias" field type does not contain the "_eq" filter operator'),
        (Compare("id", "eq", "abc"), "Invalid numeric value"),
        (Compare("published_on", "gt", "notadate"), "Invalid date value"),
        (Compare("title", "eq", "a\0b"), "Invalid value"),
        (Compare("id", "null", "perhaps"), "Invalid boolean value"),
        (Compare("id", "between", [1]), '"_between" needs two values'),
        (Compare("id", "between", [1, None]), '"_between" needs two values'),
        (Compare("title", "eq", 1, Function.YEAR), '"year" cannot be computed of the field "title"'),
        (Compare("author", "eq", 1, Function.COUNT), '"count" cannot be computed of the field "author"'),
        (Related("comments", EVERYTHING, "most"), '"_most" is not a filter operator'),
    ],
)
async def test_what_does_not_fit_is_refused(world: World, node: Filter, reason: str) -> None:
    with pytest.raises(Problem) as caught:
        bind(world, node)
    assert caught.value.code is Code.INVALID_QUERY
    assert caught.value.extensions == {"reason": reason}


@pytest.mark.parametrize("node", [Compare("nope", "eq", 1), Related("title", EVERYTHING), Related("nope", EVERYTHING)])
async def test_what_does_not_exist_is_forbidden_even_to_rules(world: World, node: Filter) -> None:
    for trusted in (False, True):
        with pytest.raises(Problem) as caught:
            bind(world, node, trusted=trusted)
        assert caught.value.code is Code.FORBIDDEN


async def test_related_rows_count_only_where_they_are_in_sight(world: World) -> None:
    access = may_read(articles=EVERY_ROW, comments={"hidden": {"_eq": False}})
    seen = Compare("hidden", "eq", False, type=FieldType.BOOLEAN)
    asked = Compare("id", "eq", 1, type=FieldType.INTEGER)
    assert bind(world, {"comments": {"id": 1}}, access) == Related("comments", All((asked, seen)))
    assert bind(world, {"comments": {"_none": {"id": 1}}}, access) == Related("comments", All((asked, seen)), "none")
    assert bind(world, {"comments": {"_null": True}}, access) == Related("comments", seen, "none")
    assert bind(world, {"count(comments)": 2}, access) == Compare(
        "comments", "eq", 2, Function.COUNT, FieldType.INTEGER, seen
    )
    assert bind(world, {"comments": {"id": 1}}, access, trusted=True) == Related("comments", asked)


async def test_rules_may_ask_about_everything(world: World) -> None:
    nothing = may_read(tags=EVERY_ROW)
    for node in ({"secret": "x"}, {"author": {"password": {"_nnull": True}}}, {"comments": {"body": "x"}}):
        with pytest.raises(Problem):
            bind(world, node, nothing)
        bind(world, node, nothing, trusted=True)


async def test_a_negation_does_not_take_rows_whose_field_is_out_of_sight(world: World) -> None:
    access = may_read(articles=[(EVERY_ROW, "id"), ({"author": {"first_name": {"_eq": "Ann"}}}, "secret")])
    node = Not(All((Compare("secret", "eq", "s2"), Compare("id", "lt", 9))))
    bound = bind(world, node, access)
    assert isinstance(bound, All)
    assert bound.parts[0] == Not(
        All(
            (
                Compare("secret", "eq", "s2", type=FieldType.TEXT),
                Compare("id", "lt", 9, type=FieldType.INTEGER),
            )
        )
    )
    asked = Binder(world.catalogue, scope(access)).sight(world.collection("articles")).seen_when("secret")
    assert bound.parts[1:] == (asked,)


async def test_a_field_that_every_grant_names_needs_no_guard(world: World) -> None:
    access = may_read(articles=[({"id": {"_gt": 1}}, "id,title"), ({"id": {"_gt": 2}}, "id,body")])
    assert bind(world, {"id": 1}, access) == Compare("id", "eq", 1, type=FieldType.INTEGER)
    assert bind(world, {"title": "a"}, access) == All(
        (Compare("title", "eq", "a", type=FieldType.STRING), Compare("id", "gt", 1, type=FieldType.INTEGER))
    )


async def test_a_bound_rule_is_remembered(world: World) -> None:
    binder = world.binder()
    articles = world.collection("articles")
    rule = Rule((Grant(parse_filter({"id": {"_lt": "9"}}), None),))
    bound = binder.bind_rule(articles, rule)
    assert binder.bind_rule(articles, rule) is bound
    assert world.binder().bind_rule(articles, rule) is bound
    assert bound.filter == Compare("id", "lt", 9, type=FieldType.INTEGER)
    assert bound.fields is None


async def test_a_stored_filter_that_no_longer_fits_grants_nothing(world: World) -> None:
    broken = Grant(Compare("dropped", "eq", 1), frozenset({"secret"}))
    working = Grant(parse_filter({"id": 1}), frozenset({"id"}))
    bound = world.binder().bind_rule(
        world.collection("articles"), Rule((broken, working), check=Compare("dropped", "eq", 1))
    )
    assert bound.rule.grants[0].filter == NOTHING
    assert bound.rule.check == NOTHING
    assert bound.filter != EVERYTHING
    assert bound.seen_when("secret") == NOTHING


async def test_a_stored_check_may_use_the_operators_of_validation(world: World) -> None:
    check = Compare("title", "regex", "^A")
    bound = world.binder().bind_rule(world.collection("articles"), Rule((Grant(EVERYTHING, None),), check=check))
    assert bound.rule.check == Compare("title", "regex", "^A", type=FieldType.STRING)


async def test_search_means_some_field_in_sight_has_it(world: World) -> None:
    access = may_read(articles=[(EVERY_ROW, "id,title"), ({"id": {"_gt": 2}}, "body")])
    bound = world.binder(access).bind_search(world.collection("articles"), "7")
    guard = Compare("id", "gt", 2, type=FieldType.INTEGER)
    assert isinstance(bound, type(NOTHING))
    assert bound.parts == (
        Compare("id", "eq", 7, type=FieldType.INTEGER),
        Compare("title", "icontains", "7", type=FieldType.STRING),
        All((Compare("body", "icontains", "7", type=FieldType.TEXT), guard)),
    )
    assert (
        world.binder(may_read(articles=(EVERY_ROW, "seen_at"))).bind_search(world.collection("articles"), "7")
        == NOTHING
    )
