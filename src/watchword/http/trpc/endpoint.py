"""Endpoint: a mount as an ASGI application for requests; which of its roads one takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio
import structlog
from starlette.requests import ClientDisconnect, Request

from watchword.backend.procedures import Kind
from watchword.base.errors import Code, Problem
from watchword.http.access_log import shown_path
from watchword.http.answers import NO_CONTENT, send_answer
from watchword.http.problems import reference_of, unexpected
from watchword.http.trpc.calls import Calls, refusal
from watchword.http.trpc.headers import VARY
from watchword.http.trpc.requests import asked_of
from watchword.http.trpc.streams import stream

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

    from watchword.http.answers import Answer
    from watchword.http.trpc.mount import Mount
    from watchword.http.trpc.requests import Asked

_log = structlog.get_logger(__name__)

_METHODS = "GET, POST, OPTIONS"


class TrpcEndpoint:
    """Answers everything below the path of a mount; a client that has gone gets nothing, and its calls end."""

    def __init__(self, mount: Mount) -> None:
        self._mount = mount

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        request = Request(scope, receive)
        try:
            answer = await self._answer(request, send)
        except ClientDisconnect:
            return
        except Problem as problem:
            answer = refusal(self._mount, problem)
        except Exception:  # noqa: BLE001 - a bug is logged, and answered with its id
            reference = reference_of(scope)
            _log.exception("request.failed", reference=reference, method=request.method, path=shown_path(scope))
            answer = refusal(self._mount, unexpected(reference))
        if answer is not None:
            await send_answer(answer, scope, send)

    async def _answer(self, request: Request, send: Send) -> Answer | None:
        """Return the answer, or None after one that was written bit by bit."""
        if request.method == "HEAD":
            return NO_CONTENT.adding(VARY)
        if request.method == "OPTIONS":
            return NO_CONTENT.adding(VARY, ("allow", _METHODS))
        if request.method not in {"GET", "POST"}:
            raise Problem(Code.METHOD_NOT_ALLOWED)
        asked = asked_of(self._mount, request)
        if self._is_subscription(asked):
            await stream(self._mount, asked, send)
            return None
        calls = Calls(self._mount, asked)
        await calls.prepare()
        return await self._unless_gone(request, calls, send, asked)

    def _is_subscription(self, asked: Asked) -> bool:
        procedure, built_ins = asked.procedures[0], self._mount.options.built_ins
        if asked.is_batch or asked.is_upload:
            return False
        if asked.request.method == "POST" and not self._mount.options.method_override:
            return False
        if procedure is None:
            return asked.paths[0] in {built_ins.changes, built_ins.messages}
        return procedure.kind is Kind.SUBSCRIPTION

    async def _unless_gone(self, request: Request, calls: Calls, send: Send, asked: Asked) -> Answer | None:
        """Make the calls, until they are done or the client has gone."""
        answer: Answer | None = None
        async with anyio.create_task_group() as group:
            if not asked.is_upload:  # whose procedure reads the body
                group.start_soon(_watch, request, group.cancel_scope)
            if asked.is_stream:
                await calls.one_by_one(send)
            else:
                answer = await calls.together()
            group.cancel_scope.cancel()
        if answer is None and not asked.is_stream:
            raise ClientDisconnect
        return answer


async def _watch(request: Request, calls: anyio.CancelScope) -> None:
    """End the calls of a client that has gone."""
    while (await request.receive())["type"] != "http.disconnect":
        pass
    calls.cancel()
