"""Watches: the procedures that give one connection values as they come, each beside everything else.

A watch takes its next value when the client reads: what it gives waits nowhere but in the queue of the connection, and
not above its mark. It ends with its procedure, with the connection, when it is not wanted, and with the right to it.
"""

from __future__ import annotations

from contextlib import aclosing
from typing import TYPE_CHECKING, Protocol

import anyio

from watchword.backend.finishing import ended_once
from watchword.backend.subscriptions import ANOTHER_IDENTITY
from watchword.backend.tracked import Tracked
from watchword.base.errors import Code, Problem
from watchword.protocol import outcomes as out

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from typing import Any

    from watchword.access.principal import Principal
    from watchword.backend.attendant import Attendant, Begun
    from watchword.backend.context import Context
    from watchword.protocol import operations as op


class Watched(Protocol):
    """The connection whose client watches."""

    @property
    def acting(self) -> Principal:
        """On whose behalf operations run."""

    @property
    def followed(self) -> int:
        """How many subscriptions to collections and channels it has beside these."""

    def spawn(self, work: Callable[..., Coroutine[Any, Any, object]], *arguments: Any) -> None:
        """Do some work beside the rest."""

    def say(self, outcome: out.Outcome) -> None:
        """Say an outcome."""

    def discard(self, subscription: str | None) -> None:
        """Drop what waits of a subscription."""

    def explain(self, operation: op.Operation, error: Exception) -> Problem:
        """Return what the client may know of an error."""

    async def caller(self) -> Context:
        """Return the caller as it is now."""

    async def room(self) -> None:
        """Return when the client has read enough to be told more."""


class _Watch:
    def __init__(self, operation: op.Watch) -> None:
        self.operation = operation
        self.scope = anyio.CancelScope()
        self.begun: Begun | None = None
        self.problem: Problem | None = None
        self.is_unwanted = False


class Watches:
    """The watches of one connection, by name; `most` of them at the same time."""

    def __init__(self, connection: Watched, attendant: Attendant, most: int) -> None:
        self._connection = connection
        self._attendant = attendant
        self._most = most
        self._running: dict[str, _Watch] = {}

    def __contains__(self, name: object) -> bool:
        return name in self._running

    def __len__(self) -> int:
        return len(self._running)

    def begin(self, operation: op.Watch) -> None:
        """Begin one.

        Raises:
            Problem: INVALID_PAYLOAD, there is one of that name, which goes on; REQUESTS_EXCEEDED.
        """
        name = operation.subscription
        if name in self._running:
            raise Problem(Code.INVALID_PAYLOAD, f"Duplicate id {name}", reason="duplicate")
        if len(self) + self._connection.followed >= self._most:
            raise Problem(Code.REQUESTS_EXCEEDED, "Too many subscriptions on this connection.", limit=self._most)
        watch = self._running[name] = _Watch(operation)
        self._connection.spawn(self._run, watch)

    def end(self, name: str | None, problem: Problem | None = None) -> None:
        """End one, or all, at the client's wish or because of a problem; what it gives meanwhile is not told.

        Nor is what waits to be told, after a problem.
        """
        for watch in [self._running.get(name)] if name is not None else list(self._running.values()):
            if watch is not None and not watch.is_unwanted:
                watch.is_unwanted, watch.problem = True, problem
                watch.scope.cancel()
                if problem is not None:
                    self._connection.discard(watch.operation.subscription)

    def acts_as(self, principal: Principal) -> None:
        """End at once what was granted to somebody else."""
        for name, watch in self._running.items():
            if watch.begun is not None and not watch.begun.keeps(principal):
                self.end(name, Problem(Code.INVALID_CREDENTIALS, ANOTHER_IDENTITY))

    def refile(self, context: Context | Problem) -> None:
        """Go on under the rights of now; what is not allowed by them ends."""
        for name, watch in self._running.items():
            if watch.begun is None:
                continue
            try:
                if isinstance(context, Problem):
                    raise context
                watch.begun.admit(context)
            except Problem as problem:
                self.end(name, problem)

    async def _run(self, watch: _Watch) -> None:
        operation, problem = watch.operation, None
        try:
            with watch.scope:
                await ended_once(self._watch(watch))
        except Exception as error:  # noqa: BLE001 - a bug must not take the connection down
            problem = self._connection.explain(operation, error)
        finally:
            del self._running[operation.subscription]
            self._attendant.unwatched(operation.subscription)
        told = watch.problem if watch.is_unwanted else problem
        if told is None:
            self._connection.say(out.Ended(operation.subscription, operation.id))
        else:
            self._connection.say(out.Failure(operation, told))

    async def _watch(self, watch: _Watch) -> None:
        connection, operation = self._connection, watch.operation
        while True:
            principal = connection.acting
            begun = await self._attendant.watch(operation, connection.caller)
            if principal is connection.acting:
                break
            await begun.values.aclose()  # somebody else acts on the connection since it was asked for
        watch.begun = begun
        connection.say(out.Subscribed(operation.subscription, has_data=False, id=operation.id))
        async with aclosing(begun.values) as values:
            async for value in values:
                if watch.is_unwanted:
                    return  # work with the database is not cut off: it has ended since, and gives what it found
                if isinstance(value, Tracked):
                    connection.say(out.Value(operation.subscription, value.data, value.id))
                else:
                    connection.say(out.Value(operation.subscription, value))
                await connection.room()
