"""Whatever a payload holds, a write succeeds or is a Problem, and is all or nothing."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.writing import House
from watchword.base import json
from watchword.base.errors import Problem

CURIOUS = [
    "",
    "\0",
    "\ud800",
    "2026-02-03",
    "2026-02-03T04:05:06Z",
    "9999-12-31T23:59:59-14:00",
    "04:05",
    "1e400",
    "NaN",
    "1",
    "1,1",
    "**********",
    "$NOW",
    2**31,
    2**63,
    1e300,
]
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=30)
    | st.sampled_from(CURIOUS)
    | st.uuids().map(str)
)
JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
COLUMNS = (
    *("id", "title", "slug", "status", "author", "published_on", "rating", "big", "price", "weight", "live", "day"),
    *("at", "data", "keywords", "raw", "date_created", "user_created", "notes", "comments", "tags", "nope"),
)
NOTE = st.fixed_dictionaries({}, optional={"id": st.integers(1, 9) | JSON, "text": JSON, "article": JSON})
NOTES = st.lists(NOTE | SCALARS, max_size=3)
CHANGES = st.dictionaries(st.sampled_from(["create", "update", "delete", "x"]), NOTES | JSON, max_size=3)
AUTHOR = st.fixed_dictionaries({}, optional={"id": JSON, "name": JSON, "email": JSON, "secret": JSON})
NESTED = st.fixed_dictionaries({}, optional={"notes": NOTES | CHANGES, "author": AUTHOR, "comments": NOTES})
FLAT = st.dictionaries(st.sampled_from(COLUMNS), JSON, max_size=5)
TITLED = st.fixed_dictionaries({"title": st.text("abc", max_size=3)})
PAYLOADS = st.builds(lambda *parts: {name: part[name] for part in parts for name in part}, TITLED, FLAT, NESTED) | JSON


async def _all_rows(house: House) -> list[list[Any]]:
    names = ("articles", "authors", "notes", "comments", "articles_tags", "tags")
    return [await house.rows(name, *house.catalogue.collection(name).fields) for name in names]


async def _problem_of(write: Awaitable[Any]) -> Problem | None:
    try:
        await write
    except Problem as problem:
        return problem
    return None


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(payloads=st.lists(PAYLOADS, min_size=1, max_size=3), change=PAYLOADS)
@pytest.mark.timeout(120)
async def test_a_write_succeeds_or_is_a_problem_that_leaves_no_trace(
    house: House, payloads: list[Any], change: Any
) -> None:
    [key] = await house.create("articles", [{"title": "there"}])
    for write in (house.create("articles", payloads), house.update("articles", change, keys=[key])):
        before = await _all_rows(house)
        problem = await _problem_of(write)
        if problem is not None:
            json.encode([[each.message, each.extensions] for each in problem.each()])
            assert await _all_rows(house) == before
