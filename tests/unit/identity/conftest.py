"""An identity core on a real database, with a clock that the test moves."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import anyio
import pytest

from tests.support.postgres import PostgresServer
from watchword.base.clock import ManualClock
from watchword.base.secret import Secret
from watchword.identity.authenticator import Identity
from watchword.identity.client import Client
from watchword.identity.settings import IdentitySettings
from watchword.identity.users import NewUser
from watchword.storage.engine import Database
from watchword.storage.migrations import migrate
from watchword.storage.tables import metadata

EMAIL = "ada@example.com"
PASSWORD = "correct horse battery"


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def secret() -> Secret:
    return Secret("a secret that is long enough for a test")


@pytest.fixture
def settings() -> IdentitySettings:
    return IdentitySettings(login_stall=0.0)


@pytest.fixture
def client() -> Client:
    return Client("192.0.2.1", "a test", "https://app.example.com")


async def prepare(url: str) -> None:
    database = Database(url)
    await migrate(database)
    await database.close()


@pytest.fixture(scope="session")
def migrated_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with our tables, to be copied: migrating takes longer than most tests."""
    path = tmp_path_factory.mktemp("identity") / "migrated.db"
    anyio.run(prepare, f"sqlite:///{path}")
    return path


@pytest.fixture(scope="session")
def migrated_postgres(postgres_server: PostgresServer) -> Iterator[str]:
    """A database with our tables, which each test leaves as it is and the next one empties."""
    url = postgres_server.create_database("identity")
    anyio.run(prepare, url)
    yield url
    postgres_server.drop_database("identity")


@pytest.fixture
async def lite(migrated_sqlite: Path, tmp_path: Path) -> AsyncIterator[Database]:
    """Our tables on SQLite, for what does not depend on the kind of database."""
    database = Database(f"sqlite:///{shutil.copy(migrated_sqlite, tmp_path / 'test.db')}")
    yield database
    await database.close()


@pytest.fixture
async def postgres(migrated_postgres: str) -> AsyncIterator[Database]:
    """Our tables on PostgreSQL."""
    database = Database(migrated_postgres)
    async with database.write() as connection:
        for table in reversed(metadata.sorted_tables):
            await connection.execute(table.delete())
    yield database
    await database.close()


@pytest.fixture(params=["lite", "postgres"])
def db(request: pytest.FixtureRequest) -> Database:
    """Our tables, on each kind of database in turn."""
    database: Database = request.getfixturevalue(request.param)
    return database


@pytest.fixture
def identity(db: Database, clock: ManualClock, secret: Secret, settings: IdentitySettings) -> Identity:
    return Identity(db, clock, secret, settings)


@pytest.fixture
def lite_identity(lite: Database, clock: ManualClock, secret: Secret, settings: IdentitySettings) -> Identity:
    return Identity(lite, clock, secret, settings)


@pytest.fixture
async def user(identity: Identity) -> str:
    """An active user with EMAIL and PASSWORD."""
    return await identity.users.create(NewUser(email=EMAIL, password=Secret(PASSWORD)))


@pytest.fixture
async def lite_user(lite_identity: Identity) -> str:
    return await lite_identity.users.create(NewUser(email=EMAIL, password=Secret(PASSWORD)))
