"""The dialect of `subscriptions-transport-ws`."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchword.base import json
from watchword.base.errors import Code, Problem
from watchword.base.secret import Secret
from watchword.dialects.graphql.legacy import GraphqlLegacy
from watchword.protocol import operations as op
from watchword.protocol import outcomes as out
from watchword.protocol.events import Event

INIT = {"type": "connection_init"}
START = {"id": "1", "type": "start", "payload": {"query": "{ a }"}}


class Written:
    """A projection that writes the kind of an event."""

    def written(self, event: Event) -> str:
        return f'{{"data":"{event.kind}"}}'


def asked(dialect: GraphqlLegacy, message: Any) -> list[op.Operation]:
    return list(dialect.receive(json.encode(message).decode()))


def said(dialect: GraphqlLegacy, outcome: out.Outcome) -> list[Any]:
    return [json.decode(frame) for frame in dialect.send(outcome)]


def acknowledged() -> GraphqlLegacy:
    dialect = GraphqlLegacy()
    asked(dialect, INIT)
    said(dialect, out.Pong("connection_init"))
    return dialect


def test_initialisation_is_acknowledged_with_a_sign_of_life() -> None:
    dialect = GraphqlLegacy()

    presented = op.Authenticate(op.AccessToken(Secret("t")), "connection_init")
    assert asked(dialect, INIT | {"payload": {"access_token": "t"}}) == [presented]
    assert said(dialect, out.Authenticated("connection_init", expires_at=1.0)) == [
        {"type": "connection_ack"},
        {"type": "ka"},
    ]


def test_initialisation_that_is_refused_is_told_before_the_close() -> None:
    dialect = GraphqlLegacy()
    asked(dialect, INIT)
    refused = out.Refused(Problem(Code.AUTH_FAILED))

    assert said(dialect, refused) == [{"type": "connection_error", "payload": {"message": "Forbidden"}}]
    assert dialect.close_code(refused) == 1011
    assert GraphqlLegacy().close_code(refused) == 4403


def test_end_of_the_token_is_a_close_and_no_message() -> None:
    refused = out.Refused(Problem(Code.TOKEN_EXPIRED))

    assert said(acknowledged(), refused) == []
    assert (acknowledged().close_code(refused), acknowledged().close_text(4403)) == (4403, "Forbidden")


def test_operation_is_run_and_its_id_may_be_used_again() -> None:
    dialect = acknowledged()

    expected = [op.Execute("{ a }", subscription="1", id="1")]
    assert asked(dialect, START) == expected
    assert asked(dialect, START) == expected


def test_result_is_told_and_completed() -> None:
    dialect = acknowledged()
    asked(dialect, START)

    assert said(dialect, out.Reply({"data": 1}, id="1")) == [
        {"id": "1", "type": "data", "payload": {"data": 1}},
        {"id": "1", "type": "complete"},
    ]


def test_what_is_wrong_with_a_document_is_a_result() -> None:
    dialect = acknowledged()
    asked(dialect, START)
    refused = Problem(Code.GRAPHQL_VALIDATION, errors=[{"message": "no"}])

    assert said(dialect, out.Failure(op.Execute(id="1"), refused)) == [
        {"id": "1", "type": "data", "payload": {"errors": [{"message": "no"}]}},
        {"id": "1", "type": "complete"},
    ]


def test_events_come_until_the_client_stops() -> None:
    dialect = acknowledged()
    asked(dialect, START)
    said(dialect, out.Subscribed("1", projection=Written()))

    [told] = dialect.push("1", [Event("create", {}, 1)])
    assert json.decode(told) == {"id": "1", "type": "data", "payload": {"data": "create"}}
    assert asked(dialect, {"id": "1", "type": "stop"}) == [op.Unsubscribe("1", "1")]
    assert list(dialect.push("1", [Event("create", {}, 2)])) == []


def test_signs_of_life_are_told_and_not_asked_for() -> None:
    assert said(acknowledged(), out.Heartbeat()) == [{"type": "ka"}]


def test_client_may_leave() -> None:
    assert asked(acknowledged(), {"type": "connection_terminate"}) == [op.Break(1000)]


@pytest.mark.parametrize("message", [{"type": "nope"}, {"type": "start"}, [], {"id": 1, "type": "stop"}])
def test_what_is_no_message_is_answered(message: Any) -> None:
    [answer] = asked(acknowledged(), message)

    assert isinstance(answer, op.Respond)
    assert json.decode(answer.frame)["payload"] == {"message": "Invalid message type!"}


def test_what_is_no_json_is_answered() -> None:
    [answer] = acknowledged().receive("{")

    assert isinstance(answer, op.Respond)
    assert json.decode(answer.frame)["type"] == "connection_error"


def test_start_without_a_document_fails_alone() -> None:
    dialect = acknowledged()
    [operation] = asked(dialect, {"id": "1", "type": "start", "payload": {}})

    assert isinstance(operation, op.Invalid)
    told = said(dialect, out.Failure(operation, operation.problem))
    assert [each["type"] for each in told] == ["data", "complete"]


def test_operation_that_is_not_looked_at_is_told_so() -> None:
    problem = Problem(Code.REQUESTS_EXCEEDED)

    [told] = [json.decode(each) for each in acknowledged().refuse(json.encode(START), problem)]
    assert (told["id"], told["type"]) == ("1", "error")
    assert list(acknowledged().refuse("{", problem)) == []


@given(st.text(max_size=40) | st.binary(max_size=40))
def test_any_frame_is_understood_or_answered(frame: str | bytes) -> None:
    assert all(isinstance(operation, op.Operation) for operation in acknowledged().receive(frame))
