"""CORS: tells browsers which pages of other origins may call and read, by the settings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.datastructures import Headers

from watchword.http.origins import ANY
from watchword.http.settings import origin_of

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from watchword.http.settings import CorsSettings

RawHeaders = list[tuple[bytes, bytes]]

_VARY = (b"vary", b"Origin")


class Cors:
    """ASGI middleware. A page that is not allowed gets an answer without the headers; its browser keeps it back."""

    def __init__(self, app: ASGIApp, settings: CorsSettings) -> None:
        self._app = app
        self._any = ANY in settings.origins
        self._listed = frozenset(origin_of(origin) for origin in settings.origins) - {None}
        self._credentials = settings.credentials
        self._exposed = _header("access-control-expose-headers", settings.exposed_headers)
        self._preflight = [
            *_header("access-control-allow-methods", settings.methods),
            *_header("access-control-allow-headers", settings.allowed_headers),
            (b"access-control-max-age", str(settings.max_age).encode()),
        ]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a preflight; add what the page needs to every other answer."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        allowed = self._allowed(headers.get("origin"))
        if scope["method"] == "OPTIONS" and "origin" in headers and "access-control-request-method" in headers:
            await _answer_preflight([*allowed, *(self._preflight if len(allowed) > 1 else ())], send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                exposed = self._exposed if len(allowed) > 1 else ()
                message["headers"] = [*message.get("headers", ()), *allowed, *exposed]
            await send(message)

        await self._app(scope, receive, send_with_headers)

    def _allowed(self, origin: str | None) -> RawHeaders:
        """Return the headers that let a page of this origin in; else only that the answer depends on it."""
        if origin is not None and origin in self._listed:
            said = [_VARY, (b"access-control-allow-origin", origin.encode("latin-1"))]
            return [*said, (b"access-control-allow-credentials", b"true")] if self._credentials else said
        if origin is not None and self._any:
            return [_VARY, (b"access-control-allow-origin", ANY.encode())]
        return [_VARY]


def _header(name: str, values: tuple[str, ...]) -> RawHeaders:
    return [(name.encode(), ",".join(values).encode("latin-1"))] if values else []


async def _answer_preflight(headers: RawHeaders, send: Send) -> None:
    await send({"type": "http.response.start", "status": 204, "headers": headers})
    await send({"type": "http.response.body", "body": b""})
