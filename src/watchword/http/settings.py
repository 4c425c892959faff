"""What an operator may choose about HTTP: where we are reached, who may call from a browser, and the cookies."""

from __future__ import annotations

import re
from typing import Literal
from urllib.parse import urlsplit

import msgspec

from watchword.backend.limits import Quota

SameSite = Literal["lax", "strict", "none"]

_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+", re.ASCII)  # RFC 9110, section 5.6.2
_DOMAIN = re.compile(r"[0-9A-Za-z.\-]+", re.ASCII)
_DEFAULT_PORTS = {"http": 80, "https": 443}


class CookieSettings(msgspec.Struct, frozen=True, kw_only=True):
    """One cookie. `secure` None means: when PUBLIC_URL is https. `max_age` is in seconds.

    Raises:
        ValueError: a name, a domain or a combination that browsers refuse.
    """

    name: str
    max_age: float
    secure: bool | None = None
    same_site: SameSite = "lax"
    domain: str | None = None

    def __post_init__(self) -> None:
        if not _TOKEN.fullmatch(self.name):
            raise ValueError(f"{self.name!r} cannot be the name of a cookie")
        if self.domain is not None and not _DOMAIN.fullmatch(self.domain):
            raise ValueError(f"{self.domain!r} cannot be the domain of a cookie")
        if self.same_site == "none" and self.secure is False:
            raise ValueError(f"Browsers refuse the cookie {self.name!r}: SameSite=None needs Secure")


class CorsSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Which pages of other origins may call from a browser.

    `origins` lists them as browsers write them (`https://app.example.com`). `*` lets every page call, but never with
    cookies: it can do what anybody can, or whoever gave it a token.
    """

    enabled: bool = False
    origins: tuple[str, ...] = ()
    methods: tuple[str, ...] = ("GET", "POST", "PATCH", "DELETE", "SEARCH")
    allowed_headers: tuple[str, ...] = ("Content-Type", "Authorization")
    exposed_headers: tuple[str, ...] = ("Retry-After", "X-Request-Id")
    credentials: bool = True
    max_age: int = 18_000


class WebSocketInfo(msgspec.Struct, frozen=True, kw_only=True):
    """What `/server/info` tells of the sockets. `heartbeat` is in seconds, None for none.

    `authentication` is None where there is no endpoint for items, `graphql_authentication` where there is none for
    GraphQL, `log_levels` where there is none for the log.
    """

    authentication: str | None = "handshake"
    path: str = "/websocket"
    graphql_authentication: str | None = None
    graphql_path: str = "/graphql"
    heartbeat: float | None = 30.0
    log_levels: dict[str, int] | None = None


class HttpSettings(msgspec.Struct, frozen=True, kw_only=True):
    """All there is to choose. `trusted_proxies` is how many proxies of ours stand in front.

    `public_url` is where clients reach us, with scheme; empty when it is not known. `rate_limit` is what one address
    may send, `rate_limit_global` what all of them together may. With `strict_graphql`, GraphQL's own type of answers
    has the statuses that its specification has given them last.

    Raises:
        ValueError: a value that cannot work.
    """

    public_url: str = ""
    project_name: str = "Watchword"
    max_payload_size: int = 1_048_576
    trusted_proxies: int = 0
    query_limit_default: int = 100
    query_limit_max: int = -1
    cors: CorsSettings = CorsSettings()
    refresh_cookie: CookieSettings = CookieSettings(name="directus_refresh_token", max_age=604_800)
    session_cookie: CookieSettings = CookieSettings(name="directus_session_token", max_age=86_400)
    websocket: WebSocketInfo | None = WebSocketInfo()
    rate_limit: Quota | None = None
    rate_limit_global: Quota | None = None
    strict_graphql: bool = False

    def __post_init__(self) -> None:
        if self.public_url and not self.public_origin:
            raise ValueError("The public URL must begin with http:// or https:// and name a host")
        if self.max_payload_size <= 0:
            raise ValueError("The largest payload must be positive")
        if self.trusted_proxies < 0:
            raise ValueError("The number of trusted proxies cannot be negative")

    @property
    def public_origin(self) -> str | None:
        """The origin of the public URL, as a browser would say it."""
        return origin_of(self.public_url)

    @property
    def is_https(self) -> bool:
        """Whether clients reach us over TLS."""
        return (self.public_origin or "").startswith("https:")


def origin_of(url: str) -> str | None:
    """Return the origin of an http or https URL in its canonical form (RFC 6454), None for anything else."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        return None
    if parts.scheme not in _DEFAULT_PORTS or not host:
        return None
    shown = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{shown}" + ("" if port in {None, _DEFAULT_PORTS[parts.scheme]} else f":{port}")
