"""Loading: running the levels of a plan and putting their rows together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from watchword.data.plan import KEYS, LIMIT, OFFSET
from watchword.data.scope import Scope

if TYPE_CHECKING:
    import sqlalchemy as sa
    from sqlalchemy.ext.asyncio import AsyncConnection

    from watchword.data.parameters import Parameters
    from watchword.data.plan import Below, Level

CHUNK = 10_000
"""How many keys go into one statement; both databases take some 32,000 parameters."""

Row = Sequence[Any]


class Call(msgspec.Struct, frozen=True):
    """One run of a plan: for whom, with which constants, and which part of the rows."""

    scope: Scope
    given: tuple[Any, ...] = ()
    limit: int | None = None
    offset: int = 0

    def values(self, parameters: Parameters) -> dict[str, Any]:
        """Return the values of a statement's parameters."""
        return {LIMIT: self.limit, OFFSET: self.offset, **parameters.values(self.scope, self.given)}


async def fetch(connection: AsyncConnection, statement: sa.Select[Any], values: dict[str, Any]) -> Sequence[Row]:
    """Run a statement and return its rows."""
    result = await connection.execute(statement, values)
    rows: Sequence[Row] = result.fetchall()
    return rows


async def load(connection: AsyncConnection, level: Level, call: Call) -> list[dict[str, Any]]:
    """Return the rows of a plan, JSON-ready."""
    rows = await fetch(connection, level.statement, call.values(level.parameters))
    return await _assemble(connection, level, call, rows)


async def load_linked(
    connection: AsyncConnection, level: Level, call: Call, keys: Sequence[Any]
) -> tuple[list[dict[str, Any]], list[Row]]:
    """Return the rows of a plan whose links are among the keys, JSON-ready, and each row's link."""
    values = call.values(level.parameters)
    rows: list[Row] = []
    size = CHUNK // len(level.collection.key)
    for start in range(0, len(keys), size):
        rows += await fetch(connection, level.statement, {**values, KEYS: list(keys[start : start + size])})
    width = len(level.outputs)
    return await _assemble(connection, level, call, rows), [row[width:] for row in rows]


async def _assemble(connection: AsyncConnection, level: Level, call: Call, rows: Sequence[Row]) -> list[dict[str, Any]]:
    items = _items(level, rows)
    for below in level.below:
        column = [row[below.index] for row in rows]
        found = await _load_below(connection, below, call, column)
        for item, value in zip(items, column, strict=True):
            item[below.output] = _filling(below, found, value)
    return items


def _items(level: Level, rows: Sequence[Row]) -> list[dict[str, Any]]:
    outputs = level.outputs
    # A row may be longer than the outputs: what links it comes last.
    items = [dict(zip(outputs, row)) for row in rows]  # noqa: B905
    for name, form in level.renderers:
        for item in items:
            item[name] = form(item[name])
    return items


async def _load_below(
    connection: AsyncConnection, below: Below, call: Call, column: Sequence[Any]
) -> dict[Any, list[Any]]:
    """Return the items below, by the value in the column above that they belong to."""
    values = list({value: None for value in column if value is not None})
    found: dict[Any, list[Any]] = {}
    items, links = await load_linked(connection, below.level, call, values)
    key_of = below.level.collection.key_of
    for item, (link,) in zip(items, links, strict=True):
        found.setdefault(link, []).append(key_of(item) if below.keys_only else item)
    return found


def _filling(below: Below, found: dict[Any, list[Any]], value: Any) -> Any:
    if value is None:
        return None
    if below.many:
        return found.get(value, [])
    return next(iter(found.get(value, ())), None)
