from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.unit.http.conftest import ADMIN, PASSWORD, client_of, serving
from watchword.app.application import Watchword
from watchword.identity.tokens import Subject

LOGIN = {"email": "editor@example.com", "password": PASSWORD}
OWN_PAGE = {"Origin": "http://test:8055", "Sec-Fetch-Site": "same-origin"}
FOREIGN_PAGES = [
    {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"},
    {"Origin": "http://test:8056", "Sec-Fetch-Site": "same-site"},
    {"Origin": "null"},
    {"Sec-Fetch-Site": "cross-site"},
]
INVALID = {"errors": [{"message": "Invalid user credentials.", "extensions": {"code": "INVALID_CREDENTIALS"}}]}
NO_TOKEN = {
    "errors": [
        {
            "message": "Invalid payload. The refresh token is required in either the payload or cookie.",
            "extensions": {
                "reason": "The refresh token is required in either the payload or cookie",
                "code": "INVALID_PAYLOAD",
            },
        }
    ]
}


async def log_in(client: httpx.AsyncClient, mode: str = "json", **more: str) -> Any:
    answer = await client.post("/auth/login", json=LOGIN | {"mode": mode} | more)
    assert answer.status_code == 200, answer.text
    return answer.json()["data"]


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


async def test_login_gives_both_tokens_in_the_body(client: httpx.AsyncClient) -> None:
    answer = await client.post("/auth/login", json=LOGIN)

    assert answer.status_code == 200
    assert list(answer.json()["data"]) == ["expires", "refresh_token", "access_token"]
    assert answer.json()["data"]["expires"] == 900_000
    assert answer.headers["cache-control"] == "no-store"
    assert "set-cookie" not in answer.headers
    me = await client.get("/users/me?fields=id", headers=bearer(answer.json()["data"]["access_token"]))
    assert me.status_code == 200


async def test_login_of_mode_cookie_keeps_the_refresh_token_in_a_cookie(client: httpx.AsyncClient) -> None:
    answer = await client.post("/auth/login", json=LOGIN | {"mode": "cookie"})

    name, _, rest = answer.headers["set-cookie"].partition("=")
    value, *attributes = rest.split("; ")
    assert list(answer.json()["data"]) == ["expires", "access_token"]
    assert (name, len(value)) == ("directus_refresh_token", 64)
    assert attributes[0] == "Max-Age=604800"
    assert {"Path=/", "HttpOnly", "SameSite=Lax"} <= set(attributes)
    assert "Secure" not in attributes


async def test_login_of_mode_session_keeps_its_only_token_in_a_cookie(client: httpx.AsyncClient) -> None:
    answer = await client.post("/auth/login", json=LOGIN | {"mode": "session"})

    assert answer.json() == {"data": {"expires": 86_400_000}}
    assert answer.headers["set-cookie"].startswith("directus_session_token=eyJ")
    assert "; Max-Age=86400; Path=/; " in answer.headers["set-cookie"]
    assert (await client.get("/users/me?fields=id")).status_code == 200


async def test_refusals_of_a_login_are_the_same_to_the_byte(client: httpx.AsyncClient) -> None:
    suspended = {"email": "suspended@example.com", "password": PASSWORD, "status": "suspended"}
    assert (await client.post("/users", json=suspended, headers=ADMIN)).status_code == 200
    attempts = [
        LOGIN | {"password": "wrong"},
        LOGIN | {"email": "nobody@example.com"},
        {"email": "suspended@example.com", "password": PASSWORD},
        {"email": "suspended@example.com", "password": "wrong"},
    ]

    answers = [await client.post("/auth/login", json=attempt) for attempt in attempts]

    seen = {
        (answer.status_code, answer.content, tuple(h for h in answer.headers.items() if h[0] != "x-request-id"))
        for answer in answers
    }
    assert len(seen) == 1
    assert answers[0].status_code == 401
    assert answers[0].json() == INVALID
    assert answers[0].headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ({"email": "a@b.co"}, '"password" is required'),
        ({"password": "x"}, '"email" is required'),
        ({"email": "abc", "password": "x"}, '"email" must be a valid email'),
        (LOGIN | {"mode": "zzz"}, '"mode" must be one of [cookie, json, session]'),
    ],
)
async def test_login_that_is_incomplete_says_why(client: httpx.AsyncClient, body: dict[str, str], reason: str) -> None:
    answer = await client.post("/auth/login", json=body)

    assert answer.status_code == 400
    assert answer.json()["errors"] == [
        {"message": f"Invalid payload. {reason}.", "extensions": {"reason": reason, "code": "INVALID_PAYLOAD"}}
    ]


