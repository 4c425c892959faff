"""The change log on SQLite: a row's id is its position, because there is one writer at a time."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    BLOB,
    Float,
    Integer,
    Select,
    Text,
    bindparam,
    cast,
    column,
    delete,
    func,
    insert,
    select,
    table,
    update,
)

from watchword.base.ids import short_id
from watchword.storage.changes import Bulk
from watchword.storage.reading import BULK_ABOVE, Bounds, Mark, Page, entries, read_bounds
from watchword.storage.sqlite_capture import capture, differing
from watchword.storage.watch import Watch

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Collection, Sequence

    from sqlalchemy.ext.asyncio import AsyncConnection
    from sqlalchemy.sql.selectable import ScalarSelect

    from watchword.storage.changes import Captured, Entry
    from watchword.storage.engine import Database

TRIM_BATCH = 5_000

_change = table(
    "watchword_change",
    column("id", Integer),
    column("collection", Text),
    column("action", Text),
    column("key", Text),
    column("former", Text),
    column("before", Text),
    column("after", Text),
    column("origin", Text),
    column("at", Float),
)
_epoch = table("watchword_epoch", column("number", Integer), column("id", Text), column("first", Integer))
_context = table("watchword_context", column("origin", Text))
_replaced = table("watchword_replaced")
_sequence = table("sqlite_sequence", column("name", Text), column("seq", Integer))


def _head() -> ScalarSelect[int]:
    """The highest id ever given; known also when the row is gone."""
    newest = select(_sequence.c.seq).where(_sequence.c.name == _change.name)
    return select(func.coalesce(newest.scalar_subquery(), 0)).scalar_subquery()


def _floor() -> ScalarSelect[int]:
    return select(func.coalesce(func.min(_change.c.id) - 1, _head())).scalar_subquery()


def _newest_epoch() -> ScalarSelect[str]:
    return select(_epoch.c.id).order_by(_epoch.c.number.desc()).limit(1).scalar_subquery()


def _rows() -> Select[*tuple[Any, ...]]:
    c = _change.c
    # As blobs: another program's text need not be UTF-8, and the driver would refuse to read it.
    images = [cast(each, BLOB).label(each.name) for each in (c.key, c.former, c.before, c.after)]
    where = c.id.label("position"), c.id.label("first")
    return select(*where, c.collection, c.action, *images, c.origin).where(c.id > bindparam("above")).order_by(c.id)


# Made once: to make them takes longer than to run them.
_MARK = select(_newest_epoch(), _head())
_PAGE = _rows().add_columns(_newest_epoch().label("epoch"), _head().label("head"), _floor().label("floor"))
_PAGE = _PAGE.limit(bindparam("most"))


class SqliteLog:
    """The half of the change log that differs; see `Store`."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._watch = Watch(db.look())

    async def open(self) -> Mark:
        # Each start of a server has an epoch of its own: after a power failure ids may have been given back.
        async with self._db.write(silent=True) as connection:
            await connection.execute(insert(_epoch).values(id=short_id(), first=_head() + 1))
            return await self._mark(connection)

    async def advance(self, head: int) -> tuple[Mark, list[Entry]]:
        before = await self._watch.before()
        async with self._db.read() as connection:
            rows = (await connection.execute(_PAGE, {"above": head, "most": BULK_ABOVE})).all()
            mark = Mark(rows[0].epoch, rows[0].head) if rows else await self._mark(connection)
            if mark.head - head > BULK_ABOVE:
                collections = select(_change.c.collection).where(_change.c.id > head).distinct()
                names = (await connection.execute(collections)).scalars()
                found: list[Entry] = [Bulk(name, mark.head, head + 1) for name in names]
            else:
                found = entries("sqlite", rows)
        self._watch.done(before)
        return mark, found

    async def read(self, after: int, limit: int, collections: Collection[str] | None = None) -> Page:
        # The ends come with the rows, so that they are of one snapshot.
        page = _PAGE if collections is None else _PAGE.where(_change.c.collection.in_(collections))
        async with self._db.read() as connection:
            rows = (await connection.execute(page, {"above": after, "most": limit})).all()
        if not rows:
            return Page([])
        return Page(entries("sqlite", rows), Mark(rows[0].epoch, rows[0].head), rows[0].floor)

    async def bounds(self, epoch: str) -> Bounds:
        async with self._db.read() as connection:
            return await read_bounds(connection, _epoch, epoch, head=_head(), floor=_floor())

    async def has_news(self) -> bool:
        return await self._watch.has_news()

    def doubt(self) -> None:
        self._watch.doubt()

    async def trim(self, max_age: float, max_count: int) -> int:
        trimmed = 0
        while True:
            async with self._db.write(silent=True) as connection:
                # What a statement leaves behind for its own triggers means nothing in another transaction.
                await connection.execute(delete(_replaced))
                cutoff = (await connection.execute(_cutoff(max_age, max_count))).scalar_one()
                batch = select(_change.c.id).where(_change.c.id <= cutoff).order_by(_change.c.id).limit(TRIM_BATCH)
                count = (await connection.execute(delete(_change).where(_change.c.id.in_(batch)))).rowcount
            trimmed += count
            if count < TRIM_BATCH:
                return trimmed

    async def differing(self, captured: Sequence[Captured]) -> frozenset[str]:
        async with self._db.read() as connection:
            return await connection.run_sync(differing, captured)

    async def capture(self, captured: Sequence[Captured]) -> frozenset[str]:
        async with self._db.write(silent=True) as connection:
            return await self.capture_in(connection, captured)

    async def capture_in(self, connection: AsyncConnection, captured: Sequence[Captured]) -> frozenset[str]:
        return await connection.run_sync(capture, captured)

    @asynccontextmanager
    async def origin(self, connection: AsyncConnection, origin: str) -> AsyncIterator[None]:
        await connection.execute(update(_context).values(origin=origin))
        yield
        await connection.execute(update(_context).values(origin=None))

    async def close(self) -> None:
        await self._watch.close()

    async def _mark(self, connection: AsyncConnection) -> Mark:
        epoch, head = (await connection.execute(_MARK)).one()
        return Mark(epoch, head)


def _cutoff(max_age: float, max_count: int) -> Select[int]:
    """The highest id to delete. Ids go with time, so the first young row ends what is old."""
    now = (func.julianday("now") - 2440587.5) * 86400
    young = select(_change.c.id - 1).where(_change.c.at >= now - max_age).order_by(_change.c.id).limit(1)
    by_age = func.coalesce(young.scalar_subquery(), _head())
    return select(func.min(func.max(by_age, _head() - max_count), _head() - 1))
