"""Hub: this node's connections and subscriptions, and the loop that fans changes out to them.

The hub never queries the database for a subscriber: a change is judged once for each view, told to all members of the
view by a plain loop without await, and only views whose rule or rows need the database go through `Lookup`, together,
by one statement for all of them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Awaitable, Callable
from itertools import zip_longest
from typing import TYPE_CHECKING, Any, Protocol

import structlog
from msgspec.structs import replace

from watchword.access.permissions import Action
from watchword.base.errors import Code, Problem
from watchword.live.matching import View
from watchword.live.membership import Membership
from watchword.protocol.events import Change, Event, Resync
from watchword.query.predicate import LOOKUP

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from watchword.live.matching import Row, Shape, ViewKey
    from watchword.live.peer import Peer
    from watchword.query.variables import Variables

_log = structlog.get_logger(__name__)

Check = Callable[[], Awaitable[None]]
"""Sees to it that nobody is told anything by rights that have ended before the call."""

MOST_FAREWELLS = 1_000
UNEVALUABLE = "The subscription can't be evaluated."


class Lookup(Protocol):
    """What the hub asks of the database for the views that images alone do not decide."""

    async def match(self, views: Sequence[View], changes: Sequence[Change]) -> dict[View, list[tuple[bool, bool]]]:
        """Return for each view and change whether the row was in sight and is. Failing views are left out."""

    async def rows(self, view: View, keys: Sequence[str]) -> dict[str, Row]:
        """Return the JSON-ready rows of a view that are in its sight now, by key."""

    async def everything(self, view: View) -> Any:
        """Return the whole current result of a view, as for an initial read."""

    async def leaving(self, before: View, after: View, most: int) -> list[str]:
        """Return the keys of at most `most` rows that are in sight of one view and not of the other."""


class Hub:
    """Who is connected to this node and what they follow.

    `delivered` counts the events that were handed to subscriptions, `cut` the connections that were given up because
    their clients did not read.
    """

    def __init__(self, lookup: Lookup, now: Callable[[], float], mark: Callable[[int], str] | None = None) -> None:
        self._lookup = lookup
        self._now = now
        self._mark = mark
        self._views: dict[str, dict[ViewKey, View]] = defaultdict(dict)
        self._members: dict[Peer, dict[str | None, Membership]] = {}
        self.delivered = 0
        self.cut = 0

    @property
    def peers(self) -> tuple[Peer, ...]:
        """Every connection on this node."""
        return tuple(self._members)

    @property
    def collections(self) -> frozenset[str]:
        """The collections that somebody follows."""
        return frozenset(name for name, views in self._views.items() if views)

    @property
    def subscriptions(self) -> int:
        """How many subscriptions all connections have."""
        return sum(map(len, self._members.values()))

    @property
    def views(self) -> int:
        """How many groups of subscriptions there are that see the same."""
        return sum(map(len, self._views.values()))

    def enter(self, peer: Peer) -> None:
        """Add a connection."""
        self._members.setdefault(peer, {})

    def leave(self, peer: Peer) -> None:
        """Remove a connection and all that it follows."""
        self.unfollow_all(peer)
        self._members.pop(peer, None)

    def follow(self, peer: Peer, subscription: str | None, shape: Shape, variables: Variables) -> Membership:
        """Add a subscription, in place of one with the same name. It buffers until its member's `go_live`."""
        self.unfollow(peer, subscription)
        key = shape.view_key(variables)
        views = self._views[shape.collection]
        view = views.get(key)
        if view is None:
            view = views[key] = View(shape, variables)
        member = Membership(peer, subscription, view)
        view.members[member] = None
        self._members.setdefault(peer, {})[subscription] = member
        return member

    def member(self, peer: Peer, subscription: str | None) -> Membership | None:
        """Return a subscription as it is now."""
        return self._members.get(peer, {}).get(subscription)

    async def leaving(self, before: View, after: View) -> list[str] | None:
        """Return the keys of rows that are now in sight of one view and not of the other; None for too many."""
        if after.shape.event not in {None, Action.DELETE}:
            return []
        keys = await self._lookup.leaving(before, after, MOST_FAREWELLS + 1)
        return keys if len(keys) <= MOST_FAREWELLS else None

    async def farewell(
        self, before: View, after: View, keys: Sequence[str], changes: Sequence[Change], reach: int
    ) -> list[Event]:
        """Return the deletes that tell of rows which a change of rights has taken out of sight.

        They are those that were in sight at the offset `reach`: `keys` are from a later state of the database, to which
        all `changes` since then have led at the least.

        Raises:
            Problem: a view cannot be evaluated.
        """
        if after.shape.event not in {None, Action.DELETE}:
            return []
        first: dict[str, Change] = {}
        for change in changes:
            first.setdefault(change.key, change)
        gone = [key for key in keys if key not in first]
        were = [replace(change, after=None) for change in first.values() if change.before is not None]
        if were:
            saw, sees = await self._sights([before, after], were)
            gone += [change.key for change, old, new in zip(were, saw, sees, strict=True) if old and not new]
        wanted = [key for key in gone if after.shape.item in {None, key}]
        return self._marked([Event(Action.DELETE.value, key, reach, is_logged=False, key=key) for key in wanted])

    async def anew(self, view: View, position: int) -> list[Event]:
        """Return the one event that gives all there is.

        Raises:
            Problem: the view cannot be evaluated.
        """
        return self._marked([Event("init", await self._lookup.everything(view), position, is_logged=False)])

    async def _sights(self, views: Sequence[View], changes: Sequence[Change]) -> list[list[bool]]:
        """Return for each view and change whether the row was in sight before it."""
        sights = await self._lookup.match(views, changes)
        if any(view not in sights for view in views):
            raise Problem(Code.SERVICE_UNAVAILABLE, UNEVALUABLE)
        return [[saw for saw, _ in sights[view]] for view in views]

    def follows(self, peer: Peer, subscription: str | None, shape: Shape, variables: Variables) -> bool:
        """Whether the subscription follows exactly this already."""
        member = self._members.get(peer, {}).get(subscription)
        return member is not None and member.view.key == shape.view_key(variables)

    def unfollow(self, peer: Peer, subscription: str | None) -> None:
        """Remove a subscription; nothing of it is delivered afterwards. Unknown names are no error."""
        member = self._members.get(peer, {}).pop(subscription, None)
        if member is None:
            return
        member.end()
        view = member.view
        view.members.pop(member, None)
        if not view.members:
            self._views[view.shape.collection].pop(view.key, None)

    def unfollow_all(self, peer: Peer) -> None:
        """Remove every subscription of a connection."""
        for subscription in tuple(self._members.get(peer, ())):
            self.unfollow(peer, subscription)

    def revoke(self, matches: Callable[[Peer], bool], problem: Problem) -> None:
        """Withdraw the identity of every connection that `matches`."""
        for peer in tuple(self._members):
            if matches(peer):
                peer.revoke(problem)

    async def receive(self, batch: Sequence[Change | Resync], check: Check | None = None) -> None:
        """Tell everybody what a batch of changes, in log order, is to them.

        What was read of the database may be younger than the batch: `check` is awaited before it is told, and takes
        those out of a view who have lost the right to it until then.

        Returns when all of it has been queued at the connections, so that the next batch comes after it in every view.
        """
        waiting: dict[str, list[Change]] = defaultdict(list)
        for change in batch:
            if isinstance(change, Resync):
                await self._tell(change.collection, waiting.pop(change.collection, []), check)
                await self._resync(change, check)
            else:
                waiting[change.collection].append(change)
        for collection, changes in waiting.items():
            await self._tell(collection, changes, check)

    async def replay(self, view: View, changes: Sequence[Change]) -> list[Event]:
        """Return what changes of the past are to a view, by the rights of now.

        Raises:
            Problem: the view cannot be evaluated.
        """
        now = self._now()
        events = None if view.needs_database else _decide(view, changes, now)
        if events is None:
            sights = await self._lookup.match([view], changes)
            if view not in sights:
                raise Problem(Code.SERVICE_UNAVAILABLE, UNEVALUABLE)
            events = await self._events(view, _judged(view, changes, sights[view]), now)
        return self._marked(events)

    def _marked(self, events: list[Event]) -> list[Event]:
        """Write where a client that has got an event goes on; one change of a key gives two at one offset."""
        if self._mark is not None:
            for event, following in zip_longest(events, events[1:]):
                is_half = following is not None and following.position == event.position and following.is_logged
                event.mark = self._mark(event.position - 1 if is_half else event.position)
        return events

    async def _tell(self, collection: str, changes: Sequence[Change], check: Check | None) -> None:
        now = self._now()
        undecided: list[View] = []
        for view in tuple(self._views.get(collection, {}).values()):
            try:
                events = None if view.needs_database else _decide(view, changes, now)
            except Exception:  # noqa: BLE001 - a view that cannot be evaluated ends alone
                self.fail(view)
                continue
            if events is None:
                undecided.append(view)
            else:
                self._offer(view, self._marked(events))
        if undecided:
            sights = await self._lookup.match(undecided, changes)
            await self._tell_read(
                undecided, lambda view: self._events(view, _judged(view, changes, sights[view]), now), check
            )

    async def _tell_read(
        self, views: Sequence[View], read: Callable[[View], Awaitable[list[Event]]], check: Check | None
    ) -> None:
        """Tell views what is read for each of them; one that cannot be evaluated ends alone."""
        told: dict[View, list[Event]] = {}
        for view in views:
            try:
                told[view] = self._marked(await read(view))
            except Exception:  # noqa: BLE001 - see above
                self.fail(view)
        try:
            if check is not None and any(told.values()):
                await check()
        except Exception:  # noqa: BLE001 - who may still see it is not known
            for view in told:
                self.fail(view)
            return
        for view, events in told.items():
            self._offer(view, events)

    async def _events(self, view: View, told: Sequence[tuple[Any, Change]], now: float) -> list[Event]:
        if not view.needs_rows and not any(change.omitted for _, change in told):
            return [view.event(action, change, now) for action, change in told]
        keys = {change.key for action, change in told if action != "delete"}
        rows = await self._lookup.rows(view, tuple(keys)) if keys else {}
        return [event for action, change in told if (event := _event_of_row(action, change, rows)) is not None]

    async def _resync(self, resync: Resync, check: Check | None) -> None:
        for view in tuple(self._views.get(resync.collection, {}).values()):
            await self._tell_read([view], lambda view: self.anew(view, resync.position), check)

    def _offer(self, view: View, events: Sequence[Event]) -> None:
        self.delivered += len(events) * len(view.members)
        for event in events:
            for member in tuple(view.members):
                member.offer(event)

    def fail(self, view: View) -> None:
        """End the subscriptions of one view whose rule or rows cannot be evaluated; the others go on."""
        _log.warning(
            "live.view_failed", exc_info=True, collection=view.shape.collection, subscriptions=len(view.members)
        )
        problem = Problem(Code.SERVICE_UNAVAILABLE, UNEVALUABLE)
        for member in tuple(view.members):
            self.unfollow(member.peer, member.subscription)
            member.peer.fail(member.subscription, problem)


def _decide(view: View, changes: Iterable[Change], now: float) -> list[Event] | None:
    """Return the events of a view by its images alone, or None when one of them does not tell."""
    events = []
    for change in changes:
        action = view.verdict(change, now)
        if action is LOOKUP:
            return None
        if action:
            if change.omitted and action != "delete":
                return None
            events.append(view.event(action, change, now))  # type: ignore[arg-type]  # LOOKUP was excluded above
    return events


def _judged(view: View, changes: Sequence[Change], sights: Sequence[tuple[bool, bool]]) -> list[tuple[Any, Change]]:
    verdicts = [view.judge(saw=saw, sees=sees) for saw, sees in sights]
    return [
        (action, change)
        for action, change in zip(verdicts, changes, strict=True)
        if action and (view.shape.item is None or change.key == view.shape.item)
    ]


def _event_of_row(action: Action, change: Change, rows: dict[str, Row]) -> Event | None:
    if action == "delete":
        return Event(action.value, change.key, change.position, key=change.key)
    row = rows.get(change.key)
    return None if row is None else Event(action.value, row, change.position, key=change.key)
