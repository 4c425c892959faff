"""Subscriptions as server-sent events, with `httpSubscriptionLink` (see events.mjs) and as they are on the wire."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from tests.clients.trpc.conftest import SECRET, VERSIONS, Report
from tests.support.newsroom import Newsroom
from tests.support.server import PATIENCE, Server

pytestmark = pytest.mark.timeout(300)

WAYS = ("params", "authorization", "header", "url", "cookie")
REFUSALS = {
    "invalid": ("BAD_REQUEST", "countdown"),
    "nobody": ("UNAUTHORIZED", "protected"),
    "role": ("FORBIDDEN", "for_readers"),
    "token": ("UNAUTHORIZED", "countdown"),
    "expired": ("UNAUTHORIZED", "countdown"),
    "garbage": ("UNAUTHORIZED", "countdown"),
}


@pytest.fixture(params=VERSIONS)
def report(report_of: Callable[..., Report], request: pytest.FixtureRequest) -> Report:
    return report_of("events.mjs", request.param)


def test_a_stream_begins_tells_and_ends(report: Report) -> None:
    told = report["whole"]

    assert told["data"] == [3, 2, 1]
    assert told["events"][0] == "started"
    assert told["events"][1:4] == ["data"] * 3
    assert told["events"][-1] == "complete"
    assert told["states"][:2] == ["connecting", "pending"]


def test_tracked_values_come_with_their_ids(report: Report) -> None:
    assert report["ids"] == [{"id": "1", "data": "a"}, {"id": "2", "data": "b"}]


def test_who_unsubscribes_ends_the_procedure(report: Report) -> None:
    assert report["stopped"] == {"left": 1, "data": 2}


def test_a_stream_that_the_server_has_ended_goes_on_where_it_was(report: Report) -> None:
    told = report["resumed"]

    assert told["data"] == [{"id": str(number), "data": number} for number in range(1, 4)]
    assert told["asked"][:2] == [None, "1"]
    assert not told["failed"]


def test_values_with_and_without_ids_may_be_mixed(report: Report) -> None:
    assert report["mixed"] == [{"id": "first+", "data": "with"}, "without"]


def test_a_mount_may_end_after_one_value(report: Report) -> None:
    assert report["once"] == {"data": [{"id": "1", "data": "only"}], "left": 1}


def test_a_problem_ends_the_subscription(report: Report) -> None:
    told = report["failed"]

    assert told["data"] == ["before"]
    assert told["error"]["message"] == "It is CONFLICT"
    assert told["error"]["data"] == {"code": "CONFLICT", "httpStatus": 409, "path": "stumble"}


def test_after_a_bug_the_client_comes_back(report: Report) -> None:
    told = report["crashed"]

    assert told["data"] == ["before", "before"]
    assert (told["errors"], told["asked"]) == ([], 2)
    assert told["state"]["error"]["code"] == -32603
    assert SECRET not in str(told)


@pytest.mark.parametrize("name", REFUSALS)
def test_a_refusal_comes_as_an_event(report: Report, name: str) -> None:
    told = report[f"refused {name}"]
    key, path = REFUSALS[name]

    assert (told["error"]["data"]["code"], told["error"]["data"]["path"]) == (key, path)
    assert told["events"] == ["started", "error"]


@pytest.mark.parametrize("way", WAYS)
def test_a_stream_is_authenticated_every_way(report: Report, way: str) -> None:
    assert report[f"way {way}"] == [1]


def test_a_stream_ends_with_its_token(report: Report) -> None:
    told = report["expiry"]

    assert told["error"]["data"]["code"] == "UNAUTHORIZED"
    assert told["seconds"] < 4
    assert (told["left"], told["data"]) == (1, [1])


def test_a_revocation_ends_the_streams_of_whom_it_is_about(report: Report) -> None:
    told = report["revoked"]

    assert told["error"]["data"]["code"] == "UNAUTHORIZED"
    assert told["quick"]
    assert told["heard"] == [[1], [], [1, 2]]


def test_who_loses_a_role_loses_what_it_was_for(report: Report) -> None:
    told = report["role"]

    assert told["error"]["data"]["code"] == "FORBIDDEN"
    assert (told["left"], told["data"]) == (1, [1])


def test_an_unknown_path_makes_the_client_give_up(report: Report) -> None:
    assert report["unknown"] == {"status": 404, "state": 2}


def test_tokens_in_urls_are_not_logged(report: Report, room: Newsroom) -> None:
    assert report["way params"] == [1]
    for name in ("ann", "void"):
        assert f"pass:{name}" not in room.server.log
        assert f"pass%3A{name}" not in room.server.log


# -- on the wire -------------------------------------------------------------------------------------------------------


@pytest.fixture
def http(server: Server) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server.url, timeout=PATIENCE) as client:
        yield client


def said(http: httpx.Client, path: str, count: int = 0, **request: Any) -> tuple[httpx.Response, list[dict[str, str]]]:
    """Return an answer and its events: all of them, or so many of an answer that goes on."""
    found: list[dict[str, str]] = []
    fields: dict[str, str] = {}
    with http.stream("GET", path, **request) as response:
        for line in response.iter_lines():
            if line:
                name, _, value = line.partition(":")
                fields[name] = value.removeprefix(" ")
                continue
            found.append(fields)
            fields = {}
            if len(found) == count:
                break
    return response, found


def given(value: Any) -> str:
    return quote(json.dumps(value))


def test_the_events_of_a_whole_stream(http: httpx.Client) -> None:
    response, found = said(http, f"/trpc/countdown?input={given({'start': 2})}")

    assert response.status_code == 200
    assert response.headers["content-type"].startswith("text/event-stream")
    assert response.headers["cache-control"] == "no-cache, no-transform"
    assert response.headers["x-accel-buffering"] == "no"
    assert response.headers["vary"] == "trpc-accept, accept"
    assert found == [
        {"event": "connected", "data": "{}"},
        {"data": "2"},
        {"data": "1"},
        {"event": "return", "data": ""},
    ]


def test_pings_come_when_it_is_quiet(http: httpx.Client) -> None:
    _, found = said(http, f"/events/feed?input={given({'topic': 'quiet'})}", 4)

    assert found == [
        {"event": "connected", "data": '{"reconnectAfterInactivityMs":5000}'},
        *[{"event": "ping", "data": ""}] * 3,
    ]


def test_an_id_outlives_a_value_without_one(http: httpx.Client) -> None:
    _, found = said(http, "/trpc/mixed", 4)

    assert found == [
        {"event": "connected", "data": "{}"},
        {"data": '"with"', "id": "first+"},
        {"data": '"without"', "id": ""},
        {"event": "restore-id", "data": "", "id": "first+"},
    ]


@pytest.mark.parametrize(
    ("query", "headers"),
    [
        ("", {"last-event-id": "9"}),
        ("?lastEventId=9", {}),
        ("?Last-Event-Id=9", {}),
        (f"?input={given({'lastEventId': '9'})}", {}),
        ("?lastEventId=8", {"last-event-id": "9"}),
        (f"?lastEventId=9&input={given({'lastEventId': '7'})}", {}),
        (f"?input={given(None)}", {"last-event-id": "9"}),
        ("?Last-Event-Id=8&lastEventId=9", {}),
    ],
)
def test_where_a_client_was_may_be_told_in_every_way(http: httpx.Client, query: str, headers: dict[str, str]) -> None:
    _, found = said(http, f"/trpc/mixed{query}", 2, headers=headers)

    assert found[1]["id"] == "9+"


def test_an_input_that_is_no_object_has_no_place_for_an_id(http: httpx.Client) -> None:
    _, found = said(http, f"/trpc/mixed?input={given([1])}", headers={"last-event-id": "9"})

    assert [each["event"] for each in found] == ["connected", "serialized-error"]


def test_a_refusal_is_an_event_of_an_answer_that_is_well(http: httpx.Client) -> None:
    response, found = said(http, "/trpc/protected?input=%7B%22topic%22%3A%22x%22%7D")
    error = json.loads(found[1]["data"])

    assert response.status_code == 200
    assert [each["event"] for each in found] == ["connected", "serialized-error"]
    assert error["code"] == -32001
    assert error["data"] == {"code": "UNAUTHORIZED", "httpStatus": 401, "path": "protected"}


def test_a_malformed_input_is_an_event_too(http: httpx.Client) -> None:
    response, found = said(http, "/trpc/countdown?input=%7B")

    assert response.status_code == 200
    assert json.loads(found[1]["data"])["data"]["code"] == "BAD_REQUEST"


def test_an_unknown_path_is_plain_json(http: httpx.Client) -> None:
    response = http.get("/trpc/nowhere", headers={"accept": "text/event-stream"})

    assert (response.status_code, response.headers["content-type"]) == (404, "application/json")
    assert response.json()["error"]["data"] == {"code": "NOT_FOUND", "httpStatus": 404, "path": "nowhere"}
