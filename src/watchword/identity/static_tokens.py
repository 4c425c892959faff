"""Static tokens: bearer credentials of programs, without a session; kept as digests, shown once."""

from __future__ import annotations

import re
import secrets
from math import inf
from typing import TYPE_CHECKING, Any
from zlib import crc32

import msgspec
from sqlalchemy import delete, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from watchword.base.errors import Code, Problem, forbidden, invalid_payload, not_unique
from watchword.base.ids import short_id, uuid7
from watchword.base.secret import Secret, digest
from watchword.identity.cache import Cache
from watchword.identity.users import USERS
from watchword.storage.tables import tokens
from watchword.storage.types import moment

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import ColumnElement
    from sqlalchemy.ext.asyncio import AsyncConnection

    from watchword.base.clock import Clock
    from watchword.identity.settings import IdentitySettings
    from watchword.storage.engine import Database

PREFIX = "ww_"
SHORTEST = 16
"""How many characters a token has that somebody thinks up; shorter ones of former times go on working."""

_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_SECRET_LENGTH = 32  # of 62 characters: 190 bits
_CHECK_LENGTH = 6  # 62 ** 6 is more than 2 ** 32
_USE_NOTED_EVERY = 300.0
_NOTING_POSTPONED = 60.0
_FORM = re.compile(f"{PREFIX}[a-z2-7]{{8}}_[0-9A-Za-z]{{{_SECRET_LENGTH + _CHECK_LENGTH}}}")


class StaticToken(msgspec.Struct, frozen=True):
    """A token as it is known: never the token itself. `user` is empty where the digest is unknown."""

    id: str
    user: str
    expires_at: float | None = None
    used_at: float | None = None


class Issued(msgspec.Struct, frozen=True):
    """A token that was just made; `token` cannot be had again."""

    id: str
    token: Secret


