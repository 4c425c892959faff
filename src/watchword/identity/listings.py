"""Listings: sessions and static tokens as their owners and administrators see them, without anything secret."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import msgspec
from sqlalchemy import func, select

from watchword.storage.tables import sessions, tokens
from watchword.storage.types import moment

if TYPE_CHECKING:
    from watchword.base.clock import Clock
    from watchword.storage.engine import Database


class ListedSession(msgspec.Struct, frozen=True):
    """A live session: since when, from where it was begun, how its tokens are kept."""

    id: str
    created_at: datetime
    last_used_at: datetime
    expires_at: datetime
    ip: str | None
    user_agent: str | None
    origin: str | None
    mode: str


class ListedToken(msgspec.Struct, frozen=True):
    """A static token. `prefix` is its beginning; one that was set as a text has neither name nor prefix."""

    id: str
    name: str | None
    prefix: str | None
    user: str | None
    role: str | None
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None


_TOKEN_COLUMNS = tuple(tokens.c[name] for name in ListedToken.__struct_fields__)


class Page(msgspec.Struct, frozen=True):
    """Which part of a list is wanted; `limit` None means all of it."""

    limit: int | None = 100
    offset: int = 0


class Listings:
    """Reads what is shown of sessions and tokens."""

    def __init__(self, db: Database, clock: Clock) -> None:
        self._db = db
        self._clock = clock

    async def sessions(self, user: str) -> list[ListedSession]:
        """Return the sessions of a user that are live, the last used first."""
        used = func.coalesce(sessions.c.last_used_at, sessions.c.created_at)
        live = (
            select(*(sessions.c[name] for name in ListedSession.__struct_fields__))
            .where(sessions.c.user == user, sessions.c.revoked_at.is_(None))
            .where(sessions.c.expires_at > moment(self._clock.now()))
            .order_by(used.desc(), sessions.c.id.desc())
        )
        async with self._db.read() as connection:
            rows = [dict(row) for row in (await connection.execute(live)).mappings()]
        return [ListedSession(**(row | {"last_used_at": row["last_used_at"] or row["created_at"]})) for row in rows]

    async def tokens(
        self, *, user: str | None = None, role: str | None = None, page: Page | None = None
    ) -> list[ListedToken]:
        """Return static tokens, those of a user or a role or all, the oldest first; expired ones are among them."""
        page = page or Page()
        these = select(*_TOKEN_COLUMNS).limit(page.limit).offset(page.offset).order_by(tokens.c.created_at, tokens.c.id)
        if user is not None:
            these = these.where(tokens.c.user == user)
        if role is not None:
            these = these.where(tokens.c.role == role)
        async with self._db.read() as connection:
            return [ListedToken(**row) for row in (await connection.execute(these)).mappings()]

    async def token(self, token: str) -> ListedToken | None:
        """Return the token of this id."""
        this = select(*_TOKEN_COLUMNS).where(tokens.c.id == token)
        async with self._db.read() as connection:
            row = (await connection.execute(this)).mappings().one_or_none()
        return None if row is None else ListedToken(**row)
