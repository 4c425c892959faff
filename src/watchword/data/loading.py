"""Loading: running the levels of a plan and putting their rows together, column by column and from below."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from watchword.base import json
from watchword.base.errors import invalid_query
from watchword.base.slices import SLICE
from watchword.data.forms import AS_OBJECTS, Columns, Form, KeysOnly, Showing
from watchword.data.keys import parse_keys
from watchword.data.plan import KEYS, LIMIT, OFFSET, UNIT, Level
from watchword.data.scope import Scope
from watchword.data.tally import Tally, rows_read
from watchword.storage.engine import end_with_next, pause

if TYPE_CHECKING:
    import sqlalchemy as sa

    from watchword.data.parameters import Parameters
    from watchword.data.plan import Below, Ways

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

    `tally` counts what is read. Where no item is written more than once, nothing `weighs` what items come to. `ends`:
    nothing is read after it in its transaction.
    """

    scope: Scope
    given: tuple[Any, ...] = ()
    limit: int | None = None
    offset: int = 0
    lasting: bool = True
    tally: Tally = msgspec.field(default_factory=rows_read)
    weighs: bool = True
    showing: Showing = AS_OBJECTS
    ends: bool = False

    def values(self, parameters: Parameters) -> dict[str, Any]:
        """Return the values of a statement's parameters."""
        return {LIMIT: self.limit, OFFSET: self.offset, **parameters.values(self.scope, self.given)}


def fetch(
    connection: sa.Connection, call: Call, statement: sa.Select[Any], values: dict[str, Any], *, is_last: bool = False
) -> Sequence[Row]:
    """Run a statement and return its rows. `is_last`: the transaction has no statement after it.

    Raises:
        Problem: INVALID_QUERY when the read takes too many by now.
    """
    if is_last:
        end_with_next(connection)
    result = connection.execute(statement, values, execution_options=_LASTING if call.lasting else _ONCE)
    rows: list[Row] = []
    for some in result.partitions(SLICE):
        if rows:
            pause()
        call.tally.take(len(some))
        rows += some
    return rows


def load(connection: sa.Connection, level: Level, call: Call) -> list[Any]:
    """Return the rows of a plan, in the form that the call wants."""
    is_last = call.ends and not level.leads_on
    rows = fetch(connection, call, level.statement, call.values(level.parameters), is_last=is_last)
    return _whole(connection, level, call, rows)


def load_linked(
    connection: sa.Connection, level: Level, call: Call, keys: Sequence[Any]
) -> tuple[list[Any], list[Row]]:
    """Return the rows of a plan whose links are among the keys, in the form that the call wants, and their links."""
    rows = _fetch_linked(connection, level, call, keys)
    width = len(level.outputs)
    return _whole(connection, level, call, rows), [row[width:] for row in rows]


def _fetch_linked(connection: sa.Connection, level: Level, call: Call, keys: Sequence[Any]) -> list[Row]:
    values = call.values(level.parameters)
    rows: list[Row] = []
    size = CHUNK // len(level.collection.key)
    for start in range(0, len(keys), size):
        is_last = call.ends and not level.leads_on and start + size >= len(keys)
        given = {**values, KEYS: list(keys[start : start + size])}
        rows += fetch(connection, call, level.statement, given, is_last=is_last)
    return rows


def _whole(connection: sa.Connection, level: Level, call: Call, rows: Sequence[Row]) -> list[Any]:
    call = msgspec.structs.replace(call, weighs=_repeats(level))
    columns = _columns(level, rows)
    # Nothing is above these, so that each of them is written once, whatever its size is.
    weights = [[1] * len(rows) for _ in range(1 + call.weighs)]
    assembled = _assemble(connection, call, _Part(level, columns, call.showing.form, weights))
    if call.showing.tally is not None:
        call.showing.tally.take(sum(assembled.weights[0]))
    return assembled.items


def _repeats(level: Level) -> bool:
    """Whether one row below may belong to several above: only to-one relations lead many rows to the same."""
    return bool(level.unions) or any(not below.many or _repeats(below.level) for below in level.below)


class _Part(msgspec.Struct):
    """The rows of one level that are being put together.

    `weights` say of each row how many items it is with all that is below it. Items below are shared by those above, so
    what is written out may be far more than what was read: where that is so, they also say what each comes to then, in
    units of 256 characters begun.
    """

    level: Level
    columns: Columns
    form: Form
    weights: list[list[int]]


class _Assembled(msgspec.Struct):
    """Items with all that is below them, their weights, and what has been read for all of them."""

    items: list[Any]
    weights: list[list[int]]
    read: int


