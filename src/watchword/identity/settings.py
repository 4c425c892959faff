"""How long credentials live and how much guessing is put up with."""

from __future__ import annotations

import math
from enum import StrEnum

import msgspec

_DAY = 86_400.0
_LONGEST_TICKET = 30.0


class Mode(StrEnum):
    """How a client keeps its tokens: in hand, refresh token in a cookie, or one session token in a cookie."""

    JSON = "json"
    COOKIE = "cookie"
    SESSION = "session"


class IdentitySettings(msgspec.Struct, frozen=True, kw_only=True):
    """All durations are seconds.

    `refresh_ttl` (`session_ttl` in session mode) slides with every refresh; `session_lifetime` does not, and ends the
    session whatever happens. Within `refresh_grace` of a rotation the old token still gives the same successor. Every
    login takes at least `login_stall`. Failures are counted per minute, per account and address together, and per
    address. A cached session, static token or set of rights is read again after `cache_seconds` at the latest.
    `activity` records logins and logouts where administrators read them. `ticket_ttl` is for tickets of connections,
    which may live for half a minute.

    Raises:
        ValueError: a duration or a number is not positive where it must be, or larger than it may be.
    """

    access_ttl: float = 900.0
    refresh_ttl: float = 7 * _DAY
    session_ttl: float = _DAY
    session_lifetime: float = 90 * _DAY
    refresh_grace: float = 10.0
    login_stall: float = 0.5
    failures_per_account: int = 10
    failures_per_address: int = 50
    cache_seconds: float = 10.0
    cache_size: int = 50_000
    ticket_ttl: float = 30.0
    activity: bool = True

    def __post_init__(self) -> None:
        for name in self.__struct_fields__:
            value = getattr(self, name)
            if isinstance(value, bool):
                continue
            least = 0 if name in {"refresh_grace", "login_stall"} else 1e-9
            if not math.isfinite(value) or value < least:
                raise ValueError(f"{name} must be a positive number")
        if self.ticket_ttl > _LONGEST_TICKET:
            raise ValueError(f"ticket_ttl must be {_LONGEST_TICKET:.0f} seconds at the most")

    @property
    def longest_token(self) -> float:
        """How long an access token given out now can live."""
        return max(self.access_ttl, self.session_ttl)

    def idle_ttl(self, mode: Mode) -> float:
        """Return how long a session of this mode lives without a refresh."""
        return self.session_ttl if mode is Mode.SESSION else self.refresh_ttl

    def token_expiry(self, mode: Mode, now: float, session_expires_at: float) -> float:
        """Return when an access token given out now ends: whole seconds, rounded up, never after its session."""
        ttl = self.session_ttl if mode is Mode.SESSION else self.access_ttl
        return float(math.ceil(min(now + ttl, session_expires_at)))
