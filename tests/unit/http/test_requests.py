"""How the application judges any request: credentials, pages of other origins, errors."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.types import Message
from structlog.testing import capture_logs

from tests.unit.http.conftest import ADMIN, EDITOR, NOBODY, PASSWORD, client_of, serving
from tests.unit.http.support import scope_of
from watchword.app.application import Watchword
from watchword.backend.backend import Backend

LOGIN = {"email": "editor@example.com", "password": PASSWORD}
OWN_PAGE = {"Origin": "http://test:8055", "Sec-Fetch-Site": "same-origin"}


def code_of(answer: httpx.Response) -> str:
    return str(answer.json()["errors"][0]["extensions"]["code"])


@pytest.fixture
async def session(client: httpx.AsyncClient) -> httpx.AsyncClient:
    """A client with the cookie of a session."""
    assert (await client.post("/auth/login", json=LOGIN | {"mode": "session"})).status_code == 200
    return client


async def test_token_may_be_in_the_header_or_in_the_query_string(client: httpx.AsyncClient) -> None:
    token = EDITOR["Authorization"].removeprefix("Bearer ")

    header = await client.get("/items/articles/1?fields=id", headers={"Authorization": f"bearer {token}"})
    query = await client.get(f"/items/articles/1?fields=id&access_token={token}")

    assert header.json() == query.json() == {"data": {"id": 1}}


async def test_two_tokens_are_refused(client: httpx.AsyncClient) -> None:
    answer = await client.get("/items/articles?access_token=editor-static-token-0001", headers=EDITOR)

    text = "The request uses more than one method for including an access token"
    assert answer.status_code == 400
    assert answer.json()["errors"] == [
        {"message": f"Invalid payload. {text}.", "extensions": {"reason": text, "code": "INVALID_PAYLOAD"}}
    ]


async def test_explicit_token_goes_before_the_cookie(session: httpx.AsyncClient) -> None:
    me = await session.get("/users/me?fields=email", headers=ADMIN)

    assert me.json() == {"data": {"email": "admin@example.com"}}


@pytest.mark.parametrize("path", ["/items/articles", "/server/info", "/auth", "/nope", "/users/me"])
async def test_bad_token_is_refused_where_the_public_is_let_in(client: httpx.AsyncClient, path: str) -> None:
    answer = await client.get(path, headers={"Authorization": "Bearer nope"})

    assert (answer.status_code, code_of(answer)) == (401, "INVALID_CREDENTIALS")
    assert answer.headers["cache-control"] == "no-store"


async def test_token_with_a_wrong_signature_is_invalid(client: httpx.AsyncClient) -> None:
    token = (await client.post("/auth/login", json=LOGIN)).json()["data"]["access_token"]
    head, payload, signature = token.split(".")
    forged = f"{head}.{payload}.{signature[::-1]}"

    answer = await client.get("/users/me", headers={"Authorization": f"Bearer {forged}"})

    assert (answer.status_code, code_of(answer)) == (403, "INVALID_TOKEN")


async def test_other_schemes_are_passed_over(client: httpx.AsyncClient) -> None:
    answer = await client.get("/server/info", headers={"Authorization": "Basic abc"})

    assert answer.status_code == 200


async def test_cookie_of_an_ended_session_is_refused_and_cleared(session: httpx.AsyncClient) -> None:
    stale = {"Cookie": f"directus_session_token={session.cookies['directus_session_token']}"}
    await session.post("/auth/logout", json={"mode": "session"})

    answer = await session.get("/server/info", headers=stale)

    assert (answer.status_code, code_of(answer)) == (401, "INVALID_CREDENTIALS")
    assert answer.headers["set-cookie"].startswith("directus_session_token=; Max-Age=0; ")


async def test_cookie_of_garbage_is_refused_and_cleared(client: httpx.AsyncClient) -> None:
    answer = await client.get("/server/info", headers={"Cookie": "directus_session_token=garbage"})

    assert answer.status_code == 401
    assert answer.headers["set-cookie"].startswith("directus_session_token=; Max-Age=0; ")


async def test_bad_token_in_the_header_does_not_clear_the_cookie(session: httpx.AsyncClient) -> None:
    answer = await session.get("/server/info", headers={"Authorization": "Bearer nope"})

    assert answer.status_code == 401
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize(
    "page",
    [
        {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"},
        {"Origin": "http://test", "Sec-Fetch-Site": "same-site"},
        {"Origin": "null", "Sec-Fetch-Site": "cross-site"},
        {"Origin": "https://evil.example"},
        {"Sec-Fetch-Site": "cross-site"},
    ],
)
async def test_foreign_page_cannot_write_with_the_users_cookie(
    session: httpx.AsyncClient, page: dict[str, str]
) -> None:
    answers = [
        await session.post("/items/notes", json={"id": 901}, headers=page),
        await session.patch("/items/articles/1", json={"title": "forged"}, headers=page),
        await session.delete("/items/articles/1", headers=page),
    ]

    assert [(answer.status_code, code_of(answer)) for answer in answers] == [(403, "FORBIDDEN")] * 3
    assert all("set-cookie" not in answer.headers for answer in answers)
    assert (await session.get("/items/notes/901")).status_code == 403


@pytest.mark.parametrize("page", [OWN_PAGE, {"Sec-Fetch-Site": "none"}, {"Origin": "http://test:8055"}, {}])
async def test_own_page_and_programs_can_write_with_the_cookie(
    session: httpx.AsyncClient, page: dict[str, str]
) -> None:
    assert (await session.post("/items/notes", json={"text": "x"}, headers=page)).status_code == 200


async def test_foreign_page_can_write_with_a_token_that_it_was_given(client: httpx.AsyncClient) -> None:
    page = {"Origin": "https://app.example", "Sec-Fetch-Site": "cross-site"}

    assert (await client.post("/items/notes", json={"text": "x"}, headers=EDITOR | page)).status_code == 200


async def test_reading_with_the_cookie_needs_no_origin(session: httpx.AsyncClient) -> None:
    page = {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}

    answer = await session.get("/items/articles/1?fields=id", headers=page)

    assert answer.status_code == 200
    assert "access-control-allow-origin" not in answer.headers


async def test_listed_origin_may_act_with_the_cookie_and_others_may_not(tmp_path: Path) -> None:
    values = {"CORS_ENABLED": "true", "CORS_ORIGIN": "https://app.example.com"}
    admin = {"email": "admin@example.com", "password": PASSWORD, "mode": "session"}
    listed = {"Origin": "https://app.example.com", "Sec-Fetch-Site": "cross-site"}
    other = {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}
    async with serving(tmp_path, **values) as app, client_of(app) as client:
        await client.post("/auth/login", json=admin, headers=listed)
        allowed = await client.post("/items/notes", json={"text": "x"}, headers=listed)
        refused = await client.post("/items/notes", json={"text": "x"}, headers=other)

    assert allowed.status_code == 200
    assert allowed.headers["access-control-allow-origin"] == "https://app.example.com"
    assert allowed.headers["access-control-allow-credentials"] == "true"
    assert refused.status_code == 403
    assert "access-control-allow-origin" not in refused.headers


async def test_wrong_passwords_are_counted_by_the_address_that_the_proxy_saw(tmp_path: Path) -> None:
    admin = {"email": "admin@example.com", "password": "wrong"}
    async with serving(tmp_path, IP_TRUST_PROXY="1") as app, client_of(app) as client:
        spoofing = [{"X-Forwarded-For": f"203.0.113.{n}, 198.51.100.1"} for n in range(11)]
        answers = [await client.post("/auth/login", json=admin, headers=each) for each in spoofing]
        elsewhere = await client.post("/auth/login", json=admin, headers={"X-Forwarded-For": "198.51.100.2"})

    assert [answer.status_code for answer in answers] == [401] * 10 + [429]
    assert elsewhere.status_code == 401


async def test_error_in_a_handler_tells_a_reference_and_is_logged(app: Watchword, monkeypatch: Any) -> None:
    async def fail(*_: object) -> None:
        raise RuntimeError("SELECT secret FROM users")

    monkeypatch.setattr(Backend, "perform", fail)
    with capture_logs() as logs:
        async with client_of(app) as client:
            answer = await client.get("/items/articles", headers=EDITOR)

    reference = answer.headers["x-request-id"]
    assert (answer.status_code, code_of(answer)) == (500, "INTERNAL_SERVER_ERROR")
    assert reference in answer.json()["errors"][0]["message"]
    assert "secret" not in answer.text
    assert [line["reference"] for line in logs if line["event"] == "request.failed"] == [reference]
    assert all(line.get("exc_info") for line in logs if line["event"] == "request.failed")


async def test_public_sees_what_the_public_policy_allows(client: httpx.AsyncClient) -> None:
    assert (await client.get("/items/articles", headers=NOBODY)).status_code == 403


async def test_client_that_hangs_up_gets_nothing(app: Watchword) -> None:
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        sent.append(message)

    headers = [*EDITOR.items(), ("Content-Type", "application/json"), ("Content-Length", "10")]
    await app(scope_of("POST", "/items/notes", headers=headers), receive, send)

    assert sent == []


@pytest.mark.parametrize("cors", ["true", "false"])
async def test_socket_where_there_is_none_is_refused(tmp_path: Path, cors: str) -> None:
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "websocket.connect"}

    async def send(message: Message) -> None:
        sent.append(message)

    async with serving(tmp_path, CORS_ENABLED=cors) as app:
        await app({**scope_of(path="/nowhere"), "type": "websocket", "subprotocols": []}, receive, send)

    assert [message["type"] for message in sent] == ["websocket.close"]
