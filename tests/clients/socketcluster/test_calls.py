"""Calls and words of `socketcluster-client` in both directions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.clients.socketcluster.conftest import Report

pytestmark = pytest.mark.timeout(300)


@pytest.fixture
def report(report_of: Callable[..., Report]) -> Report:
    """What the client saw; see calls.mjs."""
    return report_of("calls.mjs")


def test_results_arrive_as_they_are(report: Report) -> None:
    deep = {"a": [1, {"b": None}], "c": "späße 🎈"}

    assert report["values"] == {"null": {"value": None}, "nothing": True, "deep": {"value": deep}}


def test_both_ends_call_the_socket_the_same(report: Report) -> None:
    assert report["id"] is True


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        ("problem", {"name": "SundayError", "code": "FORBIDDEN", "day": 7, "message": "Not on Sundays"}),
        ("thrown", {"name": "OwnError", "details": {"a": [1, None]}, "message": "Of its own"}),
        ("text", "only words"),
        ("exception", {"name": "KeyError", "message": "'nothing of that name'"}),
    ],
)
def test_errors_keep_their_names_and_members(report: Report, kind: str, error: Any) -> None:
    assert report["errors"][kind] == {"error": error}


def test_typed_procedures_refuse_what_does_not_fit(report: Report) -> None:
    error = report["errors"]["payload"]["error"]

    assert (error["name"], error["code"], error["field"]) == ("InvalidArgumentsError", "INVALID_PAYLOAD", "left")
    assert report["errors"]["sum"] == {"value": 3}


def test_an_unknown_procedure_is_silence(report: Report) -> None:
    assert report["unknown procedures"]["silence"] == _late("unheard of")


def test_an_endpoint_may_answer_calls_of_unknown_procedures(report: Report) -> None:
    error = report["unknown procedures"]["answer"]["error"]

    assert (error["name"], error["message"]) == ("InvalidActionError", "There is no procedure unheard of.")


def test_a_client_waits_so_long_and_goes_on(report: Report) -> None:
    assert report["unknown procedures"]["slow"] == _late("wait")
    assert report["unknown procedures"]["goesOn"] == {"value": 0}


def test_calls_run_beside_each_other(report: Report) -> None:
    assert report["calls run beside each other"] == [0, 0.1, 0.3]


def test_the_server_calls_procedures_of_the_client(report: Report) -> None:
    told = report["calls of the server's"]

    assert told["double"] == {"value": 42}
    assert told["refuse"] == {"error": {"name": "RemoteError", "message": "Not now"}}
    assert told["silence"] == _late("unheard")


def test_words_go_both_ways_in_order(report: Report) -> None:
    assert report["words"] == ["one", {"two": 2}, None]


def test_what_follows_the_handshake_may_be_gathered(report: Report) -> None:
    assert report["batch on handshake"]["numbers"] == [0, 1, 2, 3, 4]
    assert max(report["batch on handshake"]["sizes"]) > 1


def test_the_server_gathers_for_as_long_as_it_wants(report: Report) -> None:
    assert report["batching of the server's"] == {
        "numbers": [0, 1, 2, 3, 4, 0, 1, 2],
        "gathered": 1,
        "afterwards": 0,
    }


def test_the_client_may_gather_too(report: Report) -> None:
    assert report["batching of the client's"] == {"answers": [1, 2, 3], "said": "in a batch"}


def test_what_is_asked_before_the_connection_waits_for_it(report: Report) -> None:
    assert report["before there is a connection"] == {"value": "before there is a connection"}


def test_both_ends_may_use_another_codec(report: Report) -> None:
    assert report["codec"] == {"answer": {"value": {"a": "späße"}}, "words": [{"a": [None]}, 0, 1, 2]}


def test_bytes_are_told_as_text(report: Report) -> None:
    ab, c = ({"base64": True, "data": data} for data in ("YWI=", "Yw=="))

    assert report["bytes"] == {"value": {"bytes": ab, "list": [c]}}


def _late(procedure: str) -> dict[str, Any]:
    return {"error": {"name": "TimeoutError", "message": f"Event response for {procedure} event timed out"}}
