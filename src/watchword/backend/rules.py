"""Rules: who may hear a channel, and who may say something on it."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

import msgspec

from watchword.backend.finishing import finish
from watchword.base.errors import forbidden
from watchword.live.channels import Retention

if TYPE_CHECKING:
    from collections.abc import Mapping

    from watchword.access.principal import Principal

_CAPTURE = re.compile(r"\{([a-z_][a-z0-9_]*)\}", re.IGNORECASE | re.ASCII)
_PIECE = re.compile(r"(\*\*|\*|\{[a-z_][a-z0-9_]*\})", re.IGNORECASE | re.ASCII)


class ChannelName(str):
    """The name of a channel, with what its pattern has captured of it."""

    __slots__ = ("params",)

    def __new__(cls, name: str, params: Mapping[str, str]) -> ChannelName:
        """Make one."""
        made = super().__new__(cls, name)
        made.params = params
        return made

    params: Mapping[str, str]


class Claim(msgspec.Struct, frozen=True):
    """Those whose token names the channel in a claim: a text or a list of texts, which may be patterns themselves."""

    name: str


class Role(msgspec.Struct, frozen=True):
    """Those who have a role, by its key or name."""

    name: str


class HasPolicy(msgspec.Struct, frozen=True):
    """Those for whom a policy is in force, by its key or name."""

    name: str


class Caller(Protocol):
    """Who wants to hear or say something: the `Call`, as the application's functions get it."""

    @property
    def principal(self) -> Principal:
        """On whose behalf."""


Rule = bool | str | Claim | Role | HasPolicy | Callable[[Any, ChannelName], Any]
"""Everybody or nobody; `"authenticated"`; a claim, a role, a policy; or a function that says yes or no."""

AUTHENTICATED = "authenticated"


class ChannelRules(msgspec.Struct, frozen=True):
    """The channels that a pattern takes.

    `*` in a pattern is a part between two slashes, `**` is any text, and `{name}` a part that rules are told.
    """

    pattern: str
    subscribe: Rule = True
    publish: Rule = False
    retention: Retention = Retention()
    presence: bool = False


class RuleBook:
    """The rules of an application's channels; of several patterns that take a name the first counts."""

    def __init__(self) -> None:
        self._rules: list[tuple[re.Pattern[str], ChannelRules]] = []

    def add(self, rules: ChannelRules) -> None:
        """Add a pattern.

        Raises:
            TypeError: a rule is none.
        """
        for rule in (rules.subscribe, rules.publish):
            if isinstance(rule, str) and rule != AUTHENTICATED:
                raise TypeError(f"{rule!r} is no rule; a word by itself can only be {AUTHENTICATED!r}")
        self._rules.append((compile_pattern(rules.pattern), rules))

    def find(self, channel: str) -> tuple[ChannelRules, ChannelName] | None:
        """Return what holds for a channel, or None when no pattern takes its name."""
        for pattern, rules in self._rules:
            found = pattern.fullmatch(channel)
            if found is not None:
                return rules, ChannelName(channel, found.groupdict())
        return None


async def require(rule: Rule, call: Caller, channel: ChannelName, names: Mapping[str, str]) -> None:
    """Let a caller pass by a rule; `names` are those of roles and policies, by key.

    Raises:
        Problem: FORBIDDEN, or what the rule's own function raises.
    """
    if not await _holds(rule, call, channel, names):
        raise forbidden()


async def _holds(rule: Rule, call: Caller, channel: ChannelName, names: Mapping[str, str]) -> bool:
    principal = call.principal
    match rule:
        case bool():
            return rule
        case str():
            return not principal.is_anonymous
        case Claim(name=name):
            return _is_claimed((principal.claims or {}).get(name), channel)
        case Role(name=name):
            return principal.has_role(name, names)
        case HasPolicy(name=name):
            return principal.has_policy(name, names)
        case _:
            return await finish(rule(call, channel)) is True


def _is_claimed(value: Any, channel: str) -> bool:
    patterns = value if isinstance(value, list) else [value]
    return any(isinstance(each, str) and compile_pattern(each).fullmatch(channel) is not None for each in patterns)


def compile_pattern(pattern: str) -> re.Pattern[str]:
    """Return what takes the names that a pattern means."""
    pieces = []
    for piece in _PIECE.split(pattern):
        if piece == "**":
            pieces.append(".*")
        elif piece == "*":
            pieces.append("[^/]*")
        elif _CAPTURE.fullmatch(piece):
            pieces.append(f"(?P<{piece[1:-1]}>[^/]+)")
        else:
            pieces.append(re.escape(piece))
    return re.compile("".join(pieces), re.DOTALL)
