"""SetupLink: how the first administrator comes to be when no settings name one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio

from watchword.base.errors import forbidden
from watchword.base.secret import Secret, digest, equal, random_token
from watchword.identity.administrators import has_administrator
from watchword.identity.bootstrap import create_administrator

if TYPE_CHECKING:
    from collections.abc import Callable

    from watchword.identity.users import Users
    from watchword.storage.engine import Database


class SetupLink:
    """A one-time secret that is shown once, on the server's terminal, and makes one administrator.

    It lives in memory: another start makes another one, as long as there is no administrator.
    """

    def __init__(self, db: Database, users: Users, show: Callable[[Secret], None]) -> None:
        self._db = db
        self._users = users
        self._show = show
        self._digest: str | None = None
        self._turn = anyio.Lock()

    @property
    def is_open(self) -> bool:
        """Whether the link can still be used."""
        return self._digest is not None

    def offer(self) -> None:
        """Make the secret and show it."""
        token = random_token(24)
        self._digest = digest(token)
        self._show(Secret(token))

    async def use(self, token: str, email: str, password: Secret) -> None:
        """Make the administrator.

        Raises:
            Problem: FORBIDDEN for a wrong or used link; FAILED_VALIDATION for an address or password that will not do.
        """
        async with self._turn:
            if self._digest is None or not equal(digest(token), self._digest) or await has_administrator(self._db):
                raise forbidden()
            await create_administrator(self._db, self._users, email, password)
            self._digest = None
