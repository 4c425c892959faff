"""Cache: bounded, ageing, and never older than an invalidation."""

from __future__ import annotations

from anyio import Event, create_task_group

from watchword.base.clock import ManualClock
from watchword.identity.cache import Cache


class Source:
    """Answers what it holds, when it is let."""

    def __init__(self, value: str) -> None:
        self.value = value
        self.reads = 0
        self.asked = Event()
        self.released = Event()

    async def read(self) -> str:
        self.reads += 1
        return self.value

    async def read_slowly(self) -> str:
        self.reads += 1
        value = self.value
        self.asked.set()
        await self.released.wait()
        return value


def make(size: int = 10) -> tuple[Cache[str, str], ManualClock]:
    clock = ManualClock()
    return Cache(clock, size=size, max_age=10), clock


async def test_value_is_read_once() -> None:
    cache, _ = make()
    source = Source("a")
    assert [await cache.load("k", source.read) for _ in range(3)] == ["a"] * 3
    assert source.reads == 1


async def test_old_value_is_read_again() -> None:
    cache, clock = make()
    source = Source("a")
    await cache.load("k", source.read)
    clock.advance(9.9)
    await cache.load("k", source.read)
    assert source.reads == 1
    clock.advance(0.1)
    await cache.load("k", source.read)
    assert source.reads == 2


async def test_least_recently_used_value_leaves_first() -> None:
    cache, _ = make(size=2)
    for key in "ab":
        cache.put(key, key)
    assert cache.get("a") == "a"
    cache.put("c", "c")
    assert (cache.get("a"), cache.get("b"), cache.get("c")) == ("a", None, "c")


async def test_dropped_and_cleared_values_are_read_again() -> None:
    cache, _ = make()
    cache.put("k", "a")
    cache.drop("k")
    assert cache.get("k") is None
    cache.put("k", "a")
    cache.clear()
    assert cache.get("k") is None


async def test_slow_reading_does_not_undo_what_happened_meanwhile() -> None:
    for happening in ("drop", "clear", "put"):
        cache, _ = make()
        source = Source("old")
        async with create_task_group() as group:
            group.start_soon(cache.load, "k", source.read_slowly)
            await source.asked.wait()
            match happening:
                case "drop":
                    cache.drop("k")
                case "clear":
                    cache.clear()
                case _:
                    cache.put("k", "new")
            source.released.set()
        assert cache.get("k") == ("new" if happening == "put" else None)


async def test_age_counts_from_the_beginning_of_the_reading() -> None:
    cache, clock = make()
    source = Source("a")
    async with create_task_group() as group:
        group.start_soon(cache.load, "k", source.read_slowly)
        await source.asked.wait()
        clock.advance(9)
        source.released.set()
    assert cache.get("k") == "a"
    clock.advance(1)
    assert cache.get("k") is None


async def test_failed_reading_leaves_nothing_behind() -> None:
    cache, _ = make()

    async def fail() -> str:
        raise LookupError

    try:
        await cache.load("k", fail)
    except LookupError:
        assert cache.get("k") is None
        assert await cache.load("k", Source("a").read) == "a"
