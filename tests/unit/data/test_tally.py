"""How much one request may write: counted with what is nested, refused before or undone, and no less than allowed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from tests.support.writing import House, PrefixHasher
from watchword.base.errors import Code, Problem
from watchword.data.mutate import Writer
from watchword.data.select import Reader
from watchword.query.query import Query

MOST = 4

Write = Callable[[House, int], Awaitable[Any]]


@pytest.fixture
async def bounded(house: House) -> House:
    """Return the house with five articles, of which one has five notes, and a writer of four items."""
    keys = await house.create("articles", [{"title": f"{number}", "slug": f"{number}"} for number in range(MOST + 1)])
    await house.create("notes", [{"text": "n", "article": keys[0]} for _ in range(MOST + 1)])
    bounded = House(house.db, house.catalogue)
    bounded.writer = Writer(house.db, Reader(house.db), PrefixHasher(), MOST)
    return bounded


async def keys_of(house: House, count: int) -> list[Any]:
    return list((await house.rows("articles", "id"))[-count:])


async def create(house: House, count: int) -> None:
    await house.create("articles", [{"title": "new"}] * count)


async def create_below(house: House, count: int) -> None:
    await house.create("articles", [{"title": "new", "notes": [{"text": "new"}] * (count - 1)}])


async def create_beside(house: House, count: int) -> None:
    plain, with_author = {"title": "new"}, {"title": "new", "author": {"name": "new"}}
    await house.create("articles", [with_author] * (count // 2) + [plain] * (count % 2))


async def update(house: House, count: int) -> None:
    await house.update("articles", {"title": "new"}, keys=await keys_of(house, count))


async def update_what_a_query_takes(house: House, count: int) -> None:
    await house.update("articles", {"title": "new"}, query=Query("articles", limit=count))


async def update_each(house: House, count: int) -> None:
    await house.update_batch("articles", [{"id": key, "title": "new"} for key in await keys_of(house, count)])


async def delete(house: House, count: int) -> None:
    await house.delete("articles", keys=await keys_of(house, count))


WRITES = [create, create_below, create_beside, update, update_what_a_query_takes, update_each, delete]


async def contents(house: House) -> list[Any]:
    return [
        await house.rows("articles", "id", "title"),
        await house.rows("notes", "id"),
        await house.rows("authors", "id"),
    ]


@pytest.mark.parametrize("write", WRITES)
async def test_one_item_too_many_is_refused_and_nothing_is_written(bounded: House, write: Write) -> None:
    before = await contents(bounded)
    with pytest.raises(Problem) as refused:
        await write(bounded, MOST + 1)
    assert refused.value.code is Code.INVALID_PAYLOAD
    assert refused.value.extensions["reason"] == f"Exceeded max batch mutation limit of {MOST}"
    assert await contents(bounded) == before


@pytest.mark.parametrize("write", WRITES)
async def test_as_many_items_as_may_be_are_written(bounded: House, write: Write) -> None:
    before = await contents(bounded)
    await write(bounded, MOST)
    assert await contents(bounded) != before


@pytest.mark.parametrize("limit", [None, -1])
async def test_a_query_without_a_limit_is_refused_too(bounded: House, limit: int | None) -> None:
    with pytest.raises(Problem) as refused:
        await bounded.delete("articles", query=Query("articles", limit=limit))
    assert refused.value.code is Code.INVALID_PAYLOAD


async def test_rows_that_a_list_leaves_out_count(bounded: House) -> None:
    [first, *_] = await bounded.rows("articles", "id")
    with pytest.raises(Problem) as refused:
        await bounded.update("articles", {"notes": []}, keys=[first])
    assert refused.value.code is Code.INVALID_PAYLOAD
    assert await bounded.rows("notes", "article") == [first] * (MOST + 1)


async def test_without_a_bound_there_is_none(house: House) -> None:
    assert len(await house.create("articles", [{"title": "new"}] * 100)) == 100
