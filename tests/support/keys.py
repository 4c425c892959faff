"""Signing keys outside a database."""

from __future__ import annotations

from joserfc.jwk import ECKey

from watchword.identity.signing_keys import ALGORITHM, KeyRing, SigningKey, State


def signing_key(name: str, state: State = State.CURRENT, *, expires_at: float | None = None) -> SigningKey:
    """Return a new key."""
    return SigningKey(name, ALGORITHM, state, ECKey.generate_key("P-256"), expires_at)


def ring_of_one(name: str = "key-1") -> KeyRing:
    """Return a ring with one key, which signs."""
    return KeyRing([signing_key(name)])
