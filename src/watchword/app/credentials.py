"""Credentials: what the command line does with static tokens and signing keys."""

from __future__ import annotations

from typing import TYPE_CHECKING

from watchword.app.administration import Administration
from watchword.base.errors import Code, Problem
from watchword.identity.bootstrap import find_role
from watchword.identity.listings import Page
from watchword.identity.static_tokens import NewToken
from watchword.query.rendering import render_any

if TYPE_CHECKING:
    from datetime import datetime

    from watchword.base.secret import Secret


class Credentials(Administration):
    """The cores, opened for one command about credentials. Running servers learn of it through the change log."""

    async def create_token(self, name: str, *, user: str | None, role: str | None, seconds: float | None) -> Secret:
        """Make a static token for a user, by e-mail address, or a role, by key or name; `seconds` is how long it lives.

        Raises:
            Problem: there is no such user or role, or not exactly one.
        """
        new = NewToken(
            user=None if user is None else (await self._find(user)).id,
            role=None if role is None else await find_role(self._parts.db, role),
            name=name,
            expires_at=None if seconds is None else self._parts.clock.now() + seconds,
        )
        return (await self._parts.identity.static_tokens.create(new)).token

    async def list_tokens(self) -> list[tuple[str, ...]]:
        """List every static token, as far as it can be shown."""
        listed = await self._parts.identity.listings.tokens(page=Page(None))
        return [
            (
                each.id,
                each.prefix or "-",
                each.name or "-",
                f"role {each.role}" if each.user is None else f"user {each.user}",
                *map(_moment, (each.created_at, each.expires_at, each.last_used_at)),
            )
            for each in listed
        ]

    async def revoke_token(self, token: str) -> None:
        """Revoke a static token.

        Raises:
            Problem: there is no such token.
        """
        if not await self._parts.identity.static_tokens.revoke(token):
            raise Problem(Code.INVALID_PAYLOAD, f"There is no token {token}.")

    async def rotate_keys(self) -> str:
        """Let the next signing key take over; return its key.

        Raises:
            Problem: the keys were made under another secret.
        """
        return await self._parts.identity.keys.rotate()

    async def list_keys(self) -> list[tuple[str, ...]]:
        """List every signing key."""
        return [
            (each.id, each.algorithm, each.state, *map(_moment, (each.created_at, each.retired_at, each.expires_at)))
            for each in await self._parts.identity.keys.list()
        ]


def _moment(value: datetime | None) -> str:
    return "-" if value is None else str(render_any(value))
