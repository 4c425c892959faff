"""`/users/me/sessions` and `/users/ID/sessions`: one's own for everybody, anybody's for administrators."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.unit.http.conftest import ADMIN, NOBODY, PASSWORD, READER
from watchword.app.application import Watchword
from watchword.identity.static_tokens import NewToken

FIELDS = {"id", "created_at", "last_used_at", "expires_at", "ip", "user_agent", "origin", "mode", "current"}
MISSING = "00000000-0000-7000-8000-000000000000"


async def log_in(client: httpx.AsyncClient, name: str, **body: str) -> dict[str, str]:
    credentials = {"email": f"{name}@example.com", "password": PASSWORD} | body
    answer = await client.post("/auth/login", json=credentials, headers={"User-Agent": "a browser"})
    return {"Authorization": f"Bearer {answer.json()['data']['access_token']}"}


async def sessions(client: httpx.AsyncClient, headers: dict[str, str], user: str = "me") -> list[dict[str, Any]]:
    answer = await client.get(f"/users/{user}/sessions", headers=headers)
    assert answer.status_code == 200, answer.text
    assert answer.headers["cache-control"] == "no-store"
    return list(answer.json()["data"])


async def status(client: httpx.AsyncClient, method: str, path: str, headers: dict[str, str]) -> int:
    return (await client.request(method, path, headers=headers)).status_code


async def key_of(client: httpx.AsyncClient, name: str) -> str:
    answer = await client.get(f"/users?filter[email]={name}@example.com", headers=ADMIN)
    return str(answer.json()["data"][0]["id"])


@pytest.fixture
async def editor(client: httpx.AsyncClient) -> dict[str, str]:
    """The editor, with one session and no other."""
    headers = await log_in(client, "editor")
    await client.delete("/users/me/sessions", headers=headers)
    return headers


async def test_user_lists_own_sessions_and_sees_which_is_used(
    client: httpx.AsyncClient, editor: dict[str, str]
) -> None:
    await log_in(client, "editor", mode="cookie")
    await log_in(client, "reader")
    listed = await sessions(client, editor)
    assert [(each["mode"], each["current"]) for each in listed] == [("cookie", False), ("json", True)]
    assert all(each.keys() == FIELDS for each in listed)
    assert (listed[1]["ip"], listed[1]["user_agent"], listed[1]["origin"]) == ("192.0.2.7", "a browser", None)
    assert listed[1]["created_at"].endswith("Z")


async def test_user_ends_one_session_and_the_others_stay(client: httpx.AsyncClient, editor: dict[str, str]) -> None:
    other, third = await log_in(client, "editor"), await log_in(client, "editor")
    key = next(each["id"] for each in await sessions(client, other) if each["current"])
    assert await status(client, "DELETE", f"/users/me/sessions/{key}", editor) == 204
    assert await status(client, "GET", "/users/me/sessions", other) == 401
    assert await status(client, "GET", "/users/me/sessions", third) == 200
    assert await status(client, "DELETE", f"/users/me/sessions/{key}", editor) == 403


async def test_user_ends_all_other_sessions(client: httpx.AsyncClient, editor: dict[str, str]) -> None:
    others = [await log_in(client, "editor") for _ in range(2)]
    reader = await log_in(client, "reader")
    assert await status(client, "DELETE", "/users/me/sessions", editor) == 204
    assert [await status(client, "GET", "/users/me", each) for each in others] == [401, 401]
    assert [each["current"] for each in await sessions(client, editor)] == [True]
    assert await status(client, "GET", "/users/me", reader) == 200


async def test_user_may_end_the_session_that_is_used(client: httpx.AsyncClient, editor: dict[str, str]) -> None:
    key = (await sessions(client, editor))[0]["id"]
    assert await status(client, "DELETE", f"/users/me/sessions/{key}", editor) == 204
    assert await status(client, "GET", "/users/me/sessions", editor) == 401


async def test_session_of_somebody_else_can_neither_be_seen_nor_ended(
    client: httpx.AsyncClient, editor: dict[str, str]
) -> None:
    key = (await sessions(client, editor))[0]["id"]
    user = await key_of(client, "editor")
    reader = await log_in(client, "reader")
    assert key not in str(await sessions(client, reader))
    missing = await client.delete(f"/users/me/sessions/{MISSING}", headers=reader)
    for headers in (reader, READER):
        foreign = await client.delete(f"/users/me/sessions/{key}", headers=headers)
        assert (foreign.status_code, foreign.json()) == (missing.status_code, missing.json()) == (403, missing.json())
        for method, path in (("GET", ""), ("DELETE", ""), ("DELETE", f"/{key}"), ("DELETE", f"/{MISSING}")):
            assert await status(client, method, f"/users/{user}/sessions{path}", headers) == 403
    await client.delete("/users/me/sessions", headers=reader)
    assert await status(client, "GET", "/users/me", editor) == 200


async def test_administrator_sees_and_ends_the_sessions_of_anybody(
    client: httpx.AsyncClient, editor: dict[str, str]
) -> None:
    other, third = await log_in(client, "editor"), await log_in(client, "editor")
    reader = await log_in(client, "reader")
    user = await key_of(client, "editor")
    listed = await sessions(client, ADMIN, user)
    assert len(listed) == 3
    assert not any(each["current"] for each in listed)
    key = next(each["id"] for each in await sessions(client, other) if each["current"])
    assert await status(client, "DELETE", f"/users/{user}/sessions/{key}", ADMIN) == 204
    assert [await status(client, "GET", "/users/me", each) for each in (other, third)] == [401, 200]
    assert await status(client, "DELETE", f"/users/{user}/sessions", ADMIN) == 204
    assert [await status(client, "GET", "/users/me", each) for each in (editor, third, reader)] == [401, 401, 200]


async def test_administrator_does_not_end_a_session_under_the_name_of_another_user(
    client: httpx.AsyncClient, editor: dict[str, str]
) -> None:
    key = (await sessions(client, editor))[0]["id"]
    reader = await key_of(client, "reader")
    assert await status(client, "DELETE", f"/users/{reader}/sessions/{key}", ADMIN) == 403
    assert await status(client, "GET", "/users/me", editor) == 200


async def test_public_and_the_token_of_a_role_have_no_sessions(app: Watchword, client: httpx.AsyncClient) -> None:
    role = (await client.get("/roles?filter[name]=reader", headers=ADMIN)).json()["data"][0]["id"]
    issued = await app.parts.identity.static_tokens.create(NewToken(role=role))
    for headers in (NOBODY, {"Authorization": f"Bearer {issued.token.reveal()}"}):
        for method, path in (("GET", ""), ("DELETE", ""), ("DELETE", f"/{MISSING}")):
            assert await status(client, method, f"/users/me/sessions{path}", headers) == 401
            assert await status(client, method, f"/users/{MISSING}/sessions{path}", headers) == 403


@pytest.mark.parametrize("key", ["%00", "x%1fy", "x" * 3000, "%ff"])
async def test_what_cannot_be_a_key_is_refused_like_a_key_that_is_none(client: httpx.AsyncClient, key: str) -> None:
    assert await status(client, "DELETE", f"/users/{MISSING}/sessions/{key}", ADMIN) == 403
    assert await status(client, "GET", f"/users/{key}/sessions", ADMIN) in {200, 403}
