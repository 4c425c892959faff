"""Audit: everything is told, nothing secret, and telling never fails what it tells of."""

from __future__ import annotations

import pytest
from sqlalchemy import select
from structlog.testing import capture_logs

from watchword.base.clock import ManualClock
from watchword.identity.audit import Audit, Kind
from watchword.identity.client import Client
from watchword.storage.engine import Database
from watchword.storage.tables import auth_events


@pytest.fixture
def audit(db: Database, clock: ManualClock) -> Audit:
    return Audit(db, clock)


async def test_event_says_who_when_where_and_what(
    audit: Audit, db: Database, clock: ManualClock, client: Client
) -> None:
    await audit.record(Kind.LOGIN, client, user="u", session="s", email="ada@example.com", mode="json")
    async with db.read() as connection:
        row = dict((await connection.execute(select(auth_events))).mappings().one())
    assert row.pop("id")
    assert row.pop("at").timestamp() == clock.now()
    assert row == {
        "kind": "login",
        "user": "u",
        "session": "s",
        "email": "ada@example.com",
        "ip": "192.0.2.1",
        "user_agent": "a test",
        "detail": {"mode": "json"},
    }


async def test_what_a_stranger_sends_cannot_break_the_row_or_the_log(audit: Audit, db: Database) -> None:
    await audit.record(Kind.LOGIN_FAILED, Client("x" * 999, "a\r\nb\x00"), email="\x00" * 999)
    async with db.read() as connection:
        row = (await connection.execute(select(auth_events))).mappings().one()
    assert (len(row["ip"]), len(row["email"]), row["user_agent"]) == (255, 255, "a\ufffd\ufffdb\ufffd")


async def test_database_that_is_away_fails_nothing(audit: Audit, db: Database, client: Client) -> None:
    async with db.write() as connection:
        await connection.run_sync(auth_events.drop)
    with capture_logs() as logs:
        await audit.record(Kind.LOGIN, client, user="u")
    async with db.write() as connection:
        await connection.run_sync(auth_events.create)
    assert [entry["event"] for entry in logs] == ["audit.not_stored"]


async def test_strangers_cannot_fill_the_table(audit: Audit, db: Database, client: Client) -> None:
    with capture_logs() as logs:
        for _ in range(70):
            await audit.record(Kind.TOKEN_REFUSED, client)
        await audit.record(Kind.LOGIN, client, user="u")
    async with db.read() as connection:
        kinds = list((await connection.execute(select(auth_events.c.kind))).scalars())
    assert (kinds.count("token_refused"), kinds.count("login")) == (60, 1)
    assert len(logs) == 10
