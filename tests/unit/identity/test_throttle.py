"""Throttle: guessing is slowed down, nobody is locked out."""

from __future__ import annotations

from datetime import datetime

import pytest
from anyio import Event, create_task_group, lowlevel

from watchword.base.clock import ManualClock
from watchword.base.errors import Code, Problem
from watchword.identity.client import Client
from watchword.identity.settings import IdentitySettings
from watchword.identity.throttle import Throttle
from watchword.identity.window import ClockedMemory

HERE = Client("192.0.2.1")
THERE = Client("198.51.100.1")


@pytest.fixture
def throttle(clock: ManualClock) -> Throttle:
    return Throttle(ClockedMemory(clock), clock, IdentitySettings(failures_per_account=3, failures_per_address=5))


async def succeed(throttle: Throttle, account: str, client: Client) -> None:
    async with throttle.attempt(account, client):
        pass


async def fail(
    throttle: Throttle, account: str, client: Client, times: int = 1, code: Code = Code.INVALID_CREDENTIALS
) -> None:
    for _ in range(times):
        with pytest.raises(Problem) as caught:
            async with throttle.attempt(account, client):
                raise Problem(code)
        assert caught.value.code is code


async def assert_exceeded(throttle: Throttle, account: str, client: Client) -> Problem:
    with pytest.raises(Problem) as caught:
        await succeed(throttle, account, client)
    assert caught.value.code is Code.REQUESTS_EXCEEDED
    return caught.value


async def test_failures_make_an_account_wait_at_that_address(throttle: Throttle, clock: ManualClock) -> None:
    await fail(throttle, "ada@example.com", HERE, 2)
    clock.advance(20)
    await fail(throttle, "ada@example.com", HERE)
    problem = await assert_exceeded(throttle, "ada@example.com", HERE)
    assert problem.extensions["limit"] == 3
    assert problem.extensions["retry_after"] == 40
    assert datetime.fromisoformat(problem.extensions["reset"]).timestamp() == clock.now() + 40


async def test_account_is_free_again_when_the_minute_is_over(throttle: Throttle, clock: ManualClock) -> None:
    await fail(throttle, "ada@example.com", HERE, 3)
    clock.advance(59.9)
    await assert_exceeded(throttle, "ada@example.com", HERE)
    clock.advance(0.1)
    await succeed(throttle, "ada@example.com", HERE)


async def test_owner_elsewhere_is_not_held_up(throttle: Throttle) -> None:
    await fail(throttle, "ada@example.com", HERE, 3)
    await assert_exceeded(throttle, "ada@example.com", HERE)
    await succeed(throttle, "ada@example.com", THERE)


async def test_another_account_at_the_same_address_is_not_held_up(throttle: Throttle) -> None:
    await fail(throttle, "ada@example.com", HERE, 3)
    await succeed(throttle, "bob@example.com", HERE)


async def test_spelling_of_the_address_gives_no_new_guesses(throttle: Throttle) -> None:
    await fail(throttle, "ada@example.com", HERE, 3)
    await assert_exceeded(throttle, " ADA@example.com", HERE)
    await assert_exceeded(throttle, "ada@example.com", Client("::ffff:192.0.2.1"))


async def test_failures_over_many_accounts_make_the_address_wait(throttle: Throttle) -> None:
    for number in range(5):
        await fail(throttle, f"user{number}@example.com", HERE)
    await assert_exceeded(throttle, "someone-else@example.com", HERE)
    await succeed(throttle, "someone-else@example.com", THERE)


async def test_refused_attempts_do_not_count_against_the_address(throttle: Throttle) -> None:
    await fail(throttle, "ada@example.com", HERE, 3)
    for _ in range(10):
        await assert_exceeded(throttle, "ada@example.com", HERE)
    await succeed(throttle, "bob@example.com", HERE)


async def test_success_forgives_the_account_and_not_the_address(throttle: Throttle) -> None:
    await fail(throttle, "ada@example.com", HERE, 2)
    await succeed(throttle, "ada@example.com", HERE)
    await fail(throttle, "ada@example.com", HERE, 3)
    await assert_exceeded(throttle, "mallory@example.com", HERE)


async def test_service_that_is_not_available_is_nobodys_failure(throttle: Throttle) -> None:
    await fail(throttle, "ada@example.com", HERE, 9, Code.SERVICE_UNAVAILABLE)
    await succeed(throttle, "ada@example.com", HERE)


async def test_any_number_of_right_passwords_at_once_gets_through(throttle: Throttle) -> None:
    passed: list[int] = []

    async def log_in(number: int) -> None:
        async with throttle.attempt("ada@example.com", HERE):
            await lowlevel.checkpoint()
        passed.append(number)

    async with create_task_group() as group:
        for number in range(32):
            group.start_soon(log_in, number)
    assert len(passed) == 32


async def test_parallel_guesses_are_no_more_than_the_limit(throttle: Throttle) -> None:
    answers: list[Code] = []
    guesses = 0
    release = Event()

    async def verify() -> None:
        nonlocal guesses
        guesses += 1
        await release.wait()
        raise Problem(Code.INVALID_CREDENTIALS)

    async def guess() -> None:
        try:
            async with throttle.attempt("ada@example.com", HERE):
                await verify()
        except Problem as problem:
            answers.append(problem.code)

    async with create_task_group() as group:
        for _ in range(64):
            group.start_soon(guess)
        for _ in range(10):
            await lowlevel.checkpoint()
        assert guesses == 3
        release.set()
    assert guesses == 3
    assert answers.count(Code.REQUESTS_EXCEEDED) == 61


async def test_attempt_that_is_given_up_counts_as_a_failure(throttle: Throttle) -> None:
    async def hang() -> None:
        async with throttle.attempt("ada@example.com", HERE):
            await Event().wait()

    for _ in range(3):
        async with create_task_group() as group:
            group.start_soon(hang)
            await lowlevel.checkpoint()
            await lowlevel.checkpoint()
            group.cancel_scope.cancel()
    await assert_exceeded(throttle, "ada@example.com", HERE)


async def test_nothing_is_left_behind(throttle: Throttle) -> None:
    await fail(throttle, "ada@example.com", HERE, 3)
    await assert_exceeded(throttle, "ada@example.com", HERE)
    assert not throttle._accounts._lines
    assert not throttle._networks._lines
