"""Standing: when rights are others, and that nobody answers by them while that is being looked up."""

from __future__ import annotations

import anyio

from watchword.access.compile import FULL_ACCESS, NO_ACCESS, Access, compile_access
from watchword.access.permissions import Action, Permission, Policy
from watchword.access.principal import ANONYMOUS, Principal
from watchword.backend.context import Context
from watchword.backend.standing import Standing
from watchword.base.errors import Code, Problem

ALICE = Principal(user="alice")


def rights(field: str = "a") -> Access:
    return compile_access([Policy("p", (Permission("articles", Action.READ, fields=frozenset({field})),))])


def test_first_rights_are_no_change() -> None:
    assert not Standing().changes(ALICE, Context(ALICE, FULL_ACCESS))


def test_equal_rights_are_no_change() -> None:
    standing = Standing()
    standing.changes(ALICE, Context(ALICE, rights()))
    assert not standing.changes(ALICE, Context(ALICE, rights()))


def test_other_rights_of_the_same_principal_are_a_change() -> None:
    standing = Standing()
    standing.changes(ALICE, Context(ALICE, rights()))
    assert standing.changes(ALICE, Context(ALICE, rights("b")))
    assert standing.changes(ALICE, Problem(Code.INVALID_CREDENTIALS))


def test_another_principal_has_rights_of_its_own() -> None:
    standing = Standing()
    standing.changes(ANONYMOUS, Context(ANONYMOUS, NO_ACCESS))
    assert not standing.changes(ALICE, Context(ALICE, FULL_ACCESS))


async def test_who_wants_to_be_certain_waits_until_nothing_is_in_doubt() -> None:
    standing, passed = Standing(), anyio.Event()

    async def wait() -> None:
        await standing.certain()
        passed.set()

    standing.doubt()
    async with anyio.create_task_group() as group:
        group.start_soon(wait)
        await anyio.wait_all_tasks_blocked()
        assert not passed.is_set()
        assert standing.settle()
        await passed.wait()
    assert not standing.settle()
