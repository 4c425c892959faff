"""Fixtures for the tests with real clients: Node.js programs against real server processes."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.newsroom import Newsroom, newsroom
from tests.support.postgres import PostgresServer

MODULES = Path(__file__).parent / "node_modules"


@pytest.fixture(scope="session")
def node() -> str:
    """Node.js, with the clients installed beside the tests."""
    found = shutil.which("node")
    if found is None or not MODULES.exists():
        reason = "Node.js or the JavaScript clients are not installed; run make setup"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    return found


@pytest.fixture(scope="session")
def sqlite_newsroom(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Newsroom]:
    """A newsroom on SQLite that tests share; each begins by clearing it."""
    folder = tmp_path_factory.mktemp("sqlite-newsroom")
    with newsroom(f"sqlite:///{folder / 'newsroom.db'}", folder) as room:
        yield room


@pytest.fixture(scope="session")
def postgres_newsroom(postgres_server: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Newsroom]:
    """A newsroom on PostgreSQL that tests share; each begins by clearing it."""
    url = postgres_server.create_database("newsroom")
    with newsroom(url, tmp_path_factory.mktemp("postgres-newsroom")) as room:
        yield room
    postgres_server.drop_database("newsroom")
