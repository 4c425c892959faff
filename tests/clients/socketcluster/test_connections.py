"""How connections of `socketcluster-client` begin, live, end and come back."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.clients.socketcluster.conftest import Report

pytestmark = pytest.mark.timeout(300)

SWITCHING, UNAUTHORIZED, FORBIDDEN = 101, 401, 403
HUNG_UP = 1006
SERVER_IS_SILENT, CLIENT_IS_SILENT, NO_HANDSHAKE, REFUSED, TOO_EARLY = 4000, 4001, 4005, 4008, 4009
PING_TIMEOUT = 0.4


@pytest.fixture
def report(report_of: Callable[..., Report]) -> Report:
    """What the clients saw; see connections.mjs."""
    return report_of("connections.mjs")


def test_anybody_may_connect(report: Report) -> None:
    told = report["anonymous"]

    assert (told["first"]["pingTimeout"], told["first"]["isAuthenticated"]) == (30_000, False)
    assert "authError" not in told["first"]
    assert (told["states"], told["id"], told["events"]) == (["open", "unauthenticated"], 20, ["connect"])


def test_parameters_and_subprotocols_are_no_obstacle(report: Report) -> None:
    assert (report["query"], report["subprotocols"]) == ("open", "open")


@pytest.mark.parametrize("origin", ["listed", "port", "exact", "everywhere"])
def test_pages_of_listed_origins_may_connect(report: Report, origin: str) -> None:
    assert report["origins"][origin]["status"] == SWITCHING


@pytest.mark.parametrize("origin", ["substring", "otherPort", "none", "null"])
def test_pages_of_other_origins_may_not(report: Report, origin: str) -> None:
    told = report["origins"][origin]

    assert told["status"] == FORBIDDEN
    assert told["body"].startswith("Failed to authorize socket handshake - Invalid origin: ")


def test_there_is_nothing_at_other_paths(report: Report) -> None:
    assert SWITCHING not in report["paths"].values()


def test_the_application_may_refuse_the_upgrade(report: Report) -> None:
    assert report["blocked at the upgrade"] == {
        "barred": {"status": UNAUTHORIZED, "body": "Not this way"},
        "abort": HUNG_UP,
    }


def test_the_application_may_refuse_the_handshake(report: Report) -> None:
    text = "The handshakeSC AGAction was blocked by handshake middleware"

    assert report["blocked at the handshake"] == {
        "final": {"code": 4501, "error": {"name": "BanError", "message": "Never again"}},
        "silent": {"code": REFUSED, "error": {"name": "SilentMiddlewareBlockedError", "message": text}},
    }
    assert report["no return after a ban"] == 1


def test_pings_keep_a_connection_that_is_idle(report: Report) -> None:
    assert report["pings keep it alive"] == {"state": "open", "told": PING_TIMEOUT * 1_000, "events": []}


def test_who_never_answers_pings_is_closed_and_the_others_are_not(report: Report) -> None:
    told = report["who never answers pings"]

    assert [closed["code"] for closed in told["closed"]] == [CLIENT_IS_SILENT] * 2
    assert min(closed["seconds"] for closed in told["closed"]) >= PING_TIMEOUT
    assert told["pings"] > 1
    assert told["other"] == "unauthenticated"


def test_a_client_leaves_a_server_that_does_not_ping_unless_told_so(report: Report) -> None:
    assert report["who hears no pings"] == SERVER_IS_SILENT
    assert report["who needs no pings"] == {"state": "open", "events": []}


def test_the_handshake_has_to_come_in_time(report: Report) -> None:
    assert (report["no handshake"]["code"], report["no handshake"]["pings"]) == (NO_HANDSHAKE, True)


def test_old_clients_have_their_own_signs_of_life(report: Report) -> None:
    assert report["protocol version 1"] == {"state": "open", "answer": {"value": 1}, "pings": "#1"}


def test_a_client_comes_back_with_its_token_and_its_channels(report: Report) -> None:
    assert report["return with the token"] == {
        "left": {"code": 4100, "reason": "Come back"},
        "first": True,
        "state": "authenticated",
        "heard": [["again"], ["again"]],
    }


@pytest.mark.parametrize("code", ["1000", "4500", "4999"])
def test_some_ends_are_for_good(report: Report, code: str) -> None:
    assert report["ends without return"][code] == {"reason": "Stay away", "state": "closed", "connects": 1}


def test_a_client_that_leaves_may_come_again(report: Report) -> None:
    assert report["a client that leaves may come again"] == "open"


def test_nothing_may_come_before_the_handshake(report: Report) -> None:
    assert report["before the handshake"]["strict"] == TOO_EARLY


def test_an_endpoint_may_serve_before_the_handshake_but_for_subscriptions(report: Report) -> None:
    answers = {packet["rid"]: packet for packet in report["before the handshake"]["lenient"]}

    assert answers[1] == {"rid": 1, "data": 2}
    assert answers[3] == {"rid": 3}
    assert [answers[number]["error"]["name"] for number in (2, 4)] == ["InvalidActionError"] * 2
    assert answers[5]["data"]["isAuthenticated"] is False


def test_the_handshake_has_to_want_an_answer(report: Report) -> None:
    assert report["a handshake that wants no answer"] == REFUSED
