"""One socket of `@trpc/client`: how it opens, stays, is lost and comes back; see sockets.mjs."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.clients.trpc.conftest import SECRET, VERSIONS, Report

pytestmark = pytest.mark.timeout(300)


@pytest.fixture(params=VERSIONS)
def report(report_of: Callable[..., Report], request: pytest.FixtureRequest) -> Report:
    return report_of("sockets.mjs", request.param)


@pytest.mark.parametrize(("way", "name"), [("object", "ann"), ("function", "ann"), ("async", "ann"), ("nothing", None)])
def test_parameters_come_first_in_every_form(report: Report, way: str, name: str | None) -> None:
    assert report[f"params {way}"] == {"name": name, "url": True, "first": "connectionParams"}


def test_parameters_and_urls_are_made_anew_for_each_socket(report: Report) -> None:
    assert report["params again"] == {"names": ["person1", "person2"], "asked": 2}
    assert report["url again"] == ["url1", "url2"]


def test_parameters_have_to_come_in_time(report: Report) -> None:
    assert report["params late"] == {"code": 4408, "errors": [[None, "UNAUTHORIZED"]]}


def test_a_lazy_client_connects_when_it_has_something_to_ask(report: Report) -> None:
    assert report["lazy"] == {"unused": 0, "name": "ann", "closed": 1, "again": "ann", "sockets": 2}


def test_a_lazy_client_stays_for_a_subscription(report: Report) -> None:
    assert report["lazy subscription"] == {"data": [{"id": "1", "data": "x"}], "sockets": 2}


def test_a_subscription_begins_tells_and_ends(report: Report) -> None:
    assert report["whole"]["data"] == [3, 2, 1]
    assert [event for event in report["whole"]["events"] if event != "stopped"] == [
        "started",
        "data",
        "data",
        "data",
        "complete",
    ]


def test_a_failure_comes_after_the_values(report: Report) -> None:
    assert report["failing"] == {
        "data": ["before"],
        "error": {
            "message": "It is CONFLICT",
            "code": -32009,
            "data": {"code": "CONFLICT", "httpStatus": 409, "path": "stumble"},
        },
    }


def test_a_bug_says_nothing_of_itself(report: Report) -> None:
    assert report["broken"]["data"] == {"code": "INTERNAL_SERVER_ERROR", "httpStatus": 500, "path": "stumble"}
    assert SECRET not in str(report["broken"])


def test_who_stops_hears_no_more_and_ends_the_procedure(report: Report) -> None:
    assert report["stop"] == {"left": 1, "data": [{"id": "1", "data": 1}]}


def test_a_stop_may_come_at_once(report: Report) -> None:
    assert report["stop early"] == {"value": 0}


def test_after_a_lost_socket_tracked_subscriptions_go_on_where_they_were(report: Report) -> None:
    assert report["lost"]["tracked"] == [["1", "2", "3"]] * 2
    assert report["lost"]["errors"] == []


def test_after_a_lost_socket_others_begin_again(report: Report) -> None:
    assert report["lost"]["untracked"] == [1, 3]


def test_calls_are_lost_with_their_socket(report: Report) -> None:
    assert (report["lost"]["failed"], report["lost"]["cancelled"]) == (True, 1)


def test_signs_of_life_go_both_ways(report: Report) -> None:
    assert report["keep-alive of the client"] == {"sockets": 1, "answer": {"value": 1}}
    assert report["keep-alive of the server"] == {"pongs": True, "sockets": 1}


def test_a_full_house_lets_in_who_comes_back_later(report: Report) -> None:
    assert report["few"] == {"status": 403, "afterwards": {"value": 2}}


def test_too_large_a_message_costs_the_socket(report: Report) -> None:
    assert report["large"] == {"failed": True, "code": 1009, "afterwards": {"value": 1}}


def test_what_a_socket_may_have_at_the_same_time_is_bounded(report: Report) -> None:
    told = report["bounds"]

    assert (told["fourth"], told["third"]) == ("TOO_MANY_REQUESTS", "TOO_MANY_REQUESTS")
    assert told["first"] == [{"id": "1", "data": "x"}]
