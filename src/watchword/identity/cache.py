"""Cache: what the database said a moment ago, kept in memory without ever outliving an invalidation."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Hashable

    from watchword.base.clock import Clock

K = TypeVar("K", bound="Hashable")
V = TypeVar("V")


class Cache(Generic[K, V]):
    """At most `size` values, the least recently used leave first; none is older than `max_age` seconds.

    A value whose reading began before a `put`, `drop` or `clear` of its key is handed to its reader and not kept, so an
    invalidation cannot be undone by a slow query.
    """

    def __init__(self, clock: Clock, *, size: int, max_age: float) -> None:
        self._clock = clock
        self._size = size
        self._max_age = max_age
        self._values: OrderedDict[K, tuple[float, V]] = OrderedDict()
        self._readers: dict[K, object] = {}

    def get(self, key: K) -> V | None:
        """Return the value if it is there and young enough."""
        entry = self._values.get(key)
        if entry is None:
            return None
        read_at, value = entry
        if self._clock.monotonic() - read_at >= self._max_age:
            del self._values[key]
            return None
        self._values.move_to_end(key)
        return value

    async def load(self, key: K, read: Callable[[], Awaitable[V]]) -> V:
        """Return the value, from `read` when it is not there."""
        value = self.get(key)
        if value is not None:
            return value
        reader = self._readers[key] = object()
        began = self._clock.monotonic()
        try:
            value = await read()
        finally:
            is_last = self._readers.get(key) is reader
            if is_last:
                del self._readers[key]
        if is_last:
            self._store(key, value, began)
        return value

    def put(self, key: K, value: V) -> None:
        """Keep a value that is known to be the newest."""
        self._readers.pop(key, None)
        self._store(key, value, self._clock.monotonic())

    def drop(self, key: K) -> None:
        """Forget one value."""
        self._readers.pop(key, None)
        self._values.pop(key, None)

    def clear(self) -> None:
        """Forget everything."""
        self._readers.clear()
        self._values.clear()

    def _store(self, key: K, value: V, at: float) -> None:
        self._values[key] = (at, value)
        self._values.move_to_end(key)
        if len(self._values) > self._size:
            self._values.popitem(last=False)
