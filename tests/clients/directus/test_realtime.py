"""`@directus/sdk` over WebSockets, in each mode: subscriptions, items and pings."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.clients.directus.conftest import Case, Report
from tests.support.newsroom import Newsroom

pytestmark = pytest.mark.timeout(300)

Frame = dict[str, Any]


@pytest.fixture(params=["handshake", "strict", "public"])
def mode(request: pytest.FixtureRequest) -> str:
    """How sockets authenticate."""
    name: str = request.param
    return name


@pytest.fixture
def room(mode: str, rooms: Callable[..., Newsroom]) -> Newsroom:
    """A newsroom whose server has the mode, and whose published articles are for everybody."""
    return rooms(public=True, WEBSOCKETS_REST_AUTH=mode)


@pytest.fixture(params=["26", "20"])
def report(
    request: pytest.FixtureRequest, mode: str, room: Newsroom, case_of: Callable[[str, Newsroom], Case]
) -> Report:
    """What came of the steps of realtime.mjs."""
    return case_of(request.param, room).report("realtime.mjs", mode=mode)


def event(kind: str, *data: Any, uid: str = "published") -> Frame:
    return {"type": "subscription", "event": kind, "data": list(data), "uid": uid}


def told(frames: list[Frame]) -> list[tuple[str, Any]]:
    return [(frame["event"], row) for frame in frames if frame["event"] != "init" for row in frame["data"]]


def test_subscription_with_a_query_tells_what_comes_into_sight_and_what_leaves_it(report: Report) -> None:
    first, second, third = report["keys"]
    ann = {"first_name": "Ann"}

    offsets = [int(frame.pop("position").partition(":")[2]) for frame in report["published"]]
    assert sorted(set(offsets)) == offsets
    assert report["published"] == [
        event("init", {"id": first, "title": "First", "author": ann}),
        event("create", {"id": second, "title": "Second", "author": None}),
        event("update", {"id": first, "title": "First again", "author": ann}),
        event("delete", str(first)),
        event("delete", str(second)),
        event("create", {"id": third, "title": "Third", "author": None}),
    ]


def test_subscription_without_a_query_tells_what_the_rights_let_through(report: Report, mode: str) -> None:
    first, second, _ = report["keys"]
    events = [(kind, row if kind == "delete" else row["title"]) for kind, row in told(report["all"])]
    public = [
        ("create", "Second"),
        ("update", "First again"),
        ("delete", str(first)),
        ("delete", str(second)),
        ("create", "Third"),
    ]
    editor = [
        ("create", "Second"),
        ("update", "Second"),
        ("update", "First again"),
        ("update", "First again"),
        ("delete", str(second)),
        ("create", "Third"),
    ]

    assert events == (public if mode == "public" else editor)
    assert ("body" in report["all"][0]["data"][0]) is (mode != "public")


def test_subscription_to_one_kind_of_event_tells_no_other(report: Report, mode: str) -> None:
    first, second, _ = report["keys"]
    unpublished = [("delete", str(first))] if mode == "public" else []

    assert "data" not in report["created"][0]
    assert told(report["created"]) == [("create", {"title": "Second"}), ("create", {"title": "Third"})]
    assert told(report["deleted"]) == [*unpublished, ("delete", str(second))]


def test_subscription_to_one_item_tells_objects_of_that_item_only(report: Report, mode: str) -> None:
    first, *_ = report["keys"]
    seen = [(frame["event"], frame["data"]["id"], frame["data"]["title"]) for frame in report["item events"][:2]]

    assert (report["item"]["event"], report["item"]["data"]["title"]) == ("init", "First")
    assert seen == [("update", first, "First again")] * (1 if mode == "public" else 2)


def test_nothing_follows_the_end_of_a_subscription(report: Report) -> None:
    assert report["unsubscribed"] == {"type": "subscription", "event": "unsubscribe", "uid": "published"}
    assert report["after unsubscribe"] == []


def test_items_over_the_socket_are_under_the_same_rights(report: Report, mode: str) -> None:
    if mode == "public":
        codes = {report[f"socket {action}"]["error"]["code"] for action in ("create", "update", "delete")}
        assert codes == {"FORBIDDEN"}
        assert report["socket read"] == {"type": "items", "data": [{"title": "Fifth"}], "uid": "r"}
        return
    row = {"title": "By socket", "status": "draft"}
    assert report["socket create"] == {"type": "items", "data": row, "uid": "c"}
    assert report["socket read"] == {"type": "items", "data": [{"title": "By socket"}], "uid": "r"}
    assert report["socket update"] == {"type": "items", "data": [row | {"status": "published"}], "uid": "u"}
    assert report["socket delete"] == {"type": "items", "data": report["last"], "uid": "d"}


def test_ping_is_answered(report: Report) -> None:
    assert report["ping"] == {"type": "pong", "uid": "p"}


def test_login_over_a_public_socket_raises_its_rights(report: Report, mode: str) -> None:
    if mode != "public":
        assert "raised" not in report
        return
    assert report["raised"] == "ok"
    assert report["raised read"]["data"] == [{"title": "First again", "body": "text"}]
    assert report["raised event"] == "text"


def test_subscription_to_what_is_out_of_sight_is_refused(report: Report) -> None:
    refused = report["unknown collection"]

    assert (refused["type"], refused["uid"], refused["error"]["code"]) == ("subscribe", "unknown", "FORBIDDEN")
