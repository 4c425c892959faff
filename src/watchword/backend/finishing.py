"""Finishing: what the functions of an application give back, whether they are async or not."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any, TypeVar

import anyio

if TYPE_CHECKING:
    from collections.abc import Awaitable

T = TypeVar("T")


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
