"""Key store: the signing keys in the database, and their rotation."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

import anyio
import msgspec
import structlog
from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from watchword.base.errors import Code, Problem
from watchword.base.ids import uuid7
from watchword.identity.audit import Kind
from watchword.identity.client import NOWHERE
from watchword.identity.settings import Mode
from watchword.identity.signing_keys import ALGORITHM, SECRET_ALGORITHM, KeyRing, SigningKey, State, Vault
from watchword.storage.tables import sessions, signing_keys
from watchword.storage.types import moment

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import RowMapping
    from sqlalchemy.ext.asyncio import AsyncConnection

    from watchword.base.clock import Clock
    from watchword.base.secret import Secret
    from watchword.identity.audit import Audit
    from watchword.identity.settings import IdentitySettings
    from watchword.storage.engine import Database

_MARGIN = 60.0  # for nodes that hear of a rotation late, and for clocks that differ
_KEPT_AFTER_END = 86_400.0
_LOOK_AGAIN_EVERY = 1.0

_log = structlog.get_logger(__name__)


class ListedKey(msgspec.Struct, frozen=True):
    """A key as it is shown to operators."""

    id: str
    algorithm: str
    state: str
    created_at: datetime
    retired_at: datetime | None
    expires_at: datetime | None


class KeyStore:
    """Keeps `ring` what the database says, and makes and rotates the keys.

    The ring is read again when it is `cache_seconds` old, when word of a change has come, and when a token names a key
    that is not in it. Keys never leave the process, but for their public parts, and sealed.
    """

    def __init__(self, db: Database, clock: Clock, secret: Secret, settings: IdentitySettings, audit: Audit) -> None:
        self.ring = KeyRing()
        self._db = db
        self._clock = clock
        self._settings = settings
        self._audit = audit
        self._vault = Vault(secret)
        self._turn = anyio.Lock()
        self._read_at: float | None = None
        self._looked_again_at: float | None = None
        self._opened: dict[str, SigningKey] = {}

    async def start(self) -> None:
        """Read the keys; make them where there are none, and where the secret has changed since they were made.

        Only the server does this: a command that was given the wrong secret must not retire good keys.
        """
        async with self._turn:
            if not await self._read():
                await self._establish(replace=True)

    @property
    def is_fresh(self) -> bool:
        """Whether `ready` has nothing to do."""
        read_at = self._read_at
        return read_at is not None and self._clock.monotonic() - read_at < self._settings.cache_seconds

    async def ready(self) -> None:
        """Return when the ring is fit to sign and verify with; seldom has anything to do.

        Raises:
            Problem: SERVICE_UNAVAILABLE when the database is away, or the keys were made under another secret.
        """
        if self.is_fresh:
            return
        async with self._turn:
            if self.is_fresh or await self._read():
                return
            if self.ring.current is None:
                await self._establish(replace=False)
                return
            _log.error("signing_keys.unreadable", reason="a server with another secret uses this database")
            self._read_at = self._clock.monotonic()

    async def look_again(self) -> None:
        """Read the keys anew for the sake of one that is not known; once a second, since strangers can name any."""
        now = self._clock.monotonic()
        if self._looked_again_at is None or now - self._looked_again_at >= _LOOK_AGAIN_EVERY:
            self._looked_again_at = now
            self.forget()
        await self.ready()

    def forget(self) -> None:
        """Read the keys anew at their next use: they were changed."""
        self._read_at = None

    async def rotate(self) -> str:
        """Let the next key sign from now on, and make another one to come after it; return the key that signs.

        Tokens of the former key stay good for as long as any of them lives.

        Raises:
            Problem: SERVICE_UNAVAILABLE when the keys were made under another secret.
        """
        await self.ready()
        async with self._db.write() as connection:
            signing = await self._advance(connection, await self._locked(connection))
        async with self._turn:
            await self._read()
        await self._audit.record(Kind.KEYS_ROTATED, NOWHERE, key=signing)
        return signing

    async def public(self) -> list[dict[str, Any]]:
        """Return the public parts of the keys, as JWKs."""
        await self.ready()
        return self.ring.public(self._clock.now())

    async def list(self) -> list[ListedKey]:
        """Return every key, the newest first."""
        newest = select(signing_keys).order_by(signing_keys.c.created_at.desc(), signing_keys.c.id.desc())
        async with self._db.read() as connection:
            rows = (await connection.execute(newest)).mappings().all()
        columns = ListedKey.__struct_fields__
        return [ListedKey(**{name: row[name] for name in columns}) for row in rows]

    async def purge(self) -> int:
        """Delete keys whose tokens have all ended more than a day ago; return how many."""
        over = signing_keys.c.expires_at < moment(self._clock.now() - _KEPT_AFTER_END)
        async with self._db.write() as connection:
            return (await connection.execute(delete(signing_keys).where(over))).rowcount

    async def _read(self) -> bool:
        """Read the ring; False, and it stays as it was, when there is no current key that can be opened."""
        began = self._clock.monotonic()
        async with self._db.read() as connection:
            rows = (await connection.execute(select(signing_keys).order_by(signing_keys.c.id))).mappings().all()
        keys = [key for row in rows if (key := self._key(row)) is not None]
        if not any(key.state is State.CURRENT for key in keys):
            return False
        self.ring.replace(keys)
        self._opened = {key.id: key for key in keys if key.id is not None}
        self._read_at = began
        return True

    def _key(self, row: RowMapping) -> SigningKey | None:
        expires_at = None if row["expires_at"] is None else row["expires_at"].timestamp()
        state = State(row["state"])
        if row["sealed"] is None:
            return SigningKey(None, SECRET_ALGORITHM, state, self._vault.token_key, expires_at)
        known = self._opened.get(row["id"])
        jwk = known.jwk if known is not None else self._vault.open(row["id"], row["sealed"])
        if jwk is None or row["algorithm"] != ALGORITHM:
            return None
        return SigningKey(row["id"], ALGORITHM, state, jwk, expires_at)

    async def _establish(self, *, replace: bool) -> None:
        """Make the first keys, or others in place of those that cannot be opened."""
        try:
            async with self._db.write() as connection:
                rows = await self._locked(connection)
                if not rows:
                    await self._begin(connection)
                elif self._current(rows) is None:
                    if not replace:
                        raise _sealed_otherwise()
                    _log.warning("signing_keys.replaced", reason="they were made under another secret")
                    await self._advance(connection, rows)
        except IntegrityError:
            pass  # another process was first
        if not await self._read():
            raise _sealed_otherwise()

    async def _begin(self, connection: AsyncConnection) -> None:
        """Make a current key and the next; tokens that were signed under the secret so far stay good."""
        had_sessions = (await connection.execute(select(sessions.c.id).limit(1))).first() is not None
        if had_sessions:
            await self._insert(connection, State.CURRENT, algorithm=SECRET_ALGORITHM)
            await self._retire(connection)
        for state in (State.CURRENT, State.NEXT):
            await self._insert(connection, state)

    async def _advance(self, connection: AsyncConnection, rows: Sequence[RowMapping]) -> str:
        """Retire the current key, let the next one take its place, and make a new next one."""
        await self._retire(connection)
        following = next((row for row in rows if row["state"] == State.NEXT), None)
        if following is not None and self._key(following) is not None:
            signing = str(following["id"])
            await self._set(connection, signing, state=State.CURRENT.value)
        else:
            if following is not None:
                await self._set(connection, following["id"], **await self._retirement(connection))
            signing = await self._insert(connection, State.CURRENT)
        await self._insert(connection, State.NEXT)
        return signing

    async def _locked(self, connection: AsyncConnection) -> Sequence[RowMapping]:
        """Return the rows that are not retired; nobody else changes them until the transaction ends."""
        these = signing_keys.c.state != State.RETIRED.value
        await connection.execute(select(signing_keys.c.id).where(these).with_for_update())
        # Read once more: who waited for the lock has seen what was there before the wait.
        return (await connection.execute(select(signing_keys).where(these))).mappings().all()

    def _current(self, rows: Sequence[RowMapping]) -> SigningKey | None:
        keys = (self._key(row) for row in rows if row["state"] == State.CURRENT)
        return next(keys, None)

    async def _insert(self, connection: AsyncConnection, state: State, *, algorithm: str = ALGORITHM) -> str:
        key = uuid7()
        sealed = None if algorithm == SECRET_ALGORITHM else self._vault.make(key)[1]
        row = {"id": key, "algorithm": algorithm, "state": state.value, "sealed": sealed}
        created_at = moment(self._clock.now())
        await connection.execute(insert(signing_keys).values(**row, created_at=created_at))
        return key

    async def _retire(self, connection: AsyncConnection) -> None:
        current = signing_keys.c.state == State.CURRENT.value
        retirement = await self._retirement(connection)
        await connection.execute(update(signing_keys).where(current).values(retirement))

    async def _retirement(self, connection: AsyncConnection) -> dict[str, Any]:
        """Say until when a key that retires now may be needed.

        A session-mode token lives as long as its session. A process with other settings may have started that, so the
        sessions themselves are asked.
        """
        ends = select(func.max(sessions.c.expires_at)).where(
            sessions.c.mode == Mode.SESSION.value, sessions.c.revoked_at.is_(None)
        )
        last = (await connection.execute(ends)).scalar()
        now = self._clock.now()
        until = max(now + self._settings.longest_token, 0.0 if last is None else last.timestamp()) + _MARGIN
        return {
            "state": State.RETIRED.value,
            "retired_at": moment(now),
            "expires_at": moment(until),
        }

    async def _set(self, connection: AsyncConnection, key: str, **values: Any) -> None:
        await connection.execute(update(signing_keys).where(signing_keys.c.id == key).values(values))


def _sealed_otherwise() -> Problem:
    reason = "The signing keys can't be opened: they were made under another SECRET."
    return Problem(Code.SERVICE_UNAVAILABLE, reason)
