"""Tally: how much one request may take of the database. What is too much is refused as soon as that is known."""

from __future__ import annotations

from typing import TYPE_CHECKING

from watchword.base.errors import Problem, invalid_payload, invalid_query

if TYPE_CHECKING:
    from collections.abc import Callable


class Tally:
    """Counts what one request takes; more than `most` is refused with what `refuse` says. None sets no bound."""

    __slots__ = ("_most", "_refuse", "_taken")

    def __init__(self, most: int | None, refuse: Callable[[int], Problem]) -> None:
        self._most = most
        self._refuse = refuse
        self._taken = 0

    def take(self, count: int) -> None:
        """Count so many.

        Raises:
            Problem: these are too many.
        """
        self.check(count)
        self._taken += count

    def check(self, count: int) -> None:
        """Ask whether so many could be counted, without counting them.

        Raises:
            Problem: these are too many.
        """
        if self._most is not None and self._taken + count > self._most:
            raise self._refuse(self._most)


def rows_read(most: int | None = None) -> Tally:
    """Return a tally of the rows that a read takes, at all levels together; INVALID_QUERY when these are too many."""
    return Tally(most, lambda limit: invalid_query(f"The query reads more than {limit} rows"))


def items_written(most: int | None = None) -> Tally:
    """Return a tally of the items that a write is about, nested ones included; INVALID_PAYLOAD when too many.

    The reason is in Directus' words.
    """
    return Tally(most, lambda limit: invalid_payload(f"Exceeded max batch mutation limit of {limit}"))
