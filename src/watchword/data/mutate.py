"""Mutations: create, update and delete items under a caller's rights, nested items included, all or nothing."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Protocol

from sqlalchemy.exc import DBAPIError

from watchword.access.permissions import Action
from watchword.data.binding import Binder
from watchword.data.keys import Key, key_in, parse_key, told_keys
from watchword.data.mutation import Mutation, PasswordHasher
from watchword.data.nested import misses_key, out_of_sight
from watchword.data.violations import at_commit
from watchword.query.query import Query, Selection

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from contextlib import AbstractAsyncContextManager

    from sqlalchemy.ext.asyncio import AsyncConnection

    from watchword.base.errors import Problem
    from watchword.data.catalogue import Catalogue
    from watchword.data.mutation import Objection
    from watchword.data.schema import Collection
    from watchword.data.scope import Scope
    from watchword.data.select import Reader
    from watchword.data.writes import WriteLog


class Store(Protocol):
    """What a writer needs of the database."""

    def write(self) -> AbstractAsyncContextManager[AsyncConnection]:
        """Open a transaction that commits when the block ends."""


class Writer:
    """Writes items. Every method works inside the caller's transaction, so that a request is one, and reads see it.

    One request writes to `most` items at the most, nested ones included; None sets no bound.

    After an error the transaction must be rolled back. Keys are given and returned as canonical values, composite ones
    as text. Rows that may not be written look like rows that do not exist, fields like fields that do not. What has
    been written is noted in `writes`; `before` is asked before each write.

    Raises:
        Problem: FORBIDDEN; INVALID_PAYLOAD, FAILED_VALIDATION and the codes of `data.violations`.
    """

    def __init__(self, db: Store, reader: Reader, hasher: PasswordHasher, most: int | None = None) -> None:
        self._db = db
        self._reader = reader
        self._hasher = hasher
        self._most = most

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncConnection]:
        """Open the transaction of a request; what a deferred constraint refuses at its end is a Problem, too."""
        done = False
        try:
            async with self._db.write() as connection:
                yield connection
                done = True
        except DBAPIError as error:
            problem = at_commit(error) if done else None
            if problem is None:
                raise
            raise problem from error

    async def create(  # noqa: PLR0913 - where it is written, and where it is noted
        self,
        catalogue: Catalogue,
        scope: Scope,
        collection: str,
        payloads: Sequence[Any],
        *,
        connection: AsyncConnection,
        writes: WriteLog | None = None,
        before: Objection | None = None,
    ) -> list[Any]:
        """Create items and return their keys, in order."""
        mutation = self._mutation(catalogue, scope, connection, writes, before)
        found = mutation.collection(collection, Action.CREATE)
        return told_keys(found, await mutation.create(found, payloads))

    async def update(  # noqa: PLR0913 - the rows are chosen in one of two ways
        self,
        catalogue: Catalogue,
        scope: Scope,
        collection: str,
        data: Any,
        *,
        keys: Sequence[Any] | None = None,
        query: Query | None = None,
        connection: AsyncConnection,
        writes: WriteLog | None = None,
        before: Objection | None = None,
    ) -> list[Any]:
        """Write the same data to the rows with these keys, or to those that the query takes; return their keys.

        Empty data changes nothing. All rows must be in sight of the rule, with every field that is written.
        """
        mutation = self._mutation(catalogue, scope, connection, writes, before)
        found = mutation.collection(collection, Action.UPDATE)
        refusal = out_of_sight(collection, Action.UPDATE, data if isinstance(data, dict) else ())
        chosen = await self._choose(mutation, found, keys, query, refusal)
        return told_keys(found, await mutation.update(found, chosen, data))

    async def update_batch(  # noqa: PLR0913 - where it is written, and where it is noted
        self,
        catalogue: Catalogue,
        scope: Scope,
        collection: str,
        payloads: Sequence[Any],
        *,
        connection: AsyncConnection,
        writes: WriteLog | None = None,
        before: Objection | None = None,
    ) -> list[Any]:
        """Write to each item what its payload says; each payload holds its key. Return the keys, in order."""
        mutation = self._mutation(catalogue, scope, connection, writes, before)
        found = mutation.collection(collection, Action.UPDATE)
        mutation.tally.check(len(payloads))
        keys: list[Key] = []
        for payload in payloads:
            if not isinstance(payload, dict) or any(payload.get(name) is None for name in found.key):
                raise misses_key()
            data = {name: value for name, value in payload.items() if name not in found.key}
            key = key_in(found, payload)
            if key is None:
                raise out_of_sight(collection, Action.UPDATE, data)
            keys += await mutation.update(found, [key], data)
        return told_keys(found, keys)

    async def delete(  # noqa: PLR0913 - the rows are chosen in one of two ways
        self,
        catalogue: Catalogue,
        scope: Scope,
        collection: str,
        *,
        keys: Sequence[Any] | None = None,
        query: Query | None = None,
        connection: AsyncConnection,
        writes: WriteLog | None = None,
        before: Objection | None = None,
    ) -> list[Any]:
        """Delete the rows with these keys, or those that the query takes, and return their keys."""
        mutation = self._mutation(catalogue, scope, connection, writes, before)
        found = mutation.collection(collection, Action.DELETE)
        chosen = await self._choose(mutation, found, keys, query, out_of_sight(collection, Action.DELETE))
        await mutation.delete(found, chosen)
        return told_keys(found, chosen)

    def _mutation(
        self,
        catalogue: Catalogue,
        scope: Scope,
        connection: AsyncConnection,
        writes: WriteLog | None,
        before: Objection | None,
    ) -> Mutation:
        return Mutation(Binder(catalogue, scope), connection, self._hasher, self._most, writes, before)

    async def _choose(
        self,
        mutation: Mutation,
        collection: Collection,
        keys: Sequence[Any] | None,
        query: Query | None,
        refusal: Problem,
    ) -> list[Key]:
        """Return the keys that are meant, each once: those given, or those of the rows that a query takes."""
        if keys is not None:
            mutation.tally.check(len(keys))
            parsed = [parse_key(collection, key) for key in keys]
        elif query is not None:
            parsed = await self._taken(mutation, collection, query)
        else:
            raise TypeError("a write needs keys or a query")
        if None in parsed:
            raise refusal
        return [key for key in dict.fromkeys(parsed) if key is not None]

    async def _taken(self, mutation: Mutation, collection: Collection, query: Query) -> list[Key | None]:
        plain = Query(
            collection.name,
            tuple(Selection((name,)) for name in collection.key),
            query.filter,
            query.sort,
            self._fetched(query.limit),
            query.offset,
            query.search,
        )
        binder = mutation.binder
        page = await self._reader.read(binder.catalogue, binder.scope, plain, connection=mutation.connection)
        return [key_in(collection, row) for row in page.data]

    def _fetched(self, limit: int | None) -> int:
        """Return how many keys are read for a query's limit: one more than may be written is enough to know."""
        wanted = -1 if limit is None else limit
        if self._most is None or 0 <= wanted <= self._most:
            return wanted
        return self._most + 1
