"""Rows: the statements that write, lock and look up rows by their keys, inside one transaction."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from watchword.data.columns import SqliteColumn
from watchword.data.expressions import Expressions
from watchword.data.parameters import Parameters
from watchword.data.sequences import move_past, take_numbers
from watchword.data.violations import Attempt, explained
from watchword.query.filters import EVERYTHING
from watchword.query.types import FieldType

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from sqlalchemy.ext.asyncio import AsyncConnection

    from watchword.data.catalogue import Catalogue
    from watchword.data.keys import Key
    from watchword.data.schema import Collection
    from watchword.data.scope import Scope
    from watchword.query.filters import Filter

_NUMBERS = frozenset({FieldType.INTEGER, FieldType.BIG_INTEGER})
_LARGE = 2**62
_CHUNK = 1000  # keys in one statement: both databases take at most some 32,000 parameters
_COMPOSITE_CHUNK = 200  # SQLite nests conditions at most 1,000 deep


class Rows:
    """One transaction's rows. Knows nothing of rights; the refusals of the database come out as Problems.

    Filters are bound; `scope` says what their variables stand for.
    """

    def __init__(self, connection: AsyncConnection, catalogue: Catalogue, scope: Scope) -> None:
        self._connection = connection
        self._catalogue = catalogue
        self._scope = scope

    async def insert(self, collection: Collection, rows: Sequence[dict[str, Any]]) -> list[Key]:
        """Insert rows and return their keys in the same order, with as few statements as the database allows."""
        keys: list[Key] = []
        for _, group in groupby(rows, key=lambda row: row.keys()):
            run = list(group)
            async with explained(self._connection, self._catalogue, Attempt(collection, tuple(run))):
                keys += await self._insert_alike(collection, run)
        return keys

    async def _insert_alike(self, collection: Collection, rows: list[dict[str, Any]]) -> list[Key]:
        """Insert rows that give the same columns."""
        table = self._catalogue.table(collection.name)
        if all(name in rows[0] for name in collection.key):
            await self._connection.execute(sa.insert(table), rows)
            await self._number_on(collection, rows)
            return [tuple(row[name] for name in collection.key) for row in rows]
        statement = sa.insert(table).returning(*self._key_columns(collection))
        if len(rows) > 1 and rows[0] and await self._counts_up(collection):
            found = (await self._connection.execute(statement, rows)).all()
            return sorted(tuple(key) for key in found)
        column = self._numbered(collection)
        if len(rows) > 1 and column is not None:
            # PostgreSQL promises no order for the rows that one INSERT gives back, so the keys are taken beforehand.
            numbers = await take_numbers(self._connection, column, len(rows))
            if numbers is not None:
                numbered = [{column.name: number, **row} for number, row in zip(numbers, rows, strict=True)]
                await self._connection.execute(sa.insert(table), numbered)
                return [(number,) for number in numbers]
        return [tuple((await self._connection.execute(statement.values(row))).one()) for row in rows]

    async def _counts_up(self, collection: Collection) -> bool:
        """Whether the database numbers the rows of one INSERT in their order: SQLite's INTEGER PRIMARY KEY.

        SQLite does so until the largest number is in use, and then takes numbers at random.
        """
        columns = self._key_columns(collection)
        kind = columns[0].type
        if len(columns) > 1 or not isinstance(kind, SqliteColumn) or kind.declared.upper() != "INTEGER":
            return False
        largest = (await self._connection.execute(sa.select(sa.func.max(columns[0])))).scalar()
        return largest is None or largest < _LARGE

    def _numbered(self, collection: Collection) -> sa.Column[Any] | None:
        """Return the key's column where PostgreSQL may number it by a sequence and takes other numbers, too."""
        columns = self._key_columns(collection)
        field = collection.fields[collection.key[0]]
        if self._catalogue.kind == "sqlite" or len(columns) > 1 or columns[0].server_default is None:
            return None
        return columns[0] if field.type in _NUMBERS and not field.generated else None

    async def _number_on(self, collection: Collection, rows: list[dict[str, Any]]) -> None:
        column = self._numbered(collection)
        if column is not None:
            await move_past(self._connection, column, max(row[column.name] for row in rows))

    async def update(self, collection: Collection, keys: Sequence[Key], values: dict[str, Any]) -> None:
        """Give the rows the same values."""
        statement = sa.update(self._catalogue.table(collection.name)).values(values)
        attempt = Attempt(collection, (values,), _only(keys))
        async with explained(self._connection, self._catalogue, attempt):
            for condition in self._chunks(collection, keys):
                await self._connection.execute(statement.where(condition))

    async def delete(self, collection: Collection, keys: Sequence[Key]) -> None:
        """Delete the rows."""
        statement = sa.delete(self._catalogue.table(collection.name))
        async with explained(self._connection, self._catalogue, Attempt(collection, key=_only(keys))):
            for condition in self._chunks(collection, keys):
                await self._connection.execute(statement.where(condition))

    async def lock(self, collection: Collection, keys: Sequence[Key], node: Filter = EVERYTHING) -> set[Key]:
        """Return those of the keys whose rows exist and satisfy the filter, and let nobody else write these rows."""
        table = self._catalogue.table(collection.name)
        statement = self._select_keys(collection).with_for_update(of=table)
        found: set[Key] = set()
        for chunk in self._chunks(collection, keys):
            found.update(await self._keys(collection, statement.where(chunk), node))
        return found

    async def linked(self, collection: Collection, name: str, value: Any, node: Filter = EVERYTHING) -> list[Key]:
        """Return the keys of the rows whose column has the value and that satisfy the filter, in order."""
        column = self._catalogue.table(collection.name).c[name]
        return await self._keys(collection, self._select_keys(collection).where(column == value), node)

    async def column(self, collection: Collection, keys: Sequence[Key], name: str) -> dict[Key, Any]:
        """Return one column of the rows that exist, by key."""
        columns = self._key_columns(collection)
        statement = sa.select(*columns, self._catalogue.table(collection.name).c[name].label("wanted"))
        found: dict[Key, Any] = {}
        for chunk in self._chunks(collection, keys):
            for *key, value in await self._connection.execute(statement.where(chunk)):
                found[tuple(key)] = value
        return found

    def _select_keys(self, collection: Collection) -> sa.Select[Any]:
        columns = self._key_columns(collection)
        return sa.select(*columns).order_by(*columns)

    async def _keys(self, collection: Collection, statement: sa.Select[Any], node: Filter) -> list[Key]:
        parameters = Parameters()
        table = self._catalogue.table(collection.name)
        condition = Expressions(self._catalogue, parameters).condition(node, collection, table)
        result = await self._connection.execute(statement.where(condition), parameters.values(self._scope))
        return [tuple(row) for row in result]

    def _key_columns(self, collection: Collection) -> list[sa.Column[Any]]:
        table = self._catalogue.table(collection.name)
        return [table.c[name] for name in collection.key]

    def _chunks(self, collection: Collection, keys: Sequence[Key]) -> Iterator[sa.ColumnElement[bool]]:
        columns = self._key_columns(collection)
        size = _CHUNK if len(columns) == 1 else _COMPOSITE_CHUNK
        for start in range(0, len(keys), size):
            chunk = keys[start : start + size]
            if len(columns) == 1:
                yield columns[0].in_([key[0] for key in chunk])
            else:
                yield sa.or_(*(_equal(columns, key) for key in chunk))


def _equal(columns: Iterable[sa.Column[Any]], key: Key) -> sa.ColumnElement[bool]:
    return sa.and_(*(column == value for column, value in zip(columns, key, strict=True)))


def _only(keys: Sequence[Key]) -> Any:
    return keys[0][0] if len(keys) == 1 else None
