"""Project: what administrators choose for the whole project, as far as identity has to know it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import msgspec
from sqlalchemy import select

from watchword.base.errors import Problem, failed_validation
from watchword.identity.cache import Cache
from watchword.identity.matching import Matcher
from watchword.storage.tables import project

if TYPE_CHECKING:
    from sqlalchemy import RowMapping

    from watchword.base.clock import Clock
    from watchword.identity.settings import IdentitySettings
    from watchword.storage.engine import Database

COLLECTION = "directus_settings"
KEY = 1
"""The key of the one row."""

_ONE = "project"
_WRITTEN = re.compile(r"/(.*)/([a-z]*)", re.DOTALL)
_FLAGS = {"i": re.IGNORECASE, "m": re.MULTILINE, "s": re.DOTALL, "u": re.NOFLAG, "g": re.NOFLAG}
_MOST_ATTEMPTS = 1000


class ProjectSettings(msgspec.Struct, frozen=True):
    """The row. None stands for what the server does by itself."""

    project_name: str | None = None
    project_descriptor: str | None = None
    project_url: str | None = None
    project_color: str = "#6644FF"
    default_language: str = "en-US"
    public_note: str | None = None
    auth_login_attempts: int | None = None
    auth_password_policy: str | None = None


class Project:
    """Reads the settings of the project; they are kept in memory for `cache_seconds` at the most."""

    def __init__(self, db: Database, clock: Clock, settings: IdentitySettings) -> None:
        self._db = db
        self._matcher = Matcher()
        self._known: Cache[str, ProjectSettings] = Cache(clock, size=1, max_age=settings.cache_seconds)

    async def settings(self) -> ProjectSettings:
        """Return the settings of now."""
        return await self._known.load(_ONE, self._read)

    def invalidate(self) -> None:
        """Read the settings anew at their next use: they have changed."""
        self._known.clear()

    async def check_password(self, password: str) -> None:
        """Hold a new password against the project's own policy.

        Raises:
            Problem: FAILED_VALIDATION of the field `password`, also when the policy takes too long to say.
        """
        policy = (await self.settings()).auth_password_policy
        if not policy:
            return
        if not await self._matcher.finds(parse_policy(policy), password):
            raise failed_validation("password", "regex", "It does not meet the password policy.")

    async def _read(self) -> ProjectSettings:
        async with self._db.read() as connection:
            row = (await connection.execute(select(project).where(project.c.id == KEY))).mappings().one_or_none()
        return ProjectSettings() if row is None else _settings(row)


def parse_policy(text: str) -> re.Pattern[str]:
    """Read a password policy: a regular expression, bare or as `/…/flags`.

    Raises:
        Problem: FAILED_VALIDATION of the field `auth_password_policy`.
    """
    written = _WRITTEN.fullmatch(text)
    pattern, letters = (written[1], written[2]) if written else (text, "")
    flags = re.NOFLAG
    try:
        for letter in letters:
            flags |= _FLAGS[letter]
        return re.compile(pattern, flags)
    except (re.error, KeyError, OverflowError, RecursionError):
        field = "auth_password_policy"
        raise failed_validation(field, "regex", "It is not a regular expression.") from None


def check_attempts(value: object) -> None:
    """Ask for a number of attempts that a login can be held to.

    Raises:
        Problem: FAILED_VALIDATION of the field `auth_login_attempts`.
    """
    if value is not None and not (isinstance(value, int) and 1 <= value <= _MOST_ATTEMPTS):
        raise failed_validation("auth_login_attempts", "between", f"It must be from 1 to {_MOST_ATTEMPTS}.")


def _settings(row: RowMapping) -> ProjectSettings:
    settings = ProjectSettings(**{name: row[name] for name in ProjectSettings.__struct_fields__})
    try:
        # Another program may have written what we would not have taken.
        parse_policy(settings.auth_password_policy or "")
        check_attempts(settings.auth_login_attempts)
    except Problem:
        return msgspec.structs.replace(settings, auth_password_policy=None, auth_login_attempts=None)
    return settings
