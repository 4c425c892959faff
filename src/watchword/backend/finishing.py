"""Finishing: what the functions of an application give back, whether they are async or not."""

from __future__ import annotations

import asyncio
import inspect
from typing import TYPE_CHECKING, Any, TypeVar

import anyio
import structlog

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
    with anyio.CancelScope(shield=True):
        result = await work
    return result  # noqa: RET504 - a scope might swallow what it returns, as far as types go


async def ended_once(work: Coroutine[Any, Any, T]) -> T:
    """Run an application's code so that it hears of its end once, and then has some time for its own last steps.

    A scope of anyio would cut off every further wait, those of a `finally` too. Returns when the code has ended.
    """
    task = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        task.cancel()
        with anyio.CancelScope(shield=True):
            _, going_on = await asyncio.wait([task], timeout=ENDING_SECONDS)
        if going_on:
            task.cancel()
            _log.error("application.too_slow", operation="ending")
        elif not task.cancelled() and task.exception() is not None:
            _log.error("application.failed_while_ending", exc_info=task.exception())
        raise
