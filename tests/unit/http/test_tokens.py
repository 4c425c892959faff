"""`/users/me/tokens` and `/tokens`: shown once, listed without themselves, revoked at once."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.unit.http.conftest import ADMIN, EDITOR, NOBODY, READER
from tests.unit.http.test_sessions import MISSING, key_of, log_in, status
from watchword.app.application import Watchword

FIELDS = {"id", "name", "prefix", "user", "role", "created_at", "expires_at", "last_used_at"}


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


async def make(client: httpx.AsyncClient, path: str, headers: dict[str, str], **body: Any) -> dict[str, Any]:
    answer = await client.post(path, json={"name": "importer"} | body, headers=headers)
    assert answer.status_code == 200, answer.text
    assert answer.headers["cache-control"] == "no-store"
    return dict(answer.json()["data"])


async def role_of(client: httpx.AsyncClient, name: str) -> str:
    return str((await client.get(f"/roles?filter[name]={name}", headers=ADMIN)).json()["data"][0]["id"])


@pytest.fixture
async def reader(client: httpx.AsyncClient) -> dict[str, str]:
    """The reader, logged in."""
    return await log_in(client, "reader")


async def test_own_token_is_shown_once_and_works(client: httpx.AsyncClient, reader: dict[str, str]) -> None:
    made = await make(client, "/users/me/tokens", reader)
    token = made.pop("token")
    assert made.keys() == FIELDS
    assert token.startswith(made["prefix"])
    me = await client.get("/users/me", headers=bearer(token))
    assert me.json()["data"]["id"] == made["user"] == await key_of(client, "reader")
    listed = await client.get("/users/me/tokens", headers=reader)
    assert token not in listed.text
    found = next(each for each in listed.json()["data"] if each["id"] == made["id"])
    assert found.pop("last_used_at").endswith("Z")
    assert found == {name: value for name, value in made.items() if name != "last_used_at"}


async def test_own_token_is_revoked_at_once_and_the_others_stay(
    client: httpx.AsyncClient, reader: dict[str, str]
) -> None:
    first, second = [await make(client, "/users/me/tokens", reader) for _ in range(2)]
    assert await status(client, "DELETE", f"/users/me/tokens/{first['id']}", reader) == 204
    assert await status(client, "GET", "/users/me", bearer(first["token"])) == 401
    assert await status(client, "GET", "/users/me", bearer(second["token"])) == 200
    assert await status(client, "DELETE", f"/users/me/tokens/{first['id']}", reader) == 403


async def test_token_of_somebody_else_can_neither_be_seen_nor_revoked(
    client: httpx.AsyncClient, reader: dict[str, str]
) -> None:
    made = await make(client, "/users/me/tokens", reader)
    editor = await log_in(client, "editor")
    assert made["id"] not in (await client.get("/users/me/tokens", headers=editor)).text
    missing = await client.delete(f"/users/me/tokens/{MISSING}", headers=editor)
    foreign = await client.delete(f"/users/me/tokens/{made['id']}", headers=editor)
    assert (foreign.status_code, foreign.json()) == (missing.status_code, missing.json()) == (403, missing.json())
    for method, path in (("GET", "/tokens"), ("POST", "/tokens"), ("DELETE", f"/tokens/{made['id']}")):
        for headers in (editor, EDITOR, reader, NOBODY):
            assert await status(client, method, path, headers) == 403
    assert await status(client, "GET", "/users/me", bearer(made["token"])) == 200


async def test_token_does_not_make_tokens(client: httpx.AsyncClient, reader: dict[str, str]) -> None:
    made = await make(client, "/users/me/tokens", reader, expires_at="2099-01-01T00:00:00Z")
    for headers in (bearer(made["token"]), READER):
        answer = await client.post("/users/me/tokens", json={"name": "lasting"}, headers=headers)
        assert answer.status_code == 403


async def test_public_has_no_tokens(client: httpx.AsyncClient) -> None:
    for method, path in (("GET", ""), ("POST", ""), ("DELETE", f"/{MISSING}")):
        assert await status(client, method, f"/users/me/tokens{path}", NOBODY) == 401


async def test_administrator_makes_tokens_for_users_and_roles(client: httpx.AsyncClient) -> None:
    user, role = await key_of(client, "editor"), await role_of(client, "reader")
    for_user = await make(client, "/tokens", ADMIN, user=user)
    for_role = await make(client, "/tokens", ADMIN, role=role, expires_at="2099-01-01T00:00:00Z")
    assert (for_user["user"], for_user["role"]) == (user, None)
    assert (for_role["user"], for_role["role"]) == (None, role)
    assert for_role["expires_at"] == "2099-01-01T00:00:00.000Z"
    for name, value, made in (("user", user, for_user), ("role", role, for_role)):
        listed = (await client.get(f"/tokens?{name}={value}", headers=ADMIN)).json()["data"]
        assert made["id"] in [each["id"] for each in listed]
        assert {each[name] for each in listed} == {value}
    assert len((await client.get("/tokens?limit=1", headers=ADMIN)).json()["data"]) == 1
    assert await status(client, "DELETE", f"/tokens/{for_role['id']}", ADMIN) == 204
    assert await status(client, "GET", "/items/articles", bearer(for_role["token"])) == 401
    assert await status(client, "DELETE", f"/tokens/{for_role['id']}", ADMIN) == 403


async def test_token_of_a_role_does_what_the_role_may_and_no_more(client: httpx.AsyncClient) -> None:
    made = await make(client, "/tokens", ADMIN, role=await role_of(client, "reader"))
    headers = bearer(made["token"])
    listed = await client.get("/items/articles?limit=1", headers=headers)
    assert listed.status_code == 200
    assert listed.json()["data"][0].keys() == {"id", "title"}
    assert await status(client, "GET", "/items/notes", headers) == 403
    assert await status(client, "GET", "/users", headers) == 403
    assert await status(client, "GET", "/users/me", headers) == 401
    assert await status(client, "PATCH", "/users/me", headers) == 401
    assert await status(client, "GET", "/server/health", headers) == 200
    assert "websocket" in (await client.get("/server/info", headers=headers)).json()["data"]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"name": ""},
        {"name": "  "},
        {"name": 5},
        {"name": "x" * 256},
        {"name": "a\0b"},
        {"name": "x", "expire_at": "2099-01-01"},
        {"name": "x", "token": "of my own making"},
        {"name": "x", "expires_at": "soon"},
        {"name": "x", "expires_at": "2001-01-01T00:00:00Z"},
        {"name": "x", "expires_at": True},
        {"name": "x", "expires_at": 1e300},
        {"name": "x", "user": MISSING},
    ],
)
async def test_token_that_is_not_asked_for_properly_is_not_made(
    client: httpx.AsyncClient, reader: dict[str, str], body: dict[str, Any]
) -> None:
    before = (await client.get("/users/me/tokens", headers=reader)).json()
    assert (await client.post("/users/me/tokens", json=body, headers=reader)).status_code == 400
    assert (await client.get("/users/me/tokens", headers=reader)).json() == before


async def test_administrator_has_to_say_for_whom(client: httpx.AsyncClient) -> None:
    user, role = await key_of(client, "editor"), await role_of(client, "reader")
    refused: dict[str, dict[str, Any]] = {
        "neither": {},
        "both": {"user": user, "role": role},
        "number": {"user": 5},
        "nul": {"role": "\0"},
    }
    for body in refused.values():
        answer = await client.post("/tokens", json={"name": "x"} | body, headers=ADMIN)
        assert answer.status_code == 400
    for name in ("user", "role"):
        answer = await client.post("/tokens", json={"name": "x", name: MISSING}, headers=ADMIN)
        assert answer.status_code == 403
    for query in ("user=%00", "limit=x", "limit=99999999999999999999&offset=99999999999999999999"):
        assert await status(client, "GET", f"/tokens?{query}", ADMIN) in {200, 400}


async def test_field_token_of_a_user_stands_for_the_one_that_was_set_as_a_text(
    app: Watchword, client: httpx.AsyncClient
) -> None:
    user = await key_of(client, "writer")
    made = await make(client, "/tokens", ADMIN, user=user)
    await client.patch(f"/users/{user}", json={"token": None}, headers=ADMIN)
    shown = await client.get(f"/users/{user}?fields=token", headers=ADMIN)
    assert shown.json() == {"data": {"token": None}}
    assert await status(client, "GET", "/users/me", bearer(made["token"])) == 200
    assert await status(client, "GET", "/users/me", bearer("writer-static-token-0001")) == 401
    await client.patch(f"/users/{user}", json={"token": "writer-static-token-0001"}, headers=ADMIN)
    shown = await client.get(f"/users/{user}?fields=token", headers=ADMIN)
    assert shown.json() == {"data": {"token": "**********"}}
    assert await status(client, "GET", "/users/me", bearer("writer-static-token-0001")) == 200
    assert await status(client, "GET", "/users/me", bearer(made["token"])) == 200
