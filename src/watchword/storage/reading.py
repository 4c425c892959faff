"""What a database's own half of the change log gives to `ChangeLog`, and how its rows become entries."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import msgspec
from sqlalchemy import func, select

from watchword.storage.changes import Bulk, ChangeAction, Entry, Logged
from watchword.storage.images import decode

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence
    from contextlib import AbstractAsyncContextManager

    from sqlalchemy import Row, TableClause
    from sqlalchemy.ext.asyncio import AsyncConnection
    from sqlalchemy.sql.selectable import ScalarSelect

    from watchword.storage.changes import Captured
    from watchword.storage.engine import Kind

BULK_ABOVE = 10_000
"""A transaction of more changes than this is told as one `Bulk` per collection."""

_ACTIONS: dict[str, ChangeAction] = {"c": "create", "u": "update", "d": "delete"}


class Mark(msgspec.Struct, frozen=True):
    """The newest epoch and the position of the newest change."""

    epoch: str
    head: int


class Page(msgspec.Struct, frozen=True):
    """Entries in order, and the log as it was when they were read; `mark` is None when there are none.

    Changes at or below `floor` are no longer in the log.
    """

    entries: list[Entry]
    mark: Mark | None = None
    floor: int = 0


class Bounds(msgspec.Struct, frozen=True):
    """Where an epoch lies: `first` is None when it is unknown, `until` is the next epoch's first position, if any."""

    first: int | None
    until: int | None
    head: int
    floor: int


class Store(Protocol):
    """One database's change log."""

    async def open(self) -> Mark:
        """Make sure that this start of the database has its epoch."""

    async def advance(self, head: int) -> tuple[Mark, list[Entry]]:
        """Give positions to what was committed; return what is new, in order."""

    async def read(self, after: int, limit: int, collections: Collection[str] | None = None) -> Page:
        """Read at most `limit` changes above `after`, of these collections or of all."""

    async def bounds(self, epoch: str) -> Bounds:
        """Look an epoch up, together with the log's ends."""

    async def has_news(self) -> bool:
        """Whether `advance` may have something to tell."""

    def doubt(self) -> None:
        """Make `has_news` answer yes, because what was news has not been told."""

    async def trim(self, max_age: float, max_count: int) -> int:
        """Delete what is older or more than that, but never the newest; return how many changes."""

    async def differing(self, captured: Sequence[Captured]) -> frozenset[str]:
        """Return the collections whose triggers `capture` would change."""

    async def capture(self, captured: Sequence[Captured]) -> frozenset[str]:
        """Make the triggers these; return the collections for which that is not possible."""

    async def capture_in(self, connection: AsyncConnection, captured: Sequence[Captured]) -> frozenset[str]:
        """Do the same inside a transaction."""

    def origin(self, connection: AsyncConnection, origin: str) -> AbstractAsyncContextManager[None]:
        """Log changes made on this connection inside the block with this origin."""

    async def close(self) -> None:
        """Close connections of its own."""


async def read_bounds(
    connection: AsyncConnection, epochs: TableClause, epoch: str, *, head: ScalarSelect[int], floor: ScalarSelect[int]
) -> Bounds:
    """Look an epoch up in the table of epochs, together with the log's ends, in one statement."""
    later = epochs.alias()
    number = select(epochs.c.number).where(epochs.c.id == epoch).scalar_subquery()
    first = select(epochs.c.first).where(epochs.c.id == epoch).scalar_subquery()
    until = select(func.min(later.c.first)).where(later.c.number > number).scalar_subquery()
    return Bounds(*(await connection.execute(select(first, until, head, floor))).one())


def entries(kind: Kind, rows: Iterable[Row[Any]]) -> list[Entry]:
    """Make entries of rows with the columns position, first, collection, action, key, former, before, after, origin."""
    return [entry for row in rows for entry in _entries(kind, row)]


def _entries(kind: Kind, row: Row[Any]) -> Iterator[Entry]:
    bulk = Bulk(row.collection, row.position, row.first)
    action = _ACTIONS.get(row.action)
    if action is None:
        yield bulk
        return
    try:
        before, missing_before = decode(kind, row.before)
        after, missing_after = decode(kind, row.after)
    except ValueError:  # an image that cannot be told must not stop those after it
        yield bulk
        return
    omitted = tuple(dict.fromkeys(missing_before + missing_after))
    change = Logged(row.collection, action, _text(row.key), before, after, row.position, omitted, row.origin)
    if row.former is None:
        yield change
        return
    yield msgspec.structs.replace(change, action="delete", key=_text(row.former), after=None, omitted=missing_before)
    yield msgspec.structs.replace(change, action="create", before=None, omitted=missing_after)


def _text(key: bytes | str) -> str:
    return key if isinstance(key, str) else key.decode(errors="replace")
