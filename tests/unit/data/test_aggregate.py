"""Aggregates and groups, in the shapes that clients know."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.data.world import ANN, World, may_read
from watchword.base.errors import Code, Problem
from watchword.query.query import Aggregate, Query

EVERY_ROW: dict[str, Any] = {}


async def test_rows_are_counted(world: World) -> None:
    assert await world.read("articles", aggregate={"count": "*"}) == [{"count": 5}]
    assert await world.read("articles", aggregate={"countAll": "*"}) == [{"countAll": 5}]
    assert await world.read("articles", aggregate={"count": "*"}, filter={"status": "draft"}) == [{"count": 2}]
    assert await world.read("articles", aggregate={"count": "*"}, search="apples") == [{"count": 2}]


async def test_fields_are_aggregated_as_numbers_and_as_what_they_are(world: World) -> None:
    (row,) = await world.read(
        "articles",
        aggregate={
            "count": ["id", "body"],
            "countDistinct": "status",
            "sum": ["id", "price"],
            "sumDistinct": "category",
            "avg": ["id", "category"],
            "avgDistinct": "category",
            "min": ["title", "published_on", "price"],
            "max": ["id", "seen_at"],
        },
    )
    total, cheapest = ("28.75", "1.50") if world.db.kind == "postgresql" else (28.75, 1.5)
    assert row == {
        "count": {"id": 5, "body": 4},
        "countDistinct": {"status": 2},
        "sum": {"id": 15, "price": total},
        "sumDistinct": {"category": 6},
        "avg": {"id": 3.0, "category": 2.0},
        "avgDistinct": {"category": 2.0},
        "min": {"title": "Apples", "published_on": "2025-12-31T23:59:59", "price": cheapest},
        "max": {"id": 5, "seen_at": "2026-01-05T12:00:00.000Z"},
    }


async def test_nothing_aggregates_to_null(world: World) -> None:
    rows = await world.read(
        "articles", aggregate={"count": "*", "sum": "id", "avg": "id", "max": "id"}, filter={"id": 99}
    )
    assert rows == [{"count": 0, "sum": {"id": None}, "avg": {"id": None}, "max": {"id": None}}]


async def test_rows_are_grouped_by_fields_and_functions(world: World) -> None:
    assert await world.read("articles", aggregate={"count": "*"}, groupBy="status") == [
        {"status": "draft", "count": 2},
        {"status": "published", "count": 3},
    ]
    rows = await world.read(
        "articles", aggregate={"count": "*"}, groupBy=["status", "month(published_on)"], sort="status"
    )
    assert rows == [
        {"status": "draft", "published_on_month": 2, "count": 1},
        {"status": "draft", "published_on_month": 12, "count": 1},
        {"status": "published", "published_on_month": None, "count": 1},
        {"status": "published", "published_on_month": 1, "count": 1},
        {"status": "published", "published_on_month": 2, "count": 1},
    ]
    assert await world.read("articles", groupBy="category") == [{"category": value} for value in (None, 1, 2, 3)]


async def test_groups_are_sorted_and_paged(world: World) -> None:
    async def categories(**params: Any) -> list[Any]:
        rows = await world.read("articles", aggregate={"count": "*", "max": "id"}, groupBy="category", **params)
        return [row["category"] for row in rows]

    assert await categories(sort="-category") == [3, 2, 1, None]
    assert await categories(sort="-count") == [2, None, 1, 3]
    assert await categories(sort="-max.id") == [3, None, 1, 2]
    months = await world.read("articles", groupBy="month(published_on)", sort="-month(published_on)")
    assert [row["published_on_month"] for row in months] == [12, 2, 1, None]
    assert await categories(limit=2, offset=1) == [1, 2]
    page = await world.page(
        "articles", aggregate={"count": "*"}, groupBy="category", meta="*", filter={"id": {"_gt": 1}}
    )
    assert page.meta == {"total_count": 5, "filter_count": 4}


async def test_only_rows_in_sight_are_aggregated(world: World) -> None:
    access = may_read(articles={"author": "$CURRENT_USER"})
    assert await world.read("articles", access, ANN, aggregate={"count": "*", "sum": "id"}) == [
        {"count": 2, "sum": {"id": 3}}
    ]
    assert await world.read("articles", access, None, aggregate={"count": "*"}) == [{"count": 0}]


@pytest.mark.parametrize(
    "query",
    [
        Query("articles", aggregate=(Aggregate("sum", "title"),)),
        Query("articles", aggregate=(Aggregate("avg", "published_on"),)),
        Query("directus_users", aggregate=(Aggregate("max", "id"),)),
        Query("articles", aggregate=(Aggregate("count", "comments"),)),
        Query("articles", aggregate=(Aggregate("sum", "*"),)),
    ],
)
async def test_functions_that_do_not_apply_are_refused(world: World, query: Query) -> None:
    with pytest.raises(Problem) as caught:
        await world.page(query.collection, query=query)
    assert caught.value.code is Code.INVALID_QUERY


async def test_groups_are_not_sorted_by_anything_else(world: World) -> None:
    with pytest.raises(Problem) as caught:
        await world.read("articles", aggregate={"count": "*"}, groupBy="status", sort="title")
    assert caught.value.code is Code.INVALID_QUERY
    with pytest.raises(Problem) as caught:
        await world.read(
            "articles",
            may_read(articles=(EVERY_ROW, "status")),
            aggregate={"count": "*"},
            groupBy="status",
            sort="title",
        )
    assert caught.value.code is Code.FORBIDDEN
