"""Claims tokens: JWTs (RFC 7519) that an application signs by a key of its own, with claims of its own.

They are what `jsonwebtoken` makes and accepts for the clients of such applications; its texts are the reasons here,
because clients show them. No clock skew is allowed, and dates are numbers without a bound.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
import warnings
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeGuard

import msgspec
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key
from joserfc import jws
from joserfc.errors import JoseError, SecurityWarning
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey
from joserfc.jws import JWSRegistry

from watchword.base.errors import Code, Problem
from watchword.base.spans import parse_span

if TYPE_CHECKING:
    from collections.abc import Mapping

    from joserfc._rfc7515.model import JWSAlgModel

    from watchword.base.clock import Clock

_PARTS = 3
_MAX_LENGTH = 64 * 1024
_SMALLEST_RSA = 2048
_BASE64URL = re.compile(r"[A-Za-z0-9_-]*", re.ASCII)
_BY_SECRET = ("HS256", "HS384", "HS512")
_BY_RSA = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512")
_BY_CURVE = ("ES256", "ES384", "ES512")
_BY_EDWARDS = ("EdDSA",)
_KNOWN = (*_BY_SECRET, *_BY_RSA, *_BY_CURVE, *_BY_EDWARDS)
_CURVES = {"P-256": "ES256", "P-384": "ES384", "P-521": "ES512"}
_DATES = ("iat", "exp", "nbf")
_NAMED = {"audience": "aud", "subject": "sub", "issuer": "iss", "jwt_id": "jti"}

AnyKey = OctKey | RSAKey | ECKey | OKPKey


class TokenKeys(msgspec.Struct, frozen=True, repr_omit_defaults=True):
    """What one endpoint signs and verifies by: a secret, or a pair of keys as PEM.

    `algorithm` signs, and is the only one accepted unless `verify_algorithms` names others. Without both, whatever fits
    the key is accepted, and HS256, RS256, the curve's own or EdDSA signs.
    """

    secret: str | bytes | None = None
    private_key: str | bytes | None = None
    public_key: str | bytes | None = None
    algorithm: str | None = None
    verify_algorithms: tuple[str, ...] | None = None
    expires_in: int | str = 86_400

    def __repr__(self) -> str:
        return f"TokenKeys({'secret' if self.secret is not None else 'key pair'})"


class _Registry(JWSRegistry):
    """The algorithms of one endpoint; `EdDSA`, which clients know by no other name, comes without a warning."""

    def get_alg(self, name: str) -> JWSAlgModel:
        if name == "EdDSA" and name in (self.allowed or ()):
            return self.algorithms[name]
        return super().get_alg(name)


class ClaimsTokens:
    """Signs and verifies. Keys may be changed while the program runs.

    Raises:
        ValueError: the keys do not fit together, or one of them is no key.
    """

    def __init__(self, keys: TokenKeys, clock: Clock) -> None:
        self._clock = clock
        self.change_keys(keys)

    def change_keys(self, keys: TokenKeys) -> None:
        """Sign and verify by these keys from now on."""
        if (keys.private_key is None) != (keys.public_key is None):
            raise ValueError("a private and a public key go together")
        if (keys.secret is None) == (keys.private_key is None):
            raise ValueError("there must be a secret or a pair of keys")
        self._signing = _secret_key(keys.secret) if keys.secret is not None else _private(keys.private_key or b"")
        self._verifying = _secret_key(keys.secret) if keys.secret is not None else _public(keys.public_key or b"")
        fitting = _fitting(self._verifying)
        self._algorithm = keys.algorithm or fitting[0]
        if self._algorithm not in _fitting(self._signing):
            raise ValueError(f"{self._algorithm} does not fit the key")
        accepted = keys.verify_algorithms or ((keys.algorithm,) if keys.algorithm else fitting)
        self._accepted = tuple(name for name in accepted if name in fitting)
        self._registry = _Registry(algorithms=list({*self._accepted, self._algorithm}), strict_check_header=False)
        self.keys = keys

    def sign(self, payload: dict[str, Any], options: Mapping[str, Any] | None = None) -> tuple[str, dict[str, Any]]:
        """Return a token, and all the claims that it has.

        Options are `expires_in` and `not_before` (a span), `audience`, `subject`, `issuer`, `jwt_id`, `key_id`,
        `header` and `no_timestamp`. An `exp` among the claims goes before `expires_in`.

        Raises:
            ValueError: it cannot be signed: an option says what a claim says already, or is nothing.
        """
        if not isinstance(payload, dict):
            raise ValueError("the claims must be an object")  # noqa: TRY004 - as every other reason not to sign
        given = {name: value for name, value in (options or {}).items() if value is not None}
        claims = dict(payload)
        now = int(self._clock.now())
        issued = _number(claims.get("iat", now), "iat")
        if given.get("no_timestamp"):
            claims.pop("iat", None)
        else:
            claims["iat"] = issued
        if "exp" not in claims:
            claims["exp"] = int(issued + parse_span(given.get("expires_in", self.keys.expires_in)))
        if "not_before" in given:
            _refuse_double(claims, "nbf")
            claims["nbf"] = int(issued + parse_span(given["not_before"]))
        for option, claim in _NAMED.items():
            if option in given:
                _refuse_double(claims, claim)
                claims[claim] = given[option]
        for name in _DATES:
            if name in claims:
                _number(claims[name], name)
        header = {"typ": "JWT", **given.get("header", {}), "alg": self._algorithm}
        if "key_id" in given:
            header["kid"] = given["key_id"]
        return jws.serialize_compact(header, _encode(claims), self._signing, registry=self._registry), claims

    def verify(self, token: str) -> dict[str, Any]:
        """Return the claims of a token that is good now.

        Raises:
            Problem: INVALID_TOKEN or TOKEN_EXPIRED. Its `reason` is one of `malformed`, `inactive`, `expired`,
                `invalid`, and `date` (ISO 8601) says since or from when.
        """
        if not token:
            raise _invalid("jwt must be provided")
        parts = token.split(".")
        if len(parts) != _PARTS or len(token) > _MAX_LENGTH:
            raise _invalid("jwt malformed")
        header, payload = _decoded(parts[0]), _part(parts[1])
        if not isinstance(header, dict) or payload is None or _part(parts[2]) is None:
            raise _invalid("invalid token")
        if not parts[2]:
            raise _invalid("jwt signature is required")
        if header.get("alg") not in self._accepted:
            raise _invalid("invalid algorithm")
        try:
            jws.deserialize_compact(token, self._verifying, registry=self._registry)
        except (JoseError, ValueError) as error:
            raise _invalid("invalid signature") from error
        claims = _json(payload)
        if not isinstance(claims, dict):
            raise Problem(Code.INVALID_TOKEN, "The token's payload is not an object", reason="malformed")
        self._check_dates(claims)
        return claims

    def _check_dates(self, claims: dict[str, Any]) -> None:
        now = int(self._clock.now())
        begins, ends = claims.get("nbf", 0), claims.get("exp", 0)
        if "nbf" in claims:
            if not _is_number(begins):
                raise _invalid("invalid nbf value")
            if begins > now:
                raise Problem(Code.INVALID_TOKEN, "jwt not active", reason="inactive", date=iso_date(begins))
        if "exp" in claims:
            if not _is_number(ends):
                raise _invalid("invalid exp value")
            if now >= ends:
                raise Problem(Code.TOKEN_EXPIRED, "jwt expired", reason="expired", date=iso_date(ends))


def iso_date(seconds: float) -> str | None:
    """Return a time as JavaScript writes dates; None for one that it has no date for."""
    try:
        moment = datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, ValueError, OSError):
        return None
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03}Z"


def _secret_key(secret: str | bytes) -> OctKey:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SecurityWarning)  # how long a secret has to be is the application's to say
        return OctKey.import_key(secret if isinstance(secret, bytes) else secret.encode())


def _private(pem: str | bytes) -> AnyKey:
    data = pem if isinstance(pem, bytes) else pem.encode()
    try:
        return _asymmetric(load_pem_private_key(data, None), data)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise ValueError(f"the private key cannot be used: {error}") from error


def _public(pem: str | bytes) -> AnyKey:
    data = pem if isinstance(pem, bytes) else pem.encode()
    try:
        return _asymmetric(load_pem_public_key(data), data)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise ValueError(f"the public key cannot be used: {error}") from error


def _asymmetric(key: object, pem: bytes) -> AnyKey:
    match key:
        case rsa.RSAPrivateKey() | rsa.RSAPublicKey():
            if key.key_size < _SMALLEST_RSA:
                raise ValueError(f"an RSA key must have {_SMALLEST_RSA} bits at the least")
            return RSAKey.import_key(pem)
        case ec.EllipticCurvePrivateKey() | ec.EllipticCurvePublicKey():
            return ECKey.import_key(pem)
        case (
            ed25519.Ed25519PrivateKey() | ed25519.Ed25519PublicKey() | ed448.Ed448PrivateKey() | ed448.Ed448PublicKey()
        ):
            return OKPKey.import_key(pem)
        case _:
            raise ValueError("keys of this kind sign nothing here")


def _fitting(key: AnyKey) -> tuple[str, ...]:
    match key:
        case OctKey():
            return _BY_SECRET
        case RSAKey():
            return _BY_RSA
        case ECKey():
            return (_CURVES[key.curve_name],) if key.curve_name in _CURVES else ()
        case OKPKey():
            return _BY_EDWARDS


def _encode(claims: dict[str, Any]) -> bytes:
    try:
        return json.dumps(claims, separators=(",", ":"), allow_nan=False).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise ValueError(f"the claims cannot be written as JSON: {error}") from error


def _part(text: str) -> bytes | None:
    if _BASE64URL.fullmatch(text) is None:
        return None
    try:
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except (binascii.Error, ValueError):
        return None


def _decoded(text: str) -> Any:
    data = _part(text)
    return None if data is None else _json(data)


def _json(data: bytes) -> Any:
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        return None


def _invalid(text: str) -> Problem:
    return Problem(Code.INVALID_TOKEN, text, reason="invalid")


def _is_number(value: Any) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _number(value: Any, name: str) -> Any:
    if not _is_number(value):
        raise ValueError(f"{name} must be a number")
    return value


def _refuse_double(claims: dict[str, Any], name: str) -> None:
    if name in claims:
        raise ValueError(f"the claims have {name} already")
