"""Lines: the answers to a batch as JSON lines, each as soon as it is there; what comes later stands as a number first.

A value that is there is `[[value]]`. One whose members come later is `[[value with zeros], [member, type, chunk], …]`,
and a later line `[chunk, status, value or error]` brings each.
"""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING, Any

from watchword.base import json

if TYPE_CHECKING:
    from collections.abc import Iterable

    from watchword.dialects.trpc.errors import Shape
    from watchword.dialects.trpc.wire import Wire

PROMISE, ITERABLE = 0, 1
_FULFILLED, _REJECTED = 0, 1
_RETURNED, _YIELDED, _FAILED = 0, 1, 2

Later = tuple[str | None, int, int]
"""A member that comes later (None for the value itself), of which type, and as which chunk."""


class Lines:
    """Encodes the answers to one batch of `size` calls; the call at an index is the chunk of that number."""

    def __init__(self, wire: Wire, size: int) -> None:
        self._wire = wire
        self._size = size
        self._numbers = count(size)

    def next(self) -> int:
        """Return the number of a further chunk."""
        return next(self._numbers)

    def head(self) -> bytes:
        """Return the first line: every call comes later."""
        return self._line({str(index): [[0], [None, PROMISE, index]] for index in range(self._size)})

    def answer(self, index: int, data: Any) -> bytes:
        """Return the line of a call whose whole result is there."""
        return self._line([index, _FULFILLED, [[{"result": {"data": data}}]]])

    def error(self, index: int, error: Shape) -> bytes:
        """Return the line of a call that has failed."""
        return self._line([index, _FULFILLED, [[{"error": error}]]])

    def begin(self, index: int, kind: int) -> tuple[int, list[bytes]]:
        """Return the chunk that brings the result of a call, a PROMISE or an ITERABLE, and the lines that say so."""
        result, data = self.next(), self.next()
        return data, [
            self._line([index, _FULFILLED, [[{"result": 0}], ["result", PROMISE, result]]]),
            self._line([result, _FULFILLED, [[{"data": 0}], ["data", kind, data]]]),
        ]

    def fulfilled(self, chunk: int, value: Any, later: Iterable[Later] = ()) -> bytes:
        """Return the line of a promise that is kept."""
        return self._line([chunk, _FULFILLED, [[value], *map(list, later)]])

    def rejected(self, chunk: int, error: Shape) -> bytes:
        """Return the line of a promise that is not."""
        return self._line([chunk, _REJECTED, error])

    def yielded(self, chunk: int, value: Any) -> bytes:
        """Return the line of one of several values."""
        return self._line([chunk, _YIELDED, [[value]]])

    def returned(self, chunk: int) -> bytes:
        """Return the line that says that there are no more."""
        return self._line([chunk, _RETURNED, [[]]])

    def failed(self, chunk: int, error: Shape) -> bytes:
        """Return the line that says why there are no more."""
        return self._line([chunk, _FAILED, error])

    def _line(self, value: Any) -> bytes:
        return json.encode(self._wire.write(value)) + b"\n"
