"""Writes: what one request has written, nested items included, for those who have to know before it commits."""

from __future__ import annotations

from typing import Any

import msgspec

from watchword.access.permissions import Action


class Written(msgspec.Struct, frozen=True):
    """One action on items of a collection. `keys` are as clients know them, `given` is what the caller asked for."""

    action: Action
    collection: str
    keys: tuple[Any, ...]
    given: dict[str, Any] = {}


WriteLog = list[Written]
