"""Streams: values as they come, for whoever iterates, each consumer at its own pace and with a bound.

A consumer gets what is written after it has begun. What a slow one has not taken is kept up to its bound; then the
oldest is dropped and counted. `close` lets consumers finish what waits for them, `kill` does not.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Generic, TypeVar
from weakref import WeakSet

import anyio

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

BACKLOG = 1_000
"""How many values wait for one consumer unless it is given another bound."""

MOST_NAMES = 1_000
"""How many names are remembered that clients may choose."""

PARKED = 100
"""How many values a stream keeps while it has no consumer."""

PARKED_SIZE = 4 * 1024**2
"""How many bytes all streams of a connection keep for consumers that have not begun."""


class Consumer(Generic[T]):
    """One reader of a stream. `dropped` counts what it was too slow for."""

    def __init__(self, stream: Stream[T], bound: int) -> None:
        self._stream = stream
        self._bound = bound
        self._backlog: deque[T] = deque()
        self._waiter: asyncio.Future[None] | None = None
        self._is_closed = False
        self.dropped = 0

    @property
    def backpressure(self) -> int:
        """How many values wait."""
        return len(self._backlog)

    def __aiter__(self) -> Consumer[T]:
        return self

    async def __anext__(self) -> T:
        """Return the next value; one task at a time."""
        while not self._backlog:
            if self._is_closed:
                self._stream.forget(self)
                raise StopAsyncIteration
            self._waiter = asyncio.get_running_loop().create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None
        return self._backlog.popleft()

    def give(self, value: T) -> T | None:
        """Take a value; return the one that had to go for it, if any."""
        lost = None
        if len(self._backlog) >= self._bound:
            lost = self._backlog.popleft()
            self.dropped += 1
        self._backlog.append(value)
        self._ring()
        return lost

    def close(self) -> None:
        """End after what waits."""
        self._is_closed = True
        self._ring()

    def kill(self) -> None:
        """End at once."""
        self._backlog.clear()
        self.close()
        self._stream.forget(self)

    def _ring(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)


class Stream(Generic[T]):
    """Values of one kind. Iterating over it begins a consumer, which lasts as long as the loop.

    What comes while there is no consumer is lost; the last few values are kept for the next one when it `parks`.
    """

    def __init__(self, bound: int = BACKLOG, *, park: Park[T] | None = None) -> None:
        self._bound = bound
        self._consumers: WeakSet[Consumer[T]] = WeakSet()
        self._park = park
        self._parked: deque[T] = deque()

    @property
    def has_consumer(self) -> bool:
        """Whether anybody hears."""
        return bool(self._consumers)

    @property
    def is_parking(self) -> bool:
        """Whether values wait for somebody who hears."""
        return bool(self._parked)

    @property
    def backpressure(self) -> int:
        """How many values wait for the slowest consumer."""
        return max((consumer.backpressure for consumer in self._consumers), default=0)

    def consumer(self, bound: int | None = None) -> Consumer[T]:
        """Begin to hear."""
        consumer = Consumer(self, self._bound if bound is None else bound)
        self._consumers.add(consumer)
        while self._parked:
            consumer.give(self._leave(self._parked[0]))
        return consumer

    def __aiter__(self) -> Consumer[T]:
        return self.consumer()

    def unpark(self, value: T) -> None:
        """Keep a value no longer."""
        if value in self._parked:
            self._leave(value)

    def unpark_all(self) -> None:
        """Keep nothing for consumers to come."""
        while self._parked:
            self._leave(self._parked[0])

    def _enter(self, value: T, park: Park[T]) -> list[T]:
        lost = []
        while self._parked and (len(self._parked) >= PARKED or not park.has_room_for(value)):
            lost.append(self._leave(self._parked[0]))
        if not park.has_room_for(value):
            return [*lost, value]
        park.size += park.weigh(value)
        self._parked.append(value)
        return lost

    def _leave(self, value: T) -> T:
        self._parked.remove(value)
        if self._park is not None:
            self._park.size -= self._park.weigh(value)
        return value

    async def once(self, timeout: float | None = None) -> T:  # noqa: ASYNC109 - what such streams have everywhere
        """Return the next value.

        Raises:
            TimeoutError: none came within `timeout` seconds.
            EOFError: the stream was closed.
        """
        consumer = self.consumer()
        try:
            with anyio.fail_after(timeout):
                async for value in consumer:
                    return value
        finally:
            consumer.kill()
        raise EOFError("the stream was closed")

    def write(self, value: T) -> list[T]:
        """Give a value to every consumer; return what had to go for it."""
        if not self._consumers and self._park is not None:
            return self._enter(value, self._park)
        lost = [consumer.give(value) for consumer in tuple(self._consumers)]
        return [each for each in lost if each is not None]

    def close(self) -> None:
        """Let every consumer end after what waits for it."""
        for consumer in tuple(self._consumers):
            consumer.close()

    def kill(self) -> None:
        """End every consumer at once."""
        for consumer in tuple(self._consumers):
            consumer.kill()

    def forget(self, consumer: Consumer[T]) -> None:
        """Give it nothing more; called by the consumer."""
        self._consumers.discard(consumer)


class Park(Generic[T]):
    """How many bytes are parked in all streams of a kind; `weigh` says what a value takes, always the same."""

    def __init__(self, weigh: Callable[[T], int], most: int = PARKED_SIZE) -> None:
        self.weigh = weigh
        self.size = 0
        self._most = most

    def has_room_for(self, value: T) -> bool:
        """Whether one more value can be parked."""
        return self.size + self.weigh(value) <= self._most


class Streams(Generic[T]):
    """Streams by name. With a function that says how many bytes a value takes they park what comes too early."""

    def __init__(self, bound: int = BACKLOG, *, parks: Callable[[T], int] | None = None) -> None:
        self._bound = bound
        self._park_of_all: Park[T] | None = None if parks is None else Park(parks)
        self._streams: dict[str, Stream[T]] = {}
        self._wanted: set[str] = set()

    def stream(self, name: str) -> Stream[T]:
        """Return the stream of a name, which is kept for as long as these streams are."""
        self._wanted.add(name)
        return self._stream(name)

    def _stream(self, name: str) -> Stream[T]:
        found = self._streams.get(name)
        if found is None:
            found = self._streams[name] = Stream(self._bound, park=self._park_of_all)
        return found

    def has_consumer(self, name: str) -> bool:
        """Whether anybody hears that name."""
        return name in self._streams and self._streams[name].has_consumer

    def write(self, name: str, value: T) -> list[T]:
        """Give a value to whoever hears that name; return what had to go for it."""
        if self._park_of_all is not None:
            return self._park(name).write(value)
        return self._streams[name].write(value) if name in self._streams else []

    def unpark(self, name: str, value: T) -> None:
        """Keep a value no longer, nor its name where nobody has asked for that."""
        stream = self._streams.get(name)
        if stream is not None:
            stream.unpark(value)
            if name not in self._wanted and not stream.is_parking:
                del self._streams[name]

    def _park(self, name: str) -> Stream[T]:
        """Return the stream of a name that somebody else may have chosen: there are not many of them."""
        if name not in self._streams and len(self._streams) >= MOST_NAMES:
            idle = [each for each in self._streams if each not in self._wanted]
            for each in idle[: len(idle) // 2 + 1]:
                self._streams.pop(each).unpark_all()
        return self._stream(name)

    @property
    def backpressure(self) -> int:
        """How many values wait for the slowest consumer of any name."""
        return max((stream.backpressure for stream in self._streams.values()), default=0)

    def close(self, name: str | None = None) -> None:
        """Let the consumers of a name, or of all names, end after what waits for them."""
        for stream in self._chosen(name):
            stream.close()

    def kill(self, name: str | None = None) -> None:
        """End the consumers of a name, or of all names, at once."""
        for stream in self._chosen(name):
            stream.kill()

    def _chosen(self, name: str | None) -> list[Stream[T]]:
        if name is None:
            return list(self._streams.values())
        return [self._streams[name]] if name in self._streams else []
