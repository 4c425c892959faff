"""Uploads: bodies of calls that are no JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import parse_options_header
from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartException
from starlette.requests import ClientDisconnect, Request

from watchword.backend.uploads import ByteStream, FormData, Upload
from watchword.base.errors import Code, Problem, invalid_payload

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.datastructures import UploadFile
    from starlette.types import Message

MOST_FIELDS = 1_000

_CHARSETS = frozenset({b"utf-8", b"utf8", b"us-ascii"})


async def read_upload(request: Request, *, is_form: bool, limit: int) -> FormData | ByteStream:
    """Return the form that the body is, or its bytes as they come; neither has more than `limit` bytes.

    Raises:
        Problem: CONTENT_TOO_LARGE, INVALID_PAYLOAD for a form that is none, UNSUPPORTED_MEDIA_TYPE for its charset.
        ClientDisconnect: the client has gone.
    """
    announced = request.headers.get("content-length", "")
    if announced.isdecimal() and int(announced[:20]) > limit:
        raise Problem(Code.CONTENT_TOO_LARGE)
    bounded = _Bounded(request, limit)
    if not is_form:
        return ByteStream(bounded.chunks())
    _require_utf8(request.headers.get("content-type", ""))
    try:
        async with Request(request.scope, bounded.receive).form(
            max_files=MOST_FIELDS, max_fields=MOST_FIELDS, max_part_size=limit
        ) as form:
            entries = [(name, await _read(value)) for name, value in form.multi_items()]
    except (HTTPException, MultiPartException, FormParserError, UnicodeError) as error:
        raise invalid_payload("The body is not the form that it says it is") from error
    return FormData(entries)


def _require_utf8(content_type: str) -> None:
    """Refuse texts in other encodings: Python has some that take minutes to read a megabyte, as Punycode does."""
    _, options = parse_options_header(content_type)
    if options.get(b"charset", b"utf-8").lower() not in _CHARSETS:
        raise Problem(Code.UNSUPPORTED_MEDIA_TYPE, "A form has to be in UTF-8.")


async def _read(value: str | UploadFile) -> str | Upload:
    if isinstance(value, str):
        return value
    return Upload(value.filename or "", value.content_type or "", await value.read())


class _Bounded:
    """A body, up to its bound."""

    def __init__(self, request: Request, limit: int) -> None:
        self._request = request
        self._left = limit

    async def receive(self) -> Message:
        """Return the next part of it."""
        message = await self._request.receive()
        self._left -= len(message.get("body", b""))
        if self._left < 0:
            raise Problem(Code.CONTENT_TOO_LARGE)
        return message

    async def chunks(self) -> AsyncIterator[bytes]:
        """Yield it in parts."""
        more = True
        while more:
            message = await self.receive()
            if message["type"] == "http.disconnect":
                raise ClientDisconnect
            if message.get("body"):
                yield message["body"]
            more = message.get("more_body", False)
