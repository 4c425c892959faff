"""A hub's lookup where there is no database to ask."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from watchword.live.matching import Row, View
    from watchword.protocol.events import Change


class NoTables:
    """Finds nothing."""

    async def match(self, views: Sequence[View], changes: Sequence[Change]) -> dict[View, list[tuple[bool, bool]]]:
        return {}

    async def rows(self, view: View, keys: Sequence[str]) -> dict[str, Row]:
        return {}

    async def everything(self, view: View) -> Any:
        return []

    async def leaving(self, before: View, after: View, most: int) -> list[str]:
        return []
