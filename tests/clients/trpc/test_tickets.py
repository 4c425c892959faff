"""Tickets for single subscriptions, and challenges from time to time; see tickets.mjs."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.clients.trpc.conftest import VERSIONS, Report

pytestmark = pytest.mark.timeout(300)

REFUSALS = ("missing", "garbage", "number", "changed", "user", "path", "input", "expired", "token")


@pytest.fixture(params=VERSIONS)
def report(report_of: Callable[..., Report], request: pytest.FixtureRequest) -> Report:
    return report_of("tickets.mjs", request.param)


def test_a_ticket_opens_the_subscription_that_it_is_for(report: Report) -> None:
    assert report["good"] == {"data": [["x"], ["x"]], "http": ["x"], "own": ["x"], "life": 6}


@pytest.mark.parametrize("reason", REFUSALS)
def test_no_other_ticket_does(report: Report, reason: str) -> None:
    assert report["refused"][reason] == "FORBIDDEN"


def test_who_is_nobody_has_to_log_in_first(report: Report) -> None:
    assert report["refused"]["nobody"] == "UNAUTHORIZED"
    assert (report["not issued"]["nobody"], report["not issued"]["ownNobody"]) == ("UNAUTHORIZED", "UNAUTHORIZED")


def test_a_ticket_is_issued_for_what_needs_one(report: Report) -> None:
    told = report["not issued"]

    assert (told["unknown"], told["query"], told["noChallenge"]) == ("NOT_FOUND", "NOT_FOUND", "NOT_FOUND")
    assert [told[name] for name in ("needless", "long", "negative", "malformed")] == ["BAD_REQUEST"] * 4


def test_it_is_good_for_the_next_socket_too(report: Report) -> None:
    assert report["lost"] == {"data": ["x", "y"], "errors": []}


def test_streams_of_events_take_it(report: Report) -> None:
    assert report["events"] == {"good": ["x", "y"], "bad": "FORBIDDEN"}


def test_who_answers_challenges_goes_on(report: Report) -> None:
    told = report["answered"]

    assert (told["data"], told["sockets"]) == (["x"], 1)
    assert (told["shape"], told["subscription"]) == (["expiresAt", "nonce", "subscription"], None)
    assert told["nonces"] == 3
    assert told["soon"]
    assert told["answers"] == [None] * 3


def test_an_answer_counts_once_and_to_what_was_asked(report: Report) -> None:
    assert (report["answered"]["twice"], report["answered"]["wrong"]) == ("BAD_REQUEST", "BAD_REQUEST")


@pytest.mark.parametrize("listens", ["true", "false"])
def test_who_does_not_answer_is_sent_away(report: Report, listens: str) -> None:
    told = report[f"unanswered {listens}"]

    assert (told["code"], told["errors"]) == (4408, ["UNAUTHORIZED"])
    assert told["data"] == []


def test_an_answer_with_a_bad_token_makes_the_socket_nobodys(report: Report) -> None:
    assert report["bad answer"] == {"answer": "UNAUTHORIZED", "afterwards": True}


def test_nobody_in_particular_is_asked_nothing(report: Report) -> None:
    assert report["nobody"] == {"asked": 0, "sockets": 1, "answer": {"value": 1}}


def test_a_subscription_has_to_be_proven_by_a_new_ticket(report: Report) -> None:
    told = report["proof"]

    assert told["proofs"] == [["FORBIDDEN", None], [None, None]]
    assert told["data"] == [["x"], []]
    assert None in told["paths"]
    assert "ticketed" in told["paths"]


def test_what_is_not_proven_ends_alone(report: Report) -> None:
    assert report["proof"]["error"]["code"] == "FORBIDDEN"
    assert report["proof"]["sockets"] == 1
