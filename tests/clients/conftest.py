"""Fixtures for the tests with real clients: Node.js programs against real server processes."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.support.newsroom import Newsroom, newsroom
from tests.support.postgres import PostgresServer

MODULES = Path(__file__).parent / "node_modules"

Wanted = tuple[bool, tuple[tuple[str, str], ...]]
_USUAL: Wanted = (False, ())
_KEPT = 4


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
def rooms(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Newsroom]]:
    """Gives out newsrooms on SQLite by their settings; who asks for the same gets the same, and clears it first.

    The one with the usual settings stays; of the others, those that were asked for last do, as each costs CPU time.
    """
    with ExitStack() as stack:
        open_rooms: dict[Wanted, tuple[ExitStack, Newsroom]] = {}

        def room(*, public: bool = False, **settings: str) -> Newsroom:
            wanted: Wanted = (public, tuple(sorted(settings.items())))
            found = open_rooms.pop(wanted, None)
            if found is None:
                folder = tmp_path_factory.mktemp("newsroom")
                own = stack.enter_context(ExitStack())
                url = f"sqlite:///{folder / 'newsroom.db'}"
                found = own, own.enter_context(newsroom(url, folder, public=public, **settings))
            open_rooms[wanted] = found
            special = [key for key in open_rooms if key != _USUAL]
            for key in special[:-_KEPT]:
                open_rooms.pop(key)[0].close()
            return found[1]

        yield room


@pytest.fixture(scope="session")
def sqlite_newsroom(rooms: Callable[..., Newsroom]) -> Newsroom:
    """The newsroom on SQLite with the usual settings."""
    return rooms()


@pytest.fixture(scope="session")
def postgres_newsroom(postgres_server: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Newsroom]:
    """The newsroom on PostgreSQL with the usual settings."""
    url = postgres_server.create_database("newsroom")
    with newsroom(url, tmp_path_factory.mktemp("newsroom")) as room:
        yield room
    postgres_server.drop_database("newsroom")
