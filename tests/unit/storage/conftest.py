"""A migrated database and its log."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.support.migrated import migrated
from watchword.storage.engine import Database
from watchword.storage.log import ChangeLog


@pytest.fixture
async def db(database_url: str) -> AsyncIterator[Database]:
    """A database of each kind in turn, with our tables."""
    await migrated(database_url)
    database = Database(database_url)
    yield database
    await database.close()


@pytest.fixture
async def sqlite(sqlite_url: str) -> AsyncIterator[Database]:
    """A SQLite database with our tables."""
    await migrated(sqlite_url)
    database = Database(sqlite_url)
    yield database
    await database.close()


@pytest.fixture
async def postgres(postgres_url: str) -> AsyncIterator[Database]:
    """A PostgreSQL database with our tables."""
    await migrated(postgres_url)
    database = Database(postgres_url)
    yield database
    await database.close()


@pytest.fixture
async def log(db: Database) -> AsyncIterator[ChangeLog]:
    """The change log of `db`, open."""
    opened = ChangeLog(db)
    await opened.open()
    yield opened
    await opened.close()


@pytest.fixture
async def sqlite_log(sqlite: Database) -> AsyncIterator[ChangeLog]:
    """The change log of `sqlite`, open."""
    opened = ChangeLog(sqlite)
    await opened.open()
    yield opened
    await opened.close()


@pytest.fixture
async def postgres_log(postgres: Database) -> AsyncIterator[ChangeLog]:
    """The change log of `postgres`, open."""
    opened = ChangeLog(postgres)
    await opened.open()
    yield opened
    await opened.close()
