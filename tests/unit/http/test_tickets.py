"""`/auth/ticket`: who gets a ticket, what the answer is, and where a ticket is worth nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.unit.http.conftest import ADMIN, EDITOR, NOBODY, PASSWORD, client_of, serving
from watchword.app.application import Watchword
from watchword.app.settings import SettingsError, load_settings
from watchword.identity.tickets import MOST_OF_ONE

LOGIN = {"email": "editor@example.com", "password": PASSWORD}
FOREIGN_PAGES = [
    {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"},
    {"Origin": "http://test:8056", "Sec-Fetch-Site": "same-site"},
    {"Origin": "null"},
    {"Sec-Fetch-Site": "cross-site"},
]
INVALID = {"errors": [{"message": "Invalid user credentials.", "extensions": {"code": "INVALID_CREDENTIALS"}}]}


async def ticket(client: httpx.AsyncClient, headers: dict[str, str]) -> str:
    answer = await client.post("/auth/ticket", headers=headers)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["data"]["ticket"])


def outstanding(app: Watchword) -> int:
    return len(app.parts.identity.tickets)


async def test_ticket_is_told_with_its_milliseconds_and_kept_by_no_cache(client: httpx.AsyncClient) -> None:
    session = (await client.post("/auth/login", json=LOGIN)).json()["data"]["access_token"]
    answer = await client.post("/auth/ticket", headers={"Authorization": f"Bearer {session}"})

    assert answer.status_code == 200
    assert list(answer.json()["data"]) == ["ticket", "expires"]
    assert answer.json()["data"]["expires"] == 30_000
    assert answer.json()["data"]["ticket"].startswith("wwt_")
    assert answer.headers["cache-control"] == "no-store"
    assert "set-cookie" not in answer.headers


async def test_ticket_is_for_static_tokens_too_wherever_they_are(client: httpx.AsyncClient) -> None:
    in_url = await client.post("/auth/ticket?access_token=editor-static-token-0001")

    assert in_url.status_code == 200
    assert await ticket(client, EDITOR) != await ticket(client, EDITOR)


async def test_own_page_gets_a_ticket_by_its_cookie(app: Watchword) -> None:
    async with client_of(app) as client:
        await client.post("/auth/login", json=LOGIN | {"mode": "session"})
        assert await ticket(client, {"Origin": "http://test:8055", "Sec-Fetch-Site": "same-origin"})


@pytest.mark.parametrize("page", FOREIGN_PAGES)
async def test_foreign_page_gets_none_by_the_users_cookie(app: Watchword, page: dict[str, str]) -> None:
    async with client_of(app) as client:
        await client.post("/auth/login", json=LOGIN | {"mode": "session"})
        before = outstanding(app)
        answer = await client.post("/auth/ticket", headers=page)

    assert answer.status_code == 403
    assert outstanding(app) == before


async def test_nobody_gets_none(client: httpx.AsyncClient, app: Watchword) -> None:
    before = outstanding(app)
    anonymous = await client.post("/auth/ticket", headers=NOBODY)
    unknown = await client.post("/auth/ticket", headers={"Authorization": "Bearer a-token-of-nobody"})

    assert (anonymous.status_code, unknown.status_code) == (401, 401)
    assert anonymous.json() == unknown.json() == INVALID
    assert outstanding(app) == before


async def test_ticket_is_not_to_be_read(client: httpx.AsyncClient) -> None:
    assert (await client.get("/auth/ticket", headers=EDITOR)).status_code == 404


async def test_ticket_says_nothing_to_rest_and_is_burnt_there(client: httpx.AsyncClient, app: Watchword) -> None:
    async def by_url(text: str) -> httpx.Response:
        return await client.get(f"/users/me?access_token={text}")

    async def by_header(text: str) -> httpx.Response:
        return await client.get("/users/me", headers={"Authorization": f"Bearer {text}"})

    async def by_cookie(text: str) -> httpx.Response:
        return await client.get("/users/me", headers={"Cookie": f"directus_session_token={text}"})

    async def for_tokens(text: str) -> httpx.Response:
        return await client.post("/auth/refresh", json={"refresh_token": text, "mode": "json"})

    async def for_another(text: str) -> httpx.Response:
        return await client.post("/auth/ticket", headers={"Authorization": f"Bearer {text}"})

    for way in (by_url, by_header, by_cookie, for_tokens, for_another):
        before = outstanding(app)
        text = await ticket(client, ADMIN)
        answer = await way(text)
        assert (answer.status_code, answer.json()) == (401, INVALID), way
        assert text not in answer.text
        assert outstanding(app) == before, way


async def test_caller_has_a_few_at_the_most(client: httpx.AsyncClient, app: Watchword) -> None:
    await ticket(client, ADMIN)
    before = outstanding(app)
    for _ in range(MOST_OF_ONE * 2):
        await ticket(client, EDITOR)

    assert outstanding(app) <= before + MOST_OF_ONE


async def test_ticket_counts_as_a_request(tmp_path: Path) -> None:
    limits = {"RATE_LIMITER_ENABLED": "true", "RATE_LIMITER_POINTS": "2", "RATE_LIMITER_DURATION": "60"}
    async with serving(tmp_path, **limits) as app, client_of(app) as client:
        statuses = [(await client.post("/auth/ticket", headers=ADMIN)).status_code for _ in range(3)]

    assert statuses == [200, 200, 429]


async def test_life_of_a_ticket_is_a_setting(tmp_path: Path) -> None:
    async with serving(tmp_path, CONNECTION_TICKET_TTL="5s") as app, client_of(app) as client:
        answer = await client.post("/auth/ticket", headers=ADMIN)

    assert answer.json()["data"]["expires"] == 5_000


@pytest.mark.parametrize("value", ["31s", "1h", "0s"])
def test_ticket_that_would_live_too_long_or_not_at_all_is_refused_at_the_start(value: str) -> None:
    environment = {"SECRET": "a secret that is long enough for a test", "CONNECTION_TICKET_TTL": value}
    with pytest.raises(SettingsError, match="ticket_ttl"):
        Watchword(load_settings(environment=environment))


async def test_ticket_is_described_to_those_who_may_have_one(client: httpx.AsyncClient) -> None:
    async def paths(headers: dict[str, str]) -> Any:
        return (await client.get("/server/specs/oas", headers=headers)).json()["paths"]

    assert list((await paths(EDITOR))["/auth/ticket"]) == ["post"]
    assert "/auth/ticket" not in await paths(NOBODY)
