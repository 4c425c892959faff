"""Pipeline: what an application has put around every operation, in order of priority, then of registration."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from watchword.backend.call import Call
    from watchword.protocol.operations import Operation

Proceed = Callable[[Any], Awaitable[Any]]
Middleware = Callable[["Call", Any, Proceed], Awaitable[Any]]


class _Layer(msgspec.Struct, frozen=True):
    priority: int
    number: int
    around: Middleware


class Pipeline:
    """The layers. Each is called with the call, the operation and what goes on with it, and returns the outcome.

    It may go on with another operation, return another outcome, wait, or raise Problem to refuse. What else it raises
    is logged and told as INTERNAL, as any bug. The smallest priority is outermost.
    """

    def __init__(self) -> None:
        self._layers: list[_Layer] = []

    def __bool__(self) -> bool:
        return bool(self._layers)

    def add(self, around: Middleware, priority: int = 0) -> None:
        """Add a layer."""
        self._layers.append(_Layer(priority, len(self._layers), around))
        self._layers.sort(key=lambda layer: (layer.priority, layer.number))

    async def run(self, call: Call, operation: Operation | Any, core: Proceed) -> Any:
        """Do an operation by `core`, through every layer."""
        proceed = core
        for layer in reversed(self._layers):
            proceed = _through(layer.around, call, proceed)
        return await proceed(operation)


def _through(around: Middleware, call: Call, proceed: Proceed) -> Proceed:
    async def go(operation: Any) -> Any:
        return await around(call, operation, proceed)

    return go
