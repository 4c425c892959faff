"""Hub: this node's connections and subscriptions, and the loop that fans changes out to them.

The hub never queries the database for a subscriber: a change is judged once for each view, told to all members of the
view by a plain loop without await, and only views whose rule or rows need the database go through `Lookup`: judged
together, by one statement for all of them, and told in their turns, so that nobody else waits for that.
"""

from __future__ import annotations

from collections import defaultdict
from itertools import zip_longest
from typing import TYPE_CHECKING

import structlog
from msgspec.structs import replace

from watchword.access.permissions import Action
from watchword.base.errors import Code, Problem
from watchword.live.judging import UNEVALUABLE, Batch, decide, event_of_row, judged_before, middle_of
from watchword.live.matching import View
from watchword.live.membership import Membership
from watchword.live.readings import Portion, Readings
from watchword.protocol.events import Change, Event, Resync

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from watchword.live.judging import Judged, Lookup
    from watchword.live.matching import Shape, ViewKey
    from watchword.live.peer import Peer
    from watchword.live.readings import Check
    from watchword.query.variables import Variables

_log = structlog.get_logger(__name__)

MOST_FAREWELLS = 1_000
MOST_REPLAYED = 32 * 1024 * 1024
"""How many bytes of rows are read to tell one subscription what it has missed."""


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
        self._readings = Readings(self._tell_in_turn, self._give_up)
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

    async def run(self) -> None:
        """Read what has to be read, beside everything else, until cancelled; without it `receive` waits for that."""
        await self._readings.run()

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

    def is_current(self, peer: Peer, subscription: str | None) -> bool:
        """Whether a subscription, where there is one, has been told all that the hub has received."""
        member = self.member(peer, subscription)
        return member is None or (member.is_live and not self._readings.wait_for(member.view))

    def reach(self, member: Membership, head: int) -> int:
        """Return up to which offset a live subscription has been told, where the hub has received all up to `head`."""
        return self._readings.reach(member.view, head)

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

        Returns when all that needs no reading has been queued at the connections, and the rest for its turn; the next
        batch comes after it in every view.
        """
        waiting: dict[str, list[Change]] = defaultdict(list)
        for change in batch:
            if isinstance(change, Resync):
                self._tell(change.collection, waiting.pop(change.collection, []), check)
                self._resync(change, check)
            else:
                waiting[change.collection].append(change)
        for collection, changes in waiting.items():
            self._tell(collection, changes, check)
        await self._readings.finish()

    async def replay(self, view: View, changes: Sequence[Change]) -> list[Event]:
        """Return what changes of the past are to a view, by the rights of now.

        Raises:
            Problem: the view cannot be evaluated; POSITION_LOST when that is too much to be told one by one.
        """
        told = None if view.needs_database else decide(view, changes, self._now())
        if told is None:
            told = await Batch(self._lookup, changes, [view]).judge(view)
        events: list[Event] = []

        async def take(some: list[Event]) -> None:
            events.extend(some)
            if sum(event.size for event in events) > MOST_REPLAYED:
                raise Problem(Code.POSITION_LOST, reason="too_much")

        await self._read(view, told, take)
        return events

    def _marked(self, events: list[Event]) -> list[Event]:
        """Write where a client that has got an event goes on; one change of a key gives two at one offset."""
        if self._mark is not None:
            for event, following in zip_longest(events, events[1:]):
                is_half = following is not None and following.position == event.position and following.is_logged
                event.mark = self._mark(event.position - 1 if is_half else event.position)
        return events

    def _tell(self, collection: str, changes: Sequence[Change], check: Check | None) -> None:
        """Tell the views of a collection what changes are to them: now where their images say it, else in turn."""
        now = self._now()
        batch = Batch(self._lookup, changes)
        for view in tuple(self._views.get(collection, {}).values()):
            try:
                told = None if view.needs_database else decide(view, changes, now)
                events = [view.event(action, change, now) for action, change in told or ()]
            except Exception:  # noqa: BLE001 - a view that cannot be evaluated ends alone
                self.fail(view)
                continue
            if told is None:
                batch.views.append(view)
                self._readings.add(view, Portion(changes[0].position, len(changes), batch.judge, check))
            elif not self._readings.wait_for(view):
                self._offer(view, self._marked(events))
            elif told:
                self._readings.add(view, Portion(told[0][1].position, len(told), judged_before(told), check))

    def _resync(self, resync: Resync, check: Check | None) -> None:
        for view in tuple(self._views.get(resync.collection, {}).values()):
            self._readings.add(view, Portion(resync.position, 1, judged_before([]), check, resync))

    async def _tell_in_turn(self, view: View, portions: Sequence[Portion]) -> None:
        """Read what comes next for a view and tell it; one that cannot be evaluated ends alone."""
        resync, check = portions[0].resync, portions[-1].check

        async def tell(events: list[Event]) -> None:
            if events and check is not None:
                await check()  # where it fails, who may still see it is not known
            self._offer(view, events)

        try:
            if resync is not None:
                await tell(await self.anew(view, resync.position))
            else:
                await self._read(view, [each for portion in portions for each in await portion.judge(view)], tell)
        except Problem as problem:
            self.fail(view, problem if problem.code is Code.INVALID_QUERY else None)
        except Exception:  # noqa: BLE001 - see above
            self.fail(view)

    async def _read(self, view: View, told: Sequence[Judged], tell: Callable[[list[Event]], Awaitable[None]]) -> None:
        """Tell the events that judged changes make, so many at a time as rows may be read for at once.

        Raises:
            Problem: INVALID_QUERY when one of them takes too many.
        """
        waiting = [told]
        while waiting and view.members:
            some = waiting.pop()
            try:
                events = self._marked(await self._events(view, some))
            except Problem as problem:
                middle = middle_of(some)
                if problem.code is not Code.INVALID_QUERY or middle is None:
                    raise
                waiting += [some[middle:], some[:middle]]
                continue
            await tell(events)

    async def _events(self, view: View, told: Sequence[Judged]) -> list[Event]:
        read = [view.needs_rows or bool(change.omitted) for _, change in told]
        keys = {each.key for (action, each), reads in zip(told, read, strict=True) if reads and action != "delete"}
        rows = await self._lookup.rows(view, tuple(keys)) if keys else {}
        now = self._now()
        events = [
            event_of_row(action, change, rows) if reads else view.event(action, change, now)
            for (action, change), reads in zip(told, read, strict=True)
        ]
        return [event for event in events if event is not None]

    def _offer(self, view: View, events: Sequence[Event]) -> None:
        self.delivered += len(events) * len(view.members)
        for event in events:
            for member in tuple(view.members):
                member.offer(event)

    def _give_up(self, view: View) -> None:
        self.fail(view, Problem(Code.SERVICE_UNAVAILABLE, "Too many changes to follow."))

    def fail(self, view: View, problem: Problem | None = None) -> None:
        """End the subscriptions of one view whose rule or rows cannot be evaluated; the others go on."""
        _log.warning(
            "live.view_failed", exc_info=True, collection=view.shape.collection, subscriptions=len(view.members)
        )
        problem = problem or Problem(Code.SERVICE_UNAVAILABLE, UNEVALUABLE)
        for member in tuple(view.members):
            self.unfollow(member.peer, member.subscription)
            member.peer.fail(member.subscription, problem)
