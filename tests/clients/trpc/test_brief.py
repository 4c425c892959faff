"""Sessions that are over soon, and servers that stop and come back; see brief.mjs and restart.mjs."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest

from tests.clients.trpc.conftest import VERSIONS, Report
from tests.support.newsroom import Newsroom
from tests.support.node import Script

pytestmark = pytest.mark.timeout(300)

WRITE = "INSERT INTO articles (title, status) VALUES ('{} {}', 'published')"


@pytest.fixture(params=VERSIONS)
def version(request: pytest.FixtureRequest) -> str:
    """A version of the client."""
    chosen: str = request.param
    return chosen


@pytest.fixture
def report(report_of: Callable[..., Report], brief_room: Newsroom) -> Report:
    """What became of the sessions."""
    return report_of("brief.mjs", newsroom=brief_room)


@pytest.fixture
def restarted(report_of: Callable[..., Report], brief_room: Newsroom, version: str) -> Report:
    """What became of the sockets of a server that went away twice."""
    return report_of("restart.mjs", version, partial(_restart, brief_room), newsroom=brief_room)


def _restart(room: Newsroom, script: Script) -> Report:
    prefix = script.expect("ready")
    report: Report = {}
    for way, leave in (("stop", room.server.stop), ("kill", room.server.kill)):
        leave()
        room.execute(WRITE.format(prefix, way))
        room.server.start()
        script.tell()
        report[way] = script.expect(way)
    return report | script.rest()


def test_a_refresh_over_http_keeps_the_sockets_of_its_session_open(report: Report) -> None:
    told = report["refreshed"]

    assert (told["status"], told["open"], told["name"]) == (200, [True, 0], True)


def test_it_keeps_no_socket_of_another_session(report: Report) -> None:
    told = report["refreshed"]

    assert told["code"] == 4401
    assert told["heard"] == [["later"], [], ["later"]]


def test_it_keeps_streams_of_events_too(report: Report) -> None:
    assert report["refreshed"]["errors"] == 0


def test_all_of_them_end_with_the_session(report: Report) -> None:
    assert report["in the end"] == {"code": 4401, "events": "UNAUTHORIZED"}


def test_a_session_by_message_ends_unless_it_is_refreshed(report: Report) -> None:
    told = report["by message"]

    assert (told["later"], told["error"]) == (True, "UNAUTHORIZED")
    assert told["kept"] == [["later"], True]
    assert told["lapsed"] == [[], True]
    assert (told["sockets"], told["fresh"]) == ([1, 1], None)


def test_a_client_that_logs_in_anew_loses_nothing(report: Report) -> None:
    assert report["callback"] == {"ids": True, "notices": True, "refused": 0, "errors": 0}


def test_after_a_restart_rows_are_told_that_were_written_meanwhile(restarted: Report) -> None:
    assert restarted["stop"]["titles"] == [["init", ""], ["create", "stop"]]
    assert restarted["kill"]["titles"] == [["init", ""], ["create", "stop"], ["create", "kill"]]


@pytest.mark.parametrize("way", ["stop", "kill"])
def test_a_restart_is_no_error_of_a_subscription(restarted: Report, way: str) -> None:
    assert (restarted[way]["errors"], restarted[way]["answer"]) == ([], {"value": "back"})


def test_a_stop_is_announced(restarted: Report, version: str) -> None:
    told = restarted["stop"]

    assert told["notices"] == 1
    assert 1012 in told["codes"] or version == "oldest"


def test_a_channel_says_that_it_has_lost_its_history(restarted: Report) -> None:
    assert restarted["stop"]["lost"] == ["undefined", "string"]
    assert restarted["strict"]["code"] == "PRECONDITION_FAILED"


def test_subscriptions_without_ids_begin_again(restarted: Report) -> None:
    assert restarted["news"] == ["before", "stop", "kill"]
