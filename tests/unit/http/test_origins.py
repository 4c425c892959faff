from __future__ import annotations

import pytest

from tests.unit.http.support import request_of
from watchword.base.errors import Code, Problem
from watchword.http.origins import Origins
from watchword.http.settings import CorsSettings, HttpSettings

SETTINGS = HttpSettings(
    public_url="https://api.example.com",
    cors=CorsSettings(enabled=True, origins=("https://app.example.com", "http://localhost:3000")),
)
EVERY_ORIGIN = HttpSettings(cors=CorsSettings(enabled=True, origins=("*",)))


@pytest.mark.parametrize(
    ("origin", "host", "trusted"),
    [
        ("https://api.example.com", "10.0.0.1:8055", True),
        ("https://api.example.com:443", "10.0.0.1:8055", True),
        ("https://app.example.com", "api.example.com", True),
        ("http://localhost:3000", "api.example.com", True),
        ("http://10.0.0.1:8055", "10.0.0.1:8055", True),
        ("https://own.example", "own.example", True),
        ("https://own.example", "own.example:443", True),
        ("http://10.0.0.1:8056", "10.0.0.1:8055", False),
        ("http://10.0.0.1", "10.0.0.1:8055", False),
        ("http://api.example.com", "10.0.0.1:8055", False),
        ("https://evil.example", "api.example.com", False),
        ("https://api.example.com.evil.example", "api.example.com", False),
        ("https://evil.example/https://api.example.com", "api.example.com", False),
        ("https://api.example.com@evil.example", "api.example.com", False),
        ("null", "api.example.com", False),
        ("null", "null", False),
        ("*", "api.example.com", False),
        ("", "api.example.com", False),
        ("https://evil.example", None, False),
    ],
)
def test_origin_is_trusted_when_it_is_ours_or_listed(origin: str, host: str | None, trusted: bool) -> None:
    assert Origins(SETTINGS).is_trusted(origin, host) is trusted


def test_listed_origins_are_not_trusted_while_cors_is_off() -> None:
    off = HttpSettings(cors=CorsSettings(enabled=False, origins=("https://app.example.com",)))

    assert not Origins(off).is_trusted("https://app.example.com", "api.example.com")


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"sec-fetch-site": "same-origin", "origin": "https://api.example.com"},
        {"sec-fetch-site": "none"},
        {"origin": "https://app.example.com"},
        {"sec-fetch-site": "same-site", "origin": "https://app.example.com"},
        {"sec-fetch-site": "cross-site", "origin": "http://localhost:3000"},
    ],
)
def test_request_with_cookie_from_a_program_or_a_trusted_page_is_let_through(headers: dict[str, str]) -> None:
    Origins(SETTINGS).require_own(request_of("POST", headers=[*headers.items(), ("host", "api.example.com")]))


@pytest.mark.parametrize(
    "headers",
    [
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"sec-fetch-site": "cross-site", "origin": "https://evil.example"},
        {"sec-fetch-site": "same-site", "origin": "https://other.example.com"},
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"sec-fetch-site": "SAME-ORIGIN", "origin": "https://evil.example"},
    ],
)
def test_request_with_cookie_from_a_foreign_page_is_refused(headers: dict[str, str]) -> None:
    request = request_of("POST", headers=[*headers.items(), ("host", "api.example.com")])

    with pytest.raises(Problem) as refused:
        Origins(SETTINGS).require_own(request)

    assert refused.value.code is Code.FORBIDDEN


def test_socket_of_a_program_or_a_trusted_page_is_allowed() -> None:
    host = ("host", "api.example.com")

    assert Origins(SETTINGS).allows(request_of(headers=[host]))
    assert Origins(SETTINGS).allows(request_of(headers=[host, ("origin", "https://app.example.com")]))
    assert not Origins(SETTINGS).allows(request_of(headers=[host, ("origin", "https://evil.example")]))


def test_socket_of_any_page_is_allowed_where_cors_allows_every_origin() -> None:
    assert Origins(EVERY_ORIGIN).allows(request_of(headers=[("origin", "https://evil.example")]))


def test_socket_of_a_foreign_page_is_refused_with_a_cookie_even_where_cors_allows_every_origin() -> None:
    headers = [("origin", "https://evil.example"), ("cookie", "directus_session_token=x")]

    assert not Origins(EVERY_ORIGIN).allows(request_of(headers=headers))
