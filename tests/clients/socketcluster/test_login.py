"""Logging in and out with `socketcluster-client`: by procedures, over HTTP, and what becomes of tokens in time."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import pytest

from tests.clients.socketcluster.conftest import Report

pytestmark = pytest.mark.timeout(300)

ANN = {"sub": "ann", "channels": ["desk/news"]}
NOBODY = {"name": "AuthError", "code": "INVALID_CREDENTIALS", "message": "You have to be authenticated."}
WRONG = {"name": "LoginError", "code": "INVALID_CREDENTIALS", "attempts": 1, "message": "Wrong name or password"}
CLOSE_UNSIGNED = 4002


@pytest.fixture
def report(report_of: Callable[..., Report]) -> Report:
    """What the client saw; see login.mjs."""
    return report_of("login.mjs")


def test_everybody_begins_as_nobody(report: Report) -> None:
    assert report["login"]["before"] == {"state": "unauthenticated", "whoami": {"error": NOBODY}}


def test_a_wrong_password_lets_nobody_in(report: Report) -> None:
    assert report["login"]["wrong"] == {"error": WRONG}
    assert report["login"]["stillNobody"] == "unauthenticated"


def test_a_login_has_given_the_token_when_it_is_answered(report: Report) -> None:
    told = report["login"]

    assert (told["right"], told["state"], told["claims"]) == ({"value": "ann"}, "authenticated", ANN)
    assert told["whoami"] == {"value": {"name": "ann", "user": None, "dialect": "socketcluster"}}
    assert told["events"] == ["authStateChange", "authenticate"]
    assert told["kept"] is True


def test_the_token_lets_in_by_the_handshake(report: Report) -> None:
    assert report["token in the handshake"] == {"first": True, "claims": ANN}


def test_a_client_may_log_out_and_others_of_the_same_token_stay(report: Report) -> None:
    assert report["logout by the client"] == {
        "state": ["unauthenticated"] * 2,
        "whoami": {"error": NOBODY},
        "kept": None,
        "other": "authenticated",
    }


def test_the_server_may_log_a_client_out(report: Report) -> None:
    told = report["logout by the server"]

    assert (told["state"], told["whoami"], told["kept"]) == (["unauthenticated"] * 2, {"error": NOBODY}, None)
    assert told["events"][2:] == ["authStateChange", "deauthenticate", "removeAuthToken"]


def test_the_client_may_have_to_confirm_both(report: Report) -> None:
    assert report["confirmed"] == {
        "login": {"value": None},
        "in": "authenticated",
        "logout": {"value": None},
        "out": "unauthenticated",
    }


def test_a_token_ends_on_an_idle_socket(report: Report) -> None:
    assert report["expiry"] == {
        "states": ["authenticated", "unauthenticated", "unauthenticated"],
        "kept": None,
        "whoami": {"error": NOBODY},
    }


def test_a_token_is_renewed_and_lasts_no_longer_than_before(report: Report) -> None:
    tokens = report["renewal"]["tokens"]

    assert [token["exp"] - token["iat"] for token in tokens] == [2] * 4
    assert all(before["exp"] <= after["exp"] for before, after in pairwise(tokens))
    assert all(ANN.items() <= token.items() for token in tokens)
    assert [token["jti"] for token in tokens] == ["first"] * 4
    assert (report["renewal"]["changes"], report["renewal"]["state"]) == (1, "authenticated")


def test_the_renewal_may_be_ended(report: Report) -> None:
    assert report["renewal is over"] == 0


def test_what_cannot_be_signed_closes_the_socket(report: Report) -> None:
    told = report["what cannot be signed"]

    assert (told["code"], told["answer"]["error"]["code"]) == (CLOSE_UNSIGNED, CLOSE_UNSIGNED)
    assert not told["answer"]["error"].get("reason", "").startswith("Failed to sign auth token - ")


def test_a_token_from_http_lets_in_by_the_handshake(report: Report) -> None:
    assert report["HTTP"]["right"] == {"status": 200, "first": True, "claims": ANN}


def test_a_wrong_password_gives_no_token_over_http(report: Report) -> None:
    told = report["HTTP"]["wrong"]

    assert (told["status"], "data" in told) == (401, False)
    assert told["errors"][0]["message"] == "Wrong name or password"


def test_procedures_are_the_same_over_http(report: Report) -> None:
    assert report["HTTP"]["sum"] == {"status": 200, "data": 3}
    assert report["HTTP"]["nobody"]["status"] == 401


def test_changes_of_the_state_are_told_with_the_token(report: Report) -> None:
    assert report["authStateChange"] == [
        ["authenticated", "unauthenticated", None],
        ["unauthenticated", "authenticated", "ann"],
    ]


def test_a_subscription_may_wait_for_the_login(report: Report) -> None:
    assert report["waitForAuth"] == ["pending", "subscribed"]


def test_a_user_is_revoked_on_every_socket_and_comes_back_by_no_old_token(report: Report) -> None:
    told = report["revocation"]

    assert (told["states"], told["kept"]) == (["open", "unauthenticated", "unauthenticated"], None)
    assert (told["late"], told["bad"]) == (False, True)
    assert told["other"] == ["authenticated"] * 2


def test_others_may_vouch_for_whom_they_know(report: Report) -> None:
    told = report["passes"]

    assert told["first"] == [True, True, False, False]
    assert told["error"] == "This pass is void"
    assert told["whoami"] == {"value": {"name": "carl", "user": None, "dialect": "socketcluster"}}
    assert told["own"] == {"value": None}
    assert told["others"]["error"]["name"] == "ForbiddenError"


def test_who_cannot_be_asked_now_costs_nobody_the_token(report: Report) -> None:
    assert report["passes"]["closed"] == [False, "ServiceUnavailableError", "pass:later"]


def test_whom_others_vouch_for_is_revoked_too(report: Report) -> None:
    assert report["passes"]["revoked"] == ["unauthenticated", False]
    assert report["passes"]["guest"] == "authenticated"
