"""Bodies: read up to a bound, decoded once, and only when they say that they are JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from starlette.requests import ClientDisconnect

from watchword.base import json
from watchword.base.errors import Code, Problem, invalid_payload

if TYPE_CHECKING:
    from starlette.requests import Request

_PLAIN = frozenset({"", "identity"})


async def read_json(request: Request, limit: int) -> Any:
    """Return the object or array that is the body, None when there is no body.

    A page of another origin can make a browser send a body without asking first, but not one of this type.

    Raises:
        Problem: UNSUPPORTED_MEDIA_TYPE for a body that does not say it is JSON, CONTENT_TOO_LARGE beyond `limit`
            bytes, INVALID_PAYLOAD for what is not JSON or neither object nor array.
        ClientDisconnect: the client has gone.
    """
    body = await read_value(request, limit)
    if body is None:
        return None
    value = json.decode(body)
    if not isinstance(value, dict | list):
        raise invalid_payload("The body must be an object or an array")
    return value


async def read_value(request: Request, limit: int) -> bytes | None:
    """Return the body that says it is JSON, whatever it holds; None when there is no body.

    Raises:
        Problem: UNSUPPORTED_MEDIA_TYPE, CONTENT_TOO_LARGE.
        ClientDisconnect: the client has gone.
    """
    body = await read_body(request, limit)
    if not body:
        return None
    if not _is_json(request.headers.get("content-type", "")):
        raise Problem(Code.UNSUPPORTED_MEDIA_TYPE)
    if request.headers.get("content-encoding", "").strip().lower() not in _PLAIN:
        raise Problem(Code.UNSUPPORTED_MEDIA_TYPE)
    return body


async def read_object(request: Request, limit: int) -> dict[str, Any]:
    """Return the object that is the body, an empty one when there is no body.

    Raises:
        Problem: as `read_json`; INVALID_PAYLOAD for an array.
        ClientDisconnect: the client has gone.
    """
    value = await read_json(request, limit)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise invalid_payload('"value" must be of type object')
    return value


async def read_body(request: Request, limit: int) -> bytes:
    """Return the body, whatever it holds.

    Raises:
        Problem: CONTENT_TOO_LARGE.
        ClientDisconnect: the client has gone.
    """
    announced = request.headers.get("content-length", "")
    if announced.isdecimal() and (len(announced) > len(str(limit)) + 1 or int(announced) > limit):
        raise _too_large()
    chunks: list[bytes] = []
    size, more = 0, True
    while more:
        message = await request.receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        chunk = message.get("body", b"")
        size += len(chunk)
        if size > limit:
            raise _too_large()
        chunks.append(chunk)
        more = message.get("more_body", False)
    return chunks[0] if len(chunks) == 1 else b"".join(chunks)


def _is_json(content_type: str) -> bool:
    media_type = content_type.partition(";")[0].strip().lower()
    return media_type == "application/json" or (media_type.startswith("application/") and media_type.endswith("+json"))


def _too_large() -> Problem:
    return Problem(Code.CONTENT_TOO_LARGE)
