from __future__ import annotations

import pytest
from sqlalchemy import delete, insert

from watchword.base.clock import ManualClock
from watchword.base.errors import Code, Problem
from watchword.identity.project import Project, ProjectSettings, check_attempts, parse_policy
from watchword.identity.settings import IdentitySettings
from watchword.storage.engine import Database
from watchword.storage.tables import project


@pytest.fixture
def chosen(db: Database, clock: ManualClock) -> Project:
    return Project(db, clock, IdentitySettings(cache_seconds=10))


async def write(db: Database, **values: object) -> None:
    async with db.write() as connection:
        await connection.execute(delete(project))
        await connection.execute(insert(project).values(id=1, **values))


async def test_settings_are_read_again_when_they_may_have_changed(
    db: Database, clock: ManualClock, chosen: Project
) -> None:
    assert await chosen.settings() == ProjectSettings()
    await write(db, project_name="Ours")
    assert (await chosen.settings()).project_name is None
    chosen.invalidate()
    assert (await chosen.settings()).project_name == "Ours"
    await write(db, project_name="Theirs")
    clock.advance(11)
    assert (await chosen.settings()).project_name == "Theirs"


async def test_row_that_another_program_deleted_is_the_defaults(db: Database, chosen: Project) -> None:
    async with db.write() as connection:
        await connection.execute(delete(project))

    assert await chosen.settings() == ProjectSettings()


@pytest.mark.parametrize("values", [{"auth_password_policy": "(a"}, {"auth_login_attempts": -4}])
async def test_what_another_program_got_wrong_does_not_count(
    db: Database, chosen: Project, values: dict[str, object]
) -> None:
    await write(db, project_name="Ours", **values)

    assert await chosen.settings() == ProjectSettings(project_name="Ours")
    await chosen.check_password("anything")


@pytest.mark.parametrize(
    ("policy", "password", "is_good"),
    [
        ("/^.{8,}$/", "12345678", True),
        ("/^.{8,}$/", "1234567", False),
        ("^[a-z]+$", "abc", True),
        ("/^[a-z]+$/i", "ABC", True),
        ("/^[a-z]+$/u", "ABC", False),
        ("[0-9]", "one 1 more", True),
        ("", "x", True),
    ],
)
def test_policy_is_a_regular_expression(policy: str, password: str, is_good: bool) -> None:
    assert bool(parse_policy(policy).search(password)) is is_good


@pytest.mark.parametrize("policy", ["(", "/a/x", "[", "a{99999999999}", "(?P<a>x)(?P<a>y)", "*"])
def test_policy_that_is_none_is_refused(policy: str) -> None:
    with pytest.raises(Problem) as caught:
        parse_policy(policy)
    assert caught.value.code is Code.FAILED_VALIDATION


@pytest.mark.parametrize("attempts", [0, -1, 1001, "5", 1.5])
def test_attempts_are_a_number_that_makes_sense(attempts: object) -> None:
    with pytest.raises(Problem):
        check_attempts(attempts)
    check_attempts(None)
    check_attempts(25)
