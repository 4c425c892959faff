"""The application that the scripts run against: one server for the whole session, and one whose tokens are short."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.newsroom import Newsroom, newsroom
from tests.support.node import Script, running
from tests.support.server import Server

HERE = Path(__file__).parent
APPLICATION = (sys.executable, str(HERE / "application.py"))
SECRET = "what is in the database's password"
PURPOSES = (SECRET, "Expected `int`, got `str`")
VERSIONS = ("latest", "oldest")

Report = dict[str, Any]
Play = Callable[[Script], Report]


@pytest.fixture(scope="session")
def room(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Newsroom]:
    """The newsroom, served by the application."""
    folder = tmp_path_factory.mktemp("application")
    settings: dict[str, Any] = {"serve": APPLICATION}
    with newsroom(f"sqlite:///{folder / 'application.db'}", folder, **settings) as room:
        room.server.purposes = PURPOSES
        yield room


@pytest.fixture(scope="session")
def brief_room(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Newsroom]:
    """The same, where an access token is good for a few seconds."""
    folder = tmp_path_factory.mktemp("brief")
    settings: dict[str, Any] = {"serve": APPLICATION, "ACCESS_TOKEN_TTL": "3s"}
    with newsroom(f"sqlite:///{folder / 'brief.db'}", folder, **settings) as room:
        room.server.purposes = PURPOSES
        yield room


@pytest.fixture
def server(room: Newsroom) -> Iterator[Server]:
    """The application's server, which has to have logged no error by the end of the test."""
    before = len(room.server.errors)
    yield room.server
    assert room.server.errors[before:] == []


@pytest.fixture(scope="session")
def report_of(room: Newsroom, node: str) -> Callable[..., Report]:
    """Returns the report of a script with a version of the client, which runs once a session.

    `play` gives it what it waits for, where there is such a thing.
    """
    kept: dict[tuple[str, str], Report] = {}

    def report(
        script: str, version: str = "latest", play: Play | None = None, newsroom: Newsroom = room, **more: Any
    ) -> Report:
        if (script, version) not in kept:
            given = newsroom.as_given(version=version, **more)
            with running(node, HERE / script, given) as program:
                kept[script, version] = program.rest() if play is None else play(program)
            assert newsroom.server.errors == []
        return kept[script, version]

    return report
