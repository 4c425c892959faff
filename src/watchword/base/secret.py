"""Values that must not be shown: tokens and keys, their digests and their comparison."""

from __future__ import annotations

import hashlib
import hmac
import secrets


class Secret:
    """A string that neither `repr`, `str` nor a log shows; `reveal` is the only way to it."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """Return the hidden value."""
        return self._value

    def __repr__(self) -> str:
        return "Secret(**********)"

    __str__ = __repr__

    def __bool__(self) -> bool:
        return bool(self._value)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and equal(self._value, other._value)

    def __hash__(self) -> int:
        return hash(self._value)


def random_token(size: int = 48) -> str:
    """Return a URL-safe random token of `size` bytes; 48 bytes make 64 characters."""
    return secrets.token_urlsafe(size)


def digest(token: str) -> str:
    """Return what is stored of a random token: its SHA-256 in hexadecimal. Not for passwords."""
    return hashlib.sha256(token.encode()).hexdigest()


def derive(secret: Secret, purpose: str) -> bytes:
    """Return a 32-byte key for one purpose (HMAC-SHA-256 of the purpose), so that no key serves two."""
    return hmac.new(secret.reveal().encode(), purpose.encode(), hashlib.sha256).digest()


def equal(left: str, right: str) -> bool:
    """Compare two strings in time that does not depend on where they differ."""
    return hmac.compare_digest(left.encode(), right.encode())
