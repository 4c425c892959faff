"""Share: the connections that what clients ask for may take together, so that some are left for our own work.

Sessions are checked and changes are told on connections of the same pool. Without a share of their own, as many slow
queries as there are connections would keep everybody from logging in and from being told anything.
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, TypeVar

import anyio

from watchword.storage.engine import POOL_SECONDS, unavailable

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from sqlalchemy import Connection
    from sqlalchemy.ext.asyncio import AsyncConnection

    from watchword.storage.engine import Database

T = TypeVar("T")

OWN = 2
"""How many connections are left for our own work."""


class ClientShare:
    """A database for what clients ask for: the same transactions, but not all of its connections.

    Who waits longer than ten seconds for a place gets SERVICE_UNAVAILABLE. A pool that is not larger than what is left
    for ourselves still has one place. On SQLite writers take turns as it is, and one connection: they need no place,
    and a writer that waits for its turn keeps nobody from reading.
    """

    def __init__(self, db: Database, pool_size: int) -> None:
        self._db = db
        self._places = anyio.Semaphore(max(1, pool_size - OWN), fast_acquire=True)

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """Open a transaction for reading.

        Raises:
            Problem: SERVICE_UNAVAILABLE when there is no place in time, or as the database says.
        """
        async with self._place(), self._db.read() as connection:
            yield connection

    async def run(self, work: Callable[[Connection], T]) -> T:
        """Run what only reads, in one transaction.

        Raises:
            Problem: as `read` does.
        """
        async with self._place():
            return await self._db.run(work)

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncConnection]:
        """Open a transaction that commits when the block ends.

        Raises:
            Problem: SERVICE_UNAVAILABLE when there is no place in time, or as the database says.
        """
        if self._db.kind == "sqlite":
            async with self._db.write() as connection:
                yield connection
            return
        async with self._place(), self._db.write() as connection:
            yield connection

    @asynccontextmanager
    async def _place(self) -> AsyncIterator[None]:
        try:
            self._places.acquire_nowait()
        except anyio.WouldBlock:
            await self._wait()
        try:
            yield
        finally:
            self._places.release()

    async def _wait(self) -> None:
        try:
            with anyio.fail_after(POOL_SECONDS):
                await self._places.acquire()
        except TimeoutError as error:
            raise unavailable("clients ask for more than their share of the connections") from error
