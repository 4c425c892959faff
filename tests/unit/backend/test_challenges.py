"""Challenges: what is asked, who answers, and what becomes of who does not."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import anyio
import pytest

from watchword.access.principal import ANONYMOUS, Principal
from watchword.backend.challenges import Challenge, Challenges
from watchword.base.clock import ManualClock
from watchword.base.errors import Code, Problem

ANN = Principal(user="ann")
TIMES = Challenge(every=60.0, within=10.0)


class Host:
    def __init__(self, group: Any) -> None:
        self._group = group
        self.acting = ANN
        self.expelled: list[Code] = []
        self.ended: list[str] = []

    def spawn(self, work: Callable[..., Coroutine[Any, Any, object]], *arguments: Any) -> None:
        self._group.start_soon(work, *arguments)

    def expel(self, problem: Problem) -> None:
        self.expelled.append(problem.code)

    def end_watch(self, name: str, problem: Problem) -> None:
        self.ended.append(name)


@asynccontextmanager
async def challenged() -> AsyncIterator[tuple[Challenges, Host, Callable[[float], Any]]]:
    clock = ManualClock()
    async with anyio.create_task_group() as group:
        host = Host(group)
        challenges = Challenges(TIMES, clock, host)

        async def passes(seconds: float) -> None:
            await anyio.wait_all_tasks_blocked()
            clock.advance(seconds)
            await anyio.wait_all_tasks_blocked()

        yield challenges, host, passes
        group.cancel_scope.cancel()


async def asked(challenges: Challenges) -> Any:
    with anyio.fail_after(5):
        return await anext(challenges.values())


async def test_who_answers_in_time_goes_on_and_is_asked_again() -> None:
    async with challenged() as (challenges, host, passes):
        challenges.acts_as(ANN)
        for _ in range(2):
            await passes(60.0)
            question = await asked(challenges)
            assert question["subscription"] is None
            challenges.answer(question["nonce"])
            await passes(10.0)
        assert host.expelled == []


async def test_who_does_not_answer_is_expelled() -> None:
    async with challenged() as (challenges, host, passes):
        challenges.acts_as(ANN)
        await passes(60.0)
        await passes(9.9)
        assert host.expelled == []
        await passes(0.1)
        assert host.expelled == [Code.AUTH_TIMEOUT]


async def test_nobody_in_particular_is_not_asked() -> None:
    async with challenged() as (challenges, host, passes):
        challenges.acts_as(ANONYMOUS)
        await passes(100.0)
        challenges.acts_as(ANN)
        host.acting = ANONYMOUS
        await passes(100.0)
        assert host.expelled == []


async def test_an_answer_counts_once_and_only_to_what_was_asked() -> None:
    async with challenged() as (challenges, _, passes):
        challenges.acts_as(ANN)
        await passes(60.0)
        with pytest.raises(Problem):
            challenges.answer("made up")
        nonce = (await asked(challenges))["nonce"]
        challenges.answer(nonce)
        with pytest.raises(Problem):
            challenges.answer(nonce)


async def test_a_late_answer_is_none() -> None:
    async with challenged() as (challenges, _, passes):
        challenges.acts_as(ANN)
        await passes(60.0)
        nonce = (await asked(challenges))["nonce"]
        await passes(10.0)
        with pytest.raises(Problem):
            challenges.answer(nonce)


async def test_subscriptions_that_need_tickets_are_asked_one_by_one_and_end_alone() -> None:
    async with challenged() as (challenges, host, passes):
        challenges.tickets["1"] = ("a.b", {"x": 1})
        challenges.tickets["2"] = ("a.c", {})
        challenges.acts_as(ANN)
        await passes(60.0)
        values = challenges.values()
        of_all, first, second = [await anext(values) for _ in range(3)]
        assert first["subscription"] == {"path": "a.b", "input": {"x": 1}}
        with pytest.raises(Problem):
            challenges.answer(first["nonce"])
        with pytest.raises(Problem):
            challenges.subject_of(of_all["nonce"])
        challenges.answer(of_all["nonce"])
        challenges.prove(challenges.subject_of(second["nonce"]))
        await passes(10.0)
        assert (host.expelled, host.ended) == ([], ["1"])
        await values.aclose()


async def test_what_is_asked_is_told_to_who_listens_already() -> None:
    async with challenged() as (challenges, _, passes):
        heard = []

        async def listen() -> None:
            async for question in challenges.values():
                heard.append(question)  # noqa: PERF401 - one by one is the point

        async with anyio.create_task_group() as group:
            group.start_soon(listen)
            challenges.acts_as(ANN)
            await passes(60.0)
            group.cancel_scope.cancel()
        assert len(heard) == 1


@pytest.mark.parametrize(("every", "within"), [(0.0, 1.0), (1.0, 0.0), (-1.0, 1.0)])
def test_times_have_to_be_positive(every: float, within: float) -> None:
    with pytest.raises(ValueError, match="positive"):
        Challenge(every, within)
