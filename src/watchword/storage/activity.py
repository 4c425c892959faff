"""Activity: who did what to which item, kept for administrators to read."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import msgspec
from sqlalchemy import delete, insert

from watchword.storage.tables import activity

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy.ext.asyncio import AsyncConnection

    from watchword.storage.engine import Database

_LENGTHS = {"ip": 50, "user_agent": 512, "collection": 64, "item": 255, "origin": 255}


class Deed(msgspec.Struct, frozen=True):
    """One thing that was done. `user` is None for the public, or an expression that finds the user."""

    action: str
    collection: str
    item: str
    user: Any = None
    ip: str | None = None
    user_agent: str | None = None
    origin: str | None = None


async def record(connection: AsyncConnection, deeds: Iterable[Deed], now: float) -> None:
    """Write deeds within the transaction of what was done: both are there, or neither."""
    moment = datetime.fromtimestamp(now, UTC)
    rows = [{**_row(deed), "timestamp": moment} for deed in deeds]
    if rows:
        await connection.execute(insert(activity), rows)


async def purge(db: Database, before: float) -> int:
    """Delete what was done before a moment (epoch seconds); return how many rows that were."""
    async with db.write(silent=True) as connection:
        old = delete(activity).where(activity.c.timestamp < datetime.fromtimestamp(before, UTC))
        return (await connection.execute(old)).rowcount


def _row(deed: Deed) -> dict[str, Any]:
    row = msgspec.structs.asdict(deed)
    for name, length in _LENGTHS.items():
        if row[name] is not None:
            row[name] = row[name][:length]
    return row
