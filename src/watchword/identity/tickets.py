"""Connection tickets: what a page puts into the URL of a socket instead of a token.

A ticket is good once, for seconds, and only from where it was asked for: proxies and histories may keep it. It stands
for who asked for it, not for what they may do: that is looked up when it is used.

Tickets are in the memory of this process, and another one does not know them. They are lost with it; whoever holds one
asks for another.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import msgspec

from watchword.access.principal import Principal
from watchword.base.secret import Secret, digest, random_token

if TYPE_CHECKING:
    from watchword.base.clock import Clock
    from watchword.identity.client import Client

PREFIX = "wwt_"
MOST_OF_ONE = 10
"""How many tickets one session, or one token without a session, may have that are not used yet."""

MOST = 10_000

_SIZE = 32  # bytes: 43 characters of base64
_FORM = re.compile(PREFIX + r"[0-9A-Za-z_-]{43}")

_Holder = tuple[str | None, str | None, str | None]


class Issued(msgspec.Struct, frozen=True):
    """A ticket that was just made; it cannot be had again. After so many seconds it is worth nothing."""

    ticket: Secret
    seconds: float


class _Ticket(msgspec.Struct, frozen=True):
    holder: _Holder
    principal: Principal
    address: str | None
    origin: str | None
    ends: float


class Tickets:
    """Makes and takes tickets. It holds digests alone, and no more than it can bear: the oldest go first."""

    def __init__(self, clock: Clock, ttl: float) -> None:
        self._clock = clock
        self._ttl = ttl
        self._outstanding: dict[str, _Ticket] = {}
        self._held: dict[_Holder, list[str]] = {}

    def __len__(self) -> int:
        return len(self._outstanding)

    def issue(self, principal: Principal, client: Client) -> Issued:
        """Make a ticket for who is asking, to be used from the same address and origin.

        No origin is a place, too: it is where programs are.
        """
        now = self._clock.monotonic()
        self._purge(now)
        holder = _holder(principal)
        held = self._held.get(holder, [])
        if len(held) >= MOST_OF_ONE:
            self._remove(held[0])
        elif len(self._outstanding) >= MOST:
            self._remove(next(iter(self._outstanding)))
        text = PREFIX + random_token(_SIZE)
        key = digest(text)
        self._outstanding[key] = _Ticket(holder, _who(principal), client.address, client.origin, now + self._ttl)
        self._held.setdefault(holder, []).append(key)
        return Issued(Secret(text), self._good_for(principal))

    def redeem(self, ticket: str, client: Client) -> Principal | None:
        """Return who asked for a ticket, without their rights, and end the ticket, whatever comes of it.

        None when it is none, was used, is too old, or comes from elsewhere. Nothing else happens between finding it and
        ending it, so of two who present it one gets nothing.
        """
        found = self._remove(digest(ticket))
        if found is None or self._clock.monotonic() >= found.ends:
            return None
        if (found.address, found.origin) != (client.address, client.origin):
            return None
        return found.principal

    def burn(self, ticket: str) -> None:
        """End a ticket that was shown where it does not belong; any other text ends nothing."""
        self._remove(digest(ticket))

    def _remove(self, key: str) -> _Ticket | None:
        ticket = self._outstanding.pop(key, None)
        if ticket is not None:
            held = self._held[ticket.holder]
            held.remove(key)
            if not held:
                del self._held[ticket.holder]
        return ticket

    def _good_for(self, principal: Principal) -> float:
        if principal.expires_at is None:
            return self._ttl
        return max(0.0, min(self._ttl, principal.expires_at - self._clock.now()))

    def _purge(self, now: float) -> None:
        """Forget what is too old. All live for the same time, so they end in the order in which they were made."""
        while self._outstanding:
            key, ticket = next(iter(self._outstanding.items()))
            if now < ticket.ends:
                return
            self._remove(key)


def looks_like_ticket(text: str) -> bool:
    """Whether a text has the form of a ticket; no token has it."""
    return _FORM.fullmatch(text) is not None


def _holder(principal: Principal) -> _Holder:
    return principal.session, principal.token, principal.subject


def _who(principal: Principal) -> Principal:
    """Return a principal without what it may do and what is known of it."""
    return Principal(
        user=principal.user,
        session=principal.session,
        token=principal.token,
        expires_at=principal.expires_at,
        address=principal.address,
        issuer=principal.issuer,
        claimed=principal.claimed,
        claims=principal.claims,
        scopes=principal.scopes,
    )
