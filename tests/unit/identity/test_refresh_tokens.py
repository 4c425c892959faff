"""Refresh tokens: only the server can make one, and it knows each again."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchword.base.ids import uuid7
from watchword.base.secret import Secret
from watchword.identity.refresh_tokens import RefreshClaims, RefreshTokens

TOKENS = RefreshTokens(Secret("a secret that is long enough for a test"))
SESSION = uuid7()
TOKEN = TOKENS.issue(SESSION, 7)


def test_token_is_64_characters_that_go_into_a_cookie() -> None:
    assert len(TOKEN) == 64
    assert set(TOKEN) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")


def test_token_is_known_again() -> None:
    assert TOKENS.open(TOKEN) == RefreshClaims(SESSION, 7)


def test_generations_and_sessions_have_their_own_tokens() -> None:
    assert len({TOKEN, TOKENS.issue(SESSION, 8), TOKENS.issue(uuid7(), 7)}) == 3


def test_token_of_another_secret_is_not_known() -> None:
    assert RefreshTokens(Secret("another secret, just as long as ours")).open(TOKEN) is None


@given(st.integers(0, 47), st.integers(1, 255))
def test_no_altered_token_is_known(index: int, change: int) -> None:
    data = bytearray(base64.urlsafe_b64decode(TOKEN))
    data[index] ^= change
    assert TOKENS.open(base64.urlsafe_b64encode(bytes(data)).decode()) is None


@pytest.mark.parametrize(
    "text",
    ["", TOKEN[:-1], TOKEN + "A", TOKEN[:-1] + "\n", TOKEN[:-1] + "é", "=" * 64],
    ids=["empty", "cut", "longer", "line feed", "letter of another script", "padding"],
)
def test_text_of_another_form_is_not_known(text: str) -> None:
    assert TOKENS.open(text) is None


@given(st.text(max_size=80))
def test_no_text_makes_it_fail(text: str) -> None:
    assert TOKENS.open(text) is None
