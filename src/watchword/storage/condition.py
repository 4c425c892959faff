"""Condition: what a database says of itself. Nothing is changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import Float, cast, func, select

if TYPE_CHECKING:
    from watchword.storage.engine import Database

_JULIAN_EPOCH = 2_440_587.5
_DAY = 86_400.0


async def server_version(db: Database) -> str:
    """Return the name and version of what serves the database."""
    if db.kind == "sqlite":
        async with db.read() as connection:
            return f"SQLite {(await connection.execute(select(func.sqlite_version()))).scalar_one()}"
    async with db.read() as connection:
        version: str = (await connection.execute(select(func.current_setting("server_version")))).scalar_one()
    return f"PostgreSQL {version.partition(' ')[0]}"


async def database_time(db: Database) -> float:
    """Return what time the database takes it to be, in seconds since the Unix epoch."""
    async with db.read() as connection:
        if db.kind == "sqlite":
            days: float = (await connection.execute(select(func.julianday("now")))).scalar_one()
            return (days - _JULIAN_EPOCH) * _DAY
        seconds = cast(func.date_part("epoch", func.clock_timestamp()), Float)
        return float((await connection.execute(select(seconds))).scalar_one())
