"""JWKS: tokens that somebody else signs with keys that they publish (RFC 7517), as credentials here."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any
from urllib.request import Request, urlopen

import anyio.to_thread
import structlog
from joserfc import jws, jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from joserfc.jws import JWSRegistry

from watchword.base.errors import Code, Problem
from watchword.identity.outside import Identified, identity_of_claims

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from watchword.identity.client import Client
    from watchword.identity.outside import Authenticator

_log = structlog.get_logger(__name__)

_SECURE = "https://"
_UNREADABLE = "The keys of a token's issuer cannot be read."
_DOTS = 2
_MAX_LENGTH = 16 * 1024
_LARGEST = 1024**2
_AGAIN_SECONDS = 30.0
_RETRY_SECONDS = 5.0
_ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")


def jwks_authenticator(  # noqa: PLR0913 - what makes a token good, by name
    keys: str | Mapping[str, Any],
    *,
    issuer: str,
    audience: str | Iterable[str] | None,
    algorithms: Iterable[str] = _ALGORITHMS,
    identify: Callable[[dict[str, Any]], Identified] = identity_of_claims,
    max_age: float = 300.0,
    timeout: float = 5.0,
) -> Authenticator:
    """Return an authenticator of JWTs that another issuer signs.

    Args:
        keys: the key set, or the `https` address where it is published; it is read again every `max_age` seconds, and
            when a token names a key that is not in it, but not more often than every 30 seconds.
        issuer: what `iss` must be; a token of anybody else is none of ours.
        audience: what `aud` must name one of; None when the issuer serves nobody else.
        algorithms: those that are accepted; secrets shared with the issuer are not.
        identify: what the claims come to.
        timeout: seconds that reading the key set may take.

    Raises:
        ValueError: the address is not `https`.
    """
    wanted = frozenset([audience] if isinstance(audience, str) else audience or ())
    ring = _Ring(keys, max_age, timeout)
    registry = JWSRegistry(algorithms=list(algorithms), strict_check_header=False)

    async def authenticate(token: str, client: Client) -> Identified | None:
        del client
        if len(token) > _MAX_LENGTH or token.count(".") != _DOTS or _issuer(token) != issuer:
            return None
        claims = await _verified(token, ring, registry)
        now = time.time()
        expires_at, begins_at = claims.get("exp"), claims.get("nbf", 0)
        if not isinstance(expires_at, int | float) or not isinstance(begins_at, int | float):
            raise Problem(Code.INVALID_TOKEN)
        if expires_at <= now:
            raise Problem(Code.TOKEN_EXPIRED)
        named = claims.get("aud")
        audiences = {named} if isinstance(named, str) else set(named if isinstance(named, list) else ())
        if begins_at > now or (wanted and not audiences & wanted):
            raise Problem(Code.INVALID_TOKEN)
        return identify(claims)

    return authenticate


class _Ring:
    """The keys as they were last read."""

    def __init__(self, keys: str | Mapping[str, Any], max_age: float, timeout: float) -> None:
        if isinstance(keys, str) and not keys.startswith(_SECURE):
            raise ValueError("keys must be read over https")
        self._address = keys if isinstance(keys, str) else None
        self._keys = None if isinstance(keys, str) else KeySet.import_key_set({"keys": list(keys["keys"])})
        self._max_age = max_age
        self._timeout = timeout
        self._read_at: float | None = None
        self._failed_at: float | None = None
        self._reading = anyio.Lock()

    async def keys(self, *, again: bool = False) -> KeySet:
        """Return the keys, read `again` where a token names one that is not among them.

        Raises:
            Problem: SERVICE_UNAVAILABLE, they cannot be read.
        """
        if self._address is None and self._keys is not None:
            return self._keys
        found = self._known(again=again)
        if found is None:
            async with self._reading:
                found = self._known(again=again) or await self._read()
        return found

    def _known(self, *, again: bool) -> KeySet | None:
        """Return the keys, unless they are too old: whoever brings a token of an unknown key holds up nobody else."""
        is_old = _has_passed(_AGAIN_SECONDS if again else self._max_age, self._read_at)
        return None if is_old else self._keys

    async def _read(self) -> KeySet:
        if not _has_passed(_RETRY_SECONDS, self._failed_at):
            raise Problem(Code.SERVICE_UNAVAILABLE, _UNREADABLE)
        try:
            found = self._keys = await anyio.to_thread.run_sync(self._fetch)
        except Problem:
            self._failed_at = time.monotonic()
            raise
        self._read_at = time.monotonic()
        return found

    def _fetch(self) -> KeySet:
        request = Request(self._address or "", headers={"accept": "application/json"})  # noqa: S310 - https alone
        try:
            with urlopen(request, timeout=self._timeout) as answer:  # noqa: S310 - https alone
                return KeySet.import_key_set(json.loads(_body(answer)))
        except (OSError, ValueError, JoseError, KeyError, TypeError) as error:
            _log.warning("jwks.unreadable", address=self._address, reason=str(error))
            raise Problem(Code.SERVICE_UNAVAILABLE, _UNREADABLE) from error


def _body(answer: Any) -> bytes:
    if not answer.geturl().startswith(_SECURE):
        raise ValueError("the address leads to one that is not https")
    body: bytes = answer.read(_LARGEST)
    return body


def _has_passed(seconds: float, since: float | None) -> bool:
    return since is None or time.monotonic() - since > seconds


async def _verified(token: str, ring: _Ring, registry: JWSRegistry) -> dict[str, Any]:
    for again in (False, True):
        try:
            decoded = jwt.decode(token, await ring.keys(again=again), registry=registry)
        except (JoseError, ValueError) as error:
            if again:
                raise Problem(Code.INVALID_TOKEN) from error
            continue
        return dict(decoded.claims)
    raise Problem(Code.INVALID_TOKEN)


def _issuer(token: str) -> Any:
    """Return who a token says has issued it, without believing it."""
    try:
        payload = json.loads(jws.extract_compact(token.encode()).payload)
    except (JoseError, ValueError, RecursionError):
        return None
    return payload.get("iss") if isinstance(payload, dict) else None
