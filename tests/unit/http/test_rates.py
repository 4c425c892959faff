"""Rates: requests by address, and by all together."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from tests.unit.http.conftest import ADMIN, client_of, serving
from watchword.app.application import Watchword


@asynccontextmanager
async def limited(folder: Path, **settings: str) -> AsyncIterator[tuple[Watchword, httpx.AsyncClient]]:
    async with serving(folder, **settings) as app, client_of(app) as client:
        yield app, client


def elsewhere(app: Watchword) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(app, client=("192.0.2.8", 40_000))
    return httpx.AsyncClient(transport=transport, base_url="http://test:8055")


async def test_address_that_asks_too_often_is_told_when_to_come_back(tmp_path: Path) -> None:
    settings = {"RATE_LIMITER_ENABLED": "true", "RATE_LIMITER_POINTS": "3", "RATE_LIMITER_DURATION": "60"}
    async with limited(tmp_path, **settings) as (app, client), elsewhere(app) as other:
        for _ in range(3):
            assert (await client.get("/items/articles", headers=ADMIN)).status_code == 200
        refused = await client.get("/items/articles", headers=ADMIN)

        assert refused.status_code == 429
        error = refused.json()["errors"][0]
        assert error["extensions"]["code"] == "REQUESTS_EXCEEDED"
        assert error["extensions"]["limit"] == 3
        assert error["extensions"]["reset"].endswith("Z")
        assert 1 <= int(refused.headers["retry-after"]) <= 60
        assert "x-request-id" in refused.headers
        assert (await client.get("/server/ping")).status_code == 200
        assert (await other.get("/items/articles", headers=ADMIN)).status_code == 200


async def test_everybody_together_may_ask_so_often(tmp_path: Path) -> None:
    settings = {"RATE_LIMITER_GLOBAL_ENABLED": "true", "RATE_LIMITER_GLOBAL_POINTS": "2"}
    async with limited(tmp_path, RATE_LIMITER_GLOBAL_DURATION="60", **settings) as (app, client), elsewhere(app) as b:
        assert (await client.get("/items/articles", headers=ADMIN)).status_code == 200
        assert (await b.get("/items/articles", headers=ADMIN)).status_code == 200
        assert (await b.get("/items/articles", headers=ADMIN)).status_code == 429


async def test_nothing_is_counted_by_default(client: httpx.AsyncClient) -> None:
    for _ in range(60):
        assert (await client.get("/server/info")).status_code == 200
    assert (await client.get("/server/info", headers=ADMIN)).json()["data"]["rateLimit"] is False


@pytest.mark.parametrize("prefix", ["RATE_LIMITER", "RATE_LIMITER_GLOBAL"])
async def test_limits_are_told_to_users(tmp_path: Path, prefix: str) -> None:
    async with limited(tmp_path, **{f"{prefix}_ENABLED": "true", f"{prefix}_POINTS": "9"}) as (_, client):
        data = (await client.get("/server/info", headers=ADMIN)).json()["data"]
    name = "rateLimit" if prefix == "RATE_LIMITER" else "rateLimitGlobal"
    assert data[name] == {"points": 9, "duration": 1}
