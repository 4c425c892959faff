"""Items: the collections as the code of an application reads and writes them, under the rights of one caller."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from watchword.backend.finishing import unbroken
from watchword.protocol import operations as op
from watchword.query.query import Query
from watchword.query.wire import parse_query

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from watchword.backend.context import Context
    from watchword.protocol.outcomes import Reply

Row = dict[str, Any]


class Performer(Protocol):
    """What does the reading and writing."""

    async def perform(self, context: Context, operation: op.Read | op.Write) -> Reply:
        """Read or write, or raise Problem."""


class Inside:
    """Does it as a function says."""

    def __init__(self, perform: Callable[[Context, op.Read | op.Write], Awaitable[Reply]]) -> None:
        self._perform = perform

    async def perform(self, context: Context, operation: op.Read | op.Write) -> Reply:
        """Read or write, or raise Problem."""
        return await unbroken(self._perform(context, operation))


class Items:
    """Reads and writes. Queries have the words of the REST API: `fields`, `filter`, `sort`, `limit`, `deep`, ….

    Every write is a transaction of its own. Rows are JSON-ready.

    Raises:
        Problem: as the REST API answers: FORBIDDEN for what is out of sight, INVALID_QUERY, INVALID_PAYLOAD, ….
    """

    def __init__(self, performer: Performer, context: Context) -> None:
        self._performer = performer
        self._context = context

    async def read(self, collection: str, **query: Any) -> list[Row]:
        """Return the rows that a query takes, or its groups where it has `aggregate`."""
        reply = await self._performer.perform(self._context, op.Read(parse_query(collection, query)))
        rows: list[Row] = reply.data
        return rows

    async def read_one(self, collection: str, key: Any, **query: Any) -> Row:
        """Return the row with this key."""
        reply = await self._performer.perform(self._context, op.Read(parse_query(collection, query), key))
        row: Row = reply.data
        return row

    async def create(self, collection: str, data: Mapping[str, Any], **query: Any) -> Row | None:
        """Create an item and return it as the caller may see it; None when the caller may not."""
        row: Row | None = await self._create(collection, dict(data), query)
        return row

    async def create_many(self, collection: str, data: Sequence[Mapping[str, Any]], **query: Any) -> list[Row] | None:
        """Create items and return them as the caller may see them; None when the caller may not."""
        rows: list[Row] | None = await self._create(collection, [dict(each) for each in data], query)
        return rows

    async def update(self, collection: str, key: Any, data: Mapping[str, Any], **query: Any) -> Row | None:
        """Update an item and return it as the caller may see it; None when the caller may not."""
        operation = op.Update(parse_query(collection, query), dict(data), key)
        row: Row | None = (await self._performer.perform(self._context, operation)).data
        return row

    async def update_many(self, collection: str, keys: Sequence[Any], data: Mapping[str, Any]) -> list[Row] | None:
        """Write the same to several items and return them as the caller may see them."""
        operation = op.Update(Query(collection), dict(data), keys=tuple(keys))
        rows: list[Row] | None = (await self._performer.perform(self._context, operation)).data
        return rows

    async def delete(self, collection: str, key: Any) -> None:
        """Delete an item."""
        await self._performer.perform(self._context, op.Delete(Query(collection), key))

    async def delete_many(self, collection: str, keys: Sequence[Any]) -> None:
        """Delete several items."""
        await self._performer.perform(self._context, op.Delete(Query(collection), keys=tuple(keys)))

    async def _create(self, collection: str, data: Any, query: dict[str, Any]) -> Any:
        return (await self._performer.perform(self._context, op.Create(parse_query(collection, query), data))).data
