"""Cookies: the two that hold tokens, written so that no script reads them and no other site sends them."""

from __future__ import annotations

from email.utils import formatdate
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from watchword.http.settings import CookieSettings, HttpSettings


def set_cookie(cookie: CookieSettings, value: str, settings: HttpSettings, now: float) -> str:
    """Return the Set-Cookie header that gives a cookie its value for as long as its token lives."""
    return _header(cookie, value, int(cookie.max_age), settings, now)


def clear_cookie(cookie: CookieSettings, settings: HttpSettings) -> str:
    """Return the Set-Cookie header that makes the browser forget a cookie."""
    return _header(cookie, "", 0, settings, 0.0)


def _header(cookie: CookieSettings, value: str, max_age: int, settings: HttpSettings, now: float) -> str:
    parts = [f"{cookie.name}={value}", f"Max-Age={max_age}"]
    if cookie.domain is not None:
        parts.append(f"Domain={cookie.domain}")
    parts += ["Path=/", f"Expires={formatdate(now + max_age, usegmt=True)}", "HttpOnly"]
    if cookie.secure if cookie.secure is not None else settings.is_https or cookie.same_site == "none":
        parts.append("Secure")
    parts.append(f"SameSite={cookie.same_site.capitalize()}")
    return "; ".join(parts)
