from __future__ import annotations

import pytest

from watchword.http.cookies import clear_cookie, set_cookie
from watchword.http.settings import CookieSettings, HttpSettings

NOW = 1_795_295_876.0
COOKIE = CookieSettings(name="directus_refresh_token", max_age=604_800)


def test_cookie_has_the_recorded_form() -> None:
    assert set_cookie(COOKIE, "abc", HttpSettings(), NOW) == (
        "directus_refresh_token=abc; Max-Age=604800; Path=/; Expires=Sat, 28 Nov 2026 21:17:56 GMT; "
        "HttpOnly; SameSite=Lax"
    )


def test_cleared_cookie_is_empty_and_over() -> None:
    assert clear_cookie(COOKIE, HttpSettings()) == (
        "directus_refresh_token=; Max-Age=0; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT; HttpOnly; SameSite=Lax"
    )


@pytest.mark.parametrize(
    ("public_url", "secure", "same_site", "is_secure"),
    [
        ("https://example.com", None, "lax", True),
        ("https://example.com", False, "lax", False),
        ("http://example.com", None, "lax", False),
        ("http://example.com", True, "lax", True),
        ("", None, "none", True),
    ],
)
def test_cookie_is_secure_behind_https_unless_it_is_told_otherwise(
    public_url: str, secure: bool | None, same_site: str, is_secure: bool
) -> None:
    cookie = CookieSettings(name="s", max_age=1, secure=secure, same_site=same_site)  # type: ignore[arg-type] # parameters

    parts = set_cookie(cookie, "abc", HttpSettings(public_url=public_url), NOW).split("; ")

    assert ("Secure" in parts) is is_secure


def test_clearing_names_the_same_domain_and_attributes() -> None:
    cookie = CookieSettings(name="s", max_age=1, domain="example.com", secure=True, same_site="strict")

    for header in (set_cookie(cookie, "abc", HttpSettings(), NOW), clear_cookie(cookie, HttpSettings())):
        assert {"Domain=example.com", "Path=/", "Secure", "HttpOnly", "SameSite=Strict"} <= set(header.split("; "))
