"""Executions: the documents that run for one connection, each beside everything else, and those that wait.

They begin in the order of their frames. What a document wants to follow is begun before anything that comes after it;
queries and mutations keep nothing waiting but others of their kind, and these only when there are many.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import anyio

from watchword.backend.alarm import Alarm
from watchword.backend.finishing import unbroken
from watchword.protocol import operations as op

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from watchword.backend.context import Context
    from watchword.backend.executor import Work
    from watchword.backend.pace import Pace
    from watchword.backend.services import Services
    from watchword.base.errors import Problem
    from watchword.protocol import outcomes as out


class Executing(Protocol):
    """The connection whose client sends documents."""

    @property
    def is_closed(self) -> bool:
        """Whether nothing more is said."""

    def spawn(self, work: Callable[..., Coroutine[Any, Any, object]], *arguments: Any) -> None:
        """Do some work beside the rest."""

    def say(self, outcome: out.Outcome, *, of: str | None = None) -> None:
        """Say an outcome."""

    def blame(self, operation: op.Operation, error: Exception) -> None:
        """Say that an operation has failed."""

    def explain(self, operation: op.Operation, error: Exception) -> Problem:
        """Return what the client may know of an error."""

    async def caller(self) -> Context:
        """Return the caller as it is now."""

    async def certain(self) -> None:
        """Return when it is known by which rights answers may be said."""

    async def room(self) -> None:
        """Return when the client has read enough to be told more."""


class _Execution:
    def __init__(self, operation: op.Execute) -> None:
        self.operation = operation
        self.scope = anyio.CancelScope()
        self.is_unwanted = False


class Executions:
    """The documents of one connection, by the names that its client has for them."""

    def __init__(self, connection: Executing, services: Services, pace: Pace) -> None:
        self._connection = connection
        self._services = services
        self._turns = anyio.Semaphore(pace.executions, fast_acquire=True)
        self._most = pace.executions + pace.backlog
        self._named: dict[str | None, _Execution] = {}
        self._count = 0
        self._less = Alarm()

    async def begin(self, operation: op.Execute) -> op.Subscribe | None:
        """Begin a query or a mutation, in place of what has its name; return what a subscription wants to follow.

        Raises:
            Problem: it cannot be run.
        """
        self.end(operation.subscription)
        caller = await self._connection.caller()
        begun = await self._services.begin(caller, operation)
        if isinstance(begun, op.Subscribe):
            return begun
        if not self._connection.is_closed:
            execution = self._named[operation.subscription] = _Execution(operation)
            self._count += 1
            self._connection.spawn(self._run, execution, begun, caller)
        return None

    def end(self, name: str | None) -> None:
        """End one at the client's wish: it gets no answer, and if it has not begun, it does not."""
        execution = self._named.pop(name, None)
        if execution is not None:
            execution.is_unwanted = True
            execution.scope.cancel()

    async def room(self) -> None:
        """Return when one more may begin, or wait. One task may wait for that at a time."""
        while self._count >= self._most:
            await self._less.wait(None)

    async def _run(self, execution: _Execution, work: Work, caller: Context) -> None:
        operation = execution.operation
        try:
            with execution.scope:
                reply = await self._reply(work, caller)
                await self._connection.certain()
                if reply is not None and not execution.is_unwanted:
                    self._connection.say(reply, of=operation.subscription)
        except Exception as error:  # noqa: BLE001 - a bug must not take the connection down
            if execution.is_unwanted:
                self._connection.explain(operation, error)  # for the log
            else:
                self._connection.blame(operation, error)
        finally:
            if self._named.get(operation.subscription) is execution:
                del self._named[operation.subscription]
            self._count -= 1
            self._less.ring()

    async def _reply(self, work: Work, caller: Context) -> out.Reply | None:
        """Do the work when its turn has come and its client reads; None when the connection has ended by then."""
        is_late = self._turns.value == 0
        async with self._turns:
            await self._connection.room()
            if self._connection.is_closed:
                return None
            return await unbroken(work(await self._connection.caller() if is_late else caller))
