"""SystemGuard: what a write to our own tables means for identity, in the same transaction.

Users, roles, policies and permissions are items like any others; the data core checks rights and writes rows. Beside
that a password has to be a good one, a static token is stored as a digest, who is suspended, renamed or given a new
password loses the sessions that were, and an administrator remains. It makes no difference whether such an item is
written by itself or within another one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from watchword.access.permissions import Action
from watchword.base.errors import failed_validation, forbidden, invalid_payload
from watchword.identity.administrators import DECIDING
from watchword.identity.client import is_storable
from watchword.identity.project import COLLECTION as SETTINGS
from watchword.identity.project import check_attempts, parse_policy
from watchword.identity.static_tokens import check_length
from watchword.identity.users import USERS
from watchword.protocol import operations as op
from watchword.query.rendering import CONCEALED

if TYPE_CHECKING:
    from collections.abc import Sequence

    from watchword.access.principal import Principal
    from watchword.backend.activity import Activity
    from watchword.backend.context import Context
    from watchword.backend.rights import Rights
    from watchword.data.writes import WriteLog, Written
    from watchword.identity.authenticator import Identity
    from watchword.storage.engine import OpenConnection

_SYSTEM = "directus_"
_SECRETS = ("password", "token", "tfa_secret")
_CREDENTIALS = frozenset({"password", "email", "provider", "external_identifier"})


class Guarded:
    """One write as the data core shall do it, and what belongs to it before and after the commit."""

    def __init__(self, guard: SystemGuard, context: Context, operation: op.Write) -> None:
        self.operation = operation
        self._guard = guard
        self._context = context
        self.checked: set[str] = set()
        self._tokens: list[str | None] = []
        self._gives_tokens = False
        self._ended: list[str] = []
        self._touched: set[str] = set()
        self._writes: WriteLog = []

    def take_tokens(self) -> None:
        """Take the tokens out of the payloads, which go on to say that there is one: the data core judges the right."""
        if isinstance(self.operation, op.Delete):
            return
        payloads = _payloads(self.operation)
        self._tokens = [_token(payload) if "token" in payload else _KEEP for payload in payloads]
        self._gives_tokens = any(token is not _KEEP for token in self._tokens)
        told = [_without_token(payload, token) for payload, token in zip(payloads, self._tokens, strict=True)]
        self.operation = replace(self.operation, data=told if isinstance(self.operation.data, list) else told[0])

    async def finish(self, connection: OpenConnection, keys: Sequence[Any], writes: WriteLog) -> None:
        """Record the write, set tokens, end sessions and look who is left, within the transaction of the write.

        Raises:
            Problem: FAILED_VALIDATION for a nested password that will not do, UNPROCESSABLE_CONTENT when nobody would
                be left who administers.
        """
        await self._guard.activity.record(connection, self._context, writes)
        self._writes = writes
        self._touched = {written.collection for written in writes if written.collection.startswith(_SYSTEM)}
        if not self._touched:
            return
        if self._gives_tokens:
            tokens = self._tokens if len(self._tokens) == len(keys) else self._tokens * len(keys)
            for user, token in zip(keys, tokens, strict=False):
                if token is not _KEEP:
                    await self._guard.identity.static_tokens.set_in(connection, str(user), token)
        for written in writes:
            if written.collection == USERS:
                await self._finish_users(connection, written)
        if self._touched & DECIDING:
            identity = self._guard.identity
            await identity.require_administrator(connection, known=self._context.principal.admin)

    async def _finish_users(self, connection: OpenConnection, written: Written) -> None:
        check_credentials(self._context.principal, written.given)
        await self._guard.check_password(written.given, None, self.checked)
        if written.action is not Action.UPDATE or not _ends_sessions(written.given):
            return
        own = self._context.principal
        for user in written.keys:
            kept = own.session if str(user) == own.user else None
            self._ended += await self._guard.identity.sessions.end_in(connection, str(user), kept)

    def committed(self) -> None:
        """Make the change known in this process, before the answer goes out."""
        if not self._touched:
            return
        if SETTINGS in self._touched:
            self._guard.identity.project.invalidate()
        for session in self._ended:
            self._guard.identity.sessions.announce_end(session)
        if self._gives_tokens:
            self._guard.identity.static_tokens.forget()
        self._guard.rights.invalidate_by(self._writes)


class SystemGuard:
    """Looks at every write before it begins."""

    def __init__(self, identity: Identity, rights: Rights, activity: Activity) -> None:
        self.identity = identity
        self.rights = rights
        self.activity = activity

    async def prepare(self, context: Context, operation: op.Write) -> Guarded:
        """Check what only identity can check.

        Raises:
            Problem: FAILED_VALIDATION for a password or a setting and INVALID_PAYLOAD for a token that will not do,
                FORBIDDEN for a token that may not be set, and for credentials that a static token sets.
        """
        guarded = Guarded(self, context, operation)
        if operation.query.collection == USERS and not isinstance(operation, op.Delete):
            for payload in _payloads(operation):
                check_credentials(context.principal, payload)
                await self.check_password(payload, await self._address(operation), guarded.checked)
            guarded.take_tokens()
        if operation.query.collection == SETTINGS and isinstance(operation, op.Update):
            for payload in _payloads(operation):
                _check_settings(payload)
        return guarded

    async def _address(self, operation: op.Create | op.Update) -> str | None:
        """Return the e-mail address of the user that is changed: it is no password either."""
        if not isinstance(operation, op.Update) or not isinstance(operation.key, str) or not is_storable(operation.key):
            return None
        user = await self.identity.users.find(operation.key)
        return None if user is None else user.email

    async def check_password(self, payload: dict[str, Any], address: str | None, known: set[str]) -> None:
        """Look at the password in the payload of a user with an `address`, where there is one.

        Those that are `known` meet the project's policy, which takes a while to find out; this one is one of them then.

        Raises:
            Problem: FAILED_VALIDATION when it will not do.
        """
        password = payload.get("password")
        if not isinstance(password, str) or password == CONCEALED:
            return
        named = (address, *(payload.get(name) for name in ("email", "first_name", "last_name")))
        self.identity.passwords.check_new(password, [word for word in named if isinstance(word, str)])
        if password not in known:
            await self.identity.project.check_password(password)
            known.add(password)


_KEEP = "\0keep"


def check_credentials(principal: Principal, payload: dict[str, Any]) -> None:
    """Let static tokens, and those of others, set nobody's credentials: what ends would make what does not.

    An administrator's may.

    Raises:
        Problem: FORBIDDEN.
    """
    if principal.admin or (principal.token is None and principal.issuer is None):
        return
    if any(payload.get(name, CONCEALED) != CONCEALED for name in _SECRETS):
        raise forbidden("Credentials are set by users who are logged in.")


def _check_settings(payload: dict[str, Any]) -> None:
    policy = payload.get("auth_password_policy")
    if isinstance(policy, str):
        parse_policy(policy)
    check_attempts(payload.get("auth_login_attempts"))
    if payload.get("public_registration"):
        raise failed_validation("public_registration", "eq", "Registrations are not supported by this server.")


def _payloads(operation: op.Create | op.Update) -> list[dict[str, Any]]:
    data = operation.data
    payloads = data if isinstance(data, list) else [data]
    if not all(isinstance(payload, dict) for payload in payloads):
        raise invalid_payload('"data" must be an object or an array of objects')
    return payloads


def _ends_sessions(payload: dict[str, Any]) -> bool:
    changed = {name for name, value in payload.items() if value != CONCEALED}
    return bool(changed & _CREDENTIALS) or payload.get("status", "active") != "active"


def _without_token(payload: dict[str, Any], token: str | None) -> dict[str, Any]:
    told = {name: value for name, value in payload.items() if name != "token"}
    return told if token is _KEEP else told | {"token": CONCEALED}


def _token(payload: dict[str, Any]) -> str | None:
    token = payload["token"]
    if token == CONCEALED:
        return _KEEP  # what a read shows, sent back
    if token is not None and (not isinstance(token, str) or not token):
        raise invalid_payload('"token" must be a text or null')
    if token is not None:
        check_length(token)
    return token
