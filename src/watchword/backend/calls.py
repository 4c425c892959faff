"""Calls: what the server has asked a client and waits for."""

from __future__ import annotations

import asyncio
import inspect
from typing import TYPE_CHECKING, Any

import anyio

from watchword.base.errors import Code, Problem
from watchword.protocol.operations import ABSENT

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from watchword.protocol import operations as op

MOST_WAITING = 1_000
"""How many answers may be waited for at the same time."""


class RemoteError(Exception):
    """A client has answered a call with an error: its `name`, its `message` and its other members, or a `value`."""

    def __init__(self, value: Any) -> None:
        self.value = value
        members = value if isinstance(value, dict) else {}
        self.name = str(members.get("name", "Error"))
        self.message = str(members.get("message", value))
        self.members = {name: each for name, each in members.items() if name not in {"name", "message"}}
        super().__init__(self.message)


class OutgoingCalls:
    """The calls of one connection, numbered from 1."""

    def __init__(self) -> None:
        self._last = 0
        self._waiting: dict[Any, asyncio.Future[Any]] = {}
        self._ended: Problem | None = None

    async def call(self, tell: Callable[[int], Awaitable[None] | None], name: str, patience: float) -> Any:
        """Make a call and return its result; `tell` says it under a number.

        Raises:
            RemoteError: the client answers with an error.
            TimeoutError: it has not answered within `patience` seconds.
            Problem: the connection ends, or too much is being waited for.
        """
        if self._ended is not None:
            raise self._ended
        if len(self._waiting) >= MOST_WAITING:
            raise Problem(Code.REQUESTS_EXCEEDED, "Too many calls wait for the client.")
        self._last += 1
        number = self._last
        future = self._waiting[number] = asyncio.get_running_loop().create_future()
        try:
            told = tell(number)
            if inspect.isawaitable(told):
                await told
            with anyio.move_on_after(patience):
                return await future
            raise TimeoutError(f"Event response for {name} event timed out")
        finally:
            del self._waiting[number]

    def answered(self, operation: op.Answer) -> None:
        """Take the client's answer; one to nothing is no error."""
        future = self._waiting.get(operation.call)
        if future is None or future.done():
            return
        if operation.error is not ABSENT and operation.error is not None:
            future.set_exception(RemoteError(operation.error))
        else:
            future.set_result(None if operation.data is ABSENT else operation.data)

    def end(self, problem: Problem) -> None:
        """Nothing is answered any more."""
        self._ended = problem
        for future in self._waiting.values():
            if not future.done():
                future.set_exception(problem)
