"""Regular expressions of JavaScript: kept as text, never compiled, and made from those of Python."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterator

_FLAGS = {re.IGNORECASE: "i", re.MULTILINE: "m", re.DOTALL: "s"}
_TOKEN = re.compile(
    r"""
    (?P<escape>\\[\s\S])
    | (?P<members>\[\^?\]?(?:\\[\s\S]|[^\]\\])*\])
    | \(\?P<(?P<name>\w+)>
    | \(\?P=(?P<again>\w+)\)
    | (?P<only_python>\(\?(?![:=!]|<[=!])|(?:[*+?]|\{\d*,?\d*\})\+|\{,\d*\})
    | [\s\S]
    """,
    re.VERBOSE,
)
_ESCAPE = re.compile(r"\\([\s\S])")
_ONLY_PYTHONS = frozenset("AaNUZz")


class RegularExpression(msgspec.Struct, frozen=True):
    """A RegExp of JavaScript. Nothing here compiles it: a client's pattern may take for ever to match."""

    source: str
    flags: str = ""

    def __str__(self) -> str:
        """Return it as JavaScript writes it."""
        return f"/{self.source or '(?:)'}/{self.flags}"


def translated(pattern: re.Pattern[Any]) -> RegularExpression:
    r"""Return a pattern as JavaScript has it, where `\d`, `\s` and `\w` are narrower and `$` is the very end.

    Raises:
        ValueError: It uses what JavaScript does not have.
    """
    if not isinstance(pattern.pattern, str):
        raise ValueError("a pattern of bytes is not a RegExp")  # noqa: TRY004 - the pattern's content, not its type
    others = re.RegexFlag(pattern.flags & ~re.UNICODE)
    flags = ""
    for flag, letter in _FLAGS.items():
        if flag in others:
            flags += letter
            others &= ~flag
    if others:
        raise ValueError(f"RegExp has no flag for {others!r}")
    return RegularExpression("".join(_pieces(pattern.pattern)), flags)


def _pieces(source: str) -> Iterator[str]:
    for token in _TOKEN.finditer(source):
        piece = token[0]
        if token["only_python"] or (
            (token["escape"] or token["members"]) and not _ONLY_PYTHONS.isdisjoint(_ESCAPE.findall(piece))
        ):
            raise ValueError(f"RegExp has no {piece!r}, which the pattern {source!r} uses")
        if token["name"]:
            yield f"(?<{token['name']}>"
        elif token["again"]:
            yield f"\\k<{token['again']}>"
        else:
            yield re.sub(r"^(\[\^?)\]", r"\1\\]", piece) if token["members"] else piece