async def test_login_takes_json_only(client: httpx.AsyncClient) -> None:
    malformed = await client.post("/auth/login", content="{bad", headers={"Content-Type": "application/json"})
    form = await client.post("/auth/login", data=LOGIN)
    text = await client.post("/auth/login", content='{"email":"a@b.co"}', headers={"Content-Type": "text/plain"})

    assert [answer.status_code for answer in (malformed, form, text)] == [400, 415, 415]


async def test_providers_are_none_and_unknown_ones_do_not_exist(client: httpx.AsyncClient) -> None:
    listed = await client.get("/auth?sessionOnly")
    unknown = await client.post("/auth/login/nope", json=LOGIN)
    default = await client.post("/auth/login/default", json=LOGIN)

    assert listed.content == b'{"data":[],"disableDefault":false}'
    assert unknown.status_code == 404
    assert unknown.json()["errors"][0]["message"] == "Route /auth/login/nope doesn't exist."
    assert default.status_code == 200
    assert (await client.get("/auth/login")).status_code == 404


@pytest.mark.parametrize("more", [{}, {"mode": "json"}])
async def test_refresh_gives_new_tokens_for_the_one_in_the_body(
    client: httpx.AsyncClient, more: dict[str, str]
) -> None:
    tokens = await log_in(client)

    answer = await client.post("/auth/refresh", json={"refresh_token": tokens["refresh_token"]} | more)

    data = answer.json()["data"]
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    assert list(data) == ["expires", "refresh_token", "access_token"]
    assert data["refresh_token"] != tokens["refresh_token"]
    assert (await client.get("/users/me?fields=id", headers=bearer(data["access_token"]))).status_code == 200


@pytest.mark.parametrize("mode", ["cookie", "session"])
async def test_refresh_takes_the_cookie_and_gives_a_new_one(client: httpx.AsyncClient, mode: str) -> None:
    await log_in(client, mode)
    name = "directus_session_token" if mode == "session" else "directus_refresh_token"
    before = client.cookies[name]

    answer = await client.post("/auth/refresh", json={"mode": mode}, headers=OWN_PAGE)

    assert answer.status_code == 200
    assert client.cookies[name] != before
    assert list(answer.json()["data"]) == (["expires"] if mode == "session" else ["expires", "access_token"])
    assert client.cookies[name] not in answer.text


async def test_refresh_without_a_token_says_so(client: httpx.AsyncClient) -> None:
    empty = await client.post("/auth/refresh")
    without = await client.post("/auth/refresh", json={"mode": "json"})

    assert (empty.status_code, without.status_code) == (400, 400)
    assert empty.json() == without.json() == NO_TOKEN


async def test_refresh_with_a_bad_token_is_refused(client: httpx.AsyncClient) -> None:
    answer = await client.post("/auth/refresh", json={"refresh_token": "nope", "mode": "json"})

    assert (answer.status_code, answer.json()) == (401, INVALID)
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize(
    ("mode", "name", "value"),
    [
        ("cookie", "directus_refresh_token", "nope"),
        ("session", "directus_session_token", "eyJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJ3YXRjaHdvcmQifQ.AAAA"),
    ],
)
async def test_refresh_with_a_bad_cookie_clears_it(client: httpx.AsyncClient, mode: str, name: str, value: str) -> None:
    answer = await client.post("/auth/refresh", json={"mode": mode}, headers={"Cookie": f"{name}={value}"})

    assert answer.status_code in {401, 403}
    assert answer.headers["set-cookie"].startswith(f"{name}=; Max-Age=0; ")


async def test_tokens_of_one_mode_do_not_come_out_in_another(client: httpx.AsyncClient) -> None:
    await log_in(client, "session")
    session_token = client.cookies["directus_session_token"]
    refresh_token = (await log_in(client))["refresh_token"]
    as_session = {"Cookie": f"directus_session_token={refresh_token}"}

    from_body = await client.post("/auth/refresh", json={"mode": "json", "refresh_token": session_token})
    from_cookie = await client.post("/auth/refresh", json={"mode": "session"}, headers=as_session)

    assert from_body.json() == {"data": {"expires": 86_400_000}}
    assert (from_cookie.status_code, from_cookie.json()) == (401, INVALID)


async def test_logout_ends_the_session_at_once(client: httpx.AsyncClient) -> None:
    tokens = await log_in(client)
    body = {"refresh_token": tokens["refresh_token"], "mode": "json"}

    first = await client.post("/auth/logout", json=body)
    again = await client.post("/auth/logout", json=body)
    unknown = await client.post("/auth/logout", json={"refresh_token": "nope"})

    assert [(answer.status_code, answer.content) for answer in (first, again, unknown)] == [(204, b"")] * 3
    assert (await client.post("/auth/refresh", json=body)).status_code == 401
    assert (await client.get("/users/me", headers=bearer(tokens["access_token"]))).status_code == 401


async def test_logout_without_a_token_says_so(client: httpx.AsyncClient) -> None:
    answer = await client.post("/auth/logout", json={})

    assert (answer.status_code, answer.json()) == (400, NO_TOKEN)


