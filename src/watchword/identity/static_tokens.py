"""Static tokens: bearer credentials of programs, without a session; kept as digests, shown once."""

from __future__ import annotations

import re
import secrets
from typing import TYPE_CHECKING, Any
from zlib import crc32

import msgspec
from sqlalchemy import and_, delete, func, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from watchword.base.errors import failed_validation, forbidden, invalid_payload, not_unique
from watchword.base.ids import short_id, uuid7
from watchword.base.secret import Secret, digest
from watchword.identity.audit import Kind
from watchword.identity.cache import Cache
from watchword.identity.client import NOWHERE, Client, is_storable
from watchword.identity.last_uses import LastUses
from watchword.identity.users import USERS
from watchword.storage.tables import tokens
from watchword.storage.types import moment

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import ColumnElement, RowMapping
    from sqlalchemy.ext.asyncio import AsyncConnection

    from watchword.base.clock import Clock
    from watchword.identity.audit import Audit
    from watchword.identity.settings import IdentitySettings
    from watchword.storage.engine import Database

PREFIX = "ww_"
SHORTEST = 16
"""How many characters a token has that somebody thinks up; shorter ones of former times go on working."""

_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_SECRET_LENGTH = 32  # of 62 characters: 190 bits
_CHECK_LENGTH = 6  # 62 ** 6 is more than 2 ** 32
_USE_NOTED_EVERY = 300.0
_MOST = 100
_NAME_LENGTH = 255
_NO_DATE = 253_402_300_800  # the year 10000
_FORM = re.compile(f"{PREFIX}[a-z2-7]{{8}}_[0-9A-Za-z]{{{_SECRET_LENGTH + _CHECK_LENGTH}}}")


class StaticToken(msgspec.Struct, frozen=True):
    """A token as it is known: never the token itself. It belongs to a user or to a role, never to both."""

    id: str
    user: str | None
    role: str | None = None
    expires_at: float | None = None
    used_at: float | None = None


_NONE = StaticToken("", None)  # what an unknown digest stands for


class NewToken(msgspec.Struct, frozen=True, kw_only=True):
    """What a token is made of: the user or the role that it is for, a name, and when it ends (epoch seconds)."""

    user: str | None = None
    role: str | None = None
    name: str | None = None
    expires_at: float | None = None


class Issued(msgspec.Struct, frozen=True):
    """A token that was just made; `token` cannot be had again."""

    id: str
    token: Secret


