from __future__ import annotations

from typing import Any

import httpx
import pytest
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Receive, Scope, Send
from structlog.testing import capture_logs

from tests.unit.http.support import scope_of
from watchword.http.access_log import AccessLog, shown_path
from watchword.http.answers import Answer, send_answer
from watchword.http.settings import HttpSettings


async def fine(scope: Scope, receive: Receive, send: Send) -> None:
    await send_answer(Answer(200, b"{}"), scope, send)


def raising(error: Exception, *, after_start: bool = False) -> ASGIApp:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if after_start:
            await send({"type": "http.response.start", "status": 200, "headers": []})
        raise error

    return app


async def ask(app: ASGIApp, url: str = "/", public_url: str = "") -> tuple[httpx.Response, Any]:
    transport = httpx.ASGITransport(AccessLog(app, HttpSettings(public_url=public_url)))
    with capture_logs() as logs:
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            answer = await client.get(url)
    return answer, logs


@pytest.mark.parametrize(
    ("path", "query", "shown"),
    [
        ("/items/a", "", "/items/a"),
        ("/items/a", "limit=1&fields=id", "/items/a?limit=1&fields=id"),
        ("/items/a", "access_token=abc&limit=1", "/items/a?access_token=**********&limit=1"),
        ("/items/a", "limit=1&ACCESS_TOKEN=abc", "/items/a?limit=1&ACCESS_TOKEN=**********"),
        ("/items/a", "access%5Ftoken=abc", "/items/a?access%5Ftoken=**********"),
        ("/items/a", "%61ccess_t%6fken=abc", "/items/a?%61ccess_t%6fken=**********"),
        ("/items/a", "access_token[]=abc", "/items/a?access_token[]=**********"),
        ("/items/a", "access_token=a=b", "/items/a?access_token=**********"),
        ("/trpc/a", "batch=1&token=abc", "/trpc/a?batch=1&token=**********"),
        ("/trpc/a", "ticket=abc&batch=1", "/trpc/a?ticket=**********&batch=1"),
        ("/trpc/a", "connectionParams=%7B%7D&input=1", "/trpc/a?connectionParams=**********&input=1"),
        ("/trpc/a", "input=1&connectionParams={}", "/trpc/a?input=1&connectionParams=**********"),
        ("/items/a", "filter[ticket][_eq]=1&sort=ticket", "/items/a?filter[ticket][_eq]=1&sort=ticket"),
        ("/trpc/a", "input=%7B%22ticket%22%3A%22x%22%7D", "/trpc/a?input=**********"),
        ("/trpc/a", "input=%7B%22topic%22%3A%22x%22%7D", "/trpc/a?input=%7B%22topic%22%3A%22x%22%7D"),
        ("/items/a", "a=%0a&password=x&otp=1", "/items/a?a=%0a&password=**********&otp=**********"),
    ],
)
def test_path_is_shown_without_secrets(path: str, query: str, shown: str) -> None:
    assert shown_path(scope_of(path=path, query=query)) == shown


def test_path_is_shown_as_it_was_sent_so_that_it_stays_one_line() -> None:
    scope = scope_of(path="/items/a\nfake")
    scope["raw_path"] = b"/items/a%0Afake"

    assert shown_path(scope) == "/items/a%0Afake"
    assert shown_path({**scope, "raw_path": None}) == "/items/a%0Afake"


async def test_every_request_is_logged_with_the_id_that_the_client_sees() -> None:
    answer, logs = await ask(fine, "/items/a?access_token=secret")

    (line,) = logs
    assert (line["method"], line["path"], line["status"]) == ("GET", "/items/a?access_token=**********", 200)
    assert line["request_id"] == answer.headers["x-request-id"]
    assert line["ms"] >= 0
    assert "secret" not in str(logs)


async def test_every_answer_has_the_security_headers() -> None:
    answer, _ = await ask(fine)

    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert "strict-transport-security" not in answer.headers


async def test_answers_over_https_demand_https() -> None:
    answer, _ = await ask(fine, public_url="https://example.com")

    assert answer.headers["strict-transport-security"] == "max-age=31536000"


async def test_error_that_nobody_caught_is_logged_and_told_by_its_reference() -> None:
    answer, logs = await ask(raising(RuntimeError("secret detail")))

    reference = answer.headers["x-request-id"]
    assert answer.status_code == 500
    assert answer.json()["errors"][0]["extensions"] == {"id": reference, "code": "INTERNAL_SERVER_ERROR"}
    assert "secret detail" not in answer.text
    assert [(line["event"], line["log_level"]) for line in logs] == [("request.failed", "error"), ("request", "info")]
    assert logs[0]["reference"] == reference


async def test_refusal_of_the_framework_is_told_in_our_words() -> None:
    answer, logs = await ask(raising(HTTPException(405, headers={"Allow": "GET"})), "/demo")

    assert answer.status_code == 405
    assert answer.headers["allow"] == "GET"
    assert answer.json()["errors"][0]["extensions"]["code"] == "METHOD_NOT_ALLOWED"
    assert len(logs) == 1


async def test_error_in_the_middle_of_an_answer_cuts_it() -> None:
    with pytest.raises(RuntimeError):
        await ask(raising(RuntimeError(), after_start=True))


async def test_header_of_the_application_is_not_repeated() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send_answer(Answer(200, b"{}", (("referrer-policy", "same-origin"),)), scope, send)

    answer, _ = await ask(app)

    assert answer.headers.get_list("referrer-policy") == ["same-origin"]
