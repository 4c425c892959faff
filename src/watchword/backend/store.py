"""Store: what one operation reads or writes of items; backend and application have agreed to it by then."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypedDict

from msgspec.structs import replace

from watchword.access.permissions import Action
from watchword.backend import singletons
from watchword.base.errors import invalid_payload
from watchword.data.forms import AS_OBJECTS, Showing
from watchword.protocol import operations as op
from watchword.protocol.outcomes import Reply, Subscribed
from watchword.query.query import Query

if TYPE_CHECKING:
    from collections.abc import Sequence

    from watchword.backend.structure import Structure
    from watchword.data.mutate import Writer
    from watchword.data.mutation import Objection
    from watchword.data.scope import Scope
    from watchword.data.select import Reader
    from watchword.data.writes import WriteLog
    from watchword.storage.engine import OpenConnection


class Into(TypedDict):
    """Where a write goes: its transaction, what notes it, and who may object to it."""

    connection: OpenConnection
    writes: WriteLog
    before: Objection | None


class Store:
    """Reads and writes items as operations say it. Every method raises what the data core refuses."""

    def __init__(self, structure: Structure, reader: Reader, writer: Writer) -> None:
        self._structure = structure
        self._reader = reader
        self._writer = writer

    async def check(self, scope: Scope, operation: op.Subscribe) -> None:
        """Find out now, not at the first event, whether the query can be read."""
        if operation.event is not None or not operation.initial:
            await self._reader.read(self._structure.catalogue, scope, replace(operation.query, limit=0, meta=()))

    async def initial(self, scope: Scope, operation: op.Subscribe) -> Subscribed:
        """Return what a subscription begins with: the rows, or nothing where these are not asked for."""
        if operation.event is not None or not operation.initial:
            return Subscribed(operation.subscription, has_data=False)
        catalogue = self._structure.catalogue
        if operation.item is not None:
            row = await self._reader.read_one(catalogue, scope, operation.query, operation.item)
            return Subscribed(operation.subscription, row)
        page = await self._reader.read(catalogue, scope, operation.query)
        return Subscribed(operation.subscription, page.data, page.meta)

    async def located(self, connection: OpenConnection, operation: op.Write) -> op.Write:
        """Return a write that names its row, also where a singleton's does not."""
        catalogue = self._structure.catalogue
        if not isinstance(operation, op.Update) or not singletons.concerns(catalogue, operation):
            return operation
        return await singletons.locate(self._reader, catalogue, operation, connection)

    async def read(self, scope: Scope, operation: op.Read, showing: Showing = AS_OBJECTS) -> Reply:
        """Read one row, or some, in a form that may be the caller's own."""
        catalogue = self._structure.catalogue
        if singletons.concerns(catalogue, operation):
            return Reply(await singletons.read(self._reader, catalogue, scope, operation.query), id=operation.id)
        if operation.key is not None:
            row = await self._reader.read_one(catalogue, scope, operation.query, operation.key, showing)
            return Reply(row, id=operation.id)
        if operation.keys is not None:
            rows = await self._reader.read_keys(catalogue, scope, operation.query, operation.keys, showing=showing)
            return Reply(rows, id=operation.id)
        page = await self._reader.read(catalogue, scope, operation.query, showing=showing)
        return Reply(page.data, page.meta, operation.id)

    async def write(self, into: Into, scope: Scope, operation: op.Write) -> list[Any]:
        """Write, and return the keys of the rows."""
        catalogue, name = self._structure.catalogue, operation.query.collection
        match operation:
            case op.Create(data=list(payloads)):
                return await self._writer.create(catalogue, scope, name, payloads, **into)
            case op.Create(data=dict(payload)):
                return await self._writer.create(catalogue, scope, name, [payload], **into)
            case op.Update(data=list(payloads), key=None, keys=None):
                return await self._writer.update_batch(catalogue, scope, name, payloads, **into)
            case op.Update(data=dict(payload)):
                keys, query = _target(operation)
                return await self._writer.update(catalogue, scope, name, payload, keys=keys, query=query, **into)
            case op.Delete():
                keys, query = _target(operation)
                return await self._writer.delete(catalogue, scope, name, keys=keys, query=query, **into)
            case _:
                raise invalid_payload('"data" must be an object or an array of objects')

    async def read_back(
        self, connection: OpenConnection, scope: Scope, operation: op.Write, keys: Sequence[Any]
    ) -> Any:
        """Return what the write made, as the caller may see it; the keys after a delete."""
        single = operation.key is not None if not isinstance(operation, op.Create) else isinstance(operation.data, dict)
        if isinstance(operation, op.Delete):
            return operation.key if single else list(operation.keys if operation.keys is not None else keys)
        collection = operation.query.collection
        if scope.access.find(collection, Action.READ) is None:
            return None
        shown = _shown(operation.query)
        rows = await self._reader.read_keys(self._structure.catalogue, scope, shown, keys, connection=connection)
        if not single:
            return rows
        return rows[0] if rows else None


def _target(operation: op.Update | op.Delete) -> tuple[Sequence[Any] | None, Query | None]:
    if operation.key is not None:
        return [operation.key], None
    return (operation.keys, None) if operation.keys is not None else (None, operation.query)


def _shown(query: Query) -> Query:
    """Return the part of a query that shapes rows, without what selects them."""
    return Query(query.collection, fields=query.fields, deep=query.deep, alias=query.alias)
