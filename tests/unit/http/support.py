"""Requests without a server."""

from __future__ import annotations

from collections.abc import Iterable

from starlette.requests import Request
from starlette.types import Message, Scope


def scope_of(
    method: str = "GET",
    path: str = "/items/articles",
    *,
    query: str = "",
    headers: Iterable[tuple[str, str]] = (),
    peer: str | None = "192.0.2.7",
) -> Scope:
    """Return the ASGI scope of a request."""
    return {
        "type": "http",
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "headers": [(name.lower().encode(), value.encode("latin-1")) for name, value in headers],
        "client": None if peer is None else (peer, 40_000),
    }


def request_of(
    method: str = "GET",
    *,
    query: str = "",
    headers: Iterable[tuple[str, str]] = (),
    peer: str | None = "192.0.2.7",
    chunks: Iterable[bytes] = (),
) -> Request:
    """Return a request; after its chunks the client hangs up."""
    messages = [{"type": "http.request", "body": chunk, "more_body": True} for chunk in chunks]
    if messages:
        messages[-1]["more_body"] = False
    remaining = iter(messages)

    async def receive() -> Message:
        return next(remaining, {"type": "http.disconnect"})

    return Request(scope_of(method, query=query, headers=headers, peer=peer), receive)
