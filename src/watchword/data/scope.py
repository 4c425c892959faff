"""Scope: under whose rights a read or a write runs, and when."""

from __future__ import annotations

from typing import Any

import msgspec

from watchword.access.compile import FULL_ACCESS, Access
from watchword.query.variables import Variables


class Scope(msgspec.Struct, frozen=True):
    """The rights and the variables of the caller, and the moment (epoch seconds) that `$NOW` stands for."""

    access: Access
    variables: Variables = Variables()
    now: float = 0.0

    @classmethod
    def system(cls, now: float) -> Scope:
        """Return the scope of the server itself: every right, nobody's variables."""
        return cls(FULL_ACCESS, Variables(), now)


class Page(msgspec.Struct, frozen=True):
    """What a read gives: JSON-ready rows, objects by name as a rule, and the counts that were asked for."""

    data: list[Any]
    meta: dict[str, int] | None = None
