"""The change log on PostgreSQL: writers take no lock and no position; `watchword_sequence()` gives positions later."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    BigInteger,
    DateTime,
    Integer,
    Text,
    cast,
    column,
    delete,
    func,
    literal,
    null,
    select,
    table,
    union_all,
)

from watchword.storage.changes import Entry
from watchword.storage.engine import WITHOUT_BOUND
from watchword.storage.postgres_capture import capture, differing
from watchword.storage.reading import BULK_ABOVE, Bounds, Mark, Page, entries, read_bounds
from watchword.storage.watch import Watch

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Collection, Sequence

    from sqlalchemy import Select
    from sqlalchemy.ext.asyncio import AsyncConnection
    from sqlalchemy.sql.selectable import LateralFromClause, ScalarSelect

    from watchword.storage.changes import Captured
    from watchword.storage.engine import Database

PAGE = 10_000
"""The most changes that one call of `advance` returns; who wants the rest reads on."""

TRIM_BATCH = 5_000  # transactions
ORIGIN_SETTING = "watchword.origin"

_TRIM_LOCK = 7303

_change = table(
    "watchword_change",
    column("tx"),
    column("id", BigInteger),
    column("collection", Text),
    column("action"),
    column("key", Text),
    column("former", Text),
    column("before"),
    column("after"),
    column("origin", Text),
)
_commit = table(
    "watchword_commit",
    column("last", BigInteger),
    column("count", Integer),
    column("tx"),
    column("at", DateTime(timezone=True)),
)
_epoch = table("watchword_epoch", column("number", BigInteger), column("id", Text), column("first", BigInteger))


def _head() -> ScalarSelect[int]:
    return select(func.max(_commit.c.last)).scalar_subquery()


def _floor() -> ScalarSelect[int]:
    oldest = _commit.alias("oldest")
    return select(oldest.c.last - oldest.c.count).order_by(oldest.c.last).limit(1).scalar_subquery()


def _newest_epoch() -> ScalarSelect[str]:
    return select(_epoch.c.id).order_by(_epoch.c.number.desc()).limit(1).scalar_subquery()


def _changes_of_commit() -> LateralFromClause:
    """The changes of one transaction by their rank in it; of a large one, the collections, at its last rank."""
    c = _change.c
    rank = func.row_number().over(order_by=c.id).label("rank")
    images = cast(c.before, Text).label("before"), cast(c.after, Text).label("after")
    action = cast(c.action, Text).label("action")
    single = select(rank, c.collection, action, c.key, c.former, *images, c.origin).where(
        c.tx == _commit.c.tx, _commit.c.count <= BULK_ABOVE
    )
    empty = [null() for _ in range(5)]
    bulk = (
        select(cast(_commit.c.count, BigInteger), c.collection, literal("r", Text), *empty)
        .where(c.tx == _commit.c.tx, _commit.c.count > BULK_ABOVE)
        .distinct()
    )
    return union_all(single.correlate(_commit), bulk.correlate(_commit)).lateral("change")


def _page(after: int, limit: int, collections: Collection[str] | None) -> Select[*tuple[Any, ...]]:
    change = _changes_of_commit()
    c = change.c
    base = _commit.c.last - _commit.c.count
    position = base + c.rank
    page = (
        select(
            position.label("position"),
            (base + 1).label("first"),
            *(c[each] for each in ("collection", "action", "key", "former", "before", "after", "origin")),
            _newest_epoch().label("epoch"),
            _head().label("head"),
            _floor().label("floor"),
        )
        .select_from(_commit.join(change, literal(value=True)))
        .where(_commit.c.last > after, position > after)
        .order_by(_commit.c.last, c.rank)
        .fetch(limit, with_ties=True)  # collections of one large transaction share their position
    )
    return page if collections is None else page.where(c.collection.in_(collections))


class PostgresLog:
    """The half of the change log that differs; see `Store`."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._watch = Watch(db.look())

    async def open(self) -> Mark:
        return (await self._sequence())[0]

    async def advance(self, head: int) -> tuple[Mark, list[Entry]]:
        before = await self._watch.before()
        mark, first = await self._sequence()
        found = list[Entry]()
        if first is not None:
            page = await self.read(first - 1, PAGE)
            # What another node has sequenced meanwhile is that node's to tell.
            found = [entry for entry in page.entries if entry.position <= mark.head]
        self._watch.done(before)
        return mark, found

    async def read(self, after: int, limit: int, collections: Collection[str] | None = None) -> Page:
        async with self._db.read() as connection:
            rows = (await connection.execute(_page(after, limit, collections))).all()
        if not rows:
            return Page([])
        return Page(entries("postgresql", rows), Mark(rows[0].epoch, rows[0].head), rows[0].floor)

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
                if not (await connection.execute(select(func.pg_try_advisory_xact_lock(_TRIM_LOCK)))).scalar_one():
                    return trimmed  # another node is at it
                transactions, changes = (await connection.execute(_trim(max_age, max_count))).one()
            trimmed += changes
            if transactions < TRIM_BATCH:
                return trimmed

    async def differing(self, captured: Sequence[Captured]) -> frozenset[str]:
        async with self._db.read() as connection:
            return await connection.run_sync(differing, captured)

    async def capture(self, captured: Sequence[Captured]) -> frozenset[str]:
        async with self._db.write(silent=True) as connection:
            await connection.execute(WITHOUT_BOUND)
            return await self.capture_in(connection, captured)

    async def capture_in(self, connection: AsyncConnection, captured: Sequence[Captured]) -> frozenset[str]:
        return await connection.run_sync(capture, captured)

    @asynccontextmanager
    async def origin(self, connection: AsyncConnection, origin: str) -> AsyncIterator[None]:
        await connection.execute(select(func.set_config(ORIGIN_SETTING, origin, True)))
        yield
        await connection.execute(select(func.set_config(ORIGIN_SETTING, "", True)))

    async def close(self) -> None:
        await self._watch.close()

    async def _sequence(self) -> tuple[Mark, int | None]:
        """Return the newest mark, and the first position that this call has given, if any."""
        call = func.watchword_sequence().table_valued(column("epoch", Text), "first", "last")
        async with self._db.write(silent=True) as connection:
            epoch, first, last = (await connection.execute(select(call.c.epoch, call.c.first, call.c.last))).one()
        return Mark(epoch, last), first


def _trim(max_age: float, max_count: int) -> Select[int, int]:
    """Delete a batch of the oldest transactions; return how many, and how many changes. The newest always stays."""
    now = func.clock_timestamp()
    old = _commit.c.at < now - func.make_interval(0, 0, 0, 0, 0, 0, max_age)
    batch = (
        select(_commit.c.last)
        .where(_commit.c.last < _head(), old | (_commit.c.last <= _head() - max_count))
        .order_by(_commit.c.last)
        .limit(TRIM_BATCH)
    )
    commits = delete(_commit).where(_commit.c.last.in_(batch)).returning(_commit.c.tx).cte("commits")
    in_commits = _change.c.tx.in_(select(commits.c.tx))
    changes = delete(_change).where(in_commits).returning(literal(1).label("one")).cte("changes")
    count_of = [select(func.count()).select_from(each).scalar_subquery() for each in (commits, changes)]
    return select(*count_of)
