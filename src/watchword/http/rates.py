"""Rates: how many requests are taken from an address, before anything is done for them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.requests import HTTPConnection

from watchword.backend.limits import RequestRates
from watchword.base.errors import Problem
from watchword.http.answers import send_answer
from watchword.http.caller import client_of
from watchword.http.problems import problem_answer

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

    from watchword.base.clock import Clock
    from watchword.http.settings import HttpSettings

_FREE = frozenset({"/server/ping"})
"""What costs nothing, and what tells a supervisor that the process lives: no flood may make that look otherwise."""


class Rates:
    """ASGI middleware: a request beyond the rate is answered 429 with `Retry-After`. Sockets have their own limits."""

    def __init__(self, app: ASGIApp, settings: HttpSettings, clock: Clock) -> None:
        self._app = app
        self._proxies = settings.trusted_proxies
        self._rates = RequestRates(clock, settings.rate_limit, settings.rate_limit_global)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through, or say when to come back."""
        if scope["type"] == "http" and scope["path"] not in _FREE:
            try:
                await self._rates.admit(client_of(HTTPConnection(scope), self._proxies))
            except Problem as problem:
                await send_answer(problem_answer(problem), scope, send)
                return
        await self._app(scope, receive, send)