@pytest.mark.parametrize("mode", ["cookie", "session"])
async def test_logout_clears_the_cookie(client: httpx.AsyncClient, mode: str) -> None:
    await log_in(client, mode)
    name = "directus_session_token" if mode == "session" else "directus_refresh_token"
    kept = client.cookies[name]

    answer = await client.post("/auth/logout", json={"mode": mode}, headers=OWN_PAGE)

    assert answer.status_code == 204
    assert answer.headers["set-cookie"].startswith(f"{name}=; Max-Age=0; Path=/; ")
    assert name not in client.cookies
    stale = await client.post("/auth/refresh", json={"mode": mode}, headers={"Cookie": f"{name}={kept}"})
    assert stale.status_code == 401


@pytest.mark.parametrize("page", FOREIGN_PAGES)
@pytest.mark.parametrize("mode", ["cookie", "session"])
async def test_foreign_page_cannot_refresh_or_log_out(
    client: httpx.AsyncClient, mode: str, page: dict[str, str]
) -> None:
    await log_in(client, mode)
    cookies = dict(client.cookies)

    answers = [await client.post(f"/auth/{name}", json={"mode": mode}, headers=page) for name in ("refresh", "logout")]

    assert [answer.status_code for answer in answers] == [403, 403]
    assert all("set-cookie" not in answer.headers for answer in answers)
    assert dict(client.cookies) == cookies
    assert (await client.post("/auth/refresh", json={"mode": mode}, headers=OWN_PAGE)).status_code == 200


async def test_stale_session_cookie_keeps_nobody_from_logging_in_or_out(client: httpx.AsyncClient) -> None:
    await log_in(client, "session")
    stale = {"Cookie": f"directus_session_token={client.cookies['directus_session_token']}"}
    await client.post("/auth/logout", json={"mode": "session"})

    login = await client.post("/auth/login", json=LOGIN, headers=stale)
    logout = await client.post("/auth/logout", json={"mode": "session"}, headers=stale)

    assert (login.status_code, logout.status_code) == (200, 204)
    assert logout.headers["set-cookie"].startswith("directus_session_token=; Max-Age=0; ")


async def test_bad_token_in_the_header_fails_a_login_too(client: httpx.AsyncClient) -> None:
    answer = await client.post("/auth/login", json=LOGIN, headers=bearer("nope"))

    assert (answer.status_code, answer.json()) == (401, INVALID)


async def test_expired_token_in_the_header_fails_a_refresh_too(app: Watchword, client: httpx.AsyncClient) -> None:
    tokens = await log_in(client)
    expired = app.parts.identity.access_tokens.issue(Subject("someone", "session"), app.parts.clock.now() - 1)

    answer = await client.post(
        "/auth/refresh", json={"refresh_token": tokens["refresh_token"]}, headers=bearer(expired)
    )

    assert answer.status_code == 401
    assert answer.json()["errors"][0]["extensions"]["code"] == "TOKEN_EXPIRED"


@pytest.mark.parametrize(
    "path", ["/auth/password/request", "/auth/password/reset", "/users/register", "/users/me/tfa/generate"]
)
async def test_flows_that_there_are_not_say_so(client: httpx.AsyncClient, path: str) -> None:
    assert (await client.post(path, json={"email": "a@b.co"}, headers=ADMIN)).status_code == 501


async def test_too_many_wrong_passwords_have_to_wait(client: httpx.AsyncClient) -> None:
    # Not the reader: other tests of this application log in as that one within the minute.
    wrong = {"email": "writer@example.com", "password": "wrong"}

    answers = [await client.post("/auth/login", json=wrong) for _ in range(11)]

    assert [answer.status_code for answer in answers] == [401] * 10 + [429]
    assert int(answers[-1].headers["retry-after"]) > 0
    assert set(answers[-1].json()["errors"][0]["extensions"]) == {"limit", "reset", "code"}
    assert (await client.post("/auth/login", json=LOGIN)).status_code == 200


async def test_cookies_are_secure_where_clients_come_over_https(tmp_path: Any) -> None:
    values = {"PUBLIC_URL": "https://api.example.com", "REFRESH_TOKEN_COOKIE_NAME": "__Host-refresh"}
    admin = {"email": "admin@example.com", "password": PASSWORD}
    async with serving(tmp_path, **values) as app, client_of(app) as client:
        answer = await client.post("/auth/login", json=admin | {"mode": "cookie"})

    assert answer.headers["set-cookie"].startswith("__Host-refresh=")
    assert {"Secure", "HttpOnly", "Path=/"} <= set(answer.headers["set-cookie"].split("; "))
    assert "Domain" not in answer.headers["set-cookie"]
    assert answer.headers["strict-transport-security"] == "max-age=31536000"
