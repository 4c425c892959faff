"""Uploads: bodies of calls to a tRPC mount that are forms, and what is said of those that are not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from starlette.requests import Request

from watchword.backend.uploads import FormData
from watchword.base.errors import Code, Problem
from watchword.http.trpc.uploads import read_upload

if TYPE_CHECKING:
    from starlette.types import Message

FIELD = b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\nbl\xc3\xa5\r\n--x--\r\n'


async def form(content_type: str, body: bytes) -> FormData:
    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    headers = [(b"content-type", content_type.encode())]
    request = Request({"type": "http", "method": "POST", "headers": headers}, receive)
    found = await read_upload(request, is_form=True, limit=1_000_000)
    assert isinstance(found, FormData)
    return found


@pytest.mark.parametrize("more", ["", "; charset=utf-8", '; charset="UTF-8"'])
async def test_a_form_is_read_as_utf_8(more: str) -> None:
    assert (await form(f"multipart/form-data; boundary=x{more}", FIELD)).text(
        "a"
    ) == "bl\N{LATIN SMALL LETTER A WITH RING ABOVE}"


@pytest.mark.parametrize("charset", ["punycode", "PunyCode", "idna", "utf-7", '"punycode"', ""])
async def test_a_form_in_another_encoding_is_not_read(charset: str) -> None:
    with pytest.raises(Problem) as caught:
        await form(f"multipart/form-data; boundary=x; charset={charset}", FIELD)
    assert caught.value.code is Code.UNSUPPORTED_MEDIA_TYPE


MALFORMED = {
    "no boundary": ("multipart/form-data", FIELD),
    "an empty boundary": ("multipart/form-data; boundary=", FIELD),
    "another boundary": ("multipart/form-data; boundary=y", FIELD),
    "a part without a name": ("multipart/form-data; boundary=x", b"--x\r\nA: b\r\n\r\n1\r\n--x--\r\n"),
    "too many fields": ("multipart/form-data; boundary=x", FIELD[:-7] * 1_001 + b"--x--\r\n"),
}


@pytest.mark.parametrize("name", MALFORMED)
async def test_a_form_that_is_none_is_the_clients_mistake(name: str) -> None:
    with pytest.raises(Problem) as caught:
        await form(*MALFORMED[name])
    assert caught.value.code is Code.INVALID_PAYLOAD
