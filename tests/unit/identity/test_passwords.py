"""Passwords: what is stored, what is refused, and that every answer costs the same work."""

from __future__ import annotations

import argon2
import pytest
from anyio import create_task_group, lowlevel
from argon2.exceptions import VerifyMismatchError

from watchword.base.errors import Code, Problem
from watchword.identity.passwords import _MEMORY_KIB, _PASSES, MAX_BYTES, Passwords, _hash_of_nobody

GOOD = "correct horse battery"


@pytest.fixture(scope="module")
def passwords() -> Passwords:
    return Passwords()


async def test_hash_is_argon2id_with_our_parameters(passwords: Passwords) -> None:
    stored = await passwords.hash(GOOD)
    assert stored.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert GOOD not in stored


async def test_right_password_is_verified(passwords: Passwords) -> None:
    assert await passwords.verify(await passwords.hash(GOOD), GOOD)


@pytest.mark.parametrize("wrong", ["", "correct horse batterx", GOOD + " ", GOOD.upper(), GOOD + "\x00"])
async def test_wrong_password_is_not_verified(passwords: Passwords, wrong: str) -> None:
    assert not await passwords.verify(await passwords.hash(GOOD), wrong)


async def test_long_passwords_are_not_truncated(passwords: Passwords) -> None:
    long = "é" * 500
    stored = await passwords.hash(long)
    assert await passwords.verify(stored, long)
    assert not await passwords.verify(stored, long[:-1] + "e")


async def test_nobody_has_no_password_at_the_cost_of_one_hash(passwords: Passwords) -> None:
    before = passwords.verifications
    assert not await passwords.verify(None, GOOD)
    assert passwords.verifications == before + 1


async def test_too_long_password_is_wrong_at_the_cost_of_one_hash(passwords: Passwords) -> None:
    stored = await passwords.hash("x" * MAX_BYTES)
    before = passwords.verifications
    assert not await passwords.verify(stored, "x" * (MAX_BYTES + 1))
    assert passwords.verifications == before + 1
    assert await passwords.verify(stored, "x" * MAX_BYTES)


@pytest.mark.parametrize("stored", ["", "plain text", "$2b$12$abcdefghijklmnopqrstuv", "$argon2id$v=19$broken"])
async def test_hash_that_is_none_of_ours_matches_nothing(passwords: Passwords, stored: str) -> None:
    assert not await passwords.verify(stored, "plain text")


async def test_text_that_is_not_valid_unicode_is_only_a_wrong_password(passwords: Passwords) -> None:
    assert not await passwords.verify(await passwords.hash(GOOD), "\ud800")


async def test_hash_of_weaker_parameters_is_verified_and_needs_rehash(passwords: Passwords) -> None:
    weak = argon2.PasswordHasher(time_cost=3, memory_cost=4096, parallelism=1).hash(GOOD)
    assert await passwords.verify(weak, GOOD)
    assert passwords.needs_rehash(weak)
    assert not passwords.needs_rehash(await passwords.hash(GOOD))


@pytest.mark.parametrize(
    ("password", "kind"),
    [
        ("1234567", "min_length"),
        ("x" * (MAX_BYTES + 1), "max_length"),
        ("12345678", "common"),
        ("Password1", "common"),
        ("TrustNo1", "common"),
        ("ada.lovelace@example.com", "context"),
        ("Ada.Lovelace", "context"),
        ("ada.lovelace1", "context"),
        ("watchword!", "context"),
    ],
)
def test_weak_password_is_refused(passwords: Passwords, password: str, kind: str) -> None:
    with pytest.raises(Problem) as caught:
        passwords.check_new(password, ("ada.lovelace@example.com", "Watchword", ""))
    assert caught.value.code is Code.FAILED_VALIDATION
    assert caught.value.extensions["type"] == kind
    assert password not in str(caught.value)


@pytest.mark.parametrize(
    "password", [GOOD, "ada.lovelace wrote notes", "eightchr", "密码密码密码密码", "x" * MAX_BYTES]
)
def test_other_passwords_are_accepted(passwords: Passwords, password: str) -> None:
    passwords.check_new(password, ("ada.lovelace@example.com", "Watchword", ""))


async def test_too_long_password_is_not_hashed(passwords: Passwords) -> None:
    with pytest.raises(Problem) as caught:
        await passwords.hash("é" * 513)
    assert caught.value.code is Code.FAILED_VALIDATION


async def test_full_queue_refuses_at_once_and_serves_the_rest() -> None:
    passwords = Passwords(workers=1, queue=2)
    answers: list[bool] = []
    refusals: list[tuple[Code, int]] = []

    async def verify() -> None:
        try:
            answers.append(await passwords.verify(None, GOOD))
        except Problem as problem:
            refusals.append((problem.code, problem.extensions["retry_after"]))

    async with create_task_group() as group:
        for _ in range(5):
            group.start_soon(verify)
    assert answers == [False] * 3
    assert refusals == [(Code.SERVICE_UNAVAILABLE, 1)] * 2
    assert not await passwords.verify(None, GOOD)


async def test_texts_of_clients_leave_room_for_logins() -> None:
    passwords = Passwords(workers=1, queue=20)
    hashes: list[str] = []
    refusals: list[Code] = []
    logins: list[bool] = []

    async def give() -> None:
        try:
            hashes.append(await passwords.hash_given("text"))
        except Problem as problem:
            refusals.append(problem.code)

    async def log_in() -> None:
        logins.append(await passwords.verify(None, GOOD))

    async with create_task_group() as group:
        for _ in range(30):
            group.start_soon(give)
        group.start_soon(log_in)
    assert (len(hashes), refusals, logins) == (8, [Code.SERVICE_UNAVAILABLE] * 22, [False])
    async with create_task_group() as group:
        for _ in range(8):
            group.start_soon(give)
        await lowlevel.checkpoint()
        with pytest.raises(Problem):
            await passwords.verify_given(hashes[0], "text")
    assert await passwords.verify_given(hashes[0], "text")


async def test_shutdown_refuses_new_work() -> None:
    passwords = Passwords(workers=1)
    await passwords.shutdown()
    await passwords.shutdown()
    with pytest.raises(Problem) as caught:
        await passwords.verify(None, GOOD)
    assert caught.value.code is Code.SERVICE_UNAVAILABLE


def test_the_hash_of_nobody_costs_what_others_cost() -> None:
    hasher = argon2.PasswordHasher(time_cost=_PASSES, memory_cost=_MEMORY_KIB, parallelism=1)
    assert not hasher.check_needs_rehash(_hash_of_nobody())
    with pytest.raises(VerifyMismatchError):  # it was computed and compared, not refused as malformed
        hasher.verify(_hash_of_nobody(), GOOD)
