"""Access log: every request gets an id, the headers that no answer is without, and a line in the log."""

from __future__ import annotations

import re
from collections.abc import Callable
from time import perf_counter
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote_plus

import structlog
from starlette.exceptions import HTTPException

from watchword.base.ids import short_id
from watchword.http.answers import send_answer
from watchword.http.problems import REQUEST_ID, problem_answer, problem_of, unexpected

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from watchword.base.errors import Problem
    from watchword.http.settings import HttpSettings

_log = structlog.get_logger(__name__)

Observe = Callable[[str, Any, int, float], None]
"""Takes a request's method, the endpoint that its path led to (None for none), its status and its seconds."""

_HIDDEN = "**********"
_SECRET = re.compile(r"token|password|secret|otp|(?:^|&)(?:ticket|connectionparams)(?:=|$)", re.IGNORECASE)
_INPUT = "input"
_SECRET_MEMBER = re.compile(r"token|ticket|password|secret|otp", re.IGNORECASE)
_ONE_YEAR = 31_536_000


class AccessLog:
    """ASGI middleware, outermost. What gets past everything below is logged and answered as an internal error.

    `observe`, where there is one, is told of every request that has been answered.
    """

    def __init__(self, app: ASGIApp, settings: HttpSettings, observe: Observe | None = None) -> None:
        self._app = app
        self._observe = observe
        self._headers = [(b"x-content-type-options", b"nosniff"), (b"referrer-policy", b"no-referrer")]
        if settings.is_https:
            self._headers.append((b"strict-transport-security", f"max-age={_ONE_YEAR}".encode()))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through and write it down."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        reference = scope[REQUEST_ID] = short_id()
        started = perf_counter()
        status = 0

        async def send_with_headers(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = list(message.get("headers", ()))
                present = {name for name, _ in headers}
                headers += [header for header in self._headers if header[0] not in present]
                message["headers"] = [*headers, (b"x-request-id", reference.encode())]
            await send(message)

        try:
            await self._app(scope, receive, send_with_headers)
        except Exception as error:
            if status:
                raise  # half of an answer is out; the server has to cut the connection
            await send_answer(problem_answer(_problem(error, scope, reference)), scope, send_with_headers)
        finally:
            seconds = perf_counter() - started
            if self._observe is not None:
                self._observe(scope["method"], scope.get("endpoint"), status, seconds)
            milliseconds = round(seconds * 1000, 2)
            shown = shown_path(scope)
            _log.info(
                "request", method=scope["method"], path=shown, status=status, ms=milliseconds, request_id=reference
            )


def _problem(error: Exception, scope: Scope, reference: str) -> Problem:
    problem = problem_of(error, scope["path"]) if isinstance(error, HTTPException) else None
    if problem is None:
        _log.error("request.failed", exc_info=error, reference=reference, method=scope["method"], path=scope["path"])
        problem = unexpected(reference)
    return problem


def shown_path(scope: Scope) -> str:
    """Return path and query string as the client sent them, without the values of tokens and passwords."""
    raw = scope.get("raw_path")
    path = quote(scope["path"]) if raw is None else raw.decode("latin-1").partition("?")[0]
    query = scope.get("query_string", b"").decode("latin-1")
    return f"{path}?{_redacted(query)}" if query else path


def _redacted(query: str) -> str:
    if "%" not in query and _INPUT not in query and _SECRET.search(query) is None:
        return query
    return "&".join(_redacted_pair(pair) for pair in query.split("&"))


def _redacted_pair(pair: str) -> str:
    name, equals, value = pair.partition("=")
    if not equals:
        return pair
    called = unquote_plus(name)
    # The inputs of procedures are JSON, in which anything may be called anything.
    is_secret = _SECRET.search(called) or (called == _INPUT and _SECRET_MEMBER.search(unquote_plus(value)))
    return f"{name}={_HIDDEN}" if is_secret else pair
