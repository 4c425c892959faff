"""The dialect of `graphql-ws`: every message, state and close code."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchword.base import json
from watchword.base.errors import Code, Problem
from watchword.base.secret import Secret
from watchword.dialects.graphql.transport_ws import GraphqlWs
from watchword.protocol import operations as op
from watchword.protocol import outcomes as out
from watchword.protocol.events import Event
from watchword.query.query import Query

INIT = {"type": "connection_init"}
ACK = out.Authenticated("connection_init")


class Written:
    """A projection that writes the kind of an event."""

    def written(self, event: Event) -> str:
        return f'{{"data":"{event.kind}"}}'


def asked(dialect: GraphqlWs, message: Any) -> list[op.Operation]:
    return list(dialect.receive(message if isinstance(message, str) else json.encode(message).decode()))


def said(dialect: GraphqlWs, outcome: out.Outcome) -> list[Any]:
    return [json.decode(frame) for frame in dialect.send(outcome)]


def acknowledged() -> GraphqlWs:
    dialect = GraphqlWs()
    asked(dialect, INIT)
    said(dialect, ACK)
    return dialect


def subscribing(number: str = "1", **payload: Any) -> dict[str, Any]:
    return {"id": number, "type": "subscribe", "payload": {"query": "{ a }"} | payload}


@pytest.mark.parametrize(
    "payload",
    [
        {"access_token": "t"},
        {"Authorization": "Bearer t"},
        {"authorization": "bearer t"},
        {"headers": {"Authorization": "Bearer t"}},
    ],
)
def test_initialisation_presents_its_token(payload: dict[str, Any]) -> None:
    expected = op.Authenticate(op.AccessToken(Secret("t")), "connection_init")

    assert asked(GraphqlWs(), INIT | {"payload": payload}) == [expected]


@pytest.mark.parametrize(
    "payload", [None, {}, {"access_token": ""}, {"access_token": 1}, {"email": "a", "password": "b"}]
)
def test_initialisation_without_a_token_asks_who_it_is(payload: Any) -> None:
    assert asked(GraphqlWs(), INIT | {"payload": payload}) == [op.Ping("connection_init")]


def test_token_counts_for_nothing_where_the_upgrade_decides() -> None:
    dialect = GraphqlWs(credentials=False)

    assert asked(dialect, INIT | {"payload": {"access_token": "t"}}) == [op.Ping("connection_init")]


def test_acknowledgement_says_until_when() -> None:
    assert said(GraphqlWs(), out.Authenticated("connection_init", expires_at=12.5)) == [
        {"type": "connection_ack", "payload": {"expires_at": 12500}}
    ]
    assert said(GraphqlWs(), out.Pong("connection_init")) == [{"type": "connection_ack"}]


@pytest.mark.parametrize(
    ("message", "code", "text"),
    [
        ("nonsense", 4400, "Invalid message received"),
        ("[]", 4400, "Invalid message received"),
        ({}, 4400, "Invalid message received"),
        ({"type": 1}, 4400, "Invalid message received"),
        ({"type": "foo"}, 4400, "Invalid message received"),
        (INIT | {"payload": []}, 4400, "Invalid message received"),
        ({"type": "ping", "payload": 1}, 4400, "Invalid message received"),
        ({"type": "pong", "payload": "x"}, 4400, "Invalid message received"),
        ({"type": "complete"}, 4400, "Invalid message received"),
        (subscribing(""), 4400, "Invalid message received"),
        (subscribing(query=None), 4400, "Invalid message received"),
        (subscribing(variables=[]), 4400, "Invalid message received"),
        (subscribing(operationName=1), 4400, "Invalid message received"),
        (subscribing(extensions="x"), 4400, "Invalid message received"),
        ({"id": "1", "type": "subscribe"}, 4400, "Invalid message received"),
        (subscribing(), 4401, "Unauthorized"),
    ],
)
def test_what_breaks_the_protocol_before_the_acknowledgement_closes(message: Any, code: int, text: str) -> None:
    assert asked(GraphqlWs(), message) == [op.Break(code, text)]


def test_second_initialisation_closes() -> None:
    dialect = GraphqlWs()
    asked(dialect, INIT)

    assert asked(dialect, INIT) == [op.Break(4429, "Too many initialisation requests")]


def test_operation_that_is_running_keeps_its_id() -> None:
    dialect = acknowledged()
    asked(dialect, subscribing())

    assert asked(dialect, subscribing()) == [op.Break(4409, "Subscriber for 1 already exists")]


def test_id_is_free_again_when_its_operation_is_over() -> None:
    dialect = acknowledged()
    for over in (out.Reply(1, id="1"), out.Failure(op.Execute(id="1"), Problem(Code.FORBIDDEN))):
        asked(dialect, subscribing())
        said(dialect, over)
    asked(dialect, subscribing())
    asked(dialect, {"id": "1", "type": "complete"})

    assert isinstance(asked(dialect, subscribing())[0], op.Execute)


def test_ping_is_answered_by_anybody_at_any_time_with_what_it_held() -> None:
    assert asked(GraphqlWs(), {"type": "ping"}) == [op.Respond('{"type":"pong"}')]
    assert asked(GraphqlWs(), {"type": "ping", "payload": {"a": 1}}) == [
        op.Respond('{"type":"pong","payload":{"a":1}}')
    ]
    assert asked(GraphqlWs(), {"type": "pong", "payload": {}}) == []


def test_operation_is_run() -> None:
    message = subscribing(operationName="A", variables={"x": 1}, extensions={"other": 1})

    assert asked(acknowledged(), message) == [op.Execute("{ a }", "A", {"x": 1}, subscription="1", id="1")]


def test_result_is_told_once_and_is_the_last() -> None:
    dialect = acknowledged()
    asked(dialect, subscribing())

    assert said(dialect, out.Reply({"data": 1}, id="1")) == [
        {"id": "1", "type": "next", "payload": {"data": 1}},
        {"id": "1", "type": "complete"},
    ]
    assert said(dialect, out.Reply({"data": 1}, id="1")) == []


def test_errors_are_the_last_word_without_a_complete() -> None:
    dialect = acknowledged()
    asked(dialect, subscribing())
    refused = Problem(Code.GRAPHQL_VALIDATION, errors=[{"message": "no"}])

    assert said(dialect, out.Failure(op.Execute(id="1"), refused)) == [
        {"id": "1", "type": "error", "payload": [{"message": "no"}]}
    ]
    asked(dialect, subscribing("2"))
    assert said(dialect, out.Ended("2", None, Problem(Code.FORBIDDEN, "No."))) == [
        {"id": "2", "type": "error", "payload": [{"message": "No.", "extensions": {"code": "FORBIDDEN"}}]}
    ]


def test_events_are_told_under_their_ids() -> None:
    dialect = acknowledged()
    asked(dialect, subscribing('a"b'))
    assert said(dialect, out.Subscribed('a"b', projection=Written())) == []
    events = [Event("create", {}, 1), Event("delete", "1", 2)]

    assert [json.decode(frame) for frame in dialect.push('a"b', events)] == [
        {"id": 'a"b', "type": "next", "payload": {"data": "create"}},
        {"id": 'a"b', "type": "next", "payload": {"data": "delete"}},
    ]


def test_nothing_follows_a_complete() -> None:
    dialect = acknowledged()
    asked(dialect, subscribing())
    said(dialect, out.Subscribed("1", projection=Written()))

    assert asked(dialect, {"id": "1", "type": "complete"}) == [op.Unsubscribe("1", "1")]
    assert said(dialect, out.Ended("1", "1")) == []
    assert list(dialect.push("1", [Event("create", {}, 1)])) == []
    assert said(dialect, out.Reply({"data": 1}, id="1")) == []


def test_complete_of_what_is_not_running_asks_for_nothing() -> None:
    assert asked(acknowledged(), {"id": "9", "type": "complete"}) == []


def test_server_asks_for_signs_of_life_by_ping() -> None:
    assert said(acknowledged(), out.Heartbeat()) == [{"type": "ping"}]


def test_close_says_whether_to_come_again() -> None:
    refused = out.Refused(Problem(Code.TOKEN_EXPIRED))

    assert (GraphqlWs().close_code(refused), acknowledged().close_code(refused)) == (4403, 4403)
    assert GraphqlWs().close_code(out.Cause.NOT_OPENED) == 4408
    assert acknowledged().close_code(out.Cause.SILENT) == 1001
    assert acknowledged().close_code(None) == 1000
    assert [GraphqlWs().close_text(code) for code in (4403, 4408, 1000)] == [
        "Forbidden", "Connection initialisation timeout", "",
    ]  # fmt: skip


def test_nothing_is_said_of_the_identity() -> None:
    dialect = acknowledged()

    for outcome in (out.Refused(Problem(Code.TOKEN_EXPIRED)), out.Opened(), out.Renew(), out.Deauthenticated()):
        assert said(dialect, outcome) == []


def test_operation_that_is_not_looked_at_is_told_so() -> None:
    problem = Problem(Code.REQUESTS_EXCEEDED, retry_after=1.0)
    frame = json.encode(subscribing("7")).decode()

    [told] = [json.decode(each) for each in acknowledged().refuse(frame, problem)]
    assert (told["id"], told["type"], told["payload"][0]["extensions"]) == ("7", "error", {"code": "REQUESTS_EXCEEDED"})
    assert list(acknowledged().refuse('{"type":"ping"}', problem)) == []


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
_TYPES = st.sampled_from(["connection_init", "ping", "pong", "subscribe", "complete", "next", "x"])


@given(
    st.lists(st.fixed_dictionaries({}, optional={"id": _JSON, "type": _TYPES | _JSON, "payload": _JSON}), max_size=5)
)
def test_any_messages_are_understood_or_close(messages: list[Any]) -> None:
    dialect = acknowledged()
    for message in messages:
        for operation in asked(dialect, message):
            assert isinstance(operation, op.Operation)


@given(st.text(max_size=30) | st.binary(max_size=30))
def test_any_frame_is_understood_or_closes(frame: str | bytes) -> None:
    assert all(isinstance(operation, op.Operation) for operation in GraphqlWs().receive(frame))


def test_failure_of_a_subscription_is_its_error() -> None:
    dialect = acknowledged()
    asked(dialect, subscribing())
    failed = out.Failure(op.Subscribe("1", Query("a"), id="1"), Problem(Code.POSITION_LOST))

    [told] = said(dialect, failed)
    assert (told["type"], told["payload"][0]["extensions"]["code"]) == ("error", "POSITION_LOST")
