"""Identity: one way from a credential to a principal and its rights, for requests and for sockets."""

from __future__ import annotations

from collections import Counter
from functools import cached_property
from typing import TYPE_CHECKING

import msgspec

from watchword.access.compile import Access
from watchword.access.principal import Claimed, Principal
from watchword.base.errors import Code, Problem
from watchword.identity.administrators import require_administrator
from watchword.identity.audit import Audit, Kind
from watchword.identity.grants import Grants, Rights
from watchword.identity.key_store import KeyStore
from watchword.identity.listings import Listings
from watchword.identity.outside import Outside
from watchword.identity.passwords import Passwords
from watchword.identity.project import Project
from watchword.identity.sessions import Sessions, Started
from watchword.identity.settings import Mode
from watchword.identity.static_tokens import StaticToken, StaticTokens
from watchword.identity.subscription_tickets import SubscriptionTickets
from watchword.identity.tickets import Tickets, looks_like_ticket
from watchword.identity.tokens import AccessTokens, Claims, Subject, UnknownKey, looks_like_jwt
from watchword.identity.users import Users
from watchword.protocol.operations import AccessToken, ConnectionTicket, Credential, Password, RefreshToken

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy.ext.asyncio import AsyncConnection

    from watchword.base.clock import Clock
    from watchword.base.secret import Secret
    from watchword.identity.client import Client
    from watchword.identity.settings import IdentitySettings
    from watchword.identity.throttle import Throttle
    from watchword.storage.engine import Database

_REFUSALS = frozenset({Code.INVALID_CREDENTIALS, Code.INVALID_TOKEN})


class Authenticated(msgspec.Struct, frozen=True):
    """Who it is, what they may do, and the tokens that came of it.

    A login and a refresh give an access token that is good until `expires_at`, and a refresh token; in session mode the
    access token alone, which serves as both. A bearer credential gives neither.
    """

    principal: Principal
    access: Access
    access_token: str | None = None
    refresh_token: str | None = None
    expires_at: float | None = None
    mode: Mode | None = None


