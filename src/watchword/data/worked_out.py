"""Worked out: what follows from a catalogue and from somebody's rights alone, so that it need not be done again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar
from weakref import WeakKeyDictionary

if TYPE_CHECKING:
    from collections.abc import Callable

    from watchword.access.compile import Access
    from watchword.data.catalogue import Catalogue

T = TypeVar("T")

MOST_RIGHTS = 16
"""For how many different rights results are kept at a time."""


class WorkedOut(Generic[T]):
    """Remembers results for as long as their catalogue and their rights are in use.

    A result is shared by all who ask, and must refer neither to its catalogue nor to its rights.
    """

    def __init__(self, work: Callable[[Catalogue, Access], T]) -> None:
        self._work = work
        self._known: WeakKeyDictionary[Catalogue, WeakKeyDictionary[Access, T]] = WeakKeyDictionary()

    def of(self, catalogue: Catalogue, access: Access) -> T:
        """Return the result for a catalogue and rights."""
        known = self._known.setdefault(catalogue, WeakKeyDictionary())
        found = known.get(access)
        if found is None:
            if len(known) >= MOST_RIGHTS:
                known.clear()
            found = known[access] = self._work(catalogue, access)
        return found
