"""Passages: what leads from what a subscription has shown to what it shows under other rights."""

from __future__ import annotations

from typing import TYPE_CHECKING

from watchword.base.errors import Code, Problem

if TYPE_CHECKING:
    from watchword.backend.feed import Feed
    from watchword.backend.following import Move
    from watchword.backend.rights import Rights
    from watchword.live.hub import Hub
    from watchword.live.matching import View
    from watchword.protocol.events import Event

MOST_MISSED = 5_000
"""How many changes a client that comes back is told one by one; beyond that it gets everything anew."""


class Passages:
    """Takes subscriptions from one view to another; what several need at one change of rights is looked up once."""

    def __init__(self, hub: Hub, feed: Feed, rights: Rights) -> None:
        self._hub = hub
        self._feed = feed
        self._rights = rights
        self._events: dict[tuple[View, View, int | None], list[Event]] = {}
        self._at = (0, 0)

    async def complete(self, move: Move, *, same_user: bool) -> None:
        """Let a subscription go on under its new rights.

        Rows that the same user sees no longer are told as deletes; what another user saw is nobody's business.
        """
        events: list[Event] = []
        if same_user:
            try:
                events = await self._passage(move)
            except Exception:  # noqa: BLE001 - a view that cannot be evaluated ends alone
                self._hub.fail(move.member.view)
        move.member.go_live(move.position, events)

    async def _passage(self, move: Move) -> list[Event]:
        """Many connections move between the same two views at one change of rights; they share the events."""
        at = (self._rights.generation, move.position)
        if self._at != at:
            self._at = at
            self._events.clear()
        member = move.member
        key = (member.shown, member.view, member.reach)
        if key not in self._events:
            events = await self._pass(member.shown, member.view, member.reach, move.position)
            if self._at != at:
                return events
            self._events[key] = events
        return self._events[key]

    async def _pass(self, before: View, after: View, reach: int | None, position: int) -> list[Event]:
        """Return what leads from what one view showed at `reach` to what another one shows at `position`.

        Rows out of sight come first, then what has changed in between, by the rights of now; or everything anew.
        """
        keys = None if reach is None else await self._hub.leaving(before, after)
        if reach is None or keys is None:
            return await self._hub.anew(after, position)
        try:
            changes = await self._feed.changes(after.shape.collection, reach, MOST_MISSED)
            gone = await self._hub.farewell(before, after, keys, changes, reach)
            return gone + await self._hub.replay(after, [each for each in changes if each.position <= position])
        except Problem as problem:
            if problem.code is not Code.POSITION_LOST:
                raise
        return await self._hub.anew(after, position)
