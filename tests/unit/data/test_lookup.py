"""Filters over related rows, asked of rows that are no longer there."""

from __future__ import annotations

from typing import Any

from tests.unit.data.world import ANN, BOB, World, scope
from watchword.access.compile import FULL_ACCESS
from watchword.data.lookup import Lookup
from watchword.query.conditions import parse_filter
from watchword.query.filters import Filter


def bound(world: World, *nodes: dict[str, Any]) -> list[Filter]:
    articles = world.collection("articles")
    return [world.binder().bind_filter(articles, parse_filter(node), trusted=True) for node in nodes]


async def match(
    world: World, filters: list[Filter], rows: list[dict[str, Any]], user: str | None = None
) -> list[list[bool]]:
    lookup = Lookup(world.db)
    return await lookup.match_images(
        world.catalogue, scope(FULL_ACCESS, user), world.collection("articles"), filters, rows
    )


async def test_images_are_matched_as_if_they_stood_in_the_table(world: World) -> None:
    filters = bound(
        world,
        {"author": {"first_name": "Ann"}},
        {"comments": {"hidden": True}},
        {"comments": {"_none": {"id": {"_gt": 0}}}},
        {"count(comments)": {"_gte": 3}},
        {"category": {"parent": {"name": "food"}}},
        {"author": "$CURRENT_USER"},
    )
    rows: list[dict[str, Any]] = [{"id": 1, "author": ANN, "category": 2}, {"id": 99, "author": BOB}, {"id": 4}]
    assert await match(world, filters, rows, BOB) == [
        [True, True, False, True, True, False],
        [False, False, True, False, False, True],
        [False, True, False, False, False, False],
    ]


async def test_unknown_is_not_true(world: World) -> None:
    filters = bound(world, {"title": {"_neq": "x"}}, {"title": {"_null": True}})
    assert await match(world, filters, [{"id": 1, "title": None}]) == [[False, True]]


async def test_nothing_is_asked_about_nothing(world: World) -> None:
    with world.statements() as seen:
        assert await match(world, [], [{"id": 1}]) == [[]]
        assert await match(world, bound(world, {"id": 1}), []) == []
    assert seen == []


async def test_images_are_matched_in_one_statement_unless_they_are_many(world: World) -> None:
    filters = bound(world, {"id": {"_lt": 3}}, {"author": {"first_name": "Bob"}})
    rows: list[dict[str, Any]] = [{"id": number, "author": BOB if number % 2 else None} for number in range(700)]
    with world.statements() as seen:
        assert await match(world, filters, rows[:100]) == [[n < 3, bool(n % 2)] for n in range(100)]
    assert len(seen) == 1
    assert await match(world, filters, rows) == [[n < 3, bool(n % 2)] for n in range(700)]
