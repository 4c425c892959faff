"""The demo page: static files of this package, under a policy that lets them reach nothing but this server."""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING

from starlette.responses import Response
from starlette.routing import Route

if TYPE_CHECKING:
    from starlette.requests import Request

_FILES = {
    "/": ("index.html", "text/html"),
    "/demo/app.js": ("app.js", "text/javascript"),
    "/demo/connection.js": ("connection.js", "text/javascript"),
    "/demo/frames.js": ("frames.js", "text/javascript"),
    "/demo/table.js": ("table.js", "text/javascript"),
    "/demo/style.css": ("style.css", "text/css"),
    "/demo/table.css": ("table.css", "text/css"),
    "/demo/frames.css": ("frames.css", "text/css"),
    "/demo/icon.svg": ("icon.svg", "image/svg+xml"),
}
_HEADERS = {
    "Cache-Control": "no-cache",
    "Content-Security-Policy": "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


def demo_routes() -> list[Route]:
    """Return the page at `/` and what it loads from `/demo/`. Every file is read once, now."""
    folder = files(__package__) / "demo"
    return [_route(path, (folder / name).read_bytes(), media_type) for path, (name, media_type) in _FILES.items()]


def _route(path: str, content: bytes, media_type: str) -> Route:
    async def serve(_: Request) -> Response:
        return Response(content, media_type=media_type, headers=_HEADERS)

    return Route(path, serve, methods=["GET"])
