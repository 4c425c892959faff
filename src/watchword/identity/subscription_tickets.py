"""SubscriptionTickets: short-lived permits for one subscription each, bound to who may have it and to its input.

A ticket is a JWT (RFC 7519) signed with HS256 by a key of its own (RFC 7515), and holds no more than digests of what it
is for.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import msgspec
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import OctKey

from watchword.base.errors import Code, Problem, forbidden
from watchword.base.secret import derive, equal, random_token

if TYPE_CHECKING:
    from watchword.access.principal import Principal
    from watchword.base.clock import Clock
    from watchword.base.secret import Secret

LONGEST = 3_600.0
"""Seconds that a ticket may be good for."""

_MOST_CHARACTERS = 2_048
_TYPE = "subscription-ticket+jwt"
_encoder = msgspec.json.Encoder(order="deterministic")


class SubscriptionTickets:
    """Issues and checks tickets; nothing is kept of them."""

    def __init__(self, secret: Secret, clock: Clock) -> None:
        self._key = OctKey.import_key(derive(secret, "subscription tickets"))
        self._clock = clock

    def issue(self, principal: Principal, path: str, data: Any, lifetime: float) -> tuple[str, float]:
        """Return a ticket for a subscription with an input, and when it is over (epoch seconds).

        Raises:
            Problem: INVALID_CREDENTIALS, nobody in particular asks; INVALID_PAYLOAD for a lifetime that is too long.
        """
        if principal.subject is None:
            raise Problem(Code.INVALID_CREDENTIALS, "You have to be authenticated.")
        if not 0 < lifetime <= LONGEST:
            raise Problem(Code.INVALID_PAYLOAD, f"A ticket is good for up to {LONGEST:g} seconds.", field="expiresIn")
        expires_at = self._clock.now() + lifetime
        claims = {"exp": expires_at, "jti": random_token(12), "for": _bound(principal, path, data)}
        return jwt.encode({"alg": "HS256", "typ": _TYPE}, claims, self._key), expires_at

    def check(self, ticket: Any, principal: Principal, path: str, data: Any) -> None:
        """Let a subscription begin or go on.

        Raises:
            Problem: FORBIDDEN, the ticket is for something or somebody else, over, or none.
        """
        if not isinstance(ticket, str) or len(ticket) > _MOST_CHARACTERS or principal.subject is None:
            raise _refusal()
        try:
            token = jwt.decode(ticket, self._key, algorithms=["HS256"])
        except (JoseError, ValueError):
            raise _refusal() from None
        expires_at, bound = token.claims.get("exp"), token.claims.get("for")
        if token.header.get("typ") != _TYPE or not isinstance(expires_at, int | float) or not isinstance(bound, str):
            raise _refusal()
        if expires_at <= self._clock.now() or not equal(bound, _bound(principal, path, data)):
            raise _refusal()


def _bound(principal: Principal, path: str, data: Any) -> str:
    """Return one text for who subscribes to what with which input."""
    return hashlib.sha256(_encoder.encode([principal.subject, path, data])).hexdigest()


def _refusal() -> Problem:
    return forbidden("The subscription needs a ticket that is good for it.")