class Identity:
    """The identity core put together; its parts are public for those who manage users, sessions and tokens."""

    def __init__(self, db: Database, clock: Clock, secret: Secret, settings: IdentitySettings) -> None:
        self.settings = settings
        self.audit = Audit(db, clock, activity=settings.activity)
        self.project = Project(db, clock, settings)
        self.passwords = Passwords()
        self.keys = KeyStore(db, clock, secret, settings, self.audit)
        self.access_tokens = AccessTokens(self.keys.ring, clock)
        self.static_tokens = StaticTokens(db, clock, settings, self.audit)
        self.sessions = Sessions(db, clock, secret, settings, self.audit)
        self.users = Users(db, clock, self.passwords, self.sessions, self.project)
        self.listings = Listings(db, clock)
        self.subscription_tickets = SubscriptionTickets(secret, clock)
        self.grants = Grants(db, clock, settings)
        self.outside = Outside(db, clock)
        self.tickets = Tickets(clock, settings.ticket_ttl)
        self._clock = clock
        self.results: Counter[tuple[str, str]] = Counter()
        """How often which kind of credential had which result: `ok` or the code of a problem."""
        self._db = db

    @cached_property
    def throttle(self) -> Throttle:
        """What slows down those who guess; made for the first who logs in."""
        from watchword.identity.throttle import Throttle  # noqa: PLC0415 - the start need not wait for it, nor keep it in memory
        from watchword.identity.window import ClockedMemory  # noqa: PLC0415

        return Throttle(ClockedMemory(self._clock), self._clock, self.settings)

    async def authenticate(self, credential: Credential, client: Client, mode: Mode = Mode.JSON) -> Authenticated:
        """Establish who presents a credential. `mode` is how a login's tokens will be kept; a refresh keeps its own.

        Raises:
            Problem: INVALID_CREDENTIALS for whatever is unknown, wrong, ended or not active; TOKEN_EXPIRED and
                INVALID_TOKEN for access tokens; REQUESTS_EXCEEDED after too many failures; SERVICE_UNAVAILABLE.
        """
        try:
            authenticated = await self._authenticate(credential, client, mode)
        except Problem as problem:
            self.results[type(credential).__name__, problem.code.value] += 1
            raise
        self.results[type(credential).__name__, "ok"] += 1
        return authenticated

    async def _authenticate(self, credential: Credential, client: Client, mode: Mode) -> Authenticated:
        if isinstance(credential, Password):
            return await self._log_in(credential, client, mode)
        try:
            return await self._take(credential, client)
        except Problem as problem:
            if problem.code in _REFUSALS:
                await self.audit.record(Kind.TOKEN_REFUSED, client, code=problem.code.value)
            raise

    async def renew(self, principal: Principal) -> Authenticated:
        """Return a principal, the public included, with the rights of now.

        Raises:
            Problem: INVALID_CREDENTIALS when the session, the token or the user's activity has ended.
        """
        if principal.is_anonymous:
            return _as(principal, await self.grants.of_public(principal.address))
        if principal.issuer is not None:
            return await self.vouched(await self.outside.admit(principal))
        if principal.session is not None and not await self.sessions.is_live(principal.session):
            raise Problem(Code.INVALID_CREDENTIALS)
        if principal.token is not None:
            token = await self.static_tokens.find_live(principal.token)
            return _as(principal, await self._rights_of_token(token, principal.address))
        return _as(principal, await self._rights(principal.user, principal.address))

    async def vouched(self, principal: Principal) -> Authenticated:
        """Return a principal that somebody else vouches for, with the rights of what it is said to be."""
        return _as(principal, await self.grants.of_claimed(principal.claimed or Claimed(), principal.address))

    async def names(self) -> Mapping[str, str]:
        """Return the names of roles and policies by their keys."""
        return await self.grants.names()

    async def log_out(self, token: Secret, client: Client) -> None:
        """End the session that a refresh token or a session-mode token belongs to; any other token ends nothing."""
        session = await self._session_of(token.reveal())
        if session is not None:
            await self.sessions.revoke(session, "logout", client, kind=Kind.LOGOUT)

    async def require_administrator(self, connection: AsyncConnection, *, known: bool) -> None:
        """Refuse the transaction that would leave nobody with every right; `known` says that there was somebody.

        Raises:
            Problem: UNPROCESSABLE_CONTENT.
        """
        await require_administrator(connection, self._db, known=known)

    async def close(self) -> None:
        """Let the work under way end, and refuse new work."""
        await self.passwords.shutdown()

    async def _take(self, credential: AccessToken | RefreshToken | ConnectionTicket, client: Client) -> Authenticated:
        token = _text(credential.token)
        if isinstance(credential, ConnectionTicket):
            return await self._redeem(token, client)
        if looks_like_ticket(token):  # shown where it does not belong, it is worth nothing where it does
            self.tickets.burn(token)
            raise Problem(Code.INVALID_CREDENTIALS)
        if isinstance(credential, RefreshToken):
            return await self._refresh(token, client)
        return await self._bear(token, client)

    async def _redeem(self, ticket: str, client: Client) -> Authenticated:
        principal = self.tickets.redeem(ticket, client)
        if principal is None:
            raise Problem(Code.INVALID_CREDENTIALS)
        if principal.expires_at is not None and principal.expires_at <= self._clock.now():
            raise Problem(Code.TOKEN_EXPIRED)
        return await self.renew(principal)

    async def _bear(self, token: str, client: Client) -> Authenticated:
        if looks_like_jwt(token):
            return await self._bear_access_token(token, client)
        return await self._bear_static_token(token, client)

    async def _bear_access_token(self, token: str, client: Client) -> Authenticated:
        claims = await self._verify(token)
        session = await self.sessions.check(claims.sid, claims.session)
        if session is None or session.user != claims.id:
            raise Problem(Code.INVALID_CREDENTIALS)
        rights = await self._rights(claims.id, client.address)
        if session.is_use_due(self._clock.now()):
            await self.sessions.note_use(session)
        return _as(Principal(session=claims.sid, expires_at=claims.exp, address=client.address), rights)

    async def _bear_static_token(self, token: str, client: Client) -> Authenticated:
        found = await self.static_tokens.find(token)
        if found is None:
            stranger = await self.outside.identify(token, client)
            if stranger is None:
                raise Problem(Code.INVALID_CREDENTIALS)
            return await self.vouched(stranger)
        if found.expires_at is not None and found.expires_at <= self._clock.now():
            raise Problem(Code.TOKEN_EXPIRED)
        rights = await self._rights_of_token(found, client.address)
        await self.static_tokens.note_use(found)
        return _as(Principal(token=found.id, expires_at=found.expires_at, address=client.address), rights)

    async def _refresh(self, token: str, client: Client) -> Authenticated:
        if looks_like_jwt(token):
            token = (await self._verify(token)).session or ""
        await self.keys.ready()
        started = await self.sessions.refresh(token, client)
        rights = await self._rights_of_session(started, client)
        await self.audit.record(Kind.REFRESH, client, user=started.user, session=started.session)
        return self._give_tokens(started, rights, client)

    async def _log_in(self, credential: Password, client: Client, mode: Mode) -> Authenticated:
        floor = self._clock.monotonic() + self.settings.login_stall
        await self.keys.ready()
        try:
            started, rights = await self._start(credential, client, mode)
        except Problem as problem:
            if problem.code is not Code.REQUESTS_EXCEEDED:  # that was said before the account was looked at
                await self._clock.sleep_until(floor)
            raise
        await self._clock.sleep_until(floor)
        return self._give_tokens(started, rights, client)

    async def _start(self, credential: Password, client: Client, mode: Mode) -> tuple[Started, Rights]:
        project = await self.project.settings()
        async with self.throttle.attempt(credential.email, client, project.auth_login_attempts):
            user = await self.users.find_by_email(credential.email)
            hashed = None if user is None else user.login_hash
            is_right = await self.passwords.verify(hashed, credential.password.reveal())
            if user is None or not is_right or not user.is_active:
                known = None if user is None else user.id
                await self.audit.record(Kind.LOGIN_FAILED, client, user=known, email=_address(credential.email))
                raise Problem(Code.INVALID_CREDENTIALS)
        await self.users.note_login(user, credential.password)
        started = await self.sessions.start(user.id, mode, client)
        self.grants.invalidate(user.id)
        rights = await self._rights_of_session(started, client)
        await self.audit.record(Kind.LOGIN, client, user=user.id, session=started.session, mode=mode.value)
        return started, rights

    async def _verify(self, token: str) -> Claims:
        if not self.keys.is_fresh:
            await self.keys.ready()
        try:
            return self.access_tokens.verify(token)
        except UnknownKey:
            await self.keys.look_again()
        return self.access_tokens.verify(token)

    async def _rights(self, user: str | None, address: str | None) -> Rights:
        rights = None if user is None else await self.grants.of_user(user, address)
        if rights is None:
            raise Problem(Code.INVALID_CREDENTIALS)
        return rights

    async def _rights_of_token(self, token: StaticToken | None, address: str | None) -> Rights:
        """Return the rights of the token's user, or of its role by itself: never those of the public."""
        if token is None or token.role is None:
            return await self._rights(None if token is None else token.user, address)
        rights = await self.grants.of_role(token.role, address)
        if rights is None:
            raise Problem(Code.INVALID_CREDENTIALS)
        return rights

    async def _rights_of_session(self, started: Started, client: Client) -> Rights:
        try:
            return await self._rights(started.user, client.address)
        except Problem as problem:
            if problem.code is Code.INVALID_CREDENTIALS:
                await self.sessions.revoke(started.session, "the user is not active", client)
            raise

    def _give_tokens(self, started: Started, rights: Rights, client: Client) -> Authenticated:
        expires_at = self.settings.token_expiry(started.mode, self._clock.now(), started.expires_at)
        holds_one = started.mode is Mode.SESSION
        subject = Subject(
            started.user,
            started.session,
            rights.role,
            rights.app,
            rights.admin,
            started.refresh_token if holds_one else None,
        )
        principal = Principal(session=started.session, expires_at=expires_at, address=client.address)
        return msgspec.structs.replace(
            _as(principal, rights),
            access_token=self.access_tokens.issue(subject, expires_at),
            refresh_token=None if holds_one else started.refresh_token,
            mode=started.mode,
        )

    async def _session_of(self, token: str) -> str | None:
        if not looks_like_jwt(token):
            return self.sessions.session_of(token)
        try:
            return (await self._verify(token)).sid
        except Problem:
            return None


def _as(principal: Principal, rights: Rights) -> Authenticated:
    """Return a principal with these rights; how it was established stays as it is."""
    entitled = msgspec.structs.replace(
        principal,
        user=rights.user,
        role=rights.role,
        roles=rights.roles,
        policies=rights.policies,
        admin=rights.admin,
        app=rights.app,
        user_values=rights.user_values,
        role_values=rights.role_values,
    )
    return Authenticated(entitled, rights.access, expires_at=principal.expires_at)


def _text(token: Secret) -> str:
    text = token.reveal()
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise Problem(Code.INVALID_CREDENTIALS) from error
    return text


def _address(text: str) -> str | None:
    """Return what may be an e-mail address; a password typed into the wrong field is not kept."""
    return text if "@" in text else None
