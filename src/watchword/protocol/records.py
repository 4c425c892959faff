"""Records: what a server writes into its log, as a client that follows the log sees it."""

from __future__ import annotations

from enum import IntEnum
from typing import Any

import msgspec


class Level(IntEnum):
    """How much a record matters; clients know levels by name and number."""

    TRACE = 10
    DEBUG = 20
    INFO = 30
    WARN = 40
    ERROR = 50
    FATAL = 60


def levels_from(least: Level) -> dict[str, int]:
    """Return name and number of every level that matters at least as much."""
    return {level.name.lower(): level.value for level in Level if level >= least}


class Record(msgspec.Struct, frozen=True):
    """One record. `level` is a number between those of `Level`, `time` epoch milliseconds, `node` the node's id.

    `members` holds what was said beside `text`, as JSON values and without secrets.
    """

    level: int
    time: int
    text: str
    node: str
    members: dict[str, Any] = {}
