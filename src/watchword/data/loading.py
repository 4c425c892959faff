"""Loading: running the levels of a plan and putting their rows together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from watchword.base import json
from watchword.base.errors import invalid_query
from watchword.data.keys import parse_keys
from watchword.data.plan import KEYS, LIMIT, OFFSET, UNIT
from watchword.data.scope import Scope
from watchword.data.tally import Tally, rows_read

if TYPE_CHECKING:
    import sqlalchemy as sa
    from sqlalchemy.ext.asyncio import AsyncConnection

    from watchword.data.parameters import Parameters
    from watchword.data.plan import Below, Level, Ways

CHUNK = 10_000
"""How many keys go into one statement; both databases take some 32,000 parameters."""

MOST_WRITTEN = 100_000
MOST_REPEATED = 10
"""How much a result with relations may come to: this much, and so many times what was read for it."""

_UNIT = 256

Row = Sequence[Any]

_LASTING: dict[str, Any] = {}
_ONCE: dict[str, Any] = {"compiled_cache": None}


class Call(msgspec.Struct, frozen=True):
    """One run of a plan: for whom, with which constants, and which part of the rows. `lasting`: it will run again.

    `tally` counts what is read. Where no item is written more than once, nothing `weighs` what items come to.
    """

    scope: Scope
    given: tuple[Any, ...] = ()
    limit: int | None = None
    offset: int = 0
    lasting: bool = True
    tally: Tally = msgspec.field(default_factory=rows_read)
    weighs: bool = True

    def values(self, parameters: Parameters) -> dict[str, Any]:
        """Return the values of a statement's parameters."""
        return {LIMIT: self.limit, OFFSET: self.offset, **parameters.values(self.scope, self.given)}


async def fetch(
    connection: AsyncConnection, call: Call, statement: sa.Select[Any], values: dict[str, Any]
) -> Sequence[Row]:
    """Run a statement and return its rows.

    Raises:
        Problem: INVALID_QUERY when the read takes too many by now.
    """
    options = _LASTING if call.lasting else _ONCE
    result = await connection.execute(statement, values, execution_options=options)
    rows: Sequence[Row] = result.fetchall()
    call.tally.take(len(rows))
    return rows


async def load(connection: AsyncConnection, level: Level, call: Call) -> list[dict[str, Any]]:
    """Return the rows of a plan, JSON-ready."""
    rows = await fetch(connection, call, level.statement, call.values(level.parameters))
    return await _assemble(connection, level, call, rows)


async def load_linked(
    connection: AsyncConnection, level: Level, call: Call, keys: Sequence[Any]
) -> tuple[list[dict[str, Any]], list[Row]]:
    """Return the rows of a plan whose links are among the keys, JSON-ready, and each row's link."""
    rows = await _fetch_linked(connection, level, call, keys)
    return await _assemble(connection, level, call, rows), _links(level, rows)


async def _fetch_linked(connection: AsyncConnection, level: Level, call: Call, keys: Sequence[Any]) -> list[Row]:
    values = call.values(level.parameters)
    rows: list[Row] = []
    size = CHUNK // len(level.collection.key)
    for start in range(0, len(keys), size):
        rows += await fetch(connection, call, level.statement, {**values, KEYS: list(keys[start : start + size])})
    return rows


def _links(level: Level, rows: Sequence[Row]) -> list[Row]:
    width = len(level.outputs)
    return [row[width:] for row in rows]


class _Assembled:
    """Items with all that is below them.

    Items below are shared by those above, so what is written out may be far more than what was read. `sizes` says for
    each item what it comes to then, `read` what has been read for all of them, both in units of 256 characters begun.
    """

    __slots__ = ("items", "read", "sizes")

    def __init__(self, items: list[dict[str, Any]], sizes: list[int]) -> None:
        self.items = items
        self.sizes = sizes
        self.read = sum(sizes)

    def check(self) -> None:
        """Refuse relations that lead back and forth between few rows: what they come to multiplies with each step."""
        if sum(self.sizes) > MOST_WRITTEN + MOST_REPEATED * self.read:
            raise invalid_query("The fields follow relations that repeat the same items too often")


