"""Reading: queries under a caller's rights, as JSON-ready rows."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, TypeVar
from weakref import WeakKeyDictionary

import msgspec
from msgspec.structs import replace

from watchword.base.errors import forbidden
from watchword.data.aggregate import Aggregation, load_groups, plan_groups
from watchword.data.binding import Binder
from watchword.data.forms import AS_OBJECTS, Showing
from watchword.data.keys import parse_keys
from watchword.data.loading import Call, fetch, load, load_linked
from watchword.data.plan import Counting, Level, Limits, Planner
from watchword.data.scope import Page
from watchword.data.shapes import shape_of
from watchword.data.tally import rows_read

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sqlalchemy import Connection
    from sqlalchemy.ext.asyncio import AsyncConnection

    from watchword.access.compile import Access
    from watchword.data.catalogue import Catalogue
    from watchword.data.schema import Collection
    from watchword.data.scope import Scope
    from watchword.query.query import Query

MOST_PLANS = 500
"""How many plans are remembered for one set of rights on one structure of the database."""
LONGEST_REMEMBERED = 4_000
MOST_REMEMBERED = 200_000
"""Characters of a query whose plan is remembered, and of all such queries: nobody shall fill the memory with them."""


class Source(Protocol):
    """What a reader needs of the database."""

    async def run(self, work: Callable[[Connection], T]) -> T:
        """Run what only reads, in a transaction of its own."""


class _Plan(msgspec.Struct, frozen=True):
    rows: Level | Aggregation
    counts: tuple[Counting, ...]


class _Wanted(NamedTuple):
    """The rows with these keys: from which connection, in what form."""

    keys: Sequence[Any]
    connection: AsyncConnection | None = None
    showing: Showing = AS_OBJECTS


P = TypeVar("P")
T = TypeVar("T")
_Plans = WeakKeyDictionary["Access", dict[str, Any]]


_LIMITS = Limits()


class Reader:
    """Reads rows. Every statement carries the rules of the caller, for the collection and for what it relates to.

    What a query comes to is worked out once for each set of rights; the callers' variables and the time are parameters.
    A read without a connection of its caller's opens a transaction of its own.
    """

    def __init__(self, db: Source, limits: Limits = _LIMITS) -> None:
        self._db = db
        self._limits = limits
        self._plans: WeakKeyDictionary[Catalogue, _Plans] = WeakKeyDictionary()

    async def read(
        self,
        catalogue: Catalogue,
        scope: Scope,
        query: Query,
        *,
        connection: AsyncConnection | None = None,
        showing: Showing = AS_OBJECTS,
    ) -> Page:
        """Return the rows that a query takes, or its groups, and the counts that it asks for.

        Rows are put together as `showing` says; groups are objects.

        Raises:
            Problem: FORBIDDEN for what is out of sight, INVALID_QUERY for what makes no sense.
        """
        plan, call = self._prepare(catalogue, scope, query, _plan_query, showing)
        ends = connection is None and not plan.counts
        return await self._run(connection, partial(_page, plan=plan, call=replace(call, ends=ends)))

    async def read_keys(  # noqa: PLR0913, PLR0917 - whose rows, which, from where and in what form
        self,
        catalogue: Catalogue,
        scope: Scope,
        query: Query,
        keys: Sequence[Any],
        connection: AsyncConnection | None = None,
        showing: Showing = AS_OBJECTS,
    ) -> list[Any]:
        """Return the rows with these keys that the query takes, whatever its limit.

        They come in the order of the keys, unless the query sorts. Keys of rows that do not exist or are out of sight
        are left out, as if they had not been given.

        Raises:
            Problem: FORBIDDEN for what is out of sight, INVALID_QUERY for what makes no sense.
        """
        wanted = _Wanted(keys, connection, showing)
        collection, items, links = await self._load_keys(catalogue, scope, query, wanted)
        if query.sort:
            return items
        found = dict(zip(links, items, strict=True))
        return [found[key] for key in parse_keys(collection, keys) if key in found]

    async def rows_by_key(
        self, catalogue: Catalogue, scope: Scope, query: Query, keys: Sequence[Any]
    ) -> dict[str, dict[str, Any]]:
        """Return the rows with these keys that the query takes, by their key as text, as the change log writes it.

        Raises:
            Problem: FORBIDDEN for what is out of sight, INVALID_QUERY for what makes no sense.
        """
        _, items, links = await self._load_keys(catalogue, scope, query, _Wanted(keys))
        return {",".join(map(str, link)): item for link, item in zip(links, items, strict=True)}

    async def read_one(
        self,
        catalogue: Catalogue,
        scope: Scope,
        query: Query,
        key: Any,
        showing: Showing = AS_OBJECTS,
    ) -> Any:
        """Return the row with this key.

        Raises:
            Problem: FORBIDDEN, the same whether the row does not exist or is out of sight.
        """
        found = await self.read_keys(catalogue, scope, query, [key], showing=showing)
        if not found:
            raise forbidden()
        return found[0]

    async def _load_keys(
        self, catalogue: Catalogue, scope: Scope, query: Query, wanted: _Wanted
    ) -> tuple[Collection, list[Any], list[tuple[Any, ...]]]:
        level, call = self._prepare(catalogue, scope, query, _plan_keys, wanted.showing)
        collection = level.collection
        keys = parse_keys(collection, wanted.keys)
        if not keys:
            return collection, [], []
        given = keys if len(collection.key) > 1 else [key[0] for key in keys]
        call = replace(call, ends=wanted.connection is None)
        work = partial(load_linked, level=level, call=call, keys=given)
        items, links = await self._run(wanted.connection, work)
        return collection, items, [tuple(link) for link in links]

    def _prepare(
        self,
        catalogue: Catalogue,
        scope: Scope,
        query: Query,
        make: Callable[[Planner, Query], P],
        showing: Showing,
    ) -> tuple[P, Call]:
        """Return the plan for queries of this shape, remembered or new, and this query's run of it."""
        limit = self._limits.fetched(query.limit)
        shape = shape_of(query, limited=limit is not None)
        plans = self._plans.setdefault(catalogue, WeakKeyDictionary()).setdefault(scope.access, {})
        name = make.__name__ + shape.query.fingerprint()
        plan: P | None = plans.get(name)
        lasting = len(name) <= LONGEST_REMEMBERED
        if plan is None:
            self._limits.check(query)
            plan = make(Planner(Binder(catalogue, scope), self._limits), shape.query)
            if lasting:
                while plans and (len(plans) >= MOST_PLANS or sum(map(len, plans)) > MOST_REMEMBERED - len(name)):
                    del plans[next(iter(plans))]
                plans[name] = plan
        tally = rows_read(self._limits.rows)
        return plan, Call(scope, shape.given, limit, query.offset, lasting, tally, showing=showing)

    async def _run(self, connection: AsyncConnection | None, work: Callable[[Connection], T]) -> T:
        return await self._db.run(work) if connection is None else await connection.run_sync(work)


def _plan_query(planner: Planner, query: Query) -> _Plan:
    rows = plan_groups(planner, query) if query.aggregate or query.group else planner.rows(query)
    return _Plan(rows, planner.counts(query))


def _plan_keys(planner: Planner, query: Query) -> Level:
    return planner.rows(query, by_key=True)


def _page(connection: Connection, plan: _Plan, call: Call) -> Page:
    if isinstance(plan.rows, Aggregation):
        data = load_groups(connection, plan.rows, call)
    else:
        data = [] if call.limit == 0 else load(connection, plan.rows, call)
    meta = {count.name: _count(connection, count, call) for count in plan.counts}
    return Page(data, meta or None)


def _count(connection: Connection, count: Counting, call: Call) -> int:
    rows = fetch(connection, call, count.statement, call.values(count.parameters))
    return int(rows[0][0])
