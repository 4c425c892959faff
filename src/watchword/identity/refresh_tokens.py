"""Refresh tokens: 64 characters that only this server can have made, and that it recognises ever after.

A token is the session, a generation and a MAC over both, so that the successor of a token is computed, never stored:
everybody who presents the same token within the grace time gets the same successor. A token of an earlier generation is
known to be one of ours, which tells the reuse of a stolen token from a guess. The database holds digests only.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from typing import TYPE_CHECKING
from uuid import UUID

import msgspec

from watchword.base.secret import derive

if TYPE_CHECKING:
    from watchword.base.secret import Secret

_LENGTH = 64
_SESSION = 16
_GENERATION = 4
_BODY = _SESSION + _GENERATION
_MAC = 28  # 224 of the 256 bits; with the body they fill 64 characters of base64


class RefreshClaims(msgspec.Struct, frozen=True):
    """What a genuine refresh token stands for; the first of a session has generation 0."""

    session: str
    generation: int


class RefreshTokens:
    """Makes and recognises refresh tokens, under a key of their own."""

    def __init__(self, secret: Secret) -> None:
        self._key = derive(secret, "refresh-token")

    def issue(self, session: str, generation: int) -> str:
        """Return the one token of this session and generation."""
        body = UUID(session).bytes + generation.to_bytes(_GENERATION)
        return base64.urlsafe_b64encode(body + self._mac(body)).decode()

    def open(self, token: str) -> RefreshClaims | None:
        """Return what the token stands for, None when it is not one of ours. Whether it is still good is not said."""
        if len(token) != _LENGTH:
            return None
        try:
            data = base64.b64decode(token, altchars=b"-_", validate=True)
        except (binascii.Error, ValueError):
            return None
        body, mac = data[:_BODY], data[_BODY:]
        if not hmac.compare_digest(mac, self._mac(body)):
            return None
        return RefreshClaims(str(UUID(bytes=body[:_SESSION])), int.from_bytes(body[_SESSION:]))

    def _mac(self, body: bytes) -> bytes:
        return hmac.digest(self._key, body, hashlib.sha256)[:_MAC]
