from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import fastapi
import httpx
import pytest
from starlette.applications import Starlette
from starlette.types import ASGIApp

from watchword.app.application import Watchword
from watchword.app.settings import load_settings


def watchword(tmp_path: Path) -> Watchword:
    database = f"sqlite:///{tmp_path / 'w.db'}"
    flags = {"DATABASE_URL": database, "ADMIN_EMAIL": "admin@example.com", "ADMIN_PASSWORD": "a-long-password"}
    return Watchword(load_settings(environment={}, flags=flags | {"ADMIN_TOKEN": "admin-token-0001"}))


@pytest.mark.parametrize("outer", [fastapi.FastAPI, Starlette])
async def test_it_lives_inside_another_application(tmp_path: Path, outer: type[Starlette]) -> None:
    inner = watchword(tmp_path)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        async with inner.lifespan():
            yield

    app = outer(lifespan=lifespan)
    app.mount("/api", inner)
    async with app.router.lifespan_context(app), client(app) as http:
        assert (await http.get("/api/server/ping")).text == "pong"
        me = await http.get("/api/users/me", headers={"Authorization": "Bearer admin-token-0001"})
        assert me.json()["data"]["email"] == "admin@example.com"
        assert (await http.get("/server/ping")).status_code == 404
        missing = await http.get("/api/nowhere")
        assert missing.json()["errors"][0]["extensions"]["code"] == "ROUTE_NOT_FOUND"


async def test_it_runs_by_itself_under_the_lifespan_protocol(tmp_path: Path) -> None:
    app = watchword(tmp_path)
    said: list[str] = []
    incoming = iter([{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}])

    async def receive() -> dict[str, str]:
        return next(incoming)

    async def send(message: object) -> None:
        assert isinstance(message, dict)
        said.append(message["type"])

    await app({"type": "lifespan"}, receive, send)
    assert said == ["lifespan.startup.complete", "lifespan.shutdown.complete"]


def client(app: ASGIApp) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://testserver")
