"""Streaming: writes the answers to a batch as JSON lines, in the order in which their parts come."""

from __future__ import annotations

import inspect
from contextlib import aclosing, nullcontext
from typing import TYPE_CHECKING, Any, Protocol

import anyio

from watchword.backend.finishing import ended_once
from watchword.backend.results import is_deferred
from watchword.dialects.trpc.lines import ITERABLE, PROMISE
from watchword.http.trpc.failed import Failed
from watchword.http.trpc.headers import flowing

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable
    from contextlib import AbstractAsyncContextManager

    from anyio.abc import TaskGroup
    from starlette.types import Send

    from watchword.dialects.trpc.errors import Shape
    from watchword.dialects.trpc.lines import Later, Lines

_HEADERS = flowing("application/json")


class Answering(Protocol):
    """The calls whose answers are written."""

    def path(self, index: int) -> str:
        """Return which procedure a call is of."""

    async def make(self, index: int) -> Any:
        """Make one call and return its result, or raise Failed."""

    def explain(self, path: str, error: Exception) -> Shape:
        """Return what the client may know of an error."""


class Streaming:
    """One answer. One line is written at a time, and whoever has the next one waits for that."""

    def __init__(self, calls: Answering, lines: Lines, send: Send) -> None:
        self._calls = calls
        self._lines = lines
        self._send = send
        self._turn = anyio.Lock()
        self._writing: Callable[[], AbstractAsyncContextManager[None]] = nullcontext

    async def run(self, size: int, writing: Callable[[], AbstractAsyncContextManager[None]] = nullcontext) -> None:
        """Write all there is, up to the end. `writing` is entered for every write."""
        self._writing = writing
        await self._send({"type": "http.response.start", "status": 200, "headers": _HEADERS})
        await self._write((self._lines.head(),))
        async with anyio.create_task_group() as group:
            for index in range(size):
                group.start_soon(self._answer, group, index)
        await self._send({"type": "http.response.body", "body": b""})

    async def _write(self, lines: Iterable[bytes]) -> None:
        async with self._turn, self._writing():
            await self._send({"type": "http.response.body", "body": b"".join(lines), "more_body": True})

    async def _answer(self, group: TaskGroup, index: int) -> None:
        try:
            data = await self._calls.make(index)
        except Failed as failed:
            await self._write((self._lines.error(index, failed.error),))
            return
        if not is_deferred(data):
            await self._write((self._lines.answer(index, data),))
            return
        path = self._calls.path(index)
        chunk, begun = self._lines.begin(index, PROMISE if isinstance(data, dict) else ITERABLE)
        await self._write(begun)
        if isinstance(data, dict):
            await self._members(group, chunk, path, data)
        else:
            await ended_once(self._each(chunk, path, data))

    async def _members(self, group: TaskGroup, chunk: int, path: str, data: dict[str, Any]) -> None:
        later: list[Later] = []
        for name, value in data.items():
            if hasattr(value, "__aiter__"):
                later.append((name, ITERABLE, self._lines.next()))
            elif inspect.isawaitable(value):
                later.append((name, PROMISE, self._lines.next()))
        waiting = {name for name, _, _ in later}
        there = {name: 0 if name in waiting else value for name, value in data.items()}
        await self._write((self._lines.fulfilled(chunk, there, later),))
        for member, kind, number in later:
            work = self._each if kind == ITERABLE else self._one
            group.start_soon(ended_once, work(number, path, data[member or ""]))

    async def _one(self, chunk: int, path: str, value: Awaitable[Any]) -> None:
        try:
            line = self._lines.fulfilled(chunk, await value)
        except Exception as error:  # noqa: BLE001 - the client is told, and the rest goes on
            line = self._lines.rejected(chunk, self._calls.explain(path, error))
        await self._write((line,))

    async def _each(self, chunk: int, path: str, values: AsyncGenerator[Any, None]) -> None:
        try:
            async with aclosing(values):
                async for value in values:
                    await self._write((self._lines.yielded(chunk, value),))
            line = self._lines.returned(chunk)
        except Exception as error:  # noqa: BLE001 - as above
            line = self._lines.failed(chunk, self._calls.explain(path, error))
        await self._write((line,))
