"""Outside: identities that others vouch for, by credentials that are none of ours.

An authenticator of the application's judges a bearer token. Whom it names needs no row in our users; what they may do
follows from the roles and policies that it says they have, and without any from those of the public.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

import msgspec
import structlog
from sqlalchemy import delete, select

from watchword.access.principal import Claimed, Principal
from watchword.base.errors import Code, Problem
from watchword.base.secret import digest
from watchword.storage.tables import revocations
from watchword.storage.types import moment

if TYPE_CHECKING:
    from collections.abc import Mapping

    from watchword.base.clock import Clock
    from watchword.identity.client import Client
    from watchword.storage.engine import Database

_log = structlog.get_logger(__name__)

LONGEST = 30 * 86_400.0
"""For how many seconds a revocation is remembered at the longest, where nobody says how long its tokens last."""


class Identified(msgspec.Struct, frozen=True):
    """What an authenticator says of a token.

    `user` is who it is, in the words of whoever vouches; `session` tells logins of one user apart. `roles` and
    `policies` are ours, by key or name. `expires_at` is epoch seconds. `scopes` are what the token may be used for.
    """

    user: str | None = None
    session: str | None = None
    roles: tuple[str, ...] = ()
    policies: tuple[str, ...] = ()
    claims: dict[str, Any] = {}
    expires_at: float | None = None
    scopes: tuple[str, ...] | None = None


def scopes_in(claims: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the scopes that a token names: `scope` or `scp`, a text or a list (RFC 8693, 4.2)."""
    scope = claims.get("scope", claims.get("scp"))
    if isinstance(scope, str):
        return tuple(scope.split())
    return tuple(each for each in scope if isinstance(each, str)) if isinstance(scope, list) else ()


def identity_of_claims(claims: dict[str, Any], users: tuple[str, ...] = ("sub",)) -> Identified:
    """Return whom the claims of RFC 7519 and RFC 8693 name: `sub`, `sid` or `jti`, `scope`; without roles.

    `users` are the claims that may hold the user, the first that is there.
    """
    user, session = _first(claims, users), _first(claims, ("sid", "jti"))
    return Identified(
        user=None if user is None else str(user),
        session=None if session is None else str(session),
        claims=claims,
        expires_at=claims.get("exp"),
        scopes=scopes_in(claims),
    )


def _first(claims: Mapping[str, Any], names: tuple[str, ...]) -> Any:
    return next((claims[name] for name in names if name in claims), None)


Authenticator = Callable[[str, "Client"], Awaitable[Identified | None]]
"""Judges a token: says who it is, None when it is none of its own, or raises Problem when it is one and not good."""


def principal_of(issuer: str, found: Identified, address: str | None) -> Principal:
    """Return the principal that somebody else vouches for, without rights yet."""
    return Principal(
        issuer=issuer,
        claimed=Claimed(found.roles, found.policies, found.user, found.session),
        claims=found.claims,
        scopes=found.scopes,
        expires_at=found.expires_at,
        address=address,
    )


class Outside:
    """The authenticators of the application, in the order in which they were added, and what was revoked."""

    def __init__(self, db: Database, clock: Clock) -> None:
        self._db = db
        self._clock = clock
        self._authenticators: dict[str, Authenticator] = {}
        self._revoked: dict[str, float] | None = None

    def add(self, name: str, authenticator: Authenticator) -> None:
        """Ask an authenticator about tokens that are none of ours.

        Raises:
            ValueError: there is one of that name.
        """
        if name in self._authenticators:
            raise ValueError(f"there is an authenticator {name!r} already")
        self._authenticators[name] = authenticator

    @property
    def has_any(self) -> bool:
        """Whether there is anybody to ask."""
        return bool(self._authenticators)

    def has(self, name: str) -> bool:
        """Whether there is an authenticator of that name."""
        return name in self._authenticators

    async def identify(self, token: str, client: Client) -> Principal | None:
        """Return whom a token stands for; None when nobody knows it.

        Raises:
            Problem: somebody knows it, and it is not good; INVALID_CREDENTIALS when it was revoked.
        """
        for name, authenticator in self._authenticators.items():
            try:
                found = await authenticator(token, client)
            except Problem:
                raise
            except Exception as error:
                _log.exception("authenticator.failed", authenticator=name)
                raise Problem(Code.SERVICE_UNAVAILABLE) from error
            if found is not None:
                return await self.admit(principal_of(name, found, client.address))
        return None

    async def admit(self, principal: Principal) -> Principal:
        """Return a principal that may go on.

        Raises:
            Problem: INVALID_CREDENTIALS when it was revoked, TOKEN_EXPIRED when its time is over.
        """
        if principal.expires_at is not None and principal.expires_at <= self._clock.now():
            raise Problem(Code.TOKEN_EXPIRED)
        if not await self.is_live(principal):
            raise Problem(Code.INVALID_CREDENTIALS)
        return principal

    async def is_live(self, principal: Principal) -> bool:
        """Whether neither the user nor the session has been revoked, as far as its issuer is concerned."""
        claimed = principal.claimed
        if claimed is None or principal.issuer is None:
            return True
        names = [("user", claimed.user), ("session", claimed.session)]
        revoked = await self._read()
        issued_at = (principal.claims or {}).get("iat")
        for kind, name in names:
            if name is None:
                continue
            at = revoked.get(_key(principal.issuer, kind, name))
            # A user who was revoked may come back with a token that was issued later; a session may not.
            if at is not None and (kind == "session" or not isinstance(issued_at, int | float) or issued_at <= at):
                return False
        return True

    async def revoke(
        self, issuer: str, *, user: str | None = None, session: str | None = None, lasting: float = LONGEST
    ) -> None:
        """Refuse all tokens of a user that were issued before now, or of a session, on every node.

        Their sockets follow. It is remembered for `lasting` seconds, which should be as long as such tokens last.

        Raises:
            ValueError: neither a user nor a session is given, or both.
        """
        if (user is None) == (session is None):
            raise ValueError("either a user or a session is revoked")
        kind, name = ("user", user) if user is not None else ("session", session)
        now = self._clock.now()
        row = {"id": _key(issuer, kind, name or ""), "revoked_at": moment(now), "expires_at": moment(now + lasting)}
        async with self._db.write() as connection:
            await connection.execute(delete(revocations).where(revocations.c.id == row["id"]))
            await connection.execute(revocations.insert().values(row))
        self.forget()

    def forget(self) -> None:
        """Read the revocations anew at the next use."""
        self._revoked = None

    async def purge(self) -> None:
        """Delete what needs to be remembered no longer."""
        async with self._db.write() as connection:
            await connection.execute(delete(revocations).where(revocations.c.expires_at < moment(self._clock.now())))

    async def _read(self) -> dict[str, float]:
        found = self._revoked
        if found is None:
            async with self._db.read() as connection:
                rows = await connection.execute(select(revocations.c.id, revocations.c.revoked_at))
            found = self._revoked = {row.id: row.revoked_at.timestamp() for row in rows}
        return found


def _key(issuer: str, kind: str, name: str) -> str:
    return digest(f"{issuer}\x00{kind}\x00{name}")
