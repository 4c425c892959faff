"""Databases to read from, and to write to."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest

from tests.support.postgres import PostgresServer
from tests.support.writing import House, publishing_house
from tests.unit.data.world import World, build


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def shared_url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a database that the tests of one module share: they only read it, or clear it."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path_factory.mktemp('world') / 'world.db'}"
        return
    server: PostgresServer = request.getfixturevalue("postgres_server")
    with server.empty_database() as url:
        yield url


@pytest.fixture(scope="module")
async def world(shared_url: str) -> AsyncIterator[World]:
    """A small newspaper, to be read."""
    made = await build(shared_url)
    yield made
    await made.db.close()


@pytest.fixture(scope="module")
async def shared_house(shared_url: str) -> AsyncIterator[House]:
    """A publishing house that the tests of one module share."""
    async with publishing_house(shared_url) as built:
        yield built


@pytest.fixture
async def house(shared_house: House) -> AsyncIterator[House]:
    """The publishing house of the module, to be written to; cleared afterwards."""
    yield shared_house
    await shared_house.clear()
