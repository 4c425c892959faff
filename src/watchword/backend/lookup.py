"""Lookup: what the hub asks of the database, batched: one statement for all views of a collection and batch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import structlog
from msgspec.structs import replace

from watchword.data.scope import Scope
from watchword.query.predicate import LOOKUP, bind_variables
from watchword.query.query import Query, Selection
from watchword.query.values import convert

if TYPE_CHECKING:
    from collections.abc import Sequence

    from watchword.backend.structure import Structure
    from watchword.base.clock import Clock
    from watchword.data.lookup import Lookup
    from watchword.data.select import Reader
    from watchword.live.matching import Row, View
    from watchword.protocol.events import Change
    from watchword.query.types import FieldType

_log = structlog.get_logger(__name__)

EVENT_ROWS = 10_001
"""How many rows are read at once to tell of changes: others wait meanwhile who need reading, too."""

Sights = list[tuple[bool, bool]]


class DatabaseLookup:
    """The hub's `Lookup` over the data core. What is told as `events` is read by a reader of its own, of few rows."""

    def __init__(self, images: Lookup, structure: Structure, reader: Reader, events: Reader, clock: Clock) -> None:
        self._images = images
        self._structure = structure
        self._reader = reader
        self._events = events
        self._clock = clock

    async def match(self, views: Sequence[View], changes: Sequence[Change]) -> dict[View, Sights]:
        """Say for each view and change whether the row was in sight and is; views that fail are left out."""
        changes = [await self._complete(change) for change in changes]
        now = self._clock.now()
        sights: dict[View, Sights] = {}
        undecided = []
        for view in views:
            verdicts = [(view.sees(change.before, now), view.sees(change.after, now)) for change in changes]
            if any(LOOKUP in verdict for verdict in verdicts):
                undecided.append(view)
            else:
                sights[view] = [(saw is True, sees is True) for saw, sees in verdicts]
        if undecided:
            sights |= await self._match_all(undecided, changes, now)
        return sights

    async def rows(self, view: View, keys: Sequence[str]) -> dict[str, Row]:
        """Return the rows of a view by key, as its subscribers may see them now; raises as the reader of `events`."""
        query = replace(view.shape.query, sort=(), limit=None, offset=0, meta=())
        return await self._events.rows_by_key(self._structure.catalogue, self._scope(view), query, keys)

    async def everything(self, view: View) -> Any:
        """Return what an initial read of the view gives."""
        catalogue, query = self._structure.catalogue, view.shape.query
        if view.shape.item is not None:
            return await self._reader.read_one(catalogue, self._scope(view), query, view.shape.item)
        return (await self._reader.read(catalogue, self._scope(view), query)).data

    async def leaving(self, before: View, after: View, most: int) -> list[str]:
        """Return the keys of at most `most` rows that are in sight of one view now and not of the other."""
        now = self._clock.now()
        catalogue = self._structure.catalogue
        collection = catalogue.collection(before.shape.collection)
        filters = tuple(bind_variables(view.sight, view.variables, now) for view in (before, after))
        return await self._images.keys_between(catalogue, Scope.system(now), collection, (filters[0], filters[1]), most)

    def _scope(self, view: View) -> Scope:
        return Scope(view.shape.access, view.variables, self._clock.now())

    async def _match_all(self, views: Sequence[View], changes: Sequence[Change], now: float) -> dict[View, Sights]:
        try:
            return await self._match(views, changes, now)
        except Exception:  # noqa: BLE001 - one failing rule must not end the others
            if len(views) == 1:
                _log.exception("live.lookup_failed", collection=views[0].shape.collection)
                return {}
        sights: dict[View, Sights] = {}
        for view in views:  # one failing rule must not end the others
            sights |= await self._match_all([view], changes, now)
        return sights

    async def _match(self, views: Sequence[View], changes: Sequence[Change], now: float) -> dict[View, Sights]:
        images = [image for change in changes for image in (change.before, change.after) if image is not None]
        filters = [bind_variables(view.sight, view.variables, now) for view in views]
        catalogue = self._structure.catalogue
        collection = catalogue.collection(views[0].shape.collection)
        truths = await self._images.match_images(catalogue, Scope.system(now), collection, filters, images)
        sights: dict[View, Sights] = {}
        for index, view in enumerate(views):
            seen = iter(truths)
            sights[view] = [
                (
                    change.before is not None and next(seen)[index],
                    change.after is not None and next(seen)[index],
                )
                for change in changes
            ]
        return sights

    async def _complete(self, change: Change) -> Change:
        """Fill in what was too large for the log, from the row as it is now."""
        if not change.omitted:
            return change
        catalogue = self._structure.catalogue
        fields = catalogue.collection(change.collection).fields
        query = Query(change.collection, fields=tuple(Selection((name,)) for name in change.omitted))
        rows = await self._reader.rows_by_key(catalogue, Scope.system(self._clock.now()), query, [change.key])
        row = rows.get(change.key, {})
        filled = {name: _canonical(fields[name].type, value) for name, value in row.items()}
        before = None if change.before is None else filled | change.before
        after = None if change.after is None else filled | change.after
        return replace(change, before=before, after=after)


def _canonical(kind: FieldType, value: Any) -> Any:
    """Take a value back from its wire form; what another program wrote may not be of the field's type."""
    try:
        return None if value is None else convert(kind, value)
    except ValueError:
        return value
