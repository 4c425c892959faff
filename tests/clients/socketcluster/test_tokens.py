"""Tokens of `socketcluster-client`: who is let in by one, and what the others are told."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.clients.socketcluster.conftest import Report

pytestmark = pytest.mark.timeout(300)

INVALID, OTHER = "AuthTokenInvalidError", "AuthTokenError"
NO_STRING = (OTHER, "Invalid token format - Token must be a string")
BAD = {
    "expired": ("AuthTokenExpiredError", "jwt expired"),
    "wrong key": (INVALID, "invalid signature"),
    "other claims": (INVALID, "invalid signature"),
    "unsigned": (INVALID, "jwt signature is required"),
    "no signature": (INVALID, "jwt signature is required"),
    "garbage": (INVALID, "jwt malformed"),
    "three parts": (INVALID, "invalid token"),
    "odd date": (INVALID, "invalid exp value"),
    "a number": NO_STRING,
    "an object": NO_STRING,
}
NOBODY, SOMEBODY = ["unauthenticated"] * 2, ["authenticated"] * 2


@pytest.fixture
def report(report_of: Callable[..., Report]) -> Report:
    """What came of each token; see tokens.mjs."""
    return report_of("tokens.mjs")


@pytest.mark.parametrize("name", ["none", "empty"])
def test_whoever_comes_without_a_token_is_nobody_and_no_error(report: Report, name: str) -> None:
    told = report[f"handshake: {name}"]

    assert (told["authenticated"], told["error"], told["state"]) == (False, None, NOBODY)


@pytest.mark.parametrize("name", ["good", "far away"])
def test_a_good_token_lets_in(report: Report, name: str) -> None:
    told = report[f"handshake: {name}"]

    assert told == {"authenticated": True, "error": None, "state": SOMEBODY, "kept": True, "removed": False}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_token_leaves_nobody_and_the_client_drops_it(report: Report, name: str) -> None:
    told = report[f"handshake: {name}"]

    assert _named(told["error"]) == (*BAD[name], True)
    assert (told["authenticated"], told["state"]) == (False, NOBODY)
    assert (told["kept"], told["removed"]) == (False, True)


def test_an_expired_token_says_since_when(report: Report) -> None:
    assert report["handshake: expired"]["error"]["expiry"].endswith(".000Z")


def test_a_token_of_later_is_kept_for_then(report: Report) -> None:
    told = report["handshake: not yet"]

    assert _named(told["error"]) == ("AuthTokenNotBeforeError", "jwt not active", False)
    assert told["error"]["date"].endswith(".000Z")
    assert (told["authenticated"], told["state"], told["kept"]) == (False, NOBODY, True)


def test_a_good_token_may_follow_a_good_one(report: Report) -> None:
    told = report["authenticate: good"]

    assert told == {"answer": {"value": {"isAuthenticated": True, "authError": None}}, "state": SOMEBODY}


@pytest.mark.parametrize("name", [*BAD, "none", "empty"])
def test_a_bad_token_later_ends_the_identity_of_before(report: Report, name: str) -> None:
    told = report[f"authenticate: {name}"]

    assert _named(told["answer"]["error"]) == (*BAD.get(name, (INVALID, "jwt must be provided")), True)
    assert told["state"] == NOBODY


def test_a_token_of_later_ends_the_identity_of_before_without_an_error(report: Report) -> None:
    told = report["authenticate: not yet"]

    assert told["answer"]["value"]["isAuthenticated"] is False
    assert told["answer"]["value"]["authError"]["name"] == "AuthTokenNotBeforeError"
    assert told["state"] == NOBODY


def test_the_application_may_object_to_a_good_token(report: Report) -> None:
    told = report["blocked by the line"]

    assert _named(told["first"]["authError"]) == ("AuthError", "Not mallory", True)
    assert (told["first"]["isAuthenticated"], told["state"], told["kept"]) == (False, "unauthenticated", False)


@pytest.mark.parametrize("kind", ["RSA", "EC"])
def test_key_pairs_sign_and_verify(report: Report, kind: str) -> None:
    told = report[f"keys: {kind}"]

    assert (told["presented"], told["issued"]) == (True, "ann")


@pytest.mark.parametrize("kind", ["RSA", "EC"])
@pytest.mark.parametrize("token", ["confused", "foreign"])
def test_a_public_key_is_no_secret_to_sign_by(report: Report, kind: str, token: str) -> None:
    assert _named(report[f"keys: {kind}"][token]) == (INVALID, "invalid algorithm", True)


def _named(error: dict[str, Any]) -> tuple[str, str, bool]:
    return error["name"], error["message"], error["isBadToken"]