def _assemble(connection: sa.Connection, call: Call, part: _Part) -> _Assembled:
    level, weights = part.level, part.weights
    columns = part.columns[: len(level.outputs)]
    read = sum(weights[-1])
    for below in level.below:
        column = columns[below.index]
        form = KeysOnly(below.level.collection.key) if below.keys_only else part.form.below(below.output)
        is_last = below is level.below[-1] and not level.unions
        inner = call if is_last else msgspec.structs.replace(call, ends=False)
        found = _load_below(connection, below, inner, column, form)
        read += found.read
        columns[below.index] = _filled(below, found.items, column)
        weights = _joined(weights, found, column)
    for ways in level.unions:
        column = columns[ways.index]
        found = _load_ways(connection, ways, msgspec.structs.replace(call, ends=False), column, part.form)
        read += found.read
        columns[ways.index] = [_way_filled(ways, found.items, value) for value in column]
        weights = _joined(weights, found, column)
    _check(weights[-1], read)
    return _Assembled(part.form.made(level.outputs, columns, len(weights[0])), weights, read)


def _joined(weights: list[list[int]], found: _Found, column: Sequence[Any]) -> list[list[int]]:
    """Return the weights of rows with those of what has been found for their values in a column."""
    return [
        [weight + added.get(value, 0) for weight, value in zip(own, column, strict=True)]
        for own, added in zip(weights, found.weights, strict=True)
    ]


def _check(sizes: list[int], read: int) -> None:
    """Refuse relations that lead back and forth between few rows: what they come to multiplies with each step."""
    if sum(sizes) > MOST_WRITTEN + MOST_REPEATED * read:
        raise invalid_query("The fields follow relations that repeat the same items too often")


def _columns(level: Level, rows: Sequence[Row]) -> Columns:
    """Return the columns of rows, JSON-ready, and behind them what links the rows."""
    if not rows:
        return [()] * (len(level.outputs) + 1)
    columns: Columns = list(zip(*rows, strict=True))
    for index, form in level.renderers:
        columns[index] = form(columns[index])
        if len(rows) > SLICE:
            pause()
    return columns


def _size(values: Sequence[Any]) -> int:
    characters = 0
    for value in values:
        if isinstance(value, str):
            characters += len(value)
        elif isinstance(value, (list, dict)):
            characters += len(json.encode(value))
    return 1 + characters // _UNIT


class _Found(msgspec.Struct):
    """The items below and their weights, by the value in the column above that they belong to."""

    read: int
    items: dict[Any, list[Any]]
    weights: list[dict[Any, int]]


def _load_below(connection: sa.Connection, below: Below, call: Call, column: Sequence[Any], form: Form) -> _Found:
    values = list({value: None for value in column if value is not None})
    return _load_level(connection, below.level, call, values, form)


def _load_level(connection: sa.Connection, level: Level, call: Call, values: list[Any], form: Form) -> _Found:
    rows = _fetch_linked(connection, level, call, values)
    columns = _columns(level, rows)
    *shown, links = columns
    weights = [[1] * len(rows)]
    if call.weighs:
        weights.append(list(map(_size, zip(*shown, strict=True))) if shown else weights[0])
    assembled = _assemble(connection, call, _Part(level, columns, form, weights))
    items: dict[Any, list[Any]] = {}
    for item, link in zip(assembled.items, links, strict=True):
        items.setdefault(link, []).append(item)
    if assembled.weights is weights and not call.weighs:
        return _Found(assembled.read, items, [Counter(links)])
    return _Found(assembled.read, items, [_sums(links, each) for each in assembled.weights])


def _load_ways(connection: sa.Connection, ways: Ways, call: Call, column: Sequence[Any], form: Form) -> _Found:
    """Read the items of a union, one statement a collection, by what the column above holds."""
    found = _Found(0, {}, [{} for _ in range(1 + call.weighs)])
    for name, level in ways.levels.items():
        start = name + UNIT
        texts = (value.removeprefix(start) for value in column if value is not None and value.startswith(start))
        keys = [key for (key,) in parse_keys(level.collection, texts)]
        part = _load_level(connection, level, call, keys, form.below(f"{ways.output}:{name}"))
        found.read += part.read
        found.items |= {f"{start}{key}": items for key, items in part.items.items()}
        for own, added in zip(found.weights, part.weights, strict=True):
            own |= {f"{start}{key}": weight for key, weight in added.items()}
    return found


def _way_filled(ways: Ways, found: dict[Any, list[Any]], value: str | None) -> Any:
    """Return the item of a union, or its key where its items are not wanted."""
    if value is None:
        return None
    way, _, key = value.partition(UNIT)
    return next(iter(found.get(value, ())), None) if way in ways.levels else key


def _sums(links: Sequence[Any], weights: list[int]) -> dict[Any, int]:
    sums: dict[Any, int] = {}
    for link, weight in zip(links, weights, strict=True):
        sums[link] = sums.get(link, 0) + weight
    return sums


def _filled(below: Below, found: dict[Any, list[Any]], column: Sequence[Any]) -> list[Any]:
    if below.many:
        return [None if value is None else found.get(value) or [] for value in column]
    first = {link: items[0] for link, items in found.items()}
    return [first.get(value) for value in column]
