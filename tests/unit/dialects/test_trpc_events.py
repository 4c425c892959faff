"""The side of server-sent events: one subscription in, events out, with ids that a client can come back with."""

from __future__ import annotations

from typing import Any

import pytest

from watchword.base import json
from watchword.base.errors import Code, Problem
from watchword.dialects.trpc.events import PING, RETURN, TrpcEvents, connected, is_last, is_value
from watchword.dialects.trpc.requests import Inputs
from watchword.dialects.trpc.wire import Wire
from watchword.protocol import operations as op
from watchword.protocol import outcomes as out
from watchword.protocol.events import Event

CHANGES = "collections.changes"


def stream(path: str = "s", given: Any = None, since: str | None = None, wire: Wire | None = None) -> TrpcEvents:
    spoken = wire or Wire()
    text = None if given is None else json.encode(given)
    return TrpcEvents(spoken, path, Inputs(spoken, text, is_batch=False), since)


def data_of(frame: str) -> Any:
    (line,) = [each for each in frame.splitlines() if each.startswith("data: ")]
    return json.decode(line.removeprefix("data: "))


def test_the_first_event_tells_when_to_connect_anew_where_that_is_set() -> None:
    assert connected(None) == "event: connected\ndata: {}\n\n"
    assert data_of(connected(1.5)) == {"reconnectAfterInactivityMs": 1500}


@pytest.mark.parametrize(
    ("given", "since", "expected"),
    [
        (None, None, op.Watch("0", "s", op.ABSENT, None, 0)),
        ({"lastEventId": "7"}, None, op.Watch("0", "s", {"lastEventId": "7"}, "7", 0)),
        ({"lastEventId": "7"}, "8", op.Watch("0", "s", {"lastEventId": "7"}, "8", 0)),
    ],
)
def test_the_request_begins_the_subscription_where_its_client_was(
    given: Any, since: str | None, expected: op.Operation
) -> None:
    assert list(stream(given=given, since=since).receive("")) == [expected]


def test_an_input_that_is_none_is_told_as_an_error() -> None:
    dialect = stream(CHANGES)
    (operation,) = dialect.receive("")
    assert isinstance(operation, op.Invalid)
    (frame,) = dialect.send(out.Failure(operation, operation.problem))
    assert data_of(frame)["data"]["code"] == "BAD_REQUEST"
    assert is_last(frame)


def test_a_value_is_told_with_its_id() -> None:
    (frame,) = stream().send(out.Value("0", {"n": 1}, "a"))
    assert frame == 'data: {"n":1}\nid: a\n\n'
    assert is_value(frame)
    assert not is_last(frame)


def test_a_value_without_an_id_leaves_the_client_where_it_was() -> None:
    dialect = stream()
    assert list(dialect.send(out.Value("0", 1))) == ["data: 1\n\n"]
    list(dialect.send(out.Value("0", 2, "a")))
    assert list(dialect.send(out.Value("0", 3))) == ["data: 3\nid: \n\n", "event: restore-id\ndata: \nid: a\n\n"]


def test_what_a_collection_holds_is_told_first() -> None:
    (frame,) = stream(CHANGES).send(out.Subscribed("0", [{"id": 1}], position="p"))
    assert data_of(frame) == {"event": "init", "data": [{"id": 1}]}
    assert "\nid: p\n" in frame


def test_a_channel_begins_with_its_position() -> None:
    (frame,) = stream().send(out.Subscribed("0", has_data=False, position="p"))
    assert data_of(frame) == {"event": "init", "data": None}


def test_a_stream_that_goes_on_begins_with_nothing_unless_its_position_is_lost() -> None:
    resumed = stream(since="p")
    assert list(resumed.send(out.Subscribed("0", has_data=False, position="q"))) == []
    lost = Problem(Code.POSITION_LOST, reason="rights")
    (frame,) = resumed.send(out.Subscribed("0", [], position="q", lost=lost))
    assert data_of(frame)["lost"] == "rights"


def test_a_procedure_begins_with_nothing() -> None:
    assert list(stream().send(out.Subscribed("0", has_data=False))) == []


def test_events_are_told_once_for_all_who_follow() -> None:
    event = Event("update", [{"id": 1}], 1, "m")
    first, second = stream(CHANGES), stream(CHANGES)
    assert list(first.push("0", [event])) == list(second.push("0", [event]))
    assert data_of(next(iter(first.push("0", [event])))) == {"event": "update", "data": [{"id": 1}]}


def test_what_is_said_on_a_channel_is_a_message() -> None:
    (frame,) = stream().push("0", [Event("publish", "hello", 1)])
    assert data_of(frame) == {"event": "message", "data": "hello"}
    (bare,) = stream().push("0", [Event("publish", op.ABSENT, 1)])
    assert data_of(bare) == {"event": "message"}


def test_superjson_holds_for_values_and_errors() -> None:
    dialect = stream(wire=Wire(superjson=True))
    (value,) = dialect.send(out.Value("0", 1))
    (error,) = dialect.send(out.Ended("0", problem=Problem(Code.FORBIDDEN)))
    assert data_of(value) == {"json": 1}
    assert data_of(error)["json"]["data"]["code"] == "FORBIDDEN"


def test_a_stream_ends_with_a_return_or_an_error() -> None:
    dialect = stream()
    assert list(dialect.send(out.Ended("0"))) == [RETURN]
    assert is_last(RETURN)
    for outcome in (
        out.Ended("0", problem=Problem(Code.FORBIDDEN)),
        out.Refused(Problem(Code.FORBIDDEN)),
        out.Failure(op.Ignore(), Problem(Code.FORBIDDEN)),
    ):
        (frame,) = dialect.send(outcome)
        assert data_of(frame)["data"]["path"] == "s"
        assert is_last(frame)


def test_there_is_no_such_subscription() -> None:
    problem = Problem(Code.ROUTE_NOT_FOUND, procedure="s")
    (frame,) = stream().send(out.Failure(op.Watch("0", "s"), problem))
    assert data_of(frame)["message"] == 'No "subscription"-procedure on path "s"'


def test_what_clients_have_no_ears_for_is_told_in_no_event() -> None:
    dialect = stream()
    assert list(dialect.send(out.Heartbeat())) == [PING]
    assert list(dialect.send(out.Renew())) == []
    assert list(dialect.send(out.Pong())) == []
    assert dialect.close_code(out.Cause.SILENT) == 0
