from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.http.support import request_of
from watchword.base.errors import Code, Problem
from watchword.http.credentials import parse_login, parse_refresh
from watchword.http.settings import HttpSettings
from watchword.identity.settings import Mode

SETTINGS = HttpSettings()
SESSION_TOKEN = "eyJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJ3YXRjaHdvcmQifQ.AAAA"
MISSING = "The refresh token is required in either the payload or cookie"


def test_login_is_read_with_its_mode() -> None:
    password, mode = parse_login({"email": "a@b.co", "password": "x", "mode": "session", "otp": "1", "other": 1})

    assert (password.email, password.password.reveal(), password.otp, mode) == ("a@b.co", "x", "1", Mode.SESSION)
    assert parse_login({"email": "admin@localhost", "password": "x"})[1] is Mode.JSON


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ({}, '"email" is required'),
        ({"password": "x"}, '"email" is required'),
        ({"email": "a@b.co"}, '"password" is required'),
        ({"email": "abc", "password": "x"}, '"email" must be a valid email'),
        ({"email": "a b@c.de", "password": "x"}, '"email" must be a valid email'),
        ({"email": 1, "password": "x"}, '"email" must be a string'),
        ({"email": None, "password": "x"}, '"email" must be a string'),
        ({"email": "", "password": "x"}, '"email" is not allowed to be empty'),
        ({"email": "a@b.co", "password": ""}, '"password" is not allowed to be empty'),
        ({"email": "a@b.co", "password": ["x"]}, '"password" must be a string'),
        ({"email": "a@b.co", "password": "x", "mode": "zzz"}, '"mode" must be one of [cookie, json, session]'),
        ({"email": "a@b.co", "password": "x", "mode": []}, '"mode" must be one of [cookie, json, session]'),
        ({"email": "a@b.co", "password": "x", "otp": 123456}, '"otp" must be a string'),
    ],
)
def test_login_says_what_is_wrong(body: dict[str, Any], why: str) -> None:
    with pytest.raises(Problem) as refused:
        parse_login(body)

    assert refused.value.code is Code.INVALID_PAYLOAD
    assert refused.value.extensions["reason"] == why


@pytest.mark.parametrize(
    ("body", "cookies", "token", "mode"),
    [
        ({"refresh_token": "a"}, "", "a", Mode.JSON),
        ({"refresh_token": "a", "mode": "json"}, "directus_refresh_token=b", "a", Mode.JSON),
        ({}, "directus_refresh_token=b", "b", Mode.COOKIE),
        ({"mode": "cookie", "refresh_token": "a"}, "directus_refresh_token=b", "b", Mode.COOKIE),
        ({"mode": "session"}, f"directus_session_token={SESSION_TOKEN}", SESSION_TOKEN, Mode.SESSION),
    ],
)
def test_refresh_token_is_found_by_its_mode(body: dict[str, Any], cookies: str, token: str, mode: Mode) -> None:
    secret, found = parse_refresh(body, request_of("POST", headers=[("Cookie", cookies)]), SETTINGS)

    assert (secret.reveal(), found) == (token, mode)


@pytest.mark.parametrize(
    ("body", "cookies"),
    [
        ({}, ""),
        ({"mode": "json"}, "directus_refresh_token=b"),
        ({"mode": "cookie", "refresh_token": "a"}, ""),
        ({"mode": "session"}, "directus_refresh_token=b"),
        ({"refresh_token": ""}, ""),
        ({"refresh_token": None}, ""),
        ({}, "directus_refresh_token="),
    ],
)
def test_refresh_token_is_not_looked_for_where_it_should_not_be(body: dict[str, Any], cookies: str) -> None:
    with pytest.raises(Problem) as refused:
        parse_refresh(body, request_of("POST", headers=[("Cookie", cookies)]), SETTINGS)

    assert refused.value.extensions["reason"] == MISSING


def test_session_cookie_has_to_hold_a_session_token() -> None:
    request = request_of("POST", headers=[("Cookie", f"directus_session_token={'a' * 64}")])

    with pytest.raises(Problem) as refused:
        parse_refresh({"mode": "session"}, request, SETTINGS)

    assert refused.value.code is Code.INVALID_CREDENTIALS


@given(
    body=st.dictionaries(
        st.sampled_from(["email", "password", "mode", "otp", "refresh_token"]),
        st.none() | st.text() | st.integers() | st.lists(st.text(), max_size=1) | st.just("a@b.co"),
    )
)
def test_any_body_is_read_or_refused(body: dict[str, Any]) -> None:
    with suppress(Problem):
        assert parse_login(body)[0].email == body["email"]
    with suppress(Problem):
        assert parse_refresh(body, request_of("POST"), SETTINGS)[0].reveal() == body["refresh_token"]
