"""Watches: subscriptions to procedures on one connection, from their start to whatever ends them."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import anyio
import pytest

from watchword.access.principal import ANONYMOUS, Principal
from watchword.backend.attendant import Attendant, Begun, Caller
from watchword.backend.context import Context
from watchword.backend.finishing import unbroken
from watchword.backend.tracked import tracked
from watchword.backend.watches import Watches
from watchword.base.errors import Code, Problem, forbidden
from watchword.protocol import operations as op
from watchword.protocol import outcomes as out

ANN, BOB = Principal(user="ann"), Principal(user="bob")


class Granted:
    """A subscription that is only for whom it was granted to, and for nobody whom the rights exclude."""

    def __init__(self, values: AsyncGenerator[Any, None], principal: Principal) -> None:
        self.values = values
        self._principal = principal

    def keeps(self, principal: Principal) -> bool:
        return principal.subject == self._principal.subject

    def admit(self, context: Context) -> None:
        if context.principal.roles:
            raise forbidden()


class Desk(Attendant):
    """Grants what it is given."""

    def __init__(self) -> None:
        self.values: Callable[[], AsyncGenerator[Any, None]] = self.forever
        self.released: list[str] = []
        self.gone: list[str] = []
        self.thinking: anyio.Event | None = None

    async def forever(self) -> AsyncGenerator[Any, None]:
        try:
            yield 1
            await anyio.sleep_forever()
        finally:
            self.released.append("released")

    async def watch(self, operation: op.Watch, caller: Caller) -> Begun:
        context = await caller()
        if self.thinking is not None:
            await self.thinking.wait()
        if operation.procedure == "refused":
            raise forbidden()
        return Granted(self.values(), context.principal)

    def unwatched(self, name: str) -> None:
        self.gone.append(name)


class Host:
    """The connection; what it says can be waited for."""

    def __init__(self, group: Any) -> None:
        self._group = group
        self.acting = ANN
        self.said, self.heard = anyio.create_memory_object_stream[out.Outcome](1_000)
        self.full: anyio.Event | None = None
        self.followed = 0
        self.discarded: list[str | None] = []

    def spawn(self, work: Callable[..., Coroutine[Any, Any, object]], *arguments: Any) -> None:
        self._group.start_soon(work, *arguments)

    def say(self, outcome: out.Outcome) -> None:
        self.said.send_nowait(outcome)

    def discard(self, subscription: str | None) -> None:
        self.discarded.append(subscription)

    def explain(self, operation: op.Operation, error: Exception) -> Problem:
        return error if isinstance(error, Problem) else Problem(Code.INTERNAL)

    async def caller(self) -> Context:
        return Context(self.acting)

    async def room(self) -> None:
        if self.full is not None:
            await self.full.wait()

    async def hear(self) -> out.Outcome:
        with anyio.fail_after(5):
            return await self.heard.receive()

    @property
    def waiting(self) -> int:
        return self.heard.statistics().current_buffer_used


@asynccontextmanager
async def watching(most: int = 10) -> AsyncIterator[tuple[Watches, Host, Desk]]:
    async with anyio.create_task_group() as group:
        host, desk = Host(group), Desk()
        with host.said, host.heard:
            yield Watches(host, desk, most), host, desk
            group.cancel_scope.cancel()


def watch(name: str = "1", procedure: str = "p") -> op.Watch:
    return op.Watch(name, procedure, id=int(name))


STARTED = out.Subscribed("1", has_data=False, id=1)


async def test_a_watch_starts_gives_values_and_ends() -> None:
    async with watching() as (watches, host, desk):

        async def values() -> AsyncGenerator[Any, None]:
            yield {"a": 1}
            yield tracked("e1", 2)

        desk.values = values
        watches.begin(watch())
        assert [await host.hear() for _ in range(4)] == [
            STARTED,
            out.Value("1", {"a": 1}),
            out.Value("1", 2, "e1"),
            out.Ended("1", 1),
        ]
        assert desk.gone == ["1"]
        assert "1" not in watches


async def test_one_that_is_refused_never_starts() -> None:
    async with watching() as (watches, host, _):
        operation = watch(procedure="refused")
        watches.begin(operation)
        failure = await host.hear()
        assert isinstance(failure, out.Failure)
        assert failure.problem.code is Code.FORBIDDEN


async def test_a_failure_in_the_middle_is_told_once() -> None:
    async with watching() as (watches, host, desk):

        async def values() -> AsyncGenerator[Any, None]:
            yield 1
            raise RuntimeError("a bug")

        desk.values = values
        watches.begin(watch())
        await host.hear()
        await host.hear()
        failure = await host.hear()
        assert isinstance(failure, out.Failure)
        assert failure.problem.code is Code.INTERNAL
        await anyio.wait_all_tasks_blocked()
        assert host.waiting == 0


async def test_stopping_releases_the_procedure_at_its_wait_and_tells_nothing_more() -> None:
    async with watching() as (watches, host, desk):
        watches.begin(watch())
        await host.hear()
        await host.hear()
        watches.end("1")
        assert await host.hear() == out.Ended("1", 1)
        assert host.discarded == []
        assert desk.released == ["released"]
        watches.end("1")
        watches.end("unknown")
        await anyio.wait_all_tasks_blocked()
        assert host.waiting == 0


async def test_one_that_has_not_begun_yet_can_be_stopped() -> None:
    async with watching() as (watches, host, desk):
        desk.thinking = anyio.Event()
        watches.begin(watch())
        watches.end("1")
        assert await host.hear() == out.Ended("1", 1)
        watches.begin(watch())
        await anyio.wait_all_tasks_blocked()
        watches.end("1")
        assert await host.hear() == out.Ended("1", 1)
        assert desk.released == []


async def test_there_cannot_be_two_of_a_name_nor_too_many() -> None:
    async with watching(most=2) as (watches, host, _):
        watches.begin(watch("1"))
        with pytest.raises(Problem, match="Duplicate id 1"):
            watches.begin(watch("1"))
        watches.begin(watch("2"))
        with pytest.raises(Problem) as caught:
            watches.begin(watch("3"))
        assert caught.value.code is Code.REQUESTS_EXCEEDED
        assert len(watches) == 2
        watches.end("2")
        await anyio.wait_all_tasks_blocked()
        host.followed = 1
        with pytest.raises(Problem):
            watches.begin(watch("3"))
        assert isinstance(await host.hear(), out.Subscribed)


async def test_who_does_not_read_is_not_told_more() -> None:
    async with watching() as (watches, host, desk):
        produced = []

        async def values() -> AsyncGenerator[Any, None]:
            for number in range(100):
                produced.append(number)
                yield number

        desk.values = values
        host.full = anyio.Event()
        watches.begin(watch())
        await anyio.wait_all_tasks_blocked()
        assert produced == [0]
        host.full.set()
        await anyio.wait_all_tasks_blocked()
        assert len(produced) == 100


async def test_another_user_ends_what_was_granted_to_the_former_one_at_once() -> None:
    async with watching() as (watches, host, desk):
        watches.begin(watch())
        await host.hear()
        await host.hear()
        host.acting = BOB
        watches.acts_as(BOB)
        failure = await host.hear()
        assert isinstance(failure, out.Failure)
        assert failure.problem.code is Code.INVALID_CREDENTIALS
        assert desk.released == ["released"]
        assert host.discarded == ["1"]


async def test_what_is_found_for_the_former_user_after_the_end_is_not_told() -> None:
    async with watching() as (watches, host, desk):
        found = anyio.Event()

        async def values() -> AsyncGenerator[Any, None]:
            await unbroken(found.wait())
            yield "of ann"
            yield "more of ann"

        desk.values = values
        watches.begin(watch())
        assert await host.hear() == STARTED
        await anyio.wait_all_tasks_blocked()
        host.acting = BOB
        watches.acts_as(BOB)
        found.set()
        failure = await host.hear()
        assert isinstance(failure, out.Failure)
        assert failure.problem.code is Code.INVALID_CREDENTIALS
        assert host.waiting == 0


async def test_the_same_user_keeps_it() -> None:
    async with watching() as (watches, host, _):
        watches.begin(watch())
        await host.hear()
        await host.hear()
        watches.acts_as(Principal(user="ann", session="another"))
        watches.refile(Context(ANN))
        await anyio.wait_all_tasks_blocked()
        assert "1" in watches
        assert host.waiting == 0


async def test_rights_that_end_end_it() -> None:
    async with watching() as (watches, host, _):
        watches.begin(watch())
        await host.hear()
        await host.hear()
        watches.refile(Context(Principal(user="ann", roles=("none",))))
        failure = await host.hear()
        assert isinstance(failure, out.Failure)
        assert failure.problem.code is Code.FORBIDDEN
        watches.begin(watch())
        await host.hear()
        await host.hear()
        watches.refile(Problem(Code.INVALID_CREDENTIALS))
        assert isinstance(await host.hear(), out.Failure)


async def test_what_is_granted_while_somebody_else_begins_to_act_is_granted_anew() -> None:
    async with watching() as (watches, host, desk):
        desk.thinking = anyio.Event()
        watches.begin(watch())
        await anyio.wait_all_tasks_blocked()
        host.acting = ANONYMOUS
        watches.acts_as(ANONYMOUS)
        desk.thinking.set()
        assert await host.hear() == STARTED
        await host.hear()
        watches.acts_as(ANN)
        assert isinstance(await host.hear(), out.Failure)
