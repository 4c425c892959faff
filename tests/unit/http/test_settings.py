from __future__ import annotations

import pytest

from watchword.http.settings import CookieSettings, HttpSettings, origin_of


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://example.com", "https://example.com"),
        ("https://Example.com:443/path?q#f", "https://example.com"),
        ("http://example.com:80", "http://example.com"),
        ("http://example.com:8055", "http://example.com:8055"),
        ("http://[::1]:8055/", "http://[::1]:8055"),
        ("http://user:secret@example.com", "http://example.com"),
        ("null", None),
        ("", None),
        ("*", None),
        ("example.com", None),
        ("ftp://example.com", None),
        ("http://", None),
        ("http://example.com:99999", None),
        ("http://[::1", None),
    ],
)
def test_origin_of_a_url_is_what_a_browser_says(url: str, origin: str | None) -> None:
    assert origin_of(url) == origin


def test_public_url_decides_whether_clients_come_over_tls() -> None:
    assert HttpSettings(public_url="https://example.com/base").is_https
    assert not HttpSettings(public_url="http://example.com").is_https
    assert not HttpSettings().is_https


@pytest.mark.parametrize("url", ["example.com", "ftp://example.com", "//example.com"])
def test_public_url_without_scheme_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="public URL"):
        HttpSettings(public_url=url)


def test_numbers_that_cannot_work_are_refused() -> None:
    with pytest.raises(ValueError, match="payload"):
        HttpSettings(max_payload_size=0)
    with pytest.raises(ValueError, match="proxies"):
        HttpSettings(trusted_proxies=-1)


def test_cookies_that_browsers_refuse_are_refused() -> None:
    with pytest.raises(ValueError, match="name"):
        CookieSettings(name="a b", max_age=1)
    with pytest.raises(ValueError, match="domain"):
        CookieSettings(name="a", max_age=1, domain="example.com; Secure")
    with pytest.raises(ValueError, match="SameSite"):
        CookieSettings(name="a", max_age=1, same_site="none", secure=False)
