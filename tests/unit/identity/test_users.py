"""Users: making them, finding them, and what ends their sessions."""

from __future__ import annotations

import argon2
import pytest
from sqlalchemy import select, update

from tests.unit.identity.conftest import EMAIL, PASSWORD
from watchword.base.clock import ManualClock
from watchword.base.errors import Code, Problem
from watchword.base.secret import Secret
from watchword.identity.authenticator import Identity
from watchword.identity.client import Client
from watchword.identity.settings import Mode
from watchword.identity.users import NewUser, Status, Users
from watchword.storage.engine import Database
from watchword.storage.tables import users as table

NOBODY = "00000000-0000-7000-8000-000000000000"


@pytest.fixture
def users(identity: Identity) -> Users:
    return identity.users


async def test_created_user_is_found_by_key_and_by_address(users: Users, user: str) -> None:
    found = await users.find(user)
    assert found is not None
    assert (found.email, found.status, found.is_active) == (EMAIL, "active", True)
    assert await users.find_by_email(" ADA@Example.com ") == found


@pytest.mark.parametrize("email", ["bob@example.com", "", "ada@example.com\x00", "\ud800@example.com", "%@example.com"])
async def test_other_addresses_are_not_found(users: Users, user: str, email: str) -> None:
    assert await users.find_by_email(email) is None
    assert await users.find(NOBODY) is None


async def test_stored_password_is_a_hash_and_hidden(users: Users, user: str, db: Database) -> None:
    found = await users.find(user)
    async with db.read() as connection:
        stored = (await connection.execute(select(table.c.password))).scalar_one()
    assert stored.startswith("$argon2id$")
    assert found is not None
    assert found.login_hash == stored
    assert stored not in repr(found)


async def test_user_of_another_provider_has_no_hash_to_log_in_with(users: Users, user: str, db: Database) -> None:
    async with db.write() as connection:
        await connection.execute(update(table).values(provider="github"))
    found = await users.find(user)
    assert found is not None
    assert found.login_hash is None


async def test_user_may_be_made_without_a_password(users: Users) -> None:
    found = await users.find(await users.create(NewUser(email="robot@localhost")))
    assert found is not None
    assert found.login_hash is None


@pytest.mark.parametrize("email", ["", "ada", "ada@", "a b@example.com", "ada@example.com\x00"])
async def test_address_that_is_none_is_refused(users: Users, email: str) -> None:
    with pytest.raises(Problem) as caught:
        await users.create(NewUser(email=email))
    assert (caught.value.code, caught.value.extensions["field"]) == (Code.FAILED_VALIDATION, "email")


async def test_address_is_unique_whatever_its_case(users: Users, user: str) -> None:
    with pytest.raises(Problem) as caught:
        await users.create(NewUser(email="ADA@example.com"))
    assert (caught.value.code, caught.value.extensions["field"]) == (Code.RECORD_NOT_UNIQUE, "email")


async def test_role_must_exist(users: Users) -> None:
    with pytest.raises(Problem) as caught:
        await users.create(NewUser(email="bob@example.com", role=NOBODY))
    assert caught.value.code is Code.INVALID_FOREIGN_KEY


@pytest.mark.parametrize("password", ["short", "password1", EMAIL, "Lovelace1"])
async def test_weak_password_is_refused(users: Users, password: str) -> None:
    with pytest.raises(Problem) as caught:
        await users.create(NewUser(email=EMAIL, password=Secret(password), last_name="Lovelace"))
    assert caught.value.code is Code.FAILED_VALIDATION
    assert await users.list() == []


async def test_list_is_in_order_and_in_pages(users: Users) -> None:
    for name in "cab":
        await users.create(NewUser(email=f"{name}@example.com"))
    assert [found.email for found in await users.list()] == ["a@example.com", "b@example.com", "c@example.com"]
    assert [found.email for found in await users.list(limit=1, offset=1)] == ["b@example.com"]


async def test_new_password_ends_the_other_sessions(identity: Identity, user: str, client: Client) -> None:
    kept, other = [(await identity.sessions.start(user, Mode.JSON, client)).session for _ in range(2)]
    ended: list[str] = []
    identity.sessions.on_revoked(ended.append)
    await identity.users.set_password(user, Secret("another good password"), keep_session=kept)
    assert ended == [other]
    assert await identity.sessions.is_live(kept)
    found = await identity.users.find(user)
    assert found is not None
    assert await identity.passwords.verify(found.login_hash, "another good password")
    assert not await identity.passwords.verify(found.login_hash, PASSWORD)


async def test_refused_password_changes_and_ends_nothing(identity: Identity, user: str, client: Client) -> None:
    session = (await identity.sessions.start(user, Mode.JSON, client)).session
    with pytest.raises(Problem):
        await identity.users.set_password(user, Secret(EMAIL))
    found = await identity.users.find(user)
    assert found is not None
    assert await identity.passwords.verify(found.login_hash, PASSWORD)
    assert await identity.sessions.is_live(session)


@pytest.mark.parametrize("status", [status for status in Status if status is not Status.ACTIVE])
async def test_status_other_than_active_ends_every_session(
    lite_identity: Identity, lite_user: str, client: Client, status: Status
) -> None:
    session = (await lite_identity.sessions.start(lite_user, Mode.JSON, client)).session
    await lite_identity.users.set_status(lite_user, status)
    assert not await lite_identity.sessions.is_live(session)
    await lite_identity.users.set_status(lite_user, Status.ACTIVE)
    assert not await lite_identity.sessions.is_live(session)


async def test_change_of_a_user_who_does_not_exist_is_refused(users: Users) -> None:
    with pytest.raises(Problem) as caught:
        await users.set_status(NOBODY, Status.SUSPENDED)
    assert caught.value.code is Code.FORBIDDEN
    with pytest.raises(Problem) as caught:
        await users.set_password(NOBODY, Secret("another good password"))
    assert caught.value.code is Code.FORBIDDEN


async def test_login_leaves_its_moment_and_a_hash_of_todays_parameters(
    users: Users, user: str, db: Database, clock: ManualClock
) -> None:
    weak = argon2.PasswordHasher(time_cost=1, memory_cost=1024, parallelism=1).hash(PASSWORD)
    async with db.write() as connection:
        await connection.execute(update(table).values(password=weak))
    found = await users.find(user)
    assert found is not None
    await users.note_login(found, Secret(PASSWORD))
    async with db.read() as connection:
        row = (await connection.execute(select(table))).mappings().one()
    assert row["last_access"].timestamp() == clock.now()
    assert row["password"].startswith("$argon2id$v=19$m=19456,t=2,p=1$")


async def test_rehash_does_not_undo_a_new_password(users: Users, user: str, db: Database) -> None:
    weak = argon2.PasswordHasher(time_cost=1, memory_cost=1024, parallelism=1).hash(PASSWORD)
    async with db.write() as connection:
        await connection.execute(update(table).values(password=weak))
    before = await users.find(user)
    await users.set_password(user, Secret("another good password"))
    after = await users.find(user)
    assert before is not None
    await users.note_login(before, Secret(PASSWORD))
    assert await users.find(user) == after
