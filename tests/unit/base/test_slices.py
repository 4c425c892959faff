from __future__ import annotations

import anyio
import pytest
from anyio.lowlevel import checkpoint

from watchword.base.slices import slices


@pytest.mark.parametrize("count", [0, 1, 3, 4, 6, 7])
async def test_slices_are_all_there_is_in_order(count: int) -> None:
    found = [list(some) async for some in slices(range(count), 3)]
    assert [each for some in found for each in some] == list(range(count))
    assert all(len(some) == 3 for some in found[:-1])


@pytest.mark.parametrize(("count", "turns"), [(3, 0), (9, 2)])
async def test_others_have_a_turn_between_slices_and_none_where_there_is_one(count: int, turns: int) -> None:
    taken = 0

    async def take() -> None:
        nonlocal taken
        while True:
            await checkpoint()
            taken += 1

    async with anyio.create_task_group() as group:
        group.start_soon(take)
        await checkpoint()
        before = taken
        async for _ in slices(range(count), 3):
            pass
        assert taken - before == turns
        group.cancel_scope.cancel()
