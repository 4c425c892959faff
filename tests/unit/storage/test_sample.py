from __future__ import annotations

import pytest
from sqlalchemy import select

from watchword.storage.engine import Database
from watchword.storage.sample import ADMIN_EMAIL, READER_EMAIL, articles, load_sample
from watchword.storage.tables import access, permissions, policies, users


@pytest.fixture(autouse=True)
async def sample(db: Database) -> None:
    await load_sample(db, "hash of the administrator", "hash of the reader")


async def test_sample_has_rows_of_every_status(db: Database) -> None:
    async with db.read() as connection:
        statuses = (await connection.execute(select(articles.c.status))).scalars().all()

    assert len(statuses) == 8
    assert set(statuses) == {"published", "draft", "archived"}


async def test_each_person_has_the_hash_that_was_given(db: Database) -> None:
    async with db.read() as connection:
        rows = await connection.execute(select(users.c.email, users.c.password))
        people = {row.email: row.password for row in rows}

    assert people == {ADMIN_EMAIL: "hash of the administrator", READER_EMAIL: "hash of the reader"}


async def test_only_the_administrators_policy_gives_every_right(db: Database) -> None:
    async with db.read() as connection:
        rows = (await connection.execute(select(policies.c.name, policies.c.admin_access))).all()

    assert {name for name, is_admin in rows if is_admin} == {"Administrator"}


async def test_readers_and_the_public_may_read_published_rows_and_never_the_notes(db: Database) -> None:
    statement = select(policies.c.name, permissions).join(permissions, permissions.c.policy == policies.c.id)
    async with db.read() as connection:
        rows = (await connection.execute(statement)).mappings().all()

    assert {row["name"] for row in rows} == {"Reader", "Public"}
    assert {row["action"] for row in rows} == {"read"}
    assert all(row["permissions"] == {"status": {"_eq": "published"}} for row in rows)
    assert all("notes" not in row["fields"].split(",") for row in rows)


async def test_public_policy_is_given_to_nobody_in_particular(db: Database) -> None:
    statement = select(policies.c.name).join(access).where(access.c.role.is_(None), access.c.user.is_(None))
    async with db.read() as connection:
        names = (await connection.execute(statement)).scalars().all()

    assert names == ["Public"]
