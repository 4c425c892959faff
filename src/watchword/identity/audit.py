"""Audit: what happened to credentials and sessions, kept where no client reads."""

from __future__ import annotations

from enum import StrEnum
from functools import cached_property
from typing import TYPE_CHECKING, Any

import structlog
from sqlalchemy import insert, select
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from watchword.base.errors import Problem
from watchword.base.ids import uuid7
from watchword.identity.client import Client, storable
from watchword.storage import activity
from watchword.storage.tables import auth_events, sessions
from watchword.storage.types import moment

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection

    from watchword.base.clock import Clock
    from watchword.identity.window import Window
    from watchword.storage.engine import Database

_AGENT_LENGTH = 512
_REFUSALS_PER_MINUTE = 60

_log = structlog.get_logger(__name__)


class Kind(StrEnum):
    """What an event is about; the value is what is stored."""

    LOGIN = "login"
    LOGIN_FAILED = "login_failed"
    REFRESH = "refresh"
    REFRESH_REUSE = "refresh_reuse"
    LOGOUT = "logout"
    REVOCATION = "revocation"
    TOKEN_REFUSED = "token_refused"  # noqa: S105 - the kind of an event
    TOKEN_CREATED = "token_created"  # noqa: S105 - the kind of an event
    TOKEN_REVOKED = "token_revoked"  # noqa: S105 - the kind of an event
    KEYS_ROTATED = "keys_rotated"


_REFUSALS = frozenset({Kind.LOGIN_FAILED, Kind.TOKEN_REFUSED})
_ACTIVITY = frozenset({Kind.LOGIN, Kind.LOGOUT})
_USERS = "directus_users"


class Audit:
    """Writes auth events, one insert each. Never holds a secret, and never makes what it tells of fail.

    Strangers can cause refusals at will, so these are written up to 60 a minute and network; more go to the log only.
    With `activity`, logins and logouts are told to administrators as well.
    """

    def __init__(self, db: Database, clock: Clock, *, activity: bool = False) -> None:
        self._db = db
        self._clock = clock
        self._activity = activity

    @cached_property
    def _refusals(self) -> Window:
        from watchword.identity.window import ClockedMemory, Window  # noqa: PLC0415 - the start need not wait for it, nor keep it in memory

        return Window(ClockedMemory(self._clock), _REFUSALS_PER_MINUTE, "audit")

    async def record(
        self,
        kind: Kind,
        client: Client,
        *,
        user: str | None = None,
        session: str | None = None,
        email: str | None = None,
        **detail: Any,
    ) -> None:
        """Write an event. A failure to write is logged and otherwise without effect."""
        row = {
            "id": uuid7(),
            "at": moment(self._clock.now()),
            "kind": kind.value,
            "user": user,
            "session": session,
            "email": storable(email),
            "ip": storable(client.address),
            "user_agent": storable(client.agent, _AGENT_LENGTH),
            "detail": detail or None,
        }
        if kind in _REFUSALS and not await self._refusals.hit(client.network):
            _log.warning("audit.not_stored", reason="too many refusals", kind=kind.value, ip=row["ip"])
            return
        try:
            async with self._db.write(silent=True) as connection:
                await connection.execute(insert(auth_events).values(row))
                if self._activity and kind in _ACTIVITY:
                    await self._tell(connection, kind, client, user, session)
        except (SQLAlchemyError, Problem) as error:
            reason = str(error.orig) if isinstance(error, DBAPIError) else str(error)
            _log.warning("audit.not_stored", reason=reason, kind=kind.value, user=user)

    async def _tell(
        self, connection: AsyncConnection, kind: Kind, client: Client, user: str | None, session: str | None
    ) -> None:
        if user is None:  # of a logout, only the session is known
            found = await connection.execute(select(sessions.c.user).where(sessions.c.id == session))
            user = found.scalar()
        agent = storable(client.agent, _AGENT_LENGTH)
        deed = activity.Deed(
            kind.value, _USERS, user or "", user, storable(client.address), agent, storable(client.origin)
        )
        await activity.record(connection, [deed], self._clock.now())
