"""CORS: tells browsers which pages of other origins may call and read, by the settings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.datastructures import Headers

from watchword.http.origins import ANY
from watchword.http.settings import origin_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from watchword.http.settings import CorsSettings

RawHeaders = list[tuple[bytes, bytes]]

_VARY = (b"vary", b"Origin")


class Rules:
    """What one set of settings says of an origin."""

    def __init__(self, settings: CorsSettings) -> None:
        self._any = ANY in settings.origins
        self._listed = frozenset(origin_of(origin) for origin in settings.origins) - {None}
        self._credentials = settings.credentials
        self._exposed = _header("access-control-expose-headers", settings.exposed_headers)
        self._preflight = [
            *_header("access-control-allow-methods", settings.methods),
            *_header("access-control-allow-headers", settings.allowed_headers),
            (b"access-control-max-age", str(settings.max_age).encode()),
        ]

    def preflight(self, origin: str | None) -> RawHeaders:
        """Return what answers a browser that asks before it calls."""
        allowed = self._allowed(origin)
        return [*allowed, *(self._preflight if len(allowed) > 1 else ())]

    def answer(self, origin: str | None) -> RawHeaders:
        """Return what lets a page read an answer."""
        allowed = self._allowed(origin)
        return [*allowed, *(self._exposed if len(allowed) > 1 else ())]

    def _allowed(self, origin: str | None) -> RawHeaders:
        """Return the headers that let a page of this origin in; else only that the answer depends on it."""
        if origin is not None and origin in self._listed:
            said = [_VARY, (b"access-control-allow-origin", origin.encode("latin-1"))]
            return [*said, (b"access-control-allow-credentials", b"true")] if self._credentials else said
        if origin is not None and self._any:
            return [_VARY, (b"access-control-allow-origin", ANY.encode())]
        return [_VARY]


class Cors:
    """ASGI middleware. A page that is not allowed gets an answer without the headers; its browser keeps it back.

    `below` has other settings for what is below some paths. Where they are not enabled nothing is said.
    """

    def __init__(self, app: ASGIApp, settings: CorsSettings, below: Mapping[str, CorsSettings] | None = None) -> None:
        self._app = app
        self._rules = _rules(settings)
        self._below = [(f"{path.rstrip('/')}/", _rules(each)) for path, each in (below or {}).items()]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a preflight; add what the page needs to every other answer."""
        rules = self._of(scope["path"]) if scope["type"] == "http" else None
        if rules is None:
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        origin = headers.get("origin")
        if scope["method"] == "OPTIONS" and origin is not None and "access-control-request-method" in headers:
            await _answer_preflight(rules.preflight(origin), send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), *rules.answer(origin)]
            await send(message)

        await self._app(scope, receive, send_with_headers)

    def _of(self, path: str) -> Rules | None:
        for prefix, rules in self._below:
            if path.startswith(prefix):
                return rules
        return self._rules


def _rules(settings: CorsSettings) -> Rules | None:
    return Rules(settings) if settings.enabled else None


def _header(name: str, values: tuple[str, ...]) -> RawHeaders:
    return [(name.encode(), ",".join(values).encode("latin-1"))] if values else []


async def _answer_preflight(headers: RawHeaders, send: Send) -> None:
    await send({"type": "http.response.start", "status": 204, "headers": headers})
    await send({"type": "http.response.body", "body": b""})
