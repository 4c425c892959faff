"""Users: who may log in. What clients read and write of them goes through the data core; this is the identity side."""

from __future__ import annotations

import re
from contextlib import suppress
from enum import StrEnum
from typing import TYPE_CHECKING

import msgspec
from sqlalchemy import func, insert, select, update
from sqlalchemy.exc import IntegrityError

from watchword.base.errors import Code, Problem, failed_validation, forbidden, not_unique
from watchword.base.ids import uuid7
from watchword.base.secret import Secret
from watchword.identity.administrators import require_administrator
from watchword.identity.client import is_storable
from watchword.storage.tables import users
from watchword.storage.types import moment

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, RowMapping

    from watchword.base.clock import Clock
    from watchword.identity.passwords import Passwords
    from watchword.identity.project import Project
    from watchword.identity.sessions import Sessions
    from watchword.storage.engine import Database

_EMAIL = re.compile(r"[^\s@]+@[^\s@]+")
_EMAIL_LENGTH = 128

USERS = "directus_users"
"""The collection in which clients see them."""

LOCAL = "default"  # the provider of users who log in with a password


class Status(StrEnum):
    """Only an active user can do anything."""

    DRAFT = "draft"
    INVITED = "invited"
    UNVERIFIED = "unverified"
    ACTIVE = "active"
    SUSPENDED = "suspended"
    ARCHIVED = "archived"


class User(msgspec.Struct, frozen=True):
    """A user as the identity core needs one; `password` is the stored hash."""

    id: str
    email: str | None
    status: str
    role: str | None
    provider: str
    password: Secret | None

    @property
    def is_active(self) -> bool:
        """Whether the user may do anything at all."""
        return self.status == Status.ACTIVE

    @property
    def login_hash(self) -> str | None:
        """The hash that a login is compared with; None for users who log in elsewhere or not at all."""
        return self.password.reveal() if self.password is not None and self.provider == LOCAL else None


class NewUser(msgspec.Struct, frozen=True, kw_only=True):
    """What a user is made of. Without a password there is no login, only tokens."""

    email: str
    password: Secret | None = None
    role: str | None = None
    status: Status = Status.ACTIVE
    first_name: str | None = None
    last_name: str | None = None


_COLUMNS = (users.c.id, users.c.email, users.c.status, users.c.role, users.c.provider, users.c.password)


class Users:
    """Finds users, makes them, and changes what decides over their sessions."""

    def __init__(self, db: Database, clock: Clock, passwords: Passwords, sessions: Sessions, project: Project) -> None:
        self._db = db
        self._clock = clock
        self._passwords = passwords
        self._sessions = sessions
        self._project = project

    async def find(self, user: str) -> User | None:
        """Return a user by the key."""
        return await self._find(users.c.id == user)

    async def find_by_email(self, email: str) -> User | None:
        """Return a user by e-mail address, whatever its case."""
        if not is_storable(email):
            return None
        return await self._find(func.lower(users.c.email) == func.lower(email.strip()))

    async def list(self, limit: int = 100, offset: int = 0) -> list[User]:
        """Return users in the order of their addresses."""
        page = select(*_COLUMNS).order_by(users.c.email, users.c.id).limit(limit).offset(offset)
        async with self._db.read() as connection:
            return [_user(row) for row in (await connection.execute(page)).mappings()]

    async def create(self, new: NewUser) -> str:
        """Make a user and return the key.

        Raises:
            Problem: FAILED_VALIDATION for an address or a password that will not do; RECORD_NOT_UNIQUE for an address
                that is taken; INVALID_FOREIGN_KEY for a role that does not exist.
        """
        email = _checked_email(new.email)
        password = None
        if new.password is not None:
            context = (email, new.first_name or "", new.last_name or "")
            password = await self._new_hash(new.password, context)
        row = {
            "id": uuid7(),
            "email": email,
            "password": password,
            "role": new.role,
            "status": new.status.value,
            "first_name": new.first_name,
            "last_name": new.last_name,
        }
        try:
            async with self._db.write() as connection:
                await connection.execute(insert(users).values(row))
        except IntegrityError as error:
            raise await self._conflict(email, new.role) from error
        return str(row["id"])

    async def set_password(self, user: str, password: Secret, *, keep_session: str | None = None) -> None:
        """Set a password and end the user's sessions, but for the one it was changed from.

        Raises:
            Problem: FAILED_VALIDATION for a password that will not do; FORBIDDEN when there is no such user.
        """
        found = await self.find(user)
        if found is None:
            raise forbidden()
        hashed = await self._new_hash(password, (found.email or "",))
        await self._change(user, {"password": hashed}, ends_sessions=True, keep_session=keep_session)

    async def set_status(self, user: str, status: Status) -> None:
        """Set the status; any but active ends every session of the user.

        Raises:
            Problem: FORBIDDEN when there is no such user; UNPROCESSABLE_CONTENT when it is the last administrator.
        """
        await self._change(user, {"status": status.value}, ends_sessions=status is not Status.ACTIVE)

    async def note_login(self, user: User, password: Secret) -> None:
        """Remember the moment of a login, and store the password anew if its hash was made with weaker parameters."""
        stored, anew = user.login_hash, None
        if stored is not None and self._passwords.needs_rehash(stored):
            with suppress(Problem):  # too busy: the next login will do
                anew = await self._passwords.hash(password.reveal())
        this = users.c.id == user.id
        async with self._db.write() as connection:
            await connection.execute(update(users).where(this).values(last_access=moment(self._clock.now())))
            if anew is not None:
                await connection.execute(update(users).where(this, users.c.password == stored).values(password=anew))

    async def _conflict(self, email: str, role: str | None) -> Problem:
        if await self.find_by_email(email) is not None:
            return not_unique(USERS, "email", email)
        return Problem(Code.INVALID_FOREIGN_KEY, collection=USERS, field="role", value=role)

    async def _new_hash(self, password: Secret, context: tuple[str, ...]) -> str:
        self._passwords.check_new(password.reveal(), context)
        await self._project.check_password(password.reveal())
        return await self._passwords.hash(password.reveal())

    async def _change(
        self, user: str, values: dict[str, str], *, ends_sessions: bool, keep_session: str | None = None
    ) -> None:
        ended: list[str] = []
        async with self._db.write() as connection:
            changed = await connection.execute(update(users).where(users.c.id == user).values(values))
            if values.get("status", Status.ACTIVE) != Status.ACTIVE:
                await require_administrator(connection, self._db)
            if ends_sessions:
                ended = await self._sessions.end_in(connection, user, keep_session)
        for session in ended:
            self._sessions.announce_end(session)
        if not changed.rowcount:
            raise forbidden()

    async def _find(self, which: ColumnElement[bool]) -> User | None:
        async with self._db.read() as connection:
            row = (await connection.execute(select(*_COLUMNS).where(which))).mappings().one_or_none()
        return None if row is None else _user(row)


def _user(row: RowMapping) -> User:
    hashed = row["password"]
    return User(
        row["id"], row["email"], row["status"], row["role"], row["provider"], None if hashed is None else Secret(hashed)
    )


def _checked_email(email: str) -> str:
    """Ask for what every address has and no more: whether one is real, only mail sent to it can tell."""
    email = email.strip()
    if _EMAIL.fullmatch(email) is None or len(email) > _EMAIL_LENGTH or not is_storable(email):
        raise failed_validation("email", "email", "It must be a valid email address.")
    return email
