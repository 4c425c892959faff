"""Results: what a procedure gives, checked against its annotations and made ready for the wire, value by value."""

from __future__ import annotations

import inspect
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import TYPE_CHECKING, Any

from watchword.backend.signatures import shape_of
from watchword.backend.tracked import Tracked
from watchword.base.errors import Code, Problem

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable

    from watchword.backend.call import Call
    from watchword.backend.signatures import Shape, Signature
    from watchword.protocol.operations import Manner


_ANY = shape_of(Any)


class Results:
    """The results of one procedure in one manner."""

    def __init__(self, signature: Signature, manner: Manner) -> None:
        self._signature = signature
        self._manner = manner

    async def of_call(self, call: Call, data: Any) -> Any:
        """Call it, and return one value, or what gives several.

        Raises:
            Problem: INVALID_PAYLOAD; UNSUPPORTED_MEDIA_TYPE for several where there can be only one.
        """
        begun = self._signature.begin(call, data, self._manner)
        result = begun if self._signature.is_generator else await begun
        if not is_deferred(result):
            return self._write(result)
        if not self._manner.streams:
            await _discard(result)
            raise Problem(Code.UNSUPPORTED_MEDIA_TYPE, "The result comes bit by bit; ask for it as a stream.")
        if isinstance(result, dict):
            return {name: self._member(value) for name, value in result.items()}
        return self._each(result)

    def of_subscription(self, call: Call, data: Any) -> AsyncGenerator[Any, None]:
        """Begin it, and return its values, those that are tracked under their ids.

        Raises:
            Problem: INVALID_PAYLOAD.
        """
        return self._tracked(self._signature.begin(call, data, self._manner))

    def _write(self, value: Any) -> Any:
        return self._write_as(value, self._signature.output_type, self._signature.output)

    def _member(self, value: Any) -> Any:
        """Of what comes later, and stands beside other members, nothing is annotated."""
        if hasattr(value, "__aiter__"):
            return self._each(value)
        return self._later(value) if inspect.isawaitable(value) else self._write_any(value)

    def _write_any(self, value: Any) -> Any:
        return self._write_as(value, Any, _ANY)

    def _write_as(self, value: Any, kind: Any, shape: Shape) -> Any:
        if not self._manner.native:
            return shape.write(value)
        from watchword.backend.native import write_native  # noqa: PLC0415 - few ask for it, and all would wait

        return write_native(value, kind)

    async def _later(self, value: Awaitable[Any]) -> Any:
        return self._write_any(await value)

    async def _each(self, values: AsyncIterator[Any]) -> AsyncIterator[Any]:
        write = self._write if self._signature.gives_many else self._write_any
        try:
            async for value in values:
                yield write(value)
        finally:
            if isinstance(values, AsyncGenerator):
                await values.aclose()  # here and now, not whenever its memory is reclaimed

    async def _tracked(self, values: AsyncGenerator[Any, None]) -> AsyncGenerator[Any, None]:
        async with aclosing(values):
            async for value in values:
                if isinstance(value, Tracked):
                    yield Tracked(value.id, self._write(value.data))
                elif self._signature.is_tracked:
                    raise TypeError(f"a value of {self._signature.function.__name__} is not tracked as annotated")
                else:
                    yield self._write(value)


def is_deferred(result: Any) -> bool:
    """Whether a result is not all there yet: values come one by one, or members of a mapping later."""
    if isinstance(result, dict):
        return any(map(_is_pending, result.values()))
    return hasattr(result, "__aiter__")


def _is_pending(value: Any) -> bool:
    return hasattr(value, "__aiter__") or inspect.isawaitable(value)


async def _discard(result: Any) -> None:
    """End what nobody will ask for."""
    for value in result.values() if isinstance(result, dict) else (result,):
        if inspect.iscoroutine(value):
            value.close()
        elif inspect.isasyncgen(value):
            await value.aclose()
