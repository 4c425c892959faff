"""What several tests of the query language use."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from watchword.base.errors import Code, Problem


def at(text: str) -> datetime:
    """Return the naive moment that a text says, as `dateTime` fields hold it."""
    return datetime.fromisoformat(text)


def code_of(call: Callable[[], object]) -> Code | None:
    """Return the code of the Problem that a call raises, None when it raises nothing."""
    try:
        call()
    except Problem as problem:
        return problem.code
    return None
