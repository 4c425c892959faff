"""Access tokens: short-lived JWTs that name a session, signed with a key of our own that they name by `kid`."""

from __future__ import annotations

import base64
from collections import OrderedDict
from typing import TYPE_CHECKING, TypeVar

import msgspec
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jws import JWSRegistry

from watchword.base.errors import Code, Problem
from watchword.base.ids import uuid7
from watchword.base.secret import digest
from watchword.identity.signing_keys import ALGORITHM, SECRET_ALGORITHM

if TYPE_CHECKING:
    from watchword.base.clock import Clock
    from watchword.identity.signing_keys import KeyRing

T = TypeVar("T")

ISSUER = "watchword"

_DOTS = 2  # between header, payload and signature
_TYPE = "at+jwt"  # RFC 9068, section 2.1
_MAX_LENGTH = 4096
_SKEW = 60.0  # between the clocks of our own nodes
_CACHED = 10_000


class Subject(msgspec.Struct, frozen=True):
    """Whom a token is for. `role`, `app` and `admin` are for the client to read; nothing is decided by them.

    `refresh` is the refresh token of a session whose client keeps one token only (session mode).
    """

    user: str
    session: str
    role: str | None = None
    app: bool = False
    admin: bool = False
    refresh: str | None = None


class Claims(msgspec.Struct, frozen=True):
    """What a token says, once its signature has been verified."""

    iss: str
    id: str
    sub: str
    sid: str
    jti: str
    iat: float
    exp: float
    role: str | None
    app_access: bool
    admin_access: bool
    session: str | None = None


class UnknownKey(Problem):
    """A token that names a key which is not in the ring, perhaps because another node has just made it."""


class _Header(msgspec.Struct, frozen=True):
    alg: str
    typ: str
    kid: str | None = None


class _Issuer(msgspec.Struct, frozen=True):
    iss: str


# Headers that bring or fetch keys (`jku`, `jwk`, `x5u`) and unknown ones have no effect.
_REGISTRIES = {
    name: JWSRegistry(algorithms=[name], strict_check_header=False) for name in (ALGORITHM, SECRET_ALGORITHM)
}


class AccessTokens:
    """Issues and verifies. A token chooses among the keys of the ring, and each key has one algorithm."""

    def __init__(self, ring: KeyRing, clock: Clock) -> None:
        self._ring = ring
        self._clock = clock
        self._verified: OrderedDict[str, Claims] = OrderedDict()
        self._generation = ring.generation

    def issue(self, subject: Subject, expires_at: float) -> str:
        """Return a token that ends at `expires_at`, in whole seconds since the epoch; the ring must have been read."""
        key = self._ring.current
        if key is None:
            raise RuntimeError("there is no key to sign with")
        claims = {
            "iss": ISSUER,
            "id": subject.user,
            "sub": subject.user,
            "sid": subject.session,
            "role": subject.role,
            "app_access": subject.app,
            "admin_access": subject.admin,
            "iat": int(self._clock.now()),
            "exp": int(expires_at),
            "jti": uuid7(),
        }
        if subject.refresh is not None:
            claims["session"] = subject.refresh
        header = {"alg": key.algorithm, "typ": _TYPE, "kid": key.id}
        return jwt.encode(header, claims, key.jwk, registry=_REGISTRIES[key.algorithm])

    def verify(self, token: str) -> Claims:
        """Return what a token of ours says. Whether its session still lives is another question.

        Raises:
            Problem: INVALID_TOKEN when it is not ours, unaltered and complete (UnknownKey when its key is not in the
                ring); TOKEN_EXPIRED when it has ended.
        """
        if self._generation != self._ring.generation:
            self._generation = self._ring.generation
            self._verified.clear()
        key = digest(token)
        claims = self._verified.get(key)
        if claims is None:
            claims = self._decode(token)
            self._verified[key] = claims
            if len(self._verified) > _CACHED:
                self._verified.popitem(last=False)
        else:
            self._verified.move_to_end(key)
        if not claims.exp > self._clock.now():
            self._verified.pop(key, None)
            raise Problem(Code.TOKEN_EXPIRED)
        return claims

    def _decode(self, token: str) -> Claims:
        if len(token) > _MAX_LENGTH:
            raise Problem(Code.INVALID_TOKEN)
        # Checked before the library sees the token: it reads the header to find the algorithm.
        header = _part(token, 0, _Header)
        if header is None or header.typ != _TYPE:
            raise Problem(Code.INVALID_TOKEN)
        key = self._ring.find(header.kid, self._clock.now())
        if key is None:
            raise UnknownKey(Code.INVALID_TOKEN)
        if header.alg != key.algorithm:
            raise Problem(Code.INVALID_TOKEN)
        try:
            payload = jwt.decode(token, key.jwk, registry=_REGISTRIES[key.algorithm]).claims
            claims = msgspec.convert(payload, Claims)
        except (JoseError, msgspec.ValidationError) as error:
            raise Problem(Code.INVALID_TOKEN) from error
        if claims.iss != ISSUER or claims.id != claims.sub or claims.iat > self._clock.now() + _SKEW:
            raise Problem(Code.INVALID_TOKEN)
        return claims


def looks_like_jwt(token: str) -> bool:
    """Whether a bearer is to be judged as an access token: three parts, and a payload that claims to be from us."""
    if len(token) > _MAX_LENGTH or token.count(".") != _DOTS:
        return False
    issuer = _part(token, 1, _Issuer)
    return issuer is not None and issuer.iss == ISSUER


def _part(token: str, index: int, kind: type[T]) -> T | None:
    """Decode one part of a token without believing it."""
    encoded = token.split(".")[index]
    try:
        data = base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4))
        return msgspec.json.decode(data, type=kind)
    except (ValueError, RecursionError):
        return None
