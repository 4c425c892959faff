"""Answers: a status, headers and bytes, encoded once and sent as they are."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

import msgspec
from starlette.types import Send

from watchword.base import json

if TYPE_CHECKING:
    from starlette.types import Scope

    from watchword.protocol.outcomes import Reply

JSON = "application/json; charset=utf-8"
HTML = "text/html; charset=utf-8"

NO_CACHE = ("cache-control", "no-cache")
NO_STORE = ("cache-control", "no-store")

Headers = tuple[tuple[str, str], ...]


class Answer(msgspec.Struct, frozen=True):
    """What goes back to the client."""

    status: int = 200
    body: bytes = b""
    headers: Headers = (NO_CACHE,)
    media_type: str = JSON

    def adding(self, *headers: tuple[str, str]) -> Answer:
        """Return the same answer with more headers."""
        return msgspec.structs.replace(self, headers=(*self.headers, *headers))


class Stream(Answer, frozen=True):
    """An answer that is written bit by bit, by what `write` does."""

    write: Callable[[Send], Awaitable[None]] | None = None


def json_answer(value: Any, *, status: int = 200, headers: Headers = (NO_CACHE,), media_type: str = JSON) -> Answer:
    """Answer with a value as JSON."""
    return Answer(status, json.encode(value), headers, media_type)


def read_answer(reply: Reply) -> Answer:
    """Answer with what was read; counts come before the data."""
    if reply.meta is None:
        return json_answer({"data": reply.data})
    return json_answer({"meta": reply.meta, "data": reply.data})


def written_answer(reply: Reply) -> Answer:
    """Answer with what was written, or with nothing when the caller may not read it."""
    return NO_CONTENT if reply.data is None else json_answer({"data": reply.data})


NO_CONTENT = Answer(204)


async def send_answer(answer: Answer, scope: Scope, send: Send) -> None:
    """Send an answer; HEAD gets the headers alone."""
    if isinstance(answer, Stream) and answer.write is not None:
        await answer.write(send)
        return
    headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in answer.headers]
    if answer.status != NO_CONTENT.status:
        headers.append((b"content-type", answer.media_type.encode("latin-1")))
        headers.append((b"content-length", str(len(answer.body)).encode()))
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    body = b"" if scope["method"] == "HEAD" else answer.body
    await send({"type": "http.response.body", "body": body})
