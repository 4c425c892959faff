"""Patterns of validation rules: regular expressions as JavaScript writes them, on texts of bounded length."""

from __future__ import annotations

import re
import warnings
from functools import lru_cache

LONGEST_PATTERN = 500
LONGEST_TEXT = 10_000

_FLAGS = {"i": re.IGNORECASE, "m": re.MULTILINE, "s": re.DOTALL, "g": re.NOFLAG, "u": re.NOFLAG}
_DELIMITED = re.compile(r"/(.*)/([a-z]*)", re.DOTALL)
_TOKEN = re.compile(r"\\.|\[(?:\\.|[^\]\\])*\]|\(\?<(?![=!])|\$", re.DOTALL)


def matches(pattern: str, text: str) -> bool:
    """Whether a pattern, perhaps written as `/…/i`, is found in a text.

    A pattern that is too long or is none matches nothing, and so does every pattern in a text that is too long.
    """
    if len(pattern) > LONGEST_PATTERN or len(text) > LONGEST_TEXT:
        return False
    compiled = _compiled(pattern)
    return compiled is not None and compiled.search(text) is not None


@lru_cache(maxsize=256)
def _compiled(pattern: str) -> re.Pattern[str] | None:
    delimited = _DELIMITED.fullmatch(pattern)
    body, letters = delimited.groups() if delimited else (pattern, "")
    flags = re.ASCII
    for letter in letters:
        if letter not in _FLAGS:
            return None
        flags |= _FLAGS[letter]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what Python may one day read differently
            return re.compile(_translated(body, multiline="m" in letters), flags)
    except (re.error, OverflowError, RecursionError):
        return None


def _translated(body: str, *, multiline: bool) -> str:
    """Say in Python's words what differs: `$` is the very end, and groups are named without a P."""
    words = {"$": "$" if multiline else r"\Z", "(?<": "(?P<"}
    return _TOKEN.sub(lambda token: words.get(token.group(), token.group()), body)
