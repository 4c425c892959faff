"""Signing keys: what access tokens are signed with and verified by, each with one algorithm, and their states."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Any

import msgspec
from joserfc import jwe
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OctKey

from watchword.base.secret import Secret, derive

if TYPE_CHECKING:
    from collections.abc import Iterable

ALGORITHM = "ES256"
SECRET_ALGORITHM = "HS256"  # noqa: S105 - the name of an algorithm

_CURVE = "P-256"
_SEALING = {"alg": "dir", "enc": "A256GCM"}


class State(StrEnum):
    """A key is made public as the next one, signs as the current one, and verifies for a while when it is retired."""

    NEXT = "next"
    CURRENT = "current"
    RETIRED = "retired"


class SigningKey(msgspec.Struct, frozen=True):
    """A key. `id` is the `kid` of its tokens, None for the one that is derived from the secret and that none names.

    A retired key verifies until `expires_at` (epoch seconds).
    """

    id: str | None
    algorithm: str
    state: State
    jwk: ECKey | OctKey
    expires_at: float | None = None

    def is_good(self, now: float) -> bool:
        """Whether tokens that it has signed may still be accepted."""
        return self.expires_at is None or now < self.expires_at

    def public(self) -> dict[str, Any] | None:
        """Return the public part as a JWK (RFC 7517); None for a key that has none."""
        if not isinstance(self.jwk, ECKey):
            return None
        return {**self.jwk.as_dict(private=False), "kid": self.id, "use": "sig", "alg": self.algorithm}


class KeyRing:
    """The keys as this process knows them; every signature is made and verified by one of them.

    `generation` grows when a key leaves, so that what was worked out from it can be forgotten.
    """

    def __init__(self, keys: Iterable[SigningKey] = ()) -> None:
        self.generation = 0
        self._keys: dict[str | None, SigningKey] = {}
        self.replace(keys)

    def replace(self, keys: Iterable[SigningKey]) -> None:
        """Know these keys and no others."""
        before, self._keys = self._keys, {key.id: key for key in keys}
        if before.keys() - self._keys.keys():
            self.generation += 1

    def find(self, key: str | None, now: float) -> SigningKey | None:
        """Return the key that a token names, if it is good."""
        found = self._keys.get(key)
        return found if found is not None and found.is_good(now) else None

    @property
    def current(self) -> SigningKey | None:
        """The key that signs."""
        return next((key for key in self._keys.values() if key.state is State.CURRENT), None)

    def public(self, now: float) -> list[dict[str, Any]]:
        """Return the public parts of all keys by which a token may be verified, now or soon."""
        parts = [key.public() for key in self._keys.values() if key.is_good(now)]
        return [part for part in parts if part is not None]


class Vault:
    """Seals keys for the database and opens them, under a key of its own that is derived from the secret."""

    def __init__(self, secret: Secret) -> None:
        self._key = OctKey.import_key(derive(secret, "signing-keys"))
        self.token_key = OctKey.import_key(derive(secret, "access-token"))

    def make(self, key: str) -> tuple[ECKey, str]:
        """Return a new key and what is stored of it."""
        jwk = ECKey.generate_key(_CURVE)
        text = msgspec.json.encode(jwk.as_dict(private=True))
        return jwk, jwe.encrypt_compact({**_SEALING, "kid": key}, text, self._key)

    def open(self, key: str, sealed: str) -> ECKey | None:
        """Return a stored key; None when it was sealed under another secret, as another key, or altered."""
        try:
            opened = jwe.decrypt_compact(sealed, self._key, algorithms=list(_SEALING.values()))
            if opened.protected != {**_SEALING, "kid": key}:
                return None
            return ECKey.import_key(msgspec.json.decode(opened.plaintext or b"", type=dict[str, Any]))
        except (JoseError, ValueError):
            return None
