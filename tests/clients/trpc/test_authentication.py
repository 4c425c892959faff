"""Who is at the other end of a socket of `@trpc/client`; see authentication.mjs."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.clients.trpc.conftest import VERSIONS, Report
from tests.support.newsroom import Newsroom

pytestmark = pytest.mark.timeout(300)

PROMISE_SECONDS = 1.0


@pytest.fixture(params=VERSIONS)
def version(request: pytest.FixtureRequest) -> str:
    """A version of the client."""
    chosen: str = request.param
    return chosen


@pytest.fixture
def report(report_of: Callable[..., Report], version: str) -> Report:
    return report_of("authentication.mjs", version)


def test_a_token_may_come_in_every_way(report: Report) -> None:
    assert report["ways"] == {
        "token": "params",
        "authorization": "words",
        "bare": "bare",
        "header": "header",
        "url": "url",
        "cookie": True,
        "nobody": None,
    }


def test_what_is_said_on_purpose_goes_before_what_a_browser_adds(report: Report) -> None:
    assert report["precedence"] == {
        "params": "params",
        "header": "header",
        "url": "url",
        "emptyParams": "header",
        "badParams": "UNAUTHORIZED",
        "badHeader": "UNAUTHORIZED",
    }


def test_a_cookie_is_taken_from_pages_of_ours_alone(report: Report) -> None:
    told = report["origins"]

    assert told["own"]
    assert (told["foreign"], told["nul"], told["foreignWithToken"]) == (403, 403, 403)


def test_requests_are_authenticated_as_sockets_are(report: Report) -> None:
    told = report["http"]

    assert (told["header"], told["url"], told["cookie"], told["both"]) == ("header", "url", True, "header")
    assert told["bad"] == "UNAUTHORIZED"


def test_a_foreign_page_cannot_act_with_a_cookie(report: Report) -> None:
    told = report["http"]

    assert (told["foreignPost"], told["crossSitePost"]) == (403, 403)
    assert (told["ownPost"], told["programPost"], told["foreignPostWithToken"]) == (200, 200, 200)


def test_the_public_mode_lets_everybody_in_but_with_a_bad_token(report: Report) -> None:
    assert report["modes"]["/trpc"] == {
        "anonymous": ["OK", "OK"],
        "closed": None,
        "silence": None,
        "silenceErrors": [],
        "empty": None,
        "params": "ann",
        "header": "ann",
        "bad": "UNAUTHORIZED",
        "late": "late",
    }


def test_the_mode_handshake_wants_a_token_first(report: Report) -> None:
    assert report["modes"]["/handshake"] == {
        "anonymous": ["UNAUTHORIZED", "UNAUTHORIZED"],
        "closed": 4401,
        "silence": 4408,
        "silenceErrors": ["UNAUTHORIZED"],
        "empty": "UNAUTHORIZED",
        "params": "ann",
        "header": "ann",
        "bad": "UNAUTHORIZED",
        "late": "late",
    }


def test_the_mode_strict_wants_a_token_with_the_connection(report: Report) -> None:
    assert report["modes"]["/strict"] == {
        "anonymous": ["UNAUTHORIZED", "UNAUTHORIZED"],
        "closed": 4401,
        "silence": 4401,
        "silenceErrors": ["UNAUTHORIZED"],
        "empty": "UNAUTHORIZED",
        "params": "ann",
        "header": "ann",
        "bad": "UNAUTHORIZED",
        "late": "UNAUTHORIZED",
    }


def test_a_rejected_token_fails_everything_that_waits(report: Report) -> None:
    told = report["rejected"]

    assert (told["answers"], told["subscription"]) == (["UNAUTHORIZED", "UNAUTHORIZED"], "UNAUTHORIZED")
    assert told["code"] == 4401


def test_the_reason_comes_before_the_close(report: Report) -> None:
    assert report["rejected"]["order"] == ["null", "call", "call", "call", "close"]


def test_a_rejected_client_waits_longer_each_time(report: Report, version: str) -> None:
    told = report["rejected"]

    if version == "latest":
        assert told["attempts"] == list(range(1, len(told["attempts"]) + 1))
        assert told["sockets"] <= 4
    else:
        assert set(told["attempts"]) == {0}


def test_after_its_token_a_client_brings_a_new_one_and_loses_nothing(report: Report) -> None:
    told = report["expiry"]

    assert told["ids"]
    assert (told["codes"], told["errors"]) == ([4401, 4401], ["UNAUTHORIZED", "UNAUTHORIZED"])
    assert (told["failed"], told["notices"]) == (0, 0)


def test_before_its_end_a_token_is_asked_to_be_renewed(report: Report, version: str) -> None:
    told = report["notice"]

    assert told["ids"]
    assert told["notices"] == 1
    assert (told["errors"], told["refused"]) == ([], 0)
    if version == "latest":  # the oldest one closes its socket first, and may do so more than once
        assert (told["untracked"], told["answer"], told["started"], told["sockets"]) == (True, True, 1, 2)


def test_a_message_makes_the_socket_somebodys(report: Report) -> None:
    told = report["identity"]

    assert told["refused"] == "UNAUTHORIZED"
    assert told["first"] == [["expiresAt"], True]


def test_the_same_user_keeps_what_is_running(report: Report) -> None:
    told = report["identity"]

    assert told["same"]
    assert told["stillAnn"] == [["started", "data"], "ann"]


def test_another_user_ends_what_was_protected_and_only_that(report: Report) -> None:
    told = report["identity"]

    assert told["ended"] == ["UNAUTHORIZED", [1]]
    assert told["open"] == [["started", "data", "data", "data"], [1, 2, 3]]
    assert told["sockets"] == 1


def test_a_failed_message_makes_the_socket_nobodys(report: Report) -> None:
    told = report["identity"]

    assert told["failed"] == {"code": "UNAUTHORIZED", "httpStatus": 401, "path": "authenticate"}
    assert told["demoted"] == ["UNAUTHORIZED", [1, 2]]
    assert told["afterwards"]


def test_a_message_that_says_nobody_is_a_bad_request(report: Report) -> None:
    assert report["identity"]["unusable"] == ["BAD_REQUEST"] * 5
    assert report["identity"]["wrong"] == ["UNAUTHORIZED"] * 2


def test_what_a_message_brought_ends_with_its_token_while_the_socket_lives(report: Report) -> None:
    told = report["message expiry"]

    assert told["error"]["code"] == "UNAUTHORIZED"
    assert told["data"] == [[1], [1, 2]]
    assert told["afterwards"] == [True, "UNAUTHORIZED", 1]
    assert told["again"] == [None, "ann"]


def test_a_password_gives_tokens_and_they_can_be_refreshed(report: Report) -> None:
    told = report["member"]
    names = ["accessToken", "expiresAt", "refreshToken"]

    assert (told["told"], told["refreshed"]) == (names, [names, True])
    assert (told["rest"], told["name"], told["data"]) == (True, True, [1])


def test_what_is_built_in_may_be_called_otherwise_or_left_out(report: Report) -> None:
    told = report["other"]

    for name in ("authenticate", "refresh", "challenges", "ticket", "messages", "changes"):
        assert told[name] == "NOT_FOUND", name
    assert (told["renamed"], told["rows"]) == (None, "FORBIDDEN")
    assert told["greet"].startswith("Good day")
    assert report["other ticket"] == ["a", "b"]
    assert report["other ticket over http"] == ["c", "d"]


@pytest.mark.parametrize("way", ["logout", "suspension", "revocation"])
def test_what_is_withdrawn_ends_within_a_second(report: Report, way: str) -> None:
    told = report[way]

    assert told["codes"] == [4401, 4401]
    assert told["seconds"] < PROMISE_SECONDS
    assert told["errors"] == [["UNAUTHORIZED"], ["UNAUTHORIZED"]]


@pytest.mark.parametrize("way", ["logout", "suspension", "revocation"])
def test_nothing_is_told_afterwards_but_to_others(report: Report, way: str) -> None:
    assert report[way]["heard"] == [1, 1, 1, 1, 2, 2]


def test_who_loses_a_role_loses_what_it_was_for(report: Report) -> None:
    told = report["role"]

    assert (told["error"]["code"], told["heard"], told["other"]) == ("FORBIDDEN", [], ["after"])
    assert told["seconds"] < PROMISE_SECONDS
    assert told["sockets"] == 1


def test_tokens_are_not_logged(report: Report, room: Newsroom) -> None:
    assert report["ways"]["token"] == "params"
    for name in ("ann", "void", "params", "words", "bare", "header", "url"):
        assert f"pass:{name}" not in room.server.log
        assert f"pass%3A{name}" not in room.server.log