class StaticTokens:
    """Makes, finds and revokes static tokens. Found ones are kept in memory for `cache_seconds` at the most."""

    def __init__(self, db: Database, clock: Clock, settings: IdentitySettings, audit: Audit) -> None:
        self._db = db
        self._clock = clock
        self._audit = audit
        self._uses = LastUses(db, clock)
        self._known: Cache[str, StaticToken] = Cache(clock, size=settings.cache_size, max_age=settings.cache_seconds)

    async def create(self, new: NewToken, client: Client = NOWHERE, *, by: str | None = None) -> Issued:
        """Make one more token for a user or a role. `by` is the user who does, for the audit.

        Raises:
            Problem: FAILED_VALIDATION for an end in the past and for a name that will not do; INVALID_PAYLOAD when
                there are a hundred; FORBIDDEN when there is no such user or role.
        """
        now = self._clock.now()
        if new.expires_at is not None and not now < new.expires_at < _NO_DATE:
            raise failed_validation("expires_at", "gt", "Value has to be in the future.")
        if new.name is not None and (len(new.name) > _NAME_LENGTH or not is_storable(new.name)):
            raise failed_validation("name", "max_length", f"Value has to be a text of {_NAME_LENGTH} characters.")
        prefix, token = generate()
        row = _row(new.user, token, now) | {"role": new.role, "name": new.name, "prefix": prefix}
        row["expires_at"] = None if new.expires_at is None else moment(new.expires_at)
        issued = Issued(await self._insert(row), Secret(token))
        detail = {"token": issued.id, "role": new.role, "by": by}
        await self._audit.record(Kind.TOKEN_CREATED, client, user=new.user, **detail)
        return issued

    async def set(self, user: str, token: str) -> str:
        """Make `token` the one that was set for a user as a text; any that is long enough will do. Returns its id.

        Generated ones stay.

        Raises:
            Problem: INVALID_PAYLOAD when it is too short; RECORD_NOT_UNIQUE when another user has it; FORBIDDEN when
                there is no such user.
        """
        check_length(token)
        return await self._insert(_row(user, token, self._clock.now()), replace=True)

    async def set_in(self, connection: AsyncConnection, user: str, token: str | None) -> None:
        """Do what `set` does, or take that token away, within a transaction; `forget` once it is committed.

        Raises:
            Problem: INVALID_PAYLOAD when it is too short; RECORD_NOT_UNIQUE when another user has the token.
        """
        if token is not None:
            check_length(token)
        await _delete(connection, _set_for(user))
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
        if found is not _NONE:
            return found
        self._known.drop(key)  # strangers must not fill the memory with what does not exist
        return None

    async def find_live(self, token: str) -> StaticToken | None:
        """Return the token of this id if it still exists and has not expired; reads the database."""
        now = moment(self._clock.now())
        lasting = or_(tokens.c.expires_at.is_(None), tokens.c.expires_at > now)
        async with self._db.read() as connection:
            rows = await connection.execute(select(tokens).where(tokens.c.id == token, lasting))
        row = rows.mappings().one_or_none()
        return None if row is None else _token(row)

    async def revoke(
        self, token: str, client: Client = NOWHERE, *, user: str | None = None, by: str | None = None
    ) -> bool:
        """Delete the token of this id, with `user` only if it is theirs; False when there is none."""
        which = tokens.c.id == token
        if user is not None:
            which &= tokens.c.user == user
        revoked = bool(await self._revoke(which))
        if revoked:
            await self._audit.record(Kind.TOKEN_REVOKED, client, user=user, token=token, by=by)
        return revoked

    async def revoke_user(self, user: str) -> int:
        """Delete every token of a user; return how many there were."""
        return await self._revoke(tokens.c.user == user)

    async def note_use(self, token: StaticToken) -> None:
        """Remember that a token was used, every five minutes at the most, if that can be noted now."""
        now = self._clock.now()
        if token.used_at is not None and now - token.used_at < _USE_NOTED_EVERY:
            return
        noted = update(tokens).where(tokens.c.id == token.id).values(last_used_at=moment(now))
        found = await self._uses.note(noted.returning(tokens.c.digest))
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
                    replaced = await _delete(connection, _set_for(row["user"]))
                elif await _count(connection, row["user"], row["role"]) >= _MOST:
                    raise invalid_payload(f"There can be {_MOST} tokens for a user or a role at the most")
                await connection.execute(insert(tokens).values(row))
        except IntegrityError as error:
            taken = await self._read(row["digest"]) is not _NONE
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
        return _NONE if row is None else _token(row)


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


async def _count(connection: AsyncConnection, user: str | None, role: str | None) -> int:
    holder = tokens.c.role == role if user is None else tokens.c.user == user
    count = await connection.execute(select(func.count()).select_from(tokens).where(holder))
    return int(count.scalar_one())


def _set_for(user: str) -> ColumnElement[bool]:
    """The token of a user that was set as a text, not generated: what the user's field `token` stands for."""
    return and_(tokens.c.user == user, tokens.c.prefix.is_(None))


def _token(row: RowMapping) -> StaticToken:
    return StaticToken(row["id"], row["user"], row["role"], _seconds(row["expires_at"]), _seconds(row["last_used_at"]))


def _row(user: str | None, token: str, now: float) -> dict[str, Any]:
    return {"id": uuid7(), "user": user, "digest": digest(token), "created_at": moment(now)}


def _seconds(at: datetime | None) -> float | None:
    return None if at is None else at.timestamp()
