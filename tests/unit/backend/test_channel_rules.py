"""Rules of channels: patterns, and who they let in."""

from __future__ import annotations

from typing import Any

import pytest

from watchword.access.principal import ANONYMOUS, Claimed, Principal
from watchword.backend.rules import ChannelRules, Claim, HasPolicy, Role, RuleBook, require
from watchword.base.errors import Code, Problem

NAMES = {"r1": "editor", "p1": "newsroom"}
ANN = Principal(user="ann", roles=("r1",), policies=("p1",))
BOB = Principal(user="bob")
CLAIMING = Principal(issuer="idp", claimed=Claimed(("editor",)), claims={"channels": ["room/1", "team/*"], "one": "x"})


class Asked:
    """Stands for a call: rules ask who it is."""

    def __init__(self, principal: Principal) -> None:
        self.principal = principal


async def holds(rule: Any, principal: Principal, channel: str = "room/1") -> bool:
    book = RuleBook()
    book.add(ChannelRules("room/{number}", rule))
    book.add(ChannelRules("**", rule))
    found = book.find(channel)
    assert found is not None
    try:
        await require(found[0].subscribe, Asked(principal), found[1], NAMES)
    except Problem as problem:
        if problem.code is Code.FORBIDDEN:
            return False
        raise
    return True


async def slow(call: Any, channel: Any) -> bool:
    return bool(channel.params["number"] == "1" and call.principal.user == "ann")


@pytest.mark.parametrize(
    ("rule", "let_in", "kept_out"),
    [
        (True, ANONYMOUS, None),
        (False, None, ANN),
        ("authenticated", BOB, ANONYMOUS),
        (Role("editor"), ANN, BOB),
        (Role("r1"), ANN, ANONYMOUS),
        (Role("editor"), CLAIMING, BOB),
        (HasPolicy("newsroom"), ANN, BOB),
        (Claim("channels"), CLAIMING, ANN),
        (Claim("nothing"), None, CLAIMING),
        (Claim("one"), None, CLAIMING),
        (slow, ANN, BOB),
        (lambda call, channel: "yes", None, ANN),
        (lambda call, channel: call.principal.user == "bob", BOB, ANN),
    ],
)
async def test_a_rule_lets_in_whom_it_means(rule: Any, let_in: Principal | None, kept_out: Principal | None) -> None:
    if let_in is not None:
        assert await holds(rule, let_in)
    if kept_out is not None:
        assert not await holds(rule, kept_out)


async def test_a_claim_may_name_patterns_and_nothing_beyond_them() -> None:
    assert await holds(Claim("channels"), CLAIMING, "team/red")
    assert not await holds(Claim("channels"), CLAIMING, "team/red/secret")
    assert not await holds(Claim("channels"), CLAIMING, "room/12")


@pytest.mark.parametrize(
    ("pattern", "takes", "leaves"),
    [
        ("a", ["a"], ["ab", "b", "A"]),
        ("a/*", ["a/b", "a/"], ["a/b/c", "ab", "a"]),
        ("a/**", ["a/b/c", "a/\n"], ["b/a/"]),
        ("a/{x}/c", ["a/b/c"], ["a//c", "a/b/b/c"]),
        ("a.c+", ["a.c+"], ["abc+", "a.cc"]),
    ],
)
def test_patterns_take_what_they_say(pattern: str, takes: list[str], leaves: list[str]) -> None:
    book = RuleBook()
    book.add(ChannelRules(pattern))
    assert all(book.find(name) is not None for name in takes)
    assert all(book.find(name) is None for name in leaves)


def test_the_first_pattern_counts_and_tells_what_it_has_captured() -> None:
    book = RuleBook()
    book.add(ChannelRules("chat/{room}/{user}", subscribe=False))
    book.add(ChannelRules("chat/**", subscribe=True))
    found = book.find("chat/1/ann")
    assert found is not None
    assert (found[0].subscribe, found[1], found[1].params) == (False, "chat/1/ann", {"room": "1", "user": "ann"})


def test_a_word_that_is_no_rule_is_refused_where_it_is_written() -> None:
    with pytest.raises(TypeError, match="no rule"):
        RuleBook().add(ChannelRules("a", publish="everybody"))
