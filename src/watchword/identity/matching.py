"""Matching: a regular expression of an administrator's, tried in a process of its own.

Python's engine backtracks: on some texts an innocent expression takes longer than anybody waits, and nothing but the
end of its process stops it.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import anyio
import structlog

from watchword.base import json
from watchword.base.errors import Code, Problem

if TYPE_CHECKING:
    import re

_log = structlog.get_logger(__name__)

SECONDS = 5.0
"""How long an expression may take, the start of the process included."""

_MOST = 2
_FOUND, _NOT_FOUND = 10, 11
_SCRIPT = f"""
import json, re, sys
pattern, flags, text = json.load(sys.stdin)
sys.exit({_FOUND} if re.search(pattern, text, flags) else {_NOT_FOUND})
"""
_COMMAND = ("-I", "-S", "-c", _SCRIPT)


class Matcher:
    """Tries expressions, a few at a time; `seconds` is what each may take."""

    def __init__(self, seconds: float = SECONDS) -> None:
        self._seconds = seconds
        self._turns = anyio.CapacityLimiter(_MOST)

    async def finds(self, pattern: re.Pattern[str], text: str) -> bool:
        """Whether a text holds what an expression looks for; not, when that takes too long.

        Raises:
            Problem: SERVICE_UNAVAILABLE when it can't be tried.
        """
        given = json.encode([pattern.pattern, pattern.flags, text])
        async with self._turns:
            with anyio.move_on_after(self._seconds):
                code = await _run(given)
                if code not in {_FOUND, _NOT_FOUND}:
                    _log.error("expression.not_tried", code=code)
                    raise Problem(Code.SERVICE_UNAVAILABLE, service="passwords")
                return code == _FOUND
        _log.warning("expression.too_slow", seconds=self._seconds)
        return False


async def _run(given: bytes) -> int:
    try:
        done = await anyio.run_process([sys.executable, *_COMMAND], input=given, check=False, stderr=None)
    except OSError as error:
        _log.exception("expression.not_tried")
        raise Problem(Code.SERVICE_UNAVAILABLE, service="passwords") from error
    return done.returncode
