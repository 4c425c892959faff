from __future__ import annotations

import httpx
import pytest
from starlette.types import Receive, Scope, Send

from watchword.http.answers import Answer, send_answer
from watchword.http.cors import Cors
from watchword.http.settings import CorsSettings

LISTED = CorsSettings(enabled=True, origins=("https://app.example.com", "http://localhost:3000"))
ANY = CorsSettings(enabled=True, origins=("*",))
PREFLIGHT = {"Access-Control-Request-Method": "SEARCH", "Access-Control-Request-Headers": "content-type"}


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    await send_answer(Answer(200, b"{}"), scope, send)


async def ask(settings: CorsSettings, method: str, origin: str | None, **headers: str) -> httpx.Response:
    asked = headers if origin is None else {"Origin": origin} | headers
    transport = httpx.ASGITransport(Cors(app, settings))
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        return await client.request(method, "/", headers=asked)


async def test_listed_origin_may_read_with_credentials() -> None:
    answer = await ask(LISTED, "GET", "https://app.example.com")

    assert answer.headers["access-control-allow-origin"] == "https://app.example.com"
    assert answer.headers["access-control-allow-credentials"] == "true"
    assert answer.headers["access-control-expose-headers"] == "Retry-After,X-Request-Id"
    assert answer.headers["vary"] == "Origin"


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "https://app.example.com.evil.example", "*"])
async def test_other_origins_may_not_read(origin: str) -> None:
    for method, headers in (("GET", {}), ("OPTIONS", PREFLIGHT)):
        answer = await ask(LISTED, method, origin, **headers)

        assert not [name for name in answer.headers if name.startswith("access-control-")]
        assert answer.headers["vary"] == "Origin"


async def test_program_gets_no_cors_headers() -> None:
    answer = await ask(LISTED, "GET", None)

    assert "access-control-allow-origin" not in answer.headers


@pytest.mark.parametrize("origin", ["https://evil.example", "null"])
async def test_every_origin_may_read_without_credentials(origin: str) -> None:
    for method, headers in (("GET", {}), ("OPTIONS", PREFLIGHT)):
        answer = await ask(ANY, method, origin, **headers)

        assert answer.headers["access-control-allow-origin"] == "*"
        assert "access-control-allow-credentials" not in answer.headers


async def test_listed_origin_has_credentials_beside_the_star_and_others_do_not() -> None:
    both = CorsSettings(enabled=True, origins=("*", "https://app.example.com"))

    listed = await ask(both, "GET", "https://app.example.com")
    other = await ask(both, "GET", "https://evil.example")

    assert listed.headers["access-control-allow-credentials"] == "true"
    assert "access-control-allow-credentials" not in other.headers


async def test_credentials_can_be_switched_off() -> None:
    off = CorsSettings(enabled=True, origins=("https://app.example.com",), credentials=False)

    answer = await ask(off, "GET", "https://app.example.com")

    assert answer.headers["access-control-allow-origin"] == "https://app.example.com"
    assert "access-control-allow-credentials" not in answer.headers


async def test_preflight_is_answered_with_all_that_may_be_sent() -> None:
    answer = await ask(LISTED, "OPTIONS", "http://localhost:3000", **PREFLIGHT)

    assert answer.status_code == 204
    assert answer.headers["access-control-allow-methods"] == "GET,POST,PATCH,DELETE,SEARCH"
    assert answer.headers["access-control-allow-headers"] == "Content-Type,Authorization"
    assert answer.headers["access-control-max-age"] == "18000"


async def test_options_without_a_preflight_is_a_request_like_others() -> None:
    assert (await ask(LISTED, "OPTIONS", "http://localhost:3000")).status_code == 200


async def test_what_is_below_a_path_has_settings_of_its_own() -> None:
    below = CorsSettings(enabled=True, origins=("https://b.example",), allowed_headers=("trpc-accept",))
    cors = Cors(app, CorsSettings(enabled=True, origins=("https://a.example",)), {"/trpc": below})
    async with httpx.AsyncClient(transport=httpx.ASGITransport(cors), base_url="http://test") as http:

        async def allowed(path: str, origin: str) -> str | None:
            answer = await http.get(path, headers={"origin": origin})
            found: str | None = answer.headers.get("access-control-allow-origin")
            return found

        assert await allowed("/trpc/x", "https://b.example") == "https://b.example"
        assert await allowed("/trpc/x", "https://a.example") is None
        assert await allowed("/items/x", "https://b.example") is None
        assert await allowed("/trpcs", "https://a.example") == "https://a.example"
        asked = {"origin": "https://b.example", "access-control-request-method": "GET"}
        assert (await http.options("/trpc/x", headers=asked)).headers["access-control-allow-headers"] == "trpc-accept"


async def test_nothing_is_said_where_it_is_not_enabled() -> None:
    cors = Cors(app, CorsSettings(), {"/trpc": CorsSettings(enabled=True, origins=("https://b.example",))})
    async with httpx.AsyncClient(transport=httpx.ASGITransport(cors), base_url="http://test") as http:
        answer = await http.get("/items/x", headers={"origin": "https://b.example"})
    assert not [name for name in answer.headers if name.startswith("access-control")]
