"""The change log: every committed change of the captured tables, in order, whoever made it.

Triggers write the changes inside the transactions that make them; here they are captured, positioned, read and trimmed.
A position is written `epoch:offset`. Offsets count changes without holes; an epoch names the stretch of the log in
which they can be trusted to mean what they meant when they were given out.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import anyio

from watchword.base.errors import Code, Problem
from watchword.storage.changes import Bulk, Captured, ChangeAction, Entry, Logged
from watchword.storage.postgres_log import PostgresLog
from watchword.storage.sqlite_log import SqliteLog

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from contextlib import AbstractAsyncContextManager

    from sqlalchemy.ext.asyncio import AsyncConnection

    from watchword.storage.engine import Database
    from watchword.storage.reading import Bounds, Mark, Store

__all__ = ["Bulk", "Captured", "ChangeAction", "ChangeLog", "Entry", "Logged"]

_POSITION = re.compile(r"([a-z2-7]{8}):([0-9]{1,19})", re.ASCII)


class ChangeLog:
    """One node's view of the log. `open` first; `head` and `epoch` are those of the last look at it.

    `head` goes back only when the database does.
    """

    def __init__(self, db: Database) -> None:
        self._store: Store = SqliteLog(db) if db.kind == "sqlite" else PostgresLog(db)
        self._turn = anyio.Lock(fast_acquire=True)
        self._pending: list[Entry] = []
        self._has_kept_up = False
        self._told = 0
        self.head = 0
        self.epoch = ""

    async def open(self) -> None:
        """Begin an epoch if this start of the database has none, and look where the log ends."""
        mark = await self._store.open()
        self.epoch = mark.epoch
        self.head = self._told = mark.head

    async def close(self) -> None:
        """Close the connection that watches for other programs' commits."""
        await self._store.close()

    async def capture(self, captured: Sequence[Captured]) -> frozenset[str]:
        """Log the changes of these tables, and of no others, from now on. Nothing happens where that is so already.

        Columns that a table does not have are left out. Returns the collections whose changes cannot be logged: their
        table is gone, has no such key, is a view, or is not ours to put triggers on.
        """
        return await self._store.capture(captured)

    async def differing(self, captured: Sequence[Captured]) -> frozenset[str]:
        """Return the collections whose changes are not logged as `capture` would have it; nothing is changed."""
        return await self._store.differing(captured)

    async def capture_in(self, connection: AsyncConnection, captured: Sequence[Captured]) -> frozenset[str]:
        """Do what `capture` does as a part of the transaction of `connection`, which may just have changed tables."""
        return await self._store.capture_in(connection, captured)

    def origin(self, connection: AsyncConnection, origin: str) -> AbstractAsyncContextManager[None]:
        """Mark the changes that `connection` makes inside the block.

        When an exception leaves the block, the transaction must not be committed.
        """
        return self._store.origin(connection, origin)

    async def has_news(self) -> bool:
        """Whether `sequence` may have something to tell: false only when nobody has committed since the last one."""
        async with self._turn:
            return self._has_kept_up or await self._store.has_news()

    async def sequence(self) -> list[Entry]:
        """Move `head` to the last committed change and return those changes that are this node's to tell the others.

        On PostgreSQL, changes that had no position get one, and those are returned, the first 10,000 of them; other
        nodes return theirs, and `read` gives all. On SQLite, everything above the previous `head` is returned; when it
        is more than 10,000, as one `Bulk` per collection.
        """
        async with self._turn:
            entries = await self._advance()
            entries, self._pending = self._pending + entries, []
            self._has_kept_up = False
            return entries

    async def keep_up(self) -> None:
        """Let `read` find all that is committed by now; what that moves `head` over is told by the next `sequence`."""
        async with self._turn:
            self._has_kept_up = True  # what another node has sequenced is none of `_pending`, and news all the same
            self._pending += await self._advance()

    async def read(self, after: int, limit: int, collections: Collection[str] | None = None) -> list[Entry]:
        """Return the changes above `after`, at most `limit`, fewer only at the log's end. Does not give positions.

        With `collections` only theirs; the database leaves the others out, so that they cost this process nothing.

        Raises:
            Problem: POSITION_LOST when changes above `after` have been trimmed; with `collections` this is not known
                where there are none.
        """
        try:
            page = await self._store.read(after, limit, collections)
        except BaseException:
            self._store.doubt()
            raise
        if page.mark is not None:
            self._see(page.mark)
            if after < page.floor:
                raise _lost("trimmed")
        return page.entries

    def position(self, offset: int) -> str:
        """Write a position of the current epoch as text."""
        return f"{self.epoch}:{offset}"

    async def since(self, position: str) -> int:
        """Return the offset of a position that was given out, to `read` from.

        Raises:
            Problem: POSITION_LOST with a `reason`: `unknown_epoch`, `beyond_epoch` or `trimmed`.
        """
        match = _POSITION.fullmatch(position)
        if match is None:
            raise _lost("unknown_epoch")
        epoch, offset = match[1], int(match[2])
        bounds = await self._store.bounds(epoch)
        if bounds.until is None and bounds.first is not None and offset > bounds.head:
            await self.keep_up()  # another node may have told it before this one has looked
            bounds = await self._store.bounds(epoch)
        reason = _why_lost(bounds, offset)
        if reason is not None:
            raise _lost(reason)
        return offset

    async def trim(self, max_age_s: float, max_count: int) -> int:
        """Delete changes older than `max_age_s` and those beyond the newest `max_count`; return how many were deleted.

        The newest change always stays. On PostgreSQL whole transactions go, and one node at a time does this.
        """
        return await self._store.trim(max_age_s, max_count)

    async def _advance(self) -> list[Entry]:
        try:
            mark, entries = await self._store.advance(self._told)
        except BaseException:
            self._store.doubt()
            raise
        self._told = mark.head
        self._see(mark)
        return entries

    def _see(self, mark: Mark) -> None:
        """Take a newer mark, or one of another epoch: then the database may have been set back, and the head with it.

        Reads overlap, so an older mark may come later.
        """
        if mark.epoch != self.epoch or mark.head >= self.head:
            self.epoch = mark.epoch
            self.head = mark.head


def _why_lost(bounds: Bounds, offset: int) -> str | None:
    if bounds.first is None:
        return "unknown_epoch"
    if offset > bounds.head if bounds.until is None else offset >= bounds.until:
        return "beyond_epoch"
    if offset < bounds.floor:
        return "trimmed"
    return None


def _lost(reason: str) -> Problem:
    return Problem(Code.POSITION_LOST, reason=reason)
