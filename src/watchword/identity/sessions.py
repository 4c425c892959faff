"""Sessions: what a login starts, every token names, and a revocation ends at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from sqlalchemy import delete, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from watchword.base.errors import Code, Problem
from watchword.base.ids import uuid7
from watchword.base.secret import digest, equal
from watchword.identity.audit import Audit, Kind
from watchword.identity.cache import Cache
from watchword.identity.client import NOWHERE, Client, storable
from watchword.identity.last_uses import LastUses
from watchword.identity.refresh_tokens import RefreshClaims, RefreshTokens
from watchword.identity.session_rows import (
    Session,
    end_sessions,
    ended,
    of_user,
    read_sessions,
    session_from,
)
from watchword.identity.settings import IdentitySettings, Mode
from watchword.storage.tables import sessions
from watchword.storage.types import moment

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from sqlalchemy import ColumnElement
    from sqlalchemy.ext.asyncio import AsyncConnection

    from watchword.base.clock import Clock
    from watchword.base.secret import Secret
    from watchword.storage.engine import Database

_AGENT_LENGTH = 512
_KEPT_AFTER_END = 86_400.0


class Started(msgspec.Struct, frozen=True):
    """A session as its client may use it now: `refresh_token` is the one to come back with."""

    session: str
    user: str
    mode: Mode
    refresh_token: str
    expires_at: float


class Sessions:
    """Starts, refreshes, checks and ends sessions.

    Sessions in use are kept in memory, so checking one reads the database seldom: when it is not known yet, when it was
    last read `cache_seconds` ago, when another node may have changed it. What this process ends is ended in memory
    before the call that ended it returns.
    """

    def __init__(self, db: Database, clock: Clock, secret: Secret, settings: IdentitySettings, audit: Audit) -> None:
        self._db = db
        self._clock = clock
        self._settings = settings
        self._audit = audit
        self._tokens = RefreshTokens(secret)
        self._known: Cache[str, Session] = Cache(clock, size=settings.cache_size, max_age=settings.cache_seconds)
        self._uses = LastUses(db, clock)
        self._when_revoked: list[Callable[[str], None]] = []
        self._when_extended: list[Callable[[str, float], None]] = []

    def on_revoked(self, listener: Callable[[str], None]) -> None:
        """Call `listener(session)` as soon as this process learns that a session has ended before its time."""
        self._when_revoked.append(listener)

    def on_extended(self, listener: Callable[[str, float], None]) -> None:
        """Call `listener(session, expires_at)` when a refresh has given out tokens that are good until then."""
        self._when_extended.append(listener)

    async def start(self, user: str, mode: Mode, client: Client) -> Started:
        """Start a session for a user who has just proven to be one.

        Raises:
            Problem: INVALID_CREDENTIALS when the user has been deleted meanwhile.
        """
        now = self._clock.now()
        key = uuid7()
        token = self._tokens.issue(key, 0)
        row = {
            "id": key,
            "user": user,
            "mode": mode.value,
            "created_at": moment(now),
            "expires_at": moment(self._end(mode, now, now)),
            "refresh_digest": digest(token),
            "ip": storable(client.address),
            "user_agent": storable(client.agent, _AGENT_LENGTH),
            "origin": storable(client.origin),
        }
        try:
            async with self._db.write() as connection:
                inserted = await connection.execute(insert(sessions).values(row).returning(sessions))
                session = session_from(inserted.mappings().one())
        except IntegrityError as error:
            raise Problem(Code.INVALID_CREDENTIALS) from error
        self._known.put(key, session)
        return Started(key, user, mode, token, session.expires_at)

    async def refresh(self, token: str, client: Client) -> Started:
        """Exchange a refresh token for its successor and let the session live on.

        The current token is exchanged once; within the grace time whoever presents it again gets the same successor.
        Any older token of the session means that a copy is about: the session is ended.

        Raises:
            Problem: INVALID_CREDENTIALS when the token is not good, whatever the reason.
        """
        claims = self._tokens.open(token)
        if claims is None:
            raise Problem(Code.INVALID_CREDENTIALS)
        async with self._db.write() as connection:
            session, is_new = await self._rotate(connection, claims, token)
        if session is None:
            raise Problem(Code.INVALID_CREDENTIALS)
        if session.revoked:
            self.announce_end(session.id)
            await self._audit.record(Kind.REFRESH_REUSE, client, user=session.user, session=session.id)
            raise Problem(Code.INVALID_CREDENTIALS)
        if is_new:
            self._known.put(session.id, session)
            self._announce_extension(session)
        successor = self._tokens.issue(session.id, claims.generation + 1)
        return Started(session.id, session.user, session.mode, successor, session.expires_at)

    def session_of(self, refresh_token: str) -> str | None:
        """Return the session of a genuine refresh token, good or worn; None when it is not one of ours."""
        claims = self._tokens.open(refresh_token)
        return None if claims is None else claims.session

    async def check(self, session: str, refresh_token: str | None = None) -> Session | None:
        """Return a session if it is live.

        `refresh_token` is the one inside a session-mode token: that token is refused when it has been rotated out and
        the grace time is over.
        """
        now = self._clock.now()
        known = self._known.get(session)
        if known is not None and self._admits(known, refresh_token, now):
            return known
        if known is None or not known.revoked:
            self._known.drop(session)
            known = await self._known.load(session, lambda: self._read(session))
        return known if self._admits(known, refresh_token, now) else None

    async def is_live(self, session: str) -> bool:
        """Whether the session has neither been ended nor come to its end."""
        return await self.check(session) is not None

    async def note_use(self, session: Session) -> None:
        """Remember that a session was used, if that can be noted now."""
        if not self._uses.is_open:
            return
        now = self._clock.now()
        if self._known.get(session.id) is session:
            self._known.put(session.id, msgspec.structs.replace(session, used_at=now))
        noted = update(sessions).where(sessions.c.id == session.id).values(last_used_at=moment(now))
        await self._uses.note(noted.returning(sessions.c.id))

    async def revoke(
        self,
        session: str,
        reason: str,
        client: Client = NOWHERE,
        *,
        user: str | None = None,
        kind: Kind = Kind.REVOCATION,
    ) -> bool:
        """End a session, with `user` only if it is theirs; False when there is nothing to end. The audit has why."""
        which = sessions.c.id == session
        if user is not None:
            which &= sessions.c.user == user
        return bool(await self._revoke(which, reason, client, kind))

    async def revoke_user(
        self, user: str, reason: str, client: Client = NOWHERE, *, except_session: str | None = None
    ) -> list[str]:
        """End the sessions of a user, all or all but one; return those that were ended."""
        return await self._revoke(of_user(user, except_session), reason, client, Kind.REVOCATION)

    async def end_in(self, connection: AsyncConnection, user: str, except_session: str | None = None) -> list[str]:
        """End the sessions of a user within a transaction; call `announce_end` for each once it is committed."""
        return await end_sessions(connection, of_user(user, except_session), self._clock.now())

    def announce_end(self, session: str) -> None:
        """Make an end that is committed known in this process: to the next check, and to the listeners."""
        before = self._known.get(session)
        self._known.put(session, ended(session))
        if before is None or not before.revoked:
            for listener in self._when_revoked:
                listener(session)

    async def sweep(self, which: Iterable[str]) -> list[str]:
        """Look sessions up that may have changed, by one query for 5,000; tell the listeners what is new.

        Done regularly, it bounds how long a revocation can go unnoticed when word of it was lost. Returns those that
        are not live.
        """
        ids = list(dict.fromkeys(which))
        found = await read_sessions(self._db, ids)
        dead = []
        for key in ids:
            before = self._known.get(key)
            session = found.get(key, ended(key))
            if before is not None and _is_newer(before, session):
                session = before
            else:
                self._known.put(key, session)
                self._compare(before, session)
            if not session.is_live(self._clock.now()):
                dead.append(key)
        return dead

    async def purge(self) -> int:
        """Delete the rows of sessions that ended more than a day ago; return how many."""
        limit = moment(self._clock.now() - _KEPT_AFTER_END)
        over = or_(sessions.c.expires_at < limit, sessions.c.revoked_at < limit)
        async with self._db.write() as connection:
            return (await connection.execute(delete(sessions).where(over))).rowcount

    async def _rotate(
        self, connection: AsyncConnection, claims: RefreshClaims, token: str
    ) -> tuple[Session | None, bool]:
        """Return the session as it is now and whether this call has rotated its token; `revoked` means reuse."""
        now = self._clock.now()
        this = sessions.c.id == claims.session
        rows = await connection.execute(select(sessions).where(this).with_for_update())
        row = rows.mappings().one_or_none()
        session = None if row is None else session_from(row)
        if row is None or session is None or not session.is_live(now):
            return None, False
        presented = digest(token)
        if equal(presented, session.refresh_digest):
            rotation = {
                "refresh_digest": digest(self._tokens.issue(claims.session, claims.generation + 1)),
                "previous_digest": presented,
                "rotated_at": moment(now),
                "last_used_at": moment(now),
                "expires_at": moment(self._end(session.mode, row["created_at"].timestamp(), now)),
            }
            rows = await connection.execute(update(sessions).where(this).values(rotation).returning(sessions))
            return session_from(rows.mappings().one()), True
        if self._in_grace(session, presented, now):
            return session, False
        await end_sessions(connection, this, now)
        return msgspec.structs.replace(session, revoked=True), False

    async def _revoke(self, which: ColumnElement[bool], reason: str, client: Client, kind: Kind) -> list[str]:
        async with self._db.write() as connection:
            over = await end_sessions(connection, which, self._clock.now())
        for session in over:
            self.announce_end(session)
        for session in over:
            await self._audit.record(kind, client, session=session, reason=reason)
        return over

    async def _read(self, session: str) -> Session:
        return (await read_sessions(self._db, [session])).get(session, ended(session))

    def _admits(self, session: Session, refresh_token: str | None, now: float) -> bool:
        if not session.is_live(now):
            return False
        if refresh_token is None:
            return True
        presented = digest(refresh_token)
        return equal(presented, session.refresh_digest) or self._in_grace(session, presented, now)

    def _in_grace(self, session: Session, presented: str, now: float) -> bool:
        if session.previous_digest is None or not equal(presented, session.previous_digest):
            return False
        return now < session.refreshed_at + self._settings.refresh_grace

    def _end(self, mode: Mode, created_at: float, now: float) -> float:
        return min(now + self._settings.idle_ttl(mode), created_at + self._settings.session_lifetime)

    def _compare(self, before: Session | None, now: Session) -> None:
        if not now.is_live(self._clock.now()):
            if before is None or not before.revoked:
                for listener in self._when_revoked:
                    listener(now.id)
        elif before is None or before.refresh_digest != now.refresh_digest:
            self._announce_extension(now)

    def _announce_extension(self, session: Session) -> None:
        until = self._settings.token_expiry(session.mode, session.refreshed_at, session.expires_at)
        for listener in self._when_extended:
            listener(session.id, until)


def _is_newer(known: Session, read: Session) -> bool:
    """Whether a session was ended or refreshed in this process while the database was being asked."""
    return known.revoked or (not read.revoked and known.refreshed_at > read.refreshed_at)
