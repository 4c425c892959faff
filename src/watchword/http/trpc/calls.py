"""Calls: queries and mutations over HTTP, one or several in a request, answered together or each as it comes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import anyio
import structlog
from msgspec.structs import replace
from starlette.requests import ClientDisconnect

from watchword.backend.procedures import Kind, Procedure
from watchword.backend.reading import Reading
from watchword.backend.tickets import issue_ticket
from watchword.base import json
from watchword.base.errors import Code, Problem
from watchword.base.ids import short_id
from watchword.dialects.trpc import requests as words
from watchword.dialects.trpc.errors import shape_of, status_of
from watchword.dialects.trpc.lines import Lines
from watchword.http.answers import NO_STORE, Answer
from watchword.http.problems import unexpected
from watchword.http.trpc.failed import Failed
from watchword.http.trpc.headers import VARY
from watchword.http.trpc.requests import context_of, inputs_of, is_unreadable, upload_of
from watchword.http.trpc.streaming import Streaming
from watchword.protocol.operations import Invoke

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.types import Send

    from watchword.backend.context import Context
    from watchword.dialects.trpc.errors import Shape
    from watchword.dialects.trpc.requests import Inputs
    from watchword.http.trpc.mount import Mount
    from watchword.http.trpc.requests import Asked

_log = structlog.get_logger(__name__)

JSON = "application/json"
_LAST_SECONDS = 1.0
"""For how long a client that has not read may still read that there is nothing more."""


class Calls:
    """The calls of one request."""

    def __init__(self, mount: Mount, asked: Asked) -> None:
        self._mount = mount
        self._asked = asked
        self._wire = mount.options.wire
        self._manner = replace(self._wire.manner, streams=asked.is_stream)
        self._context: Context | None = None
        self._inputs: Inputs | None = None
        self._upload: Any = None
        self._problem: Problem | None = None

    async def prepare(self) -> None:
        """Find out who asks, and read the inputs; what is wrong with either is told of every call.

        Raises:
            Problem: the connection parameters are none.
            ClientDisconnect: the client has gone.
        """
        try:
            self._context = await context_of(self._mount, self._asked)
            if self._asked.is_upload:
                self._upload = await upload_of(self._mount, self._asked)
            else:
                self._inputs = await inputs_of(self._mount, self._asked)
        except Problem as problem:
            if is_unreadable(problem):
                raise
            self._problem = problem

    async def together(self) -> Answer:
        """Make all calls at the same time, and return one answer for all of them."""
        size = len(self._asked.paths)
        answers: list[Any] = [None] * size
        errors: list[Shape | None] = [None] * size

        async def one(index: int) -> None:
            try:
                answers[index] = words.answer(self._wire, await self.make(index))
            except Failed as failed:
                errors[index] = failed.error
                answers[index] = words.error_answer(self._wire, failed.error)

        async with anyio.create_task_group() as group:
            for index in range(size):
                group.start_soon(one, index)
        body = answers if self._asked.is_batch else answers[0]
        allowed = self._allowed(errors)
        return Answer(words.status_of_all(errors), json.encode(body), (VARY, NO_STORE, *allowed), JSON)

    async def one_by_one(self, send: Send) -> None:
        """Make all calls at the same time, and write each answer, and each part of one, when it is there.

        It ends before that with the right to read it, and with a client that does not.
        """
        size = len(self._asked.paths)
        with anyio.CancelScope() as scope:
            streaming = Streaming(self, Lines(self._wire, size), send)
            if self._context is None:
                await streaming.run(size)
            else:
                await self._read(self._context, streaming, scope.cancel)
        if scope.cancelled_caught:
            with anyio.move_on_after(_LAST_SECONDS):
                await send({"type": "http.response.body", "body": b""})

    async def _read(self, context: Context, streaming: Streaming, end: Callable[[], None]) -> None:
        # What may not be called is answered so; only what may can be forbidden later.
        names = await self._mount.backend.identity.names()
        granted = [
            each for each in self._asked.procedures if each is not None and each.admits(context.principal, names)
        ]
        reading = Reading(self._mount.backend, context, granted, self._mount.options.pace.stall, end)
        async with reading.lasting():
            await streaming.run(len(self._asked.paths), reading.writing)

    async def make(self, index: int) -> Any:
        """Make one call and return its result.

        Raises:
            Failed: with what the client is told.
        """
        path, procedure = self._asked.paths[index], self._asked.procedures[index]
        try:
            return await self._make(index, path, procedure)
        except Failed:
            raise
        except ClientDisconnect:
            raise Failed(shape_of(Problem(Code.CLIENT_CLOSED_REQUEST), path)) from None
        except Exception as error:
            raise Failed(self.explain(path, error)) from error

    async def _make(self, index: int, path: str, procedure: Procedure | None) -> Any:
        if self._problem is not None:
            raise self._problem
        if procedure is None:
            return await self._make_built_in(index, path)
        self._check(procedure)
        return await self._invoke(index, procedure)

    def explain(self, path: str, error: Exception) -> Shape:
        """Return what the client may know of an error."""
        if isinstance(error, Problem):
            return shape_of(error, path)
        reference = short_id()
        _log.error("procedure.failed", exc_info=error, reference=reference, procedure=path)
        return shape_of(unexpected(reference), path)

    def path(self, index: int) -> str:
        """Return which procedure a call is of."""
        return self._asked.paths[index]

    def _check(self, procedure: Procedure) -> None:
        method, kind = self._asked.request.method, procedure.kind
        if kind is Kind.SUBSCRIPTION and self._asked.is_batch:
            raise Failed(words.not_in_batch(procedure.path))
        wanted = "POST" if kind is Kind.MUTATION else "GET"
        may_override = wanted == "GET" and self._mount.options.method_override and not self._asked.is_upload
        if method != wanted and not (may_override and method == "POST"):
            raise Failed(words.unsupported_method(method, kind, procedure.path))

    async def _invoke(self, index: int, procedure: Procedure) -> Any:
        if self._context is None:
            raise Failed(words.no_procedure(procedure.path))
        data = self._upload if self._inputs is None else self._inputs.read(index)
        operation = Invoke(procedure.path, data, kind=procedure.kind, manner=self._manner)
        reply = await self._mount.backend.invoke(self._context, operation, table=self._mount.table)
        return reply.data

    async def _make_built_in(self, index: int, path: str) -> Any:
        """Make a call of what every mount has: over HTTP only tickets can be had, the rest is about a connection."""
        is_known = path == self._mount.options.built_ins.ticket and self._asked.request.method == "POST"
        if not is_known or self._context is None or self._inputs is None:
            raise Failed(words.no_procedure(path))
        identity, principal = self._mount.backend.identity, self._context.principal
        names = await identity.names()
        asked = self._inputs.read(index)
        return issue_ticket(identity.subscription_tickets, self._mount.table, principal, names, asked)

    def _allowed(self, errors: list[Shape | None]) -> tuple[tuple[str, str], ...]:
        """Return which method would have been the right one, where that is what is wrong."""
        if not any(error is not None and error["data"]["code"] == "METHOD_NOT_SUPPORTED" for error in errors):
            return ()
        return (("allow", "GET" if self._asked.request.method == "POST" else "POST"),)


def refusal(mount: Mount, problem: Problem) -> Answer:
    """Return the answer to a request for which nothing has been done."""
    error = words.refused(problem)
    return Answer(status_of(error), json.encode(words.error_answer(mount.options.wire, error)), (VARY, NO_STORE), JSON)
