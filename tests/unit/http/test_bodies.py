from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import ClientDisconnect

from tests.unit.http.support import request_of
from watchword.base.errors import Code, Problem
from watchword.http.bodies import read_json, read_object

JSON = [("Content-Type", "application/json")]
LIMIT = 64


async def refusal(body: bytes, headers: list[tuple[str, str]] = JSON, *, limit: int = LIMIT) -> Code:
    with pytest.raises(Problem) as refused:
        await read_json(request_of("POST", headers=headers, chunks=[body]), limit)
    return refused.value.code


@pytest.mark.parametrize(
    "content_type",
    ["application/json", "application/json; charset=utf-8", "Application/JSON", "application/merge-patch+json"],
)
async def test_body_that_says_it_is_json_is_decoded(content_type: str) -> None:
    request = request_of("POST", headers=[("Content-Type", content_type)], chunks=[b'{"a":', b"[1]}"])

    assert await read_json(request, LIMIT) == {"a": [1]}


@pytest.mark.parametrize(
    "content_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "text/json", "json", ""]
)
async def test_body_of_another_type_is_refused(content_type: str) -> None:
    assert await refusal(b'{"a":1}', [("Content-Type", content_type)]) is Code.UNSUPPORTED_MEDIA_TYPE


async def test_body_of_no_type_is_refused() -> None:
    assert await refusal(b'{"a":1}', []) is Code.UNSUPPORTED_MEDIA_TYPE


async def test_compressed_body_is_refused() -> None:
    assert await refusal(b"\x1f\x8b", [*JSON, ("Content-Encoding", "gzip")]) is Code.UNSUPPORTED_MEDIA_TYPE


async def test_absent_body_is_nothing_whatever_its_type() -> None:
    assert await read_json(request_of("POST", chunks=[b""]), LIMIT) is None
    assert await read_json(request_of("POST", headers=JSON, chunks=[b""]), LIMIT) is None
    assert await read_object(request_of("POST", chunks=[b""]), LIMIT) == {}


async def test_body_may_be_as_long_as_the_limit_and_no_longer() -> None:
    body = b'{"a":"' + b"x" * (LIMIT - 8) + b'"}'

    assert await read_json(request_of("POST", headers=JSON, chunks=[body]), LIMIT)
    assert await refusal(body + b" ") is Code.CONTENT_TOO_LARGE


async def test_body_that_announces_too_much_is_refused_unread() -> None:
    for announced in ("65", "9" * 5000):
        request = request_of("POST", headers=[*JSON, ("Content-Length", announced)])
        with pytest.raises(Problem) as refused:
            await read_json(request, LIMIT)
        assert refused.value.status == 413


async def test_body_in_pieces_is_refused_as_soon_as_it_is_too_large() -> None:
    request = request_of("POST", headers=JSON, chunks=[b"x" * 40, b"x" * 40, b"x" * 40])

    with pytest.raises(Problem):
        await read_json(request, LIMIT)

    assert await request.receive() == {"type": "http.request", "body": b"x" * 40, "more_body": False}


@pytest.mark.parametrize("body", [b'"str"', b"1", b"null", b"true"])
async def test_body_that_is_neither_object_nor_array_is_refused(body: bytes) -> None:
    assert await refusal(body) is Code.INVALID_PAYLOAD


async def test_array_is_refused_where_an_object_is_due() -> None:
    with pytest.raises(Problem) as refused:
        await read_object(request_of("POST", headers=JSON, chunks=[b"[]"]), LIMIT)

    assert refused.value.code is Code.INVALID_PAYLOAD


async def test_client_that_hangs_up_is_noticed() -> None:
    with pytest.raises(ClientDisconnect):
        await read_json(request_of("POST", headers=JSON), LIMIT)


@given(body=st.binary(max_size=200))
async def test_any_bytes_are_decoded_or_refused(body: bytes) -> None:
    value: Any = None
    with suppress(Problem):
        value = await read_json(request_of("POST", headers=JSON, chunks=[body]), 100)
    assert value is None or isinstance(value, dict | list)
