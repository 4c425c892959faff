"""An application whose mount speaks superjson: `python transformer_application.py DATABASE_URL --host … --port …`.

Its procedures give back what they were given.
"""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime
from typing import Any

import msgspec

from watchword import Tracked, Watchword, tracked
from watchword.app.logs import configure_logs
from watchword.app.serve import serve

_database, _host, _port = sys.argv[1], sys.argv[3], int(sys.argv[5])
app = Watchword(database_url=_database, host=_host, port=_port)
app.trpc(transformer="superjson")
app.trpc("/plain")


class Stay(msgspec.Struct):
    """Values that JSON has not."""

    arrival: datetime
    day: date
    guests: set[str]
    rooms: dict[int, datetime]
    number: int
    key: bytes
    note: str | None = None


@app.query
async def echo(value: Any, /) -> Any:
    """Give back anything."""
    return value


@app.mutation
async def book(stay: Stay) -> Stay:
    """Give back a stay, of which each value has been read as what it is."""
    assert stay.arrival.tzinfo is not None
    return stay


@app.query
async def nights() -> AsyncIterator[datetime]:
    """Give moments, one by one."""
    for day in (1, 2):
        yield datetime(2026, 1, day, tzinfo=UTC)


@app.subscription
async def ticks(since: datetime, last_event_id: str | None = None) -> AsyncIterator[Tracked[datetime]]:
    """Give the moment that was asked for, under an id."""
    yield tracked(f"after {last_event_id}", since)


if __name__ == "__main__":
    configure_logs("info", "json")
    serve(app)
