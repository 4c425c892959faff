"""Metrics: figures for a monitor, which has a token of its own, and for administrators."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from starlette.datastructures import Headers
from starlette.routing import Route

from watchword.base.errors import forbidden
from watchword.base.secret import Secret, equal
from watchword.http.answers import NO_STORE, Answer, send_answer
from watchword.http.caller import Callers
from watchword.http.endpoint import Endpoint

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.types import Receive, Scope, Send

    from watchword.backend.backend import Backend
    from watchword.http.endpoint import Call
    from watchword.http.settings import HttpSettings

PATH = "/metrics"

Render = Callable[[], bytes]
"""Returns all figures in the text format of Prometheus."""

_TEXT = "text/plain; version=0.0.4; charset=utf-8"
_SCHEMES = frozenset({"bearer", "metrics"})


def metrics_route(render: Render, tokens: Sequence[Secret], backend: Backend, settings: HttpSettings) -> Route:
    """Return the route of the figures. Whoever presents one of `tokens` may read them, and administrators."""

    async def answer(call: Call) -> Answer:
        if not call.context.principal.admin:
            raise forbidden()
        return _answer(render)

    endpoint = Endpoint(Callers(backend, settings), settings, {"GET": answer})
    return Route(PATH, _Metrics(render, tokens, endpoint))


class _Metrics:
    """Looks for a monitor's token first: to everything else it would be a bad credential."""

    def __init__(self, render: Render, tokens: Sequence[Secret], endpoint: Endpoint) -> None:
        self._render = render
        self._tokens = tokens
        self._endpoint = endpoint

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] in {"GET", "HEAD"} and self._knows(_presented(scope)):
            await send_answer(_answer(self._render), scope, send)
        else:
            await self._endpoint(scope, receive, send)

    def _knows(self, token: str) -> bool:
        found = False
        for each in self._tokens:  # all of them: the time must not tell which
            found |= equal(each.reveal(), token)
        return found


def _presented(scope: Scope) -> str:
    scheme, _, token = Headers(scope=scope).get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() in _SCHEMES else ""


def _answer(render: Render) -> Answer:
    return Answer(200, render(), (NO_STORE,), _TEXT)
