"""Moments on both databases."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import insert, select
from sqlalchemy.exc import StatementError

from tests.unit.storage.support import fetch, run
from watchword.storage.engine import Database
from watchword.storage.tables import auth_events
from watchword.storage.types import from_text, to_text

pytestmark = pytest.mark.anyio

ZONES = st.builds(lambda minutes: timezone(timedelta(minutes=minutes)), st.integers(-14 * 60, 14 * 60))
MOMENTS = st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30), timezones=ZONES)  # noqa: DTZ001 # hypothesis wants naive bounds


@given(MOMENTS)
def test_text_of_a_moment_gives_the_moment_back(moment: datetime) -> None:
    assert from_text(to_text(moment)) == moment


@given(MOMENTS, MOMENTS)
def test_text_sorts_as_time_does(one: datetime, other: datetime) -> None:
    assert (to_text(one) < to_text(other)) == (one < other)


@given(st.one_of(st.text(), st.integers(), st.binary(), st.none()))
def test_anything_else_is_read_as_a_moment_or_none(stored: object) -> None:
    found = from_text(stored)
    assert found is None or found.tzinfo is UTC


async def test_moment_is_stored_in_utc_and_comes_back_aware(db: Database) -> None:
    moment = datetime(2026, 3, 1, 12, 0, 0, 250_000, tzinfo=timezone(timedelta(hours=2)))
    async with db.write() as connection:
        await connection.execute(insert(auth_events).values(id="1", kind="login", at=moment))
        found = (await connection.execute(select(auth_events.c.at).where(auth_events.c.at <= moment))).scalar_one()
    assert found == moment
    assert found.utcoffset() == timedelta(0)


async def test_moment_without_a_zone_is_refused(db: Database) -> None:
    naive = datetime(2026, 3, 1)  # noqa: DTZ001 # what is to be refused
    statement = insert(auth_events).values(id="1", kind="login", at=naive)
    async with db.read() as connection:
        with pytest.raises(StatementError, match="needs its time zone"):
            await connection.execute(statement)


async def test_sqlite_stores_readable_text_and_reads_that_of_others(sqlite: Database) -> None:
    async with sqlite.write() as connection:
        at = datetime(2026, 3, 1, 12, tzinfo=UTC)
        await connection.execute(insert(auth_events).values(id="1", kind="login", at=at))
    assert await fetch(sqlite, "SELECT at FROM watchword_auth_events") == [("2026-03-01 12:00:00",)]
    await run(sqlite, "UPDATE watchword_auth_events SET at = '2026-03-01T13:00:00Z'")
    async with sqlite.read() as connection:
        assert (await connection.execute(select(auth_events.c.at))).scalar_one() == datetime(2026, 3, 1, 13, tzinfo=UTC)