async def _assemble(connection: AsyncConnection, level: Level, call: Call, rows: Sequence[Row]) -> list[dict[str, Any]]:
    items = _items(level, rows)
    call = msgspec.structs.replace(call, weighs=_repeats(level))
    # Nothing is above these, so that each of them is written once, whatever its size is.
    return (await _fill(connection, level, call, rows, _Assembled(items, [1] * len(items)))).items


async def _fill(
    connection: AsyncConnection, level: Level, call: Call, rows: Sequence[Row], assembled: _Assembled
) -> _Assembled:
    for below in level.below:
        column = [row[below.index] for row in rows]
        found = await _load_below(connection, below, call, column)
        assembled.read += found.read
        for index, value in enumerate(column):
            assembled.items[index][below.output] = _filling(below, found.items, value)
            assembled.sizes[index] += found.sizes.get(value, 0)
    for ways in level.unions:
        column = [row[ways.index] for row in rows]
        found = await _load_ways(connection, ways, call, column)
        assembled.read += found.read
        for index, value in enumerate(column):
            assembled.items[index][ways.output] = _way_filling(ways, found.items, value)
            assembled.sizes[index] += found.sizes.get(value, 0)
    assembled.check()
    return assembled


def _repeats(level: Level) -> bool:
    """Whether one row below may belong to several above: only to-one relations lead many rows to the same."""
    return bool(level.unions) or any(not below.many or _repeats(below.level) for below in level.below)


def _items(level: Level, rows: Sequence[Row]) -> list[dict[str, Any]]:
    outputs = level.outputs
    # A row may be longer than the outputs: what links it comes last.
    items = [dict(zip(outputs, row)) for row in rows]  # noqa: B905
    for name, form in level.renderers:
        for item in items:
            item[name] = form(item[name])
    return items


def _size(item: dict[str, Any]) -> int:
    characters = 0
    for value in item.values():
        if isinstance(value, str):
            characters += len(value)
        elif isinstance(value, (list, dict)):
            characters += len(json.encode(value))
    return 1 + characters // _UNIT


class _Found(msgspec.Struct):
    """The items below and what they come to, by the value in the column above that they belong to."""

    read: int
    items: dict[Any, list[Any]] = {}
    sizes: dict[Any, int] = {}


async def _load_below(connection: AsyncConnection, below: Below, call: Call, column: Sequence[Any]) -> _Found:
    values = list({value: None for value in column if value is not None})
    return await _load_level(connection, below.level, call, values, keys_only=below.keys_only)


async def _load_level(
    connection: AsyncConnection, level: Level, call: Call, values: list[Any], *, keys_only: bool = False
) -> _Found:
    rows = await _fetch_linked(connection, level, call, values)
    items = _items(level, rows)
    assembled = _Assembled(items, [_size(item) for item in items] if call.weighs else [1] * len(items))
    await _fill(connection, level, call, rows, assembled)
    found = _Found(assembled.read)
    key_of = level.collection.key_of
    for item, size, (link,) in zip(items, assembled.sizes, _links(level, rows), strict=True):
        found.items.setdefault(link, []).append(key_of(item) if keys_only else item)
        found.sizes[link] = found.sizes.get(link, 0) + size
    return found


async def _load_ways(connection: AsyncConnection, ways: Ways, call: Call, column: Sequence[Any]) -> _Found:
    """Read the items of a union, one statement a collection, by what the column above holds."""
    found = _Found(0)
    for name, level in ways.levels.items():
        start = name + UNIT
        texts = (value.removeprefix(start) for value in column if value is not None and value.startswith(start))
        keys = [key for (key,) in parse_keys(level.collection, texts)]
        part = await _load_level(connection, level, call, keys)
        found.read += part.read
        found.items |= {f"{start}{key}": items for key, items in part.items.items()}
        found.sizes |= {f"{start}{key}": size for key, size in part.sizes.items()}
    return found


def _way_filling(ways: Ways, found: dict[Any, list[Any]], value: str | None) -> Any:
    """Return the item of a union, or its key where its items are not wanted."""
    if value is None:
        return None
    way, _, key = value.partition(UNIT)
    return next(iter(found.get(value, ())), None) if way in ways.levels else key


def _filling(below: Below, found: dict[Any, list[Any]], value: Any) -> Any:
    if value is None:
        return None
    if below.many:
        return found.get(value, [])
    return next(iter(found.get(value, ())), None)
