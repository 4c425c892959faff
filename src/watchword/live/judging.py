"""Judging: what changes are to a view, by their images alone or with the help of the database."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from watchword.access.permissions import Action
from watchword.base.errors import Code, Problem
from watchword.protocol.events import Change, Event
from watchword.query.predicate import LOOKUP

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Sequence

    from watchword.live.matching import Row, View

UNEVALUABLE = "The subscription can't be evaluated."

Judged = tuple[Action, Change]
"""What a change is to a view."""


class Lookup(Protocol):
    """What the hub asks of the database for the views that images alone do not decide."""

    async def match(self, views: Sequence[View], changes: Sequence[Change]) -> dict[View, list[tuple[bool, bool]]]:
        """Return for each view and change whether the row was in sight and is. Failing views are left out."""

    async def rows(self, view: View, keys: Sequence[str]) -> dict[str, Row]:
        """Return the JSON-ready rows of a view that are in its sight now, by key.

        Raises:
            Problem: INVALID_QUERY when they take more than events should; fewer of them at once may do.
        """

    async def everything(self, view: View) -> Any:
        """Return the whole current result of a view, as for an initial read."""

    async def leaving(self, before: View, after: View, most: int) -> list[str]:
        """Return the keys of at most `most` rows that are in sight of one view and not of the other."""


class Batch:
    """Changes that images alone do not decide for some views: one statement judges them, at the first one's turn."""

    def __init__(self, lookup: Lookup, changes: Sequence[Change], views: Sequence[View] = ()) -> None:
        self._lookup = lookup
        self._changes = changes
        self._sights: dict[View, list[tuple[bool, bool]]] | None = None
        self.views = list(views)

    async def judge(self, view: View) -> list[Judged]:
        """Return what the changes are to one of the views.

        Raises:
            Problem: SERVICE_UNAVAILABLE when that cannot be said.
        """
        if self._sights is None:
            self._sights = {}  # what has failed for one is not asked again for the others
            self._sights = await self._lookup.match([each for each in self.views if each.members], self._changes)
        if view not in self._sights:
            raise Problem(Code.SERVICE_UNAVAILABLE, UNEVALUABLE)
        verdicts = [view.judge(saw=saw, sees=sees) for saw, sees in self._sights[view]]
        return [
            (action, change)
            for action, change in zip(verdicts, self._changes, strict=True)
            if isinstance(action, Action) and (view.shape.item is None or change.key == view.shape.item)
        ]


def judged_before(told: list[Judged]) -> Callable[[View], Awaitable[list[Judged]]]:
    """Return what says of changes what is known of them already."""

    async def judge(_: View) -> list[Judged]:
        return told

    return judge


def decide(view: View, changes: Iterable[Change], now: float) -> list[Judged] | None:
    """Return what changes are to a view by their images alone, or None when one of them does not tell."""
    told: list[Judged] = []
    for change in changes:
        action = view.verdict(change, now)
        if action is LOOKUP:
            return None
        if isinstance(action, Action):
            if change.omitted and action is not Action.DELETE:
                return None
            told.append((action, change))
    return told


def middle_of(told: Sequence[Judged]) -> int | None:
    """Return where judged changes can be parted: not within a pair that has one position; None for nowhere."""
    half = len(told) // 2
    places = sorted(range(1, len(told)), key=lambda place: abs(place - half))
    return next((each for each in places if told[each - 1][1].position != told[each][1].position), None)


def event_of_row(action: Action, change: Change, rows: dict[str, Row]) -> Event | None:
    """Return the event of a change whose row has been read; None when the row was gone by then."""
    if action is Action.DELETE:
        return Event(action.value, change.key, change.position, key=change.key)
    row = rows.get(change.key)
    return None if row is None else Event(action.value, row, change.position, key=change.key)
