"""Origins: which pages may act with the cookies of whoever looks at them.

A browser sends cookies whatever page asks, so a cookie alone does not prove that the user meant it. Browsers say where
a request comes from in `Sec-Fetch-Site` and `Origin`; programs say neither, and carry no foreign user's cookies.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from watchword.base.errors import forbidden
from watchword.http.settings import origin_of

if TYPE_CHECKING:
    from starlette.requests import HTTPConnection

    from watchword.http.settings import HttpSettings

ANY = "*"
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "SEARCH"})

_OWN_SITES = frozenset({"same-origin", "none"})


class Origins:
    """Judges where a request or a socket comes from; the settings name the origins that are ours or trusted."""

    def __init__(self, settings: HttpSettings) -> None:
        cors = settings.cors.origins if settings.cors.enabled else ()
        listed = (origin_of(origin) for origin in (*cors, settings.public_url))
        self._trusted = frozenset(origin for origin in listed if origin is not None)
        self._any = ANY in cors
        self._session_cookie = settings.session_cookie.name

    def is_trusted(self, origin: str, host: str | None) -> bool:
        """Whether a page of this origin may act with cookies: the request's own host, or one of the settings."""
        return origin_allowed(origin, host, self._trusted)

    def allows(self, connection: HTTPConnection) -> bool:
        """Whether a page may have the socket that it asks for. With a cookie it must be trusted.

        An absent origin is a program's. Where CORS allows every page, one without a cookie may connect: it is nobody
        until it presents a token.
        """
        origin = connection.headers.get("origin")
        if origin is None or self.is_trusted(origin, connection.headers.get("host")):
            return True
        return self._any and self._session_cookie not in connection.cookies

    def require_own(self, connection: HTTPConnection) -> None:
        """Refuse a request that acts with a cookie when a foreign page has made it.

        Raises:
            Problem: FORBIDDEN.
        """
        headers = connection.headers
        site, origin = headers.get("sec-fetch-site"), headers.get("origin")
        if site in _OWN_SITES or (site is None and origin is None):
            return
        if origin is None or not self.is_trusted(origin, headers.get("host")):
            raise forbidden()


def origin_allowed(origin: str, host: str | None, trusted: frozenset[str]) -> bool:
    """Whether an Origin header names the request's own host or a trusted origin; `null` never does."""
    canonical = origin_of(origin)
    if canonical is None:
        return False
    if canonical in trusted:
        return True
    # The scheme is the page's: behind a proxy that ends TLS, the request does not know its own.
    scheme = canonical.partition(":")[0]
    return host is not None and canonical == origin_of(f"{scheme}://{host}")
