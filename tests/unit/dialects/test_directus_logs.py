from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchword.base import json
from watchword.base.errors import Code, Problem
from watchword.dialects.directus import CLOSE_UNAUTHENTICATED, Directus
from watchword.dialects.directus_logs import DirectusLogs
from watchword.protocol import operations as op
from watchword.protocol import outcomes as out
from watchword.protocol.dialect import Dialect
from watchword.protocol.events import Event
from watchword.protocol.records import Record

REQUEST = {"method": "GET", "path": "/items/articles?limit=1", "status": 200, "ms": 8.71, "logger": "watchword.http"}


def dialect(*, raw: bool = False) -> DirectusLogs:
    return DirectusLogs(Directus(), raw=raw)


def receive(frame: str | bytes) -> op.Operation:
    (operation,) = dialect().receive(frame)
    return operation


def said(outcome: out.Outcome) -> Any:
    (frame,) = dialect().send(outcome)
    return json.decode(frame)


def pushed(*records: Record, raw: bool = False) -> list[Any]:
    events = [Event("log", record, 0) for record in records]
    return [json.decode(frame) for frame in dialect(raw=raw).push(None, events)]


def test_it_is_a_dialect() -> None:
    spoken: Dialect = dialect()
    assert spoken.name == "directus-logs"


def test_a_level_is_asked_for_by_name_and_confirmed_without_uid() -> None:
    assert receive('{"type":"subscribe","log_level":"info","uid":"l1"}') == op.FollowLog("info")
    assert said(out.Subscribed(None, "info")) == {"type": "logs", "event": "subscribe", "log_level": "info"}


def test_the_end_is_confirmed() -> None:
    assert receive('{"type":"unsubscribe"}') == op.Unsubscribe()
    assert said(out.Ended(None)) == {"type": "logs", "event": "unsubscribe"}


def test_a_bad_level_is_refused_as_recorded() -> None:
    problem = Problem(Code.INVALID_PAYLOAD, 'Invalid "nope" log level')
    assert said(out.Failure(op.FollowLog("nope"), problem)) == {
        "type": "logs",
        "status": "error",
        "error": {"code": "INVALID_PAYLOAD", "message": 'Invalid "nope" log level'},
    }


@pytest.mark.parametrize(
    ("level", "received"),
    [("", "undefined"), (',"log_level":null', "null"), (',"log_level":3', "number"), (',"log_level":{}', "object")],
)
def test_a_subscription_without_a_level_is_refused_as_recorded(level: str, received: str) -> None:
    operation = receive(f'{{"type":"subscribe"{level}}}')
    assert isinstance(operation, op.Invalid)
    assert said(out.Failure(operation, operation.problem)) == {
        "type": "logs",
        "status": "error",
        "error": {
            "code": "INVALID_PAYLOAD",
            "message": f'Validation error: Invalid input: expected string, received {received} at "log_level" '
            'or Invalid input: expected "unsubscribe" at "type"',
        },
    }


@pytest.mark.parametrize(
    "frame",
    [
        '{"type":"ping"}',
        '{"type":"foo"}',
        '{"type":"items","action":"read","collection":"articles"}',
        '{"type":"items"}',
    ],
)
def test_everything_else_asks_for_nothing(frame: str) -> None:
    assert receive(frame) == op.Ignore()


def test_authentication_and_what_is_no_json_are_those_of_the_other_endpoint() -> None:
    assert isinstance(receive('{"type":"auth","access_token":"t"}'), op.Authenticate)
    broken = receive("xx")
    assert isinstance(broken, op.Invalid)
    assert said(out.Failure(broken, broken.problem)) == {
        "type": "server",
        "status": "error",
        "error": {"code": "INVALID_PAYLOAD", "message": "Unable to parse the incoming message."},
    }
    refused = out.Refused(Problem(Code.TOKEN_EXPIRED))
    assert said(refused)["type"] == "auth"
    assert dialect().close_code(refused) == CLOSE_UNAUTHENTICATED


def test_an_administrator_who_is_none_any_more_is_told() -> None:
    assert said(out.Ended(None, problem=Problem(Code.FORBIDDEN))) == {
        "type": "logs",
        "status": "error",
        "error": {"code": "FORBIDDEN", "message": "You don't have permission to access this."},
    }


def test_a_request_is_one_line_as_recorded() -> None:
    assert pushed(Record(30, 1795295441376, "request", "node0001", REQUEST)) == [
        {
            "type": "logs",
            "data": {"level": 30, "time": 1795295441376, "msg": "GET /items/articles?limit=1 200 9ms"},
            "uid": "node0001",
        }
    ]


def test_other_records_are_one_line_with_what_belongs_to_them() -> None:
    members = {"path": "/websocket", "open": 3, "logger": "x", "exception": "Traceback\n  …\nValueError: no"}
    (frame,) = pushed(Record(50, 1, "socket.opened", "n", members))
    assert frame["data"]["msg"] == "socket.opened path=/websocket open=3 ValueError: no"


def test_raw_has_all_members_and_none_takes_the_place_of_ours() -> None:
    (frame,) = pushed(Record(30, 5, "request", "n", REQUEST | {"level": "x", "msg": "y"}), raw=True)
    assert frame["data"] == {"level": 30, "time": 5, "msg": "request"} | REQUEST


def test_a_record_is_encoded_once_for_all_that_follow() -> None:
    event = Event("log", Record(30, 1, "a", "n"), 0)
    (first,) = dialect().push(None, [event])
    (second,) = dialect().push(None, [event])
    assert first is second


@given(st.text() | st.binary())
def test_no_frame_raises(frame: str | bytes) -> None:
    assert len(list(dialect().receive(frame))) == 1
