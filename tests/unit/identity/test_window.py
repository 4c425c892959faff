"""Window: a moving minute on our own clock."""

from __future__ import annotations

import pytest

from watchword.base.clock import ManualClock
from watchword.identity.window import ClockedMemory, Window


@pytest.fixture
def storage(clock: ManualClock) -> ClockedMemory:
    return ClockedMemory(clock)


@pytest.fixture
def window(storage: ClockedMemory) -> Window:
    return Window(storage, 3, "test")


async def test_window_fills_and_empties_as_time_moves(window: Window, clock: ManualClock) -> None:
    start = clock.now()
    for _ in range(3):
        assert await window.hit("a")
        clock.advance(10)
    assert not await window.hit("a")
    assert await window.remaining("a") == 0
    assert await window.reset_time("a") == start + 60
    clock.advance(30)
    assert await window.remaining("a") == 1
    assert await window.hit("a")
    assert not await window.hit("a")


async def test_keys_and_names_are_apart(window: Window, storage: ClockedMemory) -> None:
    for _ in range(3):
        await window.hit("a")
    assert await window.hit("b")
    assert await Window(storage, 3, "other").hit("a")


async def test_cleared_key_starts_anew(window: Window) -> None:
    for _ in range(3):
        await window.hit("a")
    await window.clear("a")
    assert await window.remaining("a") == 3


async def test_memory_follows_the_last_minute(window: Window, storage: ClockedMemory, clock: ManualClock) -> None:
    for number in range(999):
        await window.hit(str(number))
    clock.advance(61)
    await window.hit("last")
    assert len(storage._hits) == 1


async def test_storage_counts_fixed_windows_too(storage: ClockedMemory, clock: ManualClock) -> None:
    assert await storage.incr("k", 60, 2) == 2
    assert await storage.get("k") == 2
    assert await storage.get_expiry("k") == clock.now() + 60
    assert await storage.check()
    assert await storage.reset() == 1
    assert await storage.get("k") == 0