class StaticTokens:
    """Makes, finds and revokes static tokens. Found ones are kept in memory for `cache_seconds` at the most."""

    def __init__(self, db: Database, clock: Clock, settings: IdentitySettings) -> None:
        self._db = db
        self._clock = clock
        self._noting_after = -inf
        self._known: Cache[str, StaticToken] = Cache(clock, size=settings.cache_size, max_age=settings.cache_seconds)

    async def create(self, user: str, name: str | None = None, expires_at: float | None = None) -> Issued:
        """Make one more token for a user.

        Raises:
            Problem: FORBIDDEN when there is no such user.
        """
        prefix, token = generate()
        row = _row(user, token, self._clock.now())
        row |= {"name": name, "prefix": prefix, "expires_at": None if expires_at is None else moment(expires_at)}
        return Issued(await self._insert(row), Secret(token))

    async def set(self, user: str, token: str) -> str:
        """Make `token` the only one that a user has; any text that is long enough will do. Returns its id.

        Raises:
            Problem: INVALID_PAYLOAD when it is too short; RECORD_NOT_UNIQUE when another user has it; FORBIDDEN when
                there is no such user.
        """
        check_length(token)
        return await self._insert(_row(user, token, self._clock.now()), replace=True)

    async def set_in(self, connection: AsyncConnection, user: str, token: str | None) -> None:
        """Do what `set` does, or take every token away, within a transaction; `forget` once it is committed.

        Raises:
            Problem: INVALID_PAYLOAD when it is too short; RECORD_NOT_UNIQUE when another user has the token.
        """
        if token is not None:
            check_length(token)
        await _delete(connection, tokens.c.user == user)
        if token is None:
            return
        row = _row(user, token, self._clock.now())
        taken = await connection.execute(select(tokens.c.id).where(tokens.c.digest == row["digest"]))
        if taken.first() is not None:
            raise not_unique(USERS, "token")
        await connection.execute(insert(tokens).values(row))

    async def find(self, token: str) -> StaticToken | None:
        """Return what is known of a token, None when it is not one; whether it has expired is for the caller to see."""
        if has_typo(token):
            return None
        key = digest(token)
        found = await self._known.load(key, lambda: self._read(key))
        if found.user:
            return found
        self._known.drop(key)  # strangers must not fill the memory with what does not exist
        return None

    async def is_live(self, token: str) -> bool:
        """Whether the token of this id still exists and has not expired; reads the database."""
        now = moment(self._clock.now())
        lasting = or_(tokens.c.expires_at.is_(None), tokens.c.expires_at > now)
        async with self._db.read() as connection:
            found = await connection.execute(select(tokens.c.id).where(tokens.c.id == token, lasting))
        return found.first() is not None

    async def revoke(self, token: str) -> bool:
        """Delete the token of this id; False when there is none."""
        return bool(await self._revoke(tokens.c.id == token))

    async def revoke_user(self, user: str) -> int:
        """Delete every token of a user; return how many there were."""
        return await self._revoke(tokens.c.user == user)

    async def note_use(self, token: StaticToken) -> None:
        """Remember that a token was used, every five minutes at the most.

        A database that cannot be written to now does not make the token any worse: the next try is a minute later.
        """
        now, since_start = self._clock.now(), self._clock.monotonic()
        if since_start < self._noting_after or (token.used_at is not None and now - token.used_at < _USE_NOTED_EVERY):
            return
        try:
            async with self._db.write() as connection:
                noted = update(tokens).where(tokens.c.id == token.id).values(last_used_at=moment(now))
                found = (await connection.execute(noted.returning(tokens.c.digest))).scalar_one_or_none()
        except Problem as problem:
            if problem.code is not Code.SERVICE_UNAVAILABLE:
                raise
            self._noting_after = since_start + _NOTING_POSTPONED
            return
        if found is not None:
            self._known.drop(found)

    def forget(self) -> None:
        """Read every token anew at its next use: some were changed by another hand."""
        self._known.clear()

    async def _insert(self, row: dict[str, Any], *, replace: bool = False) -> str:
        replaced: list[str] = []
        try:
            async with self._db.write() as connection:
                if replace:
                    replaced = await _delete(connection, tokens.c.user == row["user"])
                await connection.execute(insert(tokens).values(row))
        except IntegrityError as error:
            taken = (await self._read(row["digest"])).user
            raise (not_unique(USERS, "token") if taken else forbidden()) from error
        for key in (*replaced, row["digest"]):
            self._known.drop(key)
        return str(row["id"])

    async def _revoke(self, which: ColumnElement[bool]) -> int:
        async with self._db.write() as connection:
            deleted = await _delete(connection, which)
        for key in deleted:
            self._known.drop(key)
        return len(deleted)

    async def _read(self, key: str) -> StaticToken:
        async with self._db.read() as connection:
            rows = await connection.execute(select(tokens).where(tokens.c.digest == key))
        row = rows.mappings().one_or_none()
        if row is None:
            return StaticToken("", "")
        return StaticToken(row["id"], row["user"], _seconds(row["expires_at"]), _seconds(row["last_used_at"]))


def generate() -> tuple[str, str]:
    """Return a new token and the part before its secret, which is shown in lists: `ww_<id>_<secret><crc>`."""
    prefix = f"{PREFIX}{short_id()}"
    body = f"{prefix}_{''.join(secrets.choice(_ALPHABET) for _ in range(_SECRET_LENGTH))}"
    return prefix, body + _check(body)


def check_length(token: str) -> None:
    """Let a token pass that shall be a user's from now on.

    Raises:
        Problem: INVALID_PAYLOAD when it is so short that it can be guessed.
    """
    if len(token) < SHORTEST:
        raise invalid_payload(f'"token" must have at least {SHORTEST} characters')


def has_typo(token: str) -> bool:
    """Whether a text has the form of a generated token and its check characters do not fit."""
    return _FORM.fullmatch(token) is not None and _check(token[:-_CHECK_LENGTH]) != token[-_CHECK_LENGTH:]


def _check(body: str) -> str:
    value, characters = crc32(body.encode()), ""
    for _ in range(_CHECK_LENGTH):
        value, digit = divmod(value, len(_ALPHABET))
        characters = _ALPHABET[digit] + characters
    return characters


async def _delete(connection: AsyncConnection, which: ColumnElement[bool]) -> list[str]:
    return list((await connection.execute(delete(tokens).where(which).returning(tokens.c.digest))).scalars())


def _row(user: str, token: str, now: float) -> dict[str, Any]:
    return {"id": uuid7(), "user": user, "digest": digest(token), "created_at": moment(now)}


def _seconds(at: datetime | None) -> float | None:
    return None if at is None else at.timestamp()
