"""Tracked: a value of a subscription under an id that a client which comes back goes on from."""

from __future__ import annotations

from typing import Any, Generic, TypeVar

T = TypeVar("T")

_BARRED = ("\0", "\r", "\n")


class Tracked(Generic[T]):
    """A value and its id: not empty, and in one line, because streams of events carry it in a line of its own."""

    __slots__ = ("data", "id")

    def __init__(self, id: str, data: T) -> None:  # noqa: A002 - what it is called
        if not id or any(character in id for character in _BARRED):
            raise ValueError(f"{id!r} cannot be the id of a value: it must be in one line and not empty")
        self.id = id
        self.data = data

    def __repr__(self) -> str:
        return f"tracked({self.id!r}, {self.data!r})"

    def __eq__(self, other: Any) -> bool:
        return isinstance(other, Tracked) and self.id == other.id and bool(self.data == other.data)

    def __hash__(self) -> int:
        return hash(self.id)


def tracked(id: str, data: T) -> Tracked[T]:  # noqa: A002 - what it is called
    """Give a value of a subscription an id; a client that comes back brings the last one as `lastEventId`.

    Raises:
        ValueError: the id is empty or has more than one line.
    """
    return Tracked(id, data)
