"""Work with the database that application code waits for."""

from __future__ import annotations

from typing import Any

import anyio
import anyio.lowlevel
import pytest
from structlog.testing import capture_logs

from watchword.access.compile import FULL_ACCESS
from watchword.access.principal import ANONYMOUS
from watchword.backend.context import Context
from watchword.backend.finishing import ended_once, finish, unbroken
from watchword.backend.items import Inside, Items
from watchword.base.errors import Code, Problem
from watchword.protocol.outcomes import Reply


async def test_what_is_read_is_not_cut_off_when_its_reader_ends() -> None:
    begun, go_on, steps = anyio.Event(), anyio.Event(), list[str]()

    async def perform(context: Context, operation: Any) -> Reply:
        begun.set()
        await go_on.wait()
        steps.append("the database has answered")
        return Reply([])

    async def reader() -> None:
        await Items(Inside(perform), Context(ANONYMOUS, FULL_ACCESS)).read("articles")
        await anyio.lowlevel.checkpoint()
        steps.append("never")

    with anyio.fail_after(5):
        async with anyio.create_task_group() as group:
            group.start_soon(reader)
            await begun.wait()
            group.cancel_scope.cancel()
            go_on.set()
    assert steps == ["the database has answered"]


async def test_a_result_is_taken_from_plain_functions_and_from_async_ones() -> None:
    async def later() -> int:
        await anyio.lowlevel.checkpoint()
        return 2

    async def refused() -> int:
        await anyio.lowlevel.checkpoint()
        raise Problem(Code.FORBIDDEN)

    assert [await finish(1), await finish(later())] == [1, 2]
    with pytest.raises(Problem):
        await finish(refused())


async def test_code_that_is_ended_may_take_its_last_steps() -> None:
    begun, steps = anyio.Event(), list[str]()

    async def work() -> None:
        try:
            begun.set()
            await anyio.sleep_forever()
        finally:
            await anyio.lowlevel.checkpoint()
            await anyio.lowlevel.checkpoint()
            steps.append("the last")

    with anyio.fail_after(5):
        async with anyio.create_task_group() as group:
            group.start_soon(ended_once, work())
            await begun.wait()
            group.cancel_scope.cancel()
    assert steps == ["the last"]


async def test_code_that_ends_by_itself_gives_what_it_gives() -> None:
    async def fine() -> int:
        await anyio.lowlevel.checkpoint()
        return 1

    async def refused() -> int:
        raise Problem(Code.FORBIDDEN)

    assert await ended_once(fine()) == 1
    with pytest.raises(Problem):
        await ended_once(refused())


async def test_code_that_is_ended_within_the_database_ends_after_it() -> None:
    begun, go_on, steps = anyio.Event(), anyio.Event(), list[str]()

    async def query() -> None:
        begun.set()
        await go_on.wait()
        steps.append("the database has answered")

    async def work() -> None:
        await unbroken(query())
        await anyio.lowlevel.checkpoint()
        steps.append("never")

    with anyio.fail_after(5):
        async with anyio.create_task_group() as group:
            group.start_soon(ended_once, work())
            await begun.wait()
            group.cancel_scope.cancel()
            await anyio.lowlevel.cancel_shielded_checkpoint()
            go_on.set()
    assert steps == ["the database has answered"]


@pytest.mark.parametrize("error", [Problem(Code.FORBIDDEN), RuntimeError("a bug")])
async def test_only_a_bug_is_logged_of_code_that_fails_while_it_ends(error: Exception) -> None:
    begun = anyio.Event()

    async def work() -> None:
        try:
            begun.set()
            await anyio.sleep_forever()
        finally:
            raise error

    with anyio.fail_after(5), capture_logs() as logs:
        async with anyio.create_task_group() as group:
            group.start_soon(ended_once, work())
            await begun.wait()
            group.cancel_scope.cancel()
    assert [entry["event"] for entry in logs] == (
        [] if isinstance(error, Problem) else ["application.failed_while_ending"]
    )
