"""A whole application on a temporary SQLite database, asked in this process."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.migrated import migrated
from watchword.app.application import Watchword
from watchword.app.settings import load_settings

ADMIN = {"Authorization": "Bearer admin-static-token-0001"}
EDITOR = {"Authorization": "Bearer editor-static-token-0001"}
READER = {"Authorization": "Bearer reader-static-token-0001"}
WRITER = {"Authorization": "Bearer writer-static-token-0001"}
NOBODY: dict[str, str] = {}

PASSWORD = "correct horse battery 7"

_TABLES = """
CREATE TABLE articles (
    id INTEGER PRIMARY KEY,
    title VARCHAR(255) NOT NULL,
    slug VARCHAR(255) UNIQUE,
    body TEXT,
    published_on DATETIME
);
CREATE TABLE notes (id INTEGER PRIMARY KEY, text TEXT);
CREATE TABLE settings (name VARCHAR(20) PRIMARY KEY, value TEXT);
"""

Ask = Callable[..., Any]


@asynccontextmanager
async def serving(directory: Path, **values: str) -> AsyncIterator[Watchword]:
    """Run an application with one administrator and a few rows; `values` are settings."""
    file = directory / "test.db"
    await migrated(f"sqlite:///{file}")
    with sqlite3.connect(file) as connection:
        connection.executescript(_TABLES)
        rows = [(f"Article {n}", f"article-{n}", "2026-01-02 12:00:00") for n in range(1, 11)]
        connection.executemany("INSERT INTO articles (title, slug, published_on) VALUES (?, ?, ?)", rows)
    connection.close()
    environment = {
        "DATABASE_URL": f"sqlite:///{file}",
        "SECRET": "a secret that is long enough for a test",
        "ADMIN_EMAIL": "admin@example.com",
        "ADMIN_PASSWORD": PASSWORD,
        "ADMIN_TOKEN": "admin-static-token-0001",
        "LOGIN_STALL_TIME": "0",
        "PROJECT_NAME": "Test",
    }
    app = Watchword(load_settings(environment=environment | values))
    async with app.lifespan():
        yield app


@asynccontextmanager
async def client_of(app: Watchword, **options: Any) -> AsyncIterator[httpx.AsyncClient]:
    """Return a client without cookies of its own making."""
    transport = httpx.ASGITransport(app, client=("192.0.2.7", 40_000))
    async with httpx.AsyncClient(transport=transport, base_url="http://test:8055", **options) as client:
        yield client


async def create_user(client: httpx.AsyncClient, name: str, permissions: list[dict[str, Any]]) -> str:
    """Make a user with a role of its own, a static token and a password; return the key."""
    made: dict[str, str] = {}
    for path, row in (("policies", {"name": name}), ("roles", {"name": name})):
        answer = await client.post(f"/{path}", json=row, headers=ADMIN)
        made[path] = answer.json()["data"]["id"]
    await client.post("/access", json={"role": made["roles"], "policy": made["policies"]}, headers=ADMIN)
    rows = [{"policy": made["policies"], "fields": ["*"]} | permission for permission in permissions]
    answer = await client.post("/permissions", json=rows, headers=ADMIN)
    assert answer.status_code == 200, answer.text
    user = {
        "email": f"{name}@example.com",
        "password": PASSWORD,
        "role": made["roles"],
        "token": f"{name}-static-token-0001",
    }
    answer = await client.post("/users", json=user, headers=ADMIN)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["data"]["id"])


@pytest.fixture(scope="session")
async def app(anyio_backend: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Watchword]:
    """An application that the tests share, with an editor, a reader and one who may only create."""
    async with serving(tmp_path_factory.mktemp("http")) as watchword, client_of(watchword) as client:
        everything = [
            {"collection": name, "action": action}
            for name in ("articles", "notes", "settings")
            for action in ("create", "read", "update", "delete")
        ]
        await create_user(client, "editor", everything)
        await create_user(client, "reader", [{"collection": "articles", "action": "read", "fields": ["id", "title"]}])
        await create_user(client, "writer", [{"collection": "notes", "action": each} for each in ("create", "update")])
        yield watchword


@pytest.fixture
async def client(app: Watchword) -> AsyncIterator[httpx.AsyncClient]:
    """A client of that application."""
    async with client_of(app) as http:
        yield http
