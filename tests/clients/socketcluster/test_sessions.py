"""Users of Watchword over `socketcluster-client`: one session on sockets and over REST, and one end of both."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.clients.socketcluster.conftest import HERE, Report
from tests.support.newsroom import Newsroom
from tests.support.node import running

pytestmark = pytest.mark.timeout(300)

PROMISE_SECONDS = 1.0
WAYS = {"logout over REST": 1, "suspension": 2, "suspension by command": 1}


@pytest.fixture
def report(report_of: Callable[..., Report], room: Newsroom, node: str) -> Report:
    """What became of the sockets; see sessions.mjs."""

    def run(given: dict[str, Any]) -> Report:
        with running(node, HERE / "sessions.mjs", given) as script:
            told = {step: script.expect(step) for step in ("wrong password", "login", *list(WAYS)[:2])}
            room.server.run("users", "suspend", script.expect("suspend"), "--database", room.server.database_url)
            script.tell()
            return told | script.rest()

    return report_of("sessions.mjs", run)


def test_a_wrong_password_lets_nobody_in(report: Report) -> None:
    told = report["wrong password"]

    assert (told["answer"]["error"]["code"], told["state"]) == ("INVALID_CREDENTIALS", "unauthenticated")


def test_one_session_is_good_for_sockets_and_rest(report: Report) -> None:
    assert report["login"] == {
        "user": True,
        "rest": [200, True],
        "handed": [True, True],
        "fromHttp": [True, True],
        "secrets": False,
    }


@pytest.mark.parametrize("way", WAYS)
def test_every_socket_of_the_identity_loses_its_token_and_its_channels(report: Report, way: str) -> None:
    told = report[way]

    assert told["states"] == [["open", "unauthenticated", "unauthenticated"]] * WAYS[way]
    assert told["kept"] == [None] * WAYS[way]
    assert told["again"] == [False] * WAYS[way]


@pytest.mark.parametrize("way", WAYS)
def test_it_takes_no_longer_than_a_second(report: Report, way: str) -> None:
    assert report[way]["seconds"] < PROMISE_SECONDS


@pytest.mark.parametrize("way", WAYS)
def test_no_row_is_told_afterwards(report: Report, way: str) -> None:
    assert not any(report[way]["heard"])


@pytest.mark.parametrize("way", ["logout over REST", "suspension by command"])
def test_others_stay_who_they_are(report: Report, way: str) -> None:
    assert set(report[way]["staying"]) == {"authenticated"}


def test_other_rights_end_what_needed_them_and_nothing_else(report: Report) -> None:
    told = report["other rights"]

    assert told["states"] == ["open", "authenticated", "authenticated"]
    assert told["message"].startswith("You don't have permission to access collection")
    assert told["heard"] is False


def test_a_session_is_renewed(report: Report) -> None:
    assert report["renewal"] == {"state": "authenticated", "isNew": True, "user": True, "rest": 200}
