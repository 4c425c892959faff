from __future__ import annotations

import pytest

from tests.unit.http.support import request_of
from watchword.base.errors import Code, Problem
from watchword.http.caller import client_of, explicit_token, session_token


def test_token_is_taken_from_the_header_whatever_the_case_of_the_scheme() -> None:
    for scheme in ("Bearer", "bearer", "BEARER"):
        assert explicit_token(request_of(headers=[("Authorization", f"{scheme} abc")])) == "abc"


def test_token_is_taken_from_the_query_string() -> None:
    assert explicit_token(request_of(query="limit=1&access_token=abc")) == "abc"
    assert explicit_token(request_of(query="access%5Ftoken=a%2Bc")) == "a+c"


@pytest.mark.parametrize("value", ["Basic abc", "Bearer", "Bearer a b", "abc", "", "Bearerabc"])
def test_header_that_is_no_bearer_says_nothing(value: str) -> None:
    assert explicit_token(request_of(headers=[("Authorization", value)])) is None


@pytest.mark.parametrize("query", ["", "access_token=", "access_token[]=abc", "token=abc", "refresh_token=abc"])
def test_query_string_without_the_parameter_says_nothing(query: str) -> None:
    assert explicit_token(request_of(query=query)) is None


def test_header_of_another_scheme_does_not_clash_with_the_query_string() -> None:
    assert explicit_token(request_of(query="access_token=abc", headers=[("Authorization", "Basic xyz")])) == "abc"


@pytest.mark.parametrize(
    ("query", "headers"),
    [
        ("access_token=abc", [("Authorization", "Bearer abc")]),
        ("access_token=abc&access_token=def", []),
        ("", [("Authorization", "Bearer abc"), ("Authorization", "Bearer def")]),
    ],
)
def test_two_tokens_in_one_request_are_refused(query: str, headers: list[tuple[str, str]]) -> None:
    with pytest.raises(Problem) as refused:
        explicit_token(request_of(query=query, headers=headers))

    assert refused.value.code is Code.INVALID_PAYLOAD
    assert refused.value.message == (
        "Invalid payload. The request uses more than one method for including an access token."
    )


def test_empty_session_cookie_is_none() -> None:
    assert session_token(request_of(headers=[("Cookie", "a=b; s=abc")]), "s") == "abc"
    assert session_token(request_of(headers=[("Cookie", "s=")]), "s") is None
    assert session_token(request_of(), "s") is None


def test_forwarded_addresses_are_not_believed_without_a_trusted_proxy() -> None:
    request = request_of(headers=[("X-Forwarded-For", "203.0.113.9")])

    assert client_of(request, 0).address == "192.0.2.7"


@pytest.mark.parametrize(
    ("forwarded", "proxies", "address"),
    [
        (["203.0.113.9"], 1, "203.0.113.9"),
        (["6.6.6.6, 203.0.113.9"], 1, "203.0.113.9"),
        (["6.6.6.6", "203.0.113.9"], 1, "203.0.113.9"),
        (["6.6.6.6, 203.0.113.9, 10.0.0.2"], 2, "203.0.113.9"),
        (["203.0.113.9:4711"], 1, "203.0.113.9"),
        (["[2001:db8::1]:4711"], 1, "2001:db8::1"),
        (["2001:DB8::1"], 1, "2001:db8::1"),
        (["::ffff:203.0.113.9"], 1, "203.0.113.9"),
        (["unknown"], 1, "192.0.2.7"),
        (["6.6.6.6, <script>"], 1, "192.0.2.7"),
        (["unknown, 10.0.0.2"], 2, "10.0.0.2"),
        ([""], 1, "192.0.2.7"),
        ([], 1, "192.0.2.7"),
    ],
)
def test_address_is_the_one_that_our_outermost_proxy_saw(forwarded: list[str], proxies: int, address: str) -> None:
    request = request_of(headers=[("X-Forwarded-For", value) for value in forwarded])

    assert client_of(request, proxies).address == address


def test_client_without_an_address_has_none() -> None:
    assert client_of(request_of(peer=None), 0).address is None
    assert client_of(request_of(peer="/run/socket"), 0).address is None


def test_client_says_agent_and_origin() -> None:
    client = client_of(request_of(headers=[("User-Agent", "curl"), ("Origin", "https://a.example")]), 0)

    assert (client.agent, client.origin) == ("curl", "https://a.example")
