"""Endpoint: one path as an ASGI application. Who asks is established first; then the method's handler answers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

import structlog
from starlette.requests import ClientDisconnect, Request

from watchword.base.errors import Problem
from watchword.http.access_log import shown_path
from watchword.http.answers import HTML, Answer, send_answer
from watchword.http.caller import Source
from watchword.http.cookies import clear_cookie
from watchword.http.problems import problem_answer, reference_of, route_not_found, unexpected

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.types import Receive, Scope, Send

    from watchword.backend.context import Context
    from watchword.http.caller import Callers
    from watchword.http.settings import HttpSettings

_log = structlog.get_logger(__name__)

_ENDED = frozenset({401, 403})


class Call:
    """A request with who sends it."""

    __slots__ = ("context", "request")

    def __init__(self, request: Request, context: Context) -> None:
        self.request = request
        self.context = context

    def path(self, name: str) -> str:
        """Return a part of the path by its name in the route."""
        return str(self.request.path_params[name])

    @property
    def query_string(self) -> bytes:
        """The query string as it came."""
        return bytes(self.request.scope.get("query_string", b""))


Handler = Callable[[Call], Awaitable[Answer]]


class Endpoint:
    """Answers every method at a path; one without a handler does not exist. HEAD is GET without the body.

    A bad token is refused before anything else, also where the public would be let in. With `cookies` false the session
    cookie says nothing about the caller: where it is what the request is about.
    """

    def __init__(
        self, callers: Callers, settings: HttpSettings, handlers: Mapping[str, Handler], *, cookies: bool = True
    ) -> None:
        self._callers = callers
        self._settings = settings
        self._handlers = dict(handlers)
        if "GET" in handlers:
            self._handlers["HEAD"] = handlers["GET"]
        self._cookies = cookies

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request; a client that has gone gets nothing."""
        request = Request(scope, receive)
        try:
            answer = await self._answer(request)
        except ClientDisconnect:
            return
        except Exception:  # noqa: BLE001 - a bug is logged, and answered with its id
            reference = reference_of(scope)
            _log.exception("request.failed", reference=reference, method=request.method, path=shown_path(scope))
            answer = problem_answer(unexpected(reference))
        await send_answer(answer, scope, send)

    async def _answer(self, request: Request) -> Answer:
        if request.method == "OPTIONS" and self._handlers:
            methods = ", ".join((*self._handlers, "OPTIONS"))
            return Answer(200, methods.encode(), (("allow", methods),), HTML)
        try:
            presented = self._callers.presented(request, cookies=self._cookies)
        except Problem as problem:
            return problem_answer(problem)
        try:
            context = await self._callers.context(presented, self._callers.client(request))
        except Problem as problem:
            answer = problem_answer(problem)
            if presented is not None and presented.source is Source.COOKIE and problem.status in _ENDED:
                cleared = clear_cookie(self._settings.session_cookie, self._settings)
                return answer.adding(("set-cookie", cleared))
            return answer
        try:
            return await self._handle(Call(request, self._callers.known(context, request)))
        except Problem as problem:
            return problem_answer(problem)

    async def _handle(self, call: Call) -> Answer:
        handler = self._handlers.get(call.request.method)
        if handler is None:
            raise route_not_found(call.request.scope["path"])
        return await handler(call)
