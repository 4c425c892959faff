"""Finishing: what the functions of an application give back, whether they are async or not."""

from __future__ import annotations

import asyncio
import inspect
from contextvars import ContextVar, copy_context
from typing import TYPE_CHECKING, Any, TypeVar

import anyio
import structlog

from watchword.base.errors import Problem

if TYPE_CHECKING:
    from collections.abc import Awaitable, Coroutine

_log = structlog.get_logger(__name__)

T = TypeVar("T")

ENDING_SECONDS = 10.0
"""For how long an application's code may go on that is not wanted any more."""


async def finish(result: Any) -> Any:
    """Return a result: of a plain function at once, of an async one when it is there."""
    return await result if inspect.isawaitable(result) else result


async def unbroken(work: Awaitable[T]) -> T:
    """Return what comes of some work with the database, which drivers do not like to have cut off in its middle.

    Application code ends with the connection that it runs for, at any of its waits; not within such work.
    """
    ending = _ENDING.get()
    if ending is not None:
        ending.begin()
    try:
        with anyio.CancelScope(shield=True):
            result = await work
    finally:
        if ending is not None:
            ending.finish()
    return result


class _Ending:
    """The end of a task that waits until nothing in it is `unbroken`: scopes shield from scopes alone."""

    def __init__(self) -> None:
        self.task: asyncio.Task[Any] | None = None
        self._unbroken = 0
        self._is_due = False

    def begin(self) -> None:
        """Some work begins that is not to be cut off."""
        self._unbroken += 1

    def finish(self) -> None:
        """It is done; now may be the time."""
        self._unbroken -= 1
        if self._is_due:
            self.end()

    def end(self) -> None:
        """Cancel the task, once, at its next wait that may be cut off."""
        self._is_due = self._unbroken > 0
        if not self._is_due and self.task is not None:
            self.task.cancel()


_ENDING: ContextVar[_Ending | None] = ContextVar("ending", default=None)


async def ended_once(work: Coroutine[Any, Any, T]) -> T:
    """Run an application's code so that it hears of its end once, and then has some time for its own last steps.

    A scope of anyio would cut off every further wait, those of a `finally` too. Returns when the code has ended.
    """
    ending = _Ending()
    context = copy_context()
    context.run(_ENDING.set, ending)
    task = ending.task = asyncio.get_running_loop().create_task(work, context=context)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        ending.end()
        with anyio.CancelScope(shield=True):
            _, going_on = await asyncio.wait([task], timeout=ENDING_SECONDS)
        if going_on:
            task.cancel()
            _log.error("application.too_slow", operation="ending")
        elif not task.cancelled() and not isinstance(task.exception(), Problem | None):
            _log.error("application.failed_while_ending", exc_info=task.exception())
        raise
