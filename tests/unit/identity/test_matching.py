"""Regular expressions of administrators, tried on other people's texts."""

from __future__ import annotations

import re
import sys

import anyio
import anyio.lowlevel
import pytest

from watchword.base.errors import Code, Problem
from watchword.identity.matching import Matcher

STRONG = r"(?=^.{8,}$)(?=.*\d)(?=.*[!@#$%])(?!.*\s)(?=.*[A-Z])(?=.*[a-z]).*$"


@pytest.mark.parametrize(
    ("pattern", "text", "is_found"),
    [
        (STRONG, "Abcdef1!", True),
        (STRONG, "abcdef1!", False),
        ("[0-9]", "one 1 more", True),
        ("^é+$", "éé", True),
        ("(?i)abc", "xABCx", True),
        ("a.b", "a\nb", False),
    ],
)
async def test_an_expression_finds_what_it_describes(pattern: str, text: str, *, is_found: bool) -> None:
    assert await Matcher(30.0).finds(re.compile(pattern), text) is is_found


async def test_flags_hold() -> None:
    assert await Matcher(30.0).finds(re.compile("a.b", re.DOTALL | re.IGNORECASE), "A\nB")


async def test_an_expression_that_never_ends_finds_nothing_and_holds_nobody_up() -> None:
    slow = re.compile("^(a+)+$")
    ticks = 0
    with anyio.fail_after(15):
        async with anyio.create_task_group() as group:

            async def tick() -> None:
                nonlocal ticks
                while True:
                    await anyio.lowlevel.checkpoint()
                    ticks += 1

            group.start_soon(tick)
            assert not await Matcher(0.5).finds(slow, "a" * 60 + "!")
            group.cancel_scope.cancel()
    assert ticks > 10


async def test_what_cannot_be_tried_is_said_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    with pytest.raises(Problem) as caught:
        await Matcher().finds(re.compile("a"), "a")
    assert caught.value.code is Code.SERVICE_UNAVAILABLE
