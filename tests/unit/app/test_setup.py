from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from watchword.app.application import Watchword
from watchword.app.settings import load_settings
from watchword.base.errors import Problem


@asynccontextmanager
async def running(tmp_path: Path, **settings: str) -> AsyncIterator[httpx.AsyncClient]:
    flags = {"DATABASE_URL": f"sqlite:///{tmp_path / 'w.db'}", "LOGIN_STALL_TIME": "1"} | settings
    app = Watchword(load_settings(environment={}, flags=flags))
    transport = httpx.ASGITransport(app=app)
    async with app.lifespan(), httpx.AsyncClient(transport=transport, base_url="http://testserver") as http:
        yield http


def token_in(text: str) -> str:
    found = re.search(r"/setup#(\S+)", text)
    assert found is not None
    return found[1]


async def test_the_first_administrator_is_made_by_a_link_that_works_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    account = {"email": "first@example.com", "password": "a-fairly-long-password"}
    async with running(tmp_path) as http:
        token = token_in(capsys.readouterr().out)
        page = await http.get("/setup")
        assert page.status_code == 200
        assert "default-src 'none'" in page.headers["content-security-policy"]
        wrong = await http.post("/server/setup", json=account | {"token": "guess"})
        assert wrong.status_code == 403
        weak = await http.post("/server/setup", json=account | {"token": token, "password": "short"})
        assert weak.status_code == 400
        made = await http.post("/server/setup", json=account | {"token": token})
        assert made.status_code == 204
        again = await http.post("/server/setup", json=account | {"token": token, "email": "second@example.com"})
        assert again.status_code == 403
        assert (await http.get("/setup")).status_code == 404
        login = await http.post("/auth/login", json=account)
        bearer = {"Authorization": f"Bearer {login.json()['data']['access_token']}"}
        assert len((await http.get("/users", headers=bearer)).json()["data"]) == 1


async def test_there_is_no_link_once_there_is_an_administrator(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    account = {"email": "first@example.com", "password": "a-fairly-long-password"}
    async with running(tmp_path) as http:
        await http.post("/server/setup", json=account | {"token": token_in(capsys.readouterr().out)})
    async with running(tmp_path) as http:
        assert "/setup#" not in capsys.readouterr().out
        assert (await http.get("/setup")).status_code == 404


async def test_nobody_may_do_anything_before(tmp_path: Path) -> None:
    async with running(tmp_path) as http:
        assert (await http.get("/users")).status_code == 403
        assert (await http.get("/users/me")).status_code == 401
        assert (await http.post("/users", json={"email": "a@example.com"})).status_code == 403


async def test_a_short_token_of_the_first_administrator_is_refused_before_anybody_is_made(tmp_path: Path) -> None:
    account = {"ADMIN_EMAIL": "first@example.com", "ADMIN_PASSWORD": "a-fairly-long-password"}
    with pytest.raises(Problem) as refused:
        async with running(tmp_path, ADMIN_TOKEN="x" * 15, **account):
            pass
    assert "ADMIN_TOKEN must have at least 16 characters" in refused.value.message
    async with running(tmp_path, ADMIN_TOKEN="x" * 16, **account) as http:
        assert (await http.get("/users/me", headers={"Authorization": f"Bearer {'x' * 16}"})).status_code == 200
    async with running(tmp_path, ADMIN_TOKEN="short", **account) as http:  # it has done its work long ago
        assert (await http.get("/users/me", headers={"Authorization": f"Bearer {'x' * 16}"})).status_code == 200
