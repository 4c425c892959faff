"""The rows of sessions: how they are read, and how they are ended."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from sqlalchemy import and_, select, update

from watchword.identity.settings import Mode
from watchword.storage.tables import sessions
from watchword.storage.types import moment

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, RowMapping
    from sqlalchemy.ext.asyncio import AsyncConnection

    from watchword.storage.engine import Database

_IDS_PER_QUERY = 5_000
_USE_NOTED_EVERY = 300.0


class Session(msgspec.Struct, frozen=True):
    """What is known of a session: of whom it is, until when it lives, and which refresh tokens are good.

    `used_at` is the last use that was noted.
    """

    id: str
    user: str
    mode: Mode
    expires_at: float
    refreshed_at: float
    used_at: float
    refresh_digest: str = ""
    previous_digest: str | None = None
    revoked: bool = False

    def is_live(self, now: float) -> bool:
        """Whether it has neither been ended nor come to its end."""
        return not self.revoked and now < self.expires_at

    def is_use_due(self, now: float) -> bool:
        """Whether a use now is worth being noted: every five minutes at the most."""
        return now - self.used_at >= _USE_NOTED_EVERY


def session_from(row: RowMapping) -> Session:
    """Read one row."""
    refreshed_at = row["rotated_at"] or row["created_at"]
    return Session(
        row["id"],
        row["user"],
        Mode(row["mode"]),
        row["expires_at"].timestamp(),
        refreshed_at.timestamp(),
        (row["last_used_at"] or row["created_at"]).timestamp(),
        row["refresh_digest"],
        row["previous_digest"],
        revoked=row["revoked_at"] is not None,
    )


def ended(session: str) -> Session:
    """Return what stands for a session that was ended, or never was."""
    return Session(session, "", Mode.JSON, 0.0, 0.0, 0.0, revoked=True)


async def read_sessions(db: Database, ids: list[str]) -> dict[str, Session]:
    """Read the sessions that exist, by one query for 5,000."""
    found: dict[str, Session] = {}
    if not ids:
        return found
    async with db.read() as connection:
        for start in range(0, len(ids), _IDS_PER_QUERY):
            these = sessions.c.id.in_(ids[start : start + _IDS_PER_QUERY])
            rows = await connection.execute(select(sessions).where(these))
            found |= {row["id"]: session_from(row) for row in rows.mappings()}
    return found


async def end_sessions(connection: AsyncConnection, which: ColumnElement[bool], now: float) -> list[str]:
    """End those that have not been ended yet; return their keys."""
    end = update(sessions).where(which, sessions.c.revoked_at.is_(None)).values(revoked_at=moment(now))
    return list((await connection.execute(end.returning(sessions.c.id))).scalars())


def of_user(user: str, except_session: str | None) -> ColumnElement[bool]:
    """The sessions of a user, all or all but one."""
    if except_session is None:
        return sessions.c.user == user
    return and_(sessions.c.user == user, sessions.c.id != except_session)
