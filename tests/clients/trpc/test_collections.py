"""Rows of collections and messages of channels over `@trpc/client`; see collections.mjs."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.clients.trpc.conftest import VERSIONS, Report

pytestmark = pytest.mark.timeout(300)


@pytest.fixture(params=VERSIONS)
def report(report_of: Callable[..., Report], request: pytest.FixtureRequest) -> Report:
    return report_of("collections.mjs", request.param)


def test_rows_are_told_under_the_rights_of_who_follows(report: Report) -> None:
    assert report["rights"]["reader"] == [
        ["init", ["before"]],
        ["create", ["made"]],
        ["update", ["changed"]],
        ["create", ["second draft"]],
        ["delete", ["before"]],
        ["delete", ["made"]],
    ]


def test_who_may_see_more_is_told_more(report: Report) -> None:
    assert [event for event, _ in report["rights"]["editor"]] == [
        "init",
        "create",
        "create",
        "update",
        "update",
        "update",
        "delete",
    ]
    assert report["rights"]["editor"][0] == ["init", ["before", "draft"]]


def test_every_event_has_a_position_of_its_own(report: Report) -> None:
    assert report["rights"]["order"]


def test_fields_and_collections_out_of_reach_are_forbidden(report: Report) -> None:
    assert report["fields"] == {
        "hidden": "FORBIDDEN",
        "star": False,
        "nobody": "FORBIDDEN",
        "nothing": "FORBIDDEN",
        "badQuery": "BAD_REQUEST",
    }


def test_one_kind_of_event_or_one_item_may_be_followed(report: Report) -> None:
    assert report["events"] == [
        ["create", "create"],
        ["delete"],
        ["create", "create", "update", "delete", "update"],
        ["update"],
    ]


def test_who_comes_back_is_told_what_has_happened_meanwhile(report: Report) -> None:
    told = report["resume"]

    assert told["lost"] == [["init"], *(["create", str(number)] for number in range(1, 5))]
    assert told["late"] == told["events"] == [["create", str(number)] for number in range(2, 5)]
    assert told["ids"] == 5


@pytest.mark.parametrize("name", ["garbage", "foreign", "future"])
def test_a_lost_position_is_an_error_or_a_new_beginning(report: Report, name: str) -> None:
    told = report[f"lost {name}"]

    assert told["error"] == ["PRECONDITION_FAILED", "POSITION_LOST"]
    assert (told["event"], told["told"], told["rows"]) == ("init", "string", 4)


def test_rights_that_are_taken_away_end_what_they_were_for(report: Report) -> None:
    told = report["taken"]

    assert (told["error"], told["data"]) == ("FORBIDDEN", 2)
    assert told["channel"] == {"event": "message", "data": "still"}


def test_messages_are_told_in_order_and_after_a_gap(report: Report) -> None:
    assert report["channel"] == {"all": ["1", "2", "3", "4"], "late": ["2", "3", "4"], "events": ["message"]}


def test_a_lost_position_of_a_channel_is_an_error_or_a_new_beginning(report: Report) -> None:
    told = report["channel lost"]

    assert told["error"] == ["PRECONDITION_FAILED", "POSITION_LOST"]
    assert (told["event"], told["told"]) == ("init", "string")


def test_what_was_said_before_is_told_who_asks(report: Report) -> None:
    assert report["channel history"] == [2, 0]


def test_channels_have_their_rules(report: Report) -> None:
    assert report["channel rights"] == {"nobody": "FORBIDDEN", "unknown": "FORBIDDEN"}


def test_one_channel_may_be_followed_twice(report: Report) -> None:
    assert report["channel twice"] == [False, True]
