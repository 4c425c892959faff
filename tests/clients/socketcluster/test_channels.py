"""Channels with `socketcluster-client`: who hears what, and who may say it."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from tests.clients.socketcluster.conftest import Report

pytestmark = pytest.mark.timeout(300)

FORBIDDEN = "You don't have permission to access this."
REFUSED = {"error": "ForbiddenError", "message": FORBIDDEN, "state": "unsubscribed"}


@pytest.fixture
def report(report_of: Callable[..., Report]) -> Report:
    """What the clients saw; see channels.mjs."""
    return report_of("channels.mjs")


def test_a_token_lets_publish_on_the_channels_that_it_names(report: Report) -> None:
    assert report["claims"]["published"]["own"] == {"value": None}
    assert report["claims"]["news"] == [{"headline": 1}, {"headline": 5}]


@pytest.mark.parametrize("who", ["others", "nobody"])
def test_nobody_else_may_publish_there(report: Report, who: str) -> None:
    assert _names(report["claims"]["published"][who]) == ("ForbiddenError", FORBIDDEN)


def test_who_hears_another_channel_gets_none_of_it(report: Report) -> None:
    assert report["claims"]["sports"] == [{"headline": 6}]


def test_nobody_else_may_hear(report: Report) -> None:
    assert report["claims"]["refused"] == [REFUSED, REFUSED]


def test_who_logs_out_is_kicked_out(report: Report) -> None:
    assert report["a right that is over"] == {"channels": [], "client": []}


def test_another_token_has_its_own_rights(report: Report) -> None:
    told = report["a right that the next token has not"]

    assert (told["channels"], told["heard"]) == (["open"], [])
    assert _names(told["published"]) == ("ForbiddenError", FORBIDDEN)


def test_only_the_server_publishes_where_nobody_may(report: Report) -> None:
    assert _names(report["nobody publishes here"])[0] == "ForbiddenError"
    assert report["the server publishes everywhere"] == ["from the server"]


def test_the_inbound_line_judges_by_the_token(report: Report) -> None:
    told = report["lines"]

    assert told["own"] == {"value": None}
    assert _names(told["other"]) == ("ChannelError", "You cannot publish to wire/sports")
    assert _names(told["nobody"]) == ("ChannelError", "You cannot publish to wire/news")


def test_a_line_may_block_without_a_reason_and_change_what_is_asked(report: Report) -> None:
    blocked = "The subscribe AGAction was blocked by inbound middleware"

    assert report["lines"]["hidden"] == {
        "error": "SilentMiddlewareBlockedError",
        "message": blocked,
        "state": "unsubscribed",
    }
    assert report["lines"]["changed"] == {"value": "changed"}


def test_the_outbound_line_keeps_back_and_changes(report: Report) -> None:
    assert report["lines"]["heard"] == ["quiet", "last"]


def test_a_kick_out_ends_one_subscription(report: Report) -> None:
    told = report["kick-out"]

    assert told["event"] == {"name": "kickOut", "channel": "one", "message": "Out"}
    assert (told["heard"], told["client"], told["server"]) == ([[], [2]], ["two"], ["two"])


def test_a_kick_out_of_what_is_not_heard_is_an_error_of_the_server(report: Report) -> None:
    assert _names(report["kick-out"]["missing"])[0] == "InvalidActionError"


def test_nothing_comes_after_the_unsubscription(report: Report) -> None:
    assert report["unsubscribe"] == {"heard": [2], "server": []}


def test_a_socket_hears_so_many_channels_and_no_more(report: Report) -> None:
    told = report["limits"]["third"]

    assert (told["error"], told["state"]) == ("BrokerError", "unsubscribed")
    assert re.fullmatch(
        r"Failed to subscribe socket to the board channel - "
        r"InvalidActionError: Socket \S{20} tried to exceed the channel subscription limit of 2",
        told["message"],
    )


def test_channels_without_a_rule_may_be_nobodys(report: Report) -> None:
    assert _names(report["limits"]["unknown"]) == ("ForbiddenError", FORBIDDEN)
    assert report["closed channels"] == REFUSED


def test_clients_may_have_nothing_to_publish(report: Report) -> None:
    assert _names(report["no publishing"]) == ("InvalidActionError", "Client publish feature is disabled")


def test_every_value_arrives_as_it_was_and_what_was_not_given_does_not(report: Report) -> None:
    assert report["values"] == {"same": True, "last": True}


def test_channels_may_be_called_what_one_likes(report: Report) -> None:
    assert list(report["names"].values()) == [True] * 3


def test_the_history_comes_first_as_far_as_it_is_asked_for(report: Report) -> None:
    told = report["history"]

    assert (told["two"], told["all"], told["none"]) == ([3, 4, 5], [2, 3, 4, 5], [5])
    assert (told["wrong"]["error"], told["wrong"]["state"]) == ("InvalidArgumentsError", "unsubscribed")


def test_presence_tells_who_comes_and_goes(report: Report) -> None:
    (kind, _), *moves = report["presence"]["moves"]

    assert kind == "here"
    assert moves == [["join", "bob"], ["leave", "bob"]]
    assert report["presence"]["here"] is True


def test_presence_can_neither_be_forged_nor_had_where_it_is_not_told(report: Report) -> None:
    assert _names(report["presence"]["forged"]) == ("ForbiddenError", FORBIDDEN)
    assert report["presence"]["none"]["error"] == "InvalidArgumentsError"


def test_collections_are_channels_under_the_rights_of_who_hears(report: Report) -> None:
    told = report["collections"]

    assert (told["reader"], told["editor"], told["first"]) == (["Seen"], ["Hidden", "Seen"], "init")


def test_a_collection_is_out_of_sight_and_reach_of_others(report: Report) -> None:
    told = report["collections"]

    assert (told["nobody"]["error"], told["nobody"]["state"]) == ("ForbiddenError", "unsubscribed")
    assert _names(told["forged"]) == ("ForbiddenError", "Nobody can publish on the channel of a collection.")
    assert told["system"]["state"] == "unsubscribed"


def test_no_row_comes_after_the_logout(report: Report) -> None:
    assert report["collections of nobody"] == ["Seen"]


def _names(outcome: dict[str, Any]) -> tuple[str, str]:
    return outcome["error"]["name"], outcome["error"]["message"]
