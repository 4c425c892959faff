from __future__ import annotations

from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from watchword.access.permissions import Action
from watchword.base import json
from watchword.base.errors import Code, Problem, Thrown
from watchword.base.secret import Secret
from watchword.dialects.socketcluster import DEEPEST, SocketCluster
from watchword.protocol import operations as op
from watchword.protocol import outcomes as out
from watchword.protocol.dialect import Batching, Dialect
from watchword.protocol.events import Event
from watchword.protocol.operations import ABSENT
from watchword.query.query import Query

ID = "socket-1"
MALFORMATTED = "channel name was malformatted"


def socket(**options: Any) -> SocketCluster:
    return SocketCluster(ID, 30_000, **options)


def receive(frame: Any, **options: Any) -> op.Operation:
    (operation,) = socket(**options).receive(frame if isinstance(frame, str | bytes) else json.encode(frame))
    return operation


def said(outcome: out.Outcome) -> list[str | bytes]:
    return list(socket().send(outcome))


def failed(operation: op.Operation, problem: Problem) -> Any:
    (frame,) = said(out.Failure(operation, problem))
    return json.decode(frame)["error"]


def nested(depth: int) -> str:
    return "[" * depth + "]" * depth


def test_it_is_a_dialect_that_gathers() -> None:
    dialect: Dialect = socket()
    assert dialect.name == "socketcluster"
    assert isinstance(dialect, Batching)


# -- what comes in


@pytest.mark.parametrize(("version", "pong"), [(2, ""), (1, "#2")])
def test_a_pong_asks_for_nothing(version: int, pong: str) -> None:
    assert receive(pong, version=version) == op.Ignore()


def test_the_pong_of_another_version_is_no_sign_of_life() -> None:
    assert receive("#2") == op.Raw("#2")
    assert receive("", version=1) == op.Raw("")


@pytest.mark.parametrize(
    ("packet", "operation"),
    [
        ({"event": "a"}, op.Transmit("a")),
        ({"event": "a", "data": None}, op.Transmit("a", None)),
        ({"event": "a", "data": 1, "cid": "1"}, op.Transmit("a", 1)),
        ({"event": "a", "cid": True}, op.Transmit("a")),
        ({"event": "a", "cid": 0}, op.Invoke("a", id=0)),
        ({"event": "a", "data": [1], "cid": -1.5}, op.Invoke("a", [1], -1.5)),
        ({"event": "#unheard", "cid": 2**40}, op.Invoke("#unheard", id=2**40)),
        ({"rid": 1}, op.Answer(1)),
        ({"rid": 1, "data": None}, op.Answer(1, None)),
        ({"rid": 1, "error": "e"}, op.Answer(1, error="e")),
        ({"event": "a", "rid": 1}, op.Transmit("a")),
        ({"event": 1, "rid": 1}, op.Answer(1)),
        ({"rid": "1"}, op.Raw({"rid": "1"})),
        ({}, op.Raw({})),
        ("text", op.Raw("text")),
        ('"text"', op.Raw('"text"')),
        (' {"event":"a"}', op.Transmit("a")),
        ('{"event":', op.Raw('{"event":')),
        (b'{"event":"a"}', op.Transmit("a")),
    ],
)
def test_kinds_of_packet(packet: Any, operation: op.Operation) -> None:
    assert receive(packet) == operation


def test_a_batch_is_its_packets_in_order() -> None:
    batch = [{"event": "a", "cid": 1}, {"event": "b"}, 7, [], {"rid": 3}]

    assert list(socket().receive(json.encode(batch))) == [
        op.Invoke("a", id=1),
        op.Transmit("b"),
        op.Raw(7),
        op.Raw([]),
        op.Answer(3),
    ]
    assert list(socket().receive("[]")) == []


@pytest.mark.parametrize("data", [ABSENT, None, {}, {"authToken": None}, {"authToken": ""}, "text", [1]])
def test_a_handshake_without_a_token(data: Any) -> None:
    packet = {"event": "#handshake", "cid": 1} | ({} if data is ABSENT else {"data": data})
    assert receive(packet) == op.Open(None, 1)


def test_a_handshake_with_a_token() -> None:
    opening = receive({"event": "#handshake", "data": {"authToken": "t"}, "cid": 1})
    assert opening == op.Open(op.AccessToken(Secret("t")), 1)


@pytest.mark.parametrize("token", [1, True, {"a": 1}, ["t"]])
def test_a_token_that_is_no_text_is_presented_and_bad(token: Any) -> None:
    opening = receive({"event": "#handshake", "data": {"authToken": token}, "cid": 1})
    assert isinstance(opening, op.Open)
    assert opening.problem is not None
    authentication = receive({"event": "#authenticate", "data": token, "cid": 2})
    assert isinstance(authentication, op.Authenticate)
    assert authentication.problem is not None


def test_authentication_and_its_end() -> None:
    assert receive({"event": "#authenticate", "data": "t", "cid": 2}) == op.Authenticate(op.AccessToken(Secret("t")), 2)
    assert receive({"event": "#removeAuthToken", "cid": 3}) == op.Deauthenticate()


def test_channels() -> None:
    assert receive({"event": "#subscribe", "data": {"channel": "c"}, "cid": 1}) == op.Join("c", id=1)
    joined = receive({"event": "#subscribe", "data": {"channel": "c", "data": None, "waitForAuth": True}, "cid": 1})
    assert joined == op.Join("c", None, 1)
    assert receive({"event": "#unsubscribe", "data": "c"}) == op.Unsubscribe("c", must_exist=True)
    assert receive({"event": "#publish", "data": {"channel": "c"}}) == op.Publish("c")
    assert receive({"event": "#publish", "data": {"channel": "", "data": 0}, "cid": 4}) == op.Publish("", 0, 4)


def test_a_channel_of_a_collection_is_a_subscription_to_its_changes() -> None:
    data = {"channel": "items/a", "data": {"event": "update", "query": {"limit": 1}, "since": "1"}}
    followed = receive({"event": "#subscribe", "data": data, "cid": 1})
    assert isinstance(followed, op.Subscribe)
    assert (followed.subscription, followed.query.collection, followed.event) == ("items/a", "a", Action.UPDATE)
    assert (followed.query.limit, followed.since, followed.id) == (1, "1", 1)


def test_it_is_a_channel_like_others_where_collections_have_none() -> None:
    packet = {"event": "#subscribe", "data": {"channel": "items/a"}, "cid": 1}
    assert receive(packet, collections=None) == op.Join("items/a", id=1)


@pytest.mark.parametrize(
    ("event", "data", "message"),
    [
        ("#subscribe", {}, f"Subscribe {MALFORMATTED}"),
        ("#subscribe", "c", f"Subscribe {MALFORMATTED}"),
        ("#subscribe", {"channel": 1}, f"Subscribe {MALFORMATTED}"),
        ("#publish", None, f"Publish {MALFORMATTED}"),
        ("#publish", {"channel": ["c"]}, f"Publish {MALFORMATTED}"),
        ("#unsubscribe", {"channel": "c"}, f"Unsubscribe {MALFORMATTED}"),
        ("#publish", {"channel": "items/a"}, "Nobody can publish on the channel of a collection."),
        ("#subscribe", {"channel": "items/directus_users"}, "This is no query of a collection."),
        ("#subscribe", {"channel": "items/a", "data": {"query": 1}}, "This is no query of a collection."),
        ("#subscribe", {"channel": "items/a", "data": {"event": "read"}}, "event must be create, update or delete"),
    ],
)
def test_what_reserved_events_refuse(event: str, data: Any, message: str) -> None:
    invalid = receive({"event": event, "data": data, "cid": 9})
    assert isinstance(invalid, op.Invalid)
    assert (invalid.id, invalid.problem.message.removeprefix("Invalid payload. ")) == (9, message)


def test_what_is_nested_too_deeply_is_refused_by_name() -> None:
    fits, too_deep = (
        f'{{"event":"a","cid":1,"data":{nested(DEEPEST - 1)}}}',
        f'{{"event":"a","cid":1,"data":{nested(900)}}}',
    )
    assert isinstance(receive(fits), op.Invoke)
    refused = receive(too_deep)
    assert isinstance(refused, op.Invalid)
    assert (refused.id, refused.kind, refused.problem.code) == (1, "a", Code.INVALID_PAYLOAD)


def test_a_deep_packet_in_a_batch_leaves_the_others() -> None:
    first, second, third = socket().receive(f'[{{"event":"a"}},{{"event":"b","data":{nested(900)}}},{{"rid":1}}]')
    assert (first, third) == (op.Transmit("a"), op.Answer(1))
    assert isinstance(second, op.Invalid)


@pytest.mark.parametrize(
    "text", [nested(100_000), "{" * 100_000, '{"event":"\\ud800","cid":1}', '{"event":"a","cid":NaN}']
)
def test_what_cannot_be_decoded_is_raw(text: str) -> None:
    assert receive(text) == op.Raw(text)


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)
_EVENTS = st.sampled_from(
    ["#handshake", "#authenticate", "#removeAuthToken", "#subscribe", "#unsubscribe", "#publish", "a", "#unheard"]
)
_DATA = _VALUES | st.fixed_dictionaries(
    {"channel": st.sampled_from(["c", "items/a", "items/", "presence/c", ""]) | _VALUES},
    optional={
        "data": _VALUES | st.fixed_dictionaries({}, optional={"query": _VALUES, "event": _VALUES, "since": _VALUES}),
        "authToken": _VALUES,
    },
)
_PACKETS = (
    st.fixed_dictionaries({"event": _EVENTS | _VALUES}, optional={"data": _DATA, "cid": _VALUES | st.integers()})
    | st.fixed_dictionaries({"rid": _VALUES | st.integers()}, optional={"data": _VALUES, "error": _VALUES})
    | _VALUES
)


@settings(max_examples=300)
@given(st.lists(_PACKETS, max_size=4) | _PACKETS, st.sampled_from([1, 2]))
def test_every_packet_is_an_operation_that_can_be_answered(message: Any, version: int) -> None:
    dialect = socket(version=version)
    for operation in dialect.receive(json.encode(message)):
        problem = Problem(Code.INTERNAL)
        for outcome in (out.Failure(operation, problem), out.Reply(message, id=getattr(operation, "id", None))):
            assert all(isinstance(json.decode(frame), dict) for frame in dialect.send(outcome))


@settings(max_examples=300)
@given(st.text() | st.binary())
@example("\ud800")
@example(b"\xff\xfe")
@example("\u00a0{}")
@example('{"event":1e999}')
def test_every_text_is_an_operation(text: str | bytes) -> None:
    assert list(socket().receive(text)) is not None


# -- what goes out


TOKEN = Problem(Code.INVALID_TOKEN, "invalid signature", reason="invalid")
EXPIRED = Problem(Code.TOKEN_EXPIRED, "jwt expired", reason="expired", date="2026-01-01T00:00:00.000Z")
LATER = Problem(Code.INVALID_TOKEN, "jwt not active", reason="inactive", date="2027-01-01T00:00:00.000Z")
REMOVE = '{"event":"#removeAuthToken"}'
OPENED = f'"id":"{ID}","pingTimeout":30000'


@pytest.mark.parametrize(
    ("outcome", "frames"),
    [
        (out.Opened(1), [f'{{"rid":1,"data":{{{OPENED},"isAuthenticated":false}}}}']),
        (out.Opened(1, is_authenticated=True), [f'{{"rid":1,"data":{{{OPENED},"isAuthenticated":true}}}}']),
        (out.Authenticated(2), ['{"rid":2,"data":{"isAuthenticated":true,"authError":null}}']),
        (out.Refused(TOKEN), [REMOVE]),
        (out.Deauthenticated(), [REMOVE]),
        (out.Deauthenticated(3), ['{"event":"#removeAuthToken","cid":3}']),
        (out.Issued("t"), ['{"event":"#setAuthToken","data":{"token":"t"}}']),
        (out.Issued("t", 4), ['{"event":"#setAuthToken","data":{"token":"t"},"cid":4}']),
        (out.Called("a"), ['{"event":"a"}']),
        (out.Called("a", None, 5), ['{"event":"a","data":null,"cid":5}']),
        (out.Called("a", b"ab"), ['{"event":"a","data":{"base64":true,"data":"YWI="}}']),
        (out.Reply(ABSENT, id=6), ['{"rid":6}']),
        (out.Reply(None, id=6), ['{"rid":6,"data":null}']),
        (out.Reply({"a": [b"ab"]}, id=0), ['{"rid":0,"data":{"a":[{"base64":true,"data":"YWI="}]}}']),
        (out.Reply(1), []),
        (out.Subscribed("c", has_data=False, id=7), ['{"rid":7}']),
        (
            out.Subscribed("items/a", [], position="1", id=7),
            [
                '{"rid":7}',
                '{"event":"#publish","data":{"channel":"items/a","data":{"event":"init","data":[],"position":"1"}}}',
            ],
        ),
        (out.Ended("c", 8), ['{"rid":8}']),
        (out.Ended("c"), []),
        (
            out.Ended("c", 8, Problem(Code.FORBIDDEN, "Out")),
            ['{"event":"#kickOut","data":{"channel":"c","message":"Out"}}'],
        ),
        (out.Heartbeat(), [""]),
        (out.Pong(), []),
        (out.Failure(op.Transmit("a"), TOKEN), []),
    ],
)
def test_frames(outcome: out.Outcome, frames: list[str]) -> None:
    assert said(outcome) == frames


def test_pings_of_version_1() -> None:
    assert list(socket(version=1).send(out.Heartbeat())) == ["#1"]


@pytest.mark.parametrize(
    ("problem", "error"),
    [
        (TOKEN, {"message": "invalid signature", "name": "AuthTokenInvalidError", "isBadToken": True}),
        (
            EXPIRED,
            {
                "message": "jwt expired",
                "name": "AuthTokenExpiredError",
                "expiry": "2026-01-01T00:00:00.000Z",
                "isBadToken": True,
            },
        ),
    ],
)
def test_bad_tokens_are_told_and_removed(problem: Problem, error: dict[str, Any]) -> None:
    told = {"id": ID, "pingTimeout": 30_000, "authError": error, "isAuthenticated": False}

    opened = [json.decode(frame) for frame in said(out.Opened(1, problem=problem))]
    refused = [json.decode(frame) for frame in said(out.Refused(problem, 2, presented=True))]

    assert opened == [{"rid": 1, "data": told}, {"event": "#removeAuthToken"}]
    assert refused == [{"rid": 2, "error": error}, {"event": "#removeAuthToken"}]


def test_a_token_of_later_is_told_and_kept() -> None:
    error = {
        "message": "jwt not active",
        "name": "AuthTokenNotBeforeError",
        "date": "2027-01-01T00:00:00.000Z",
        "isBadToken": False,
    }
    (opened,) = said(out.Opened(1, problem=LATER))
    (refused,) = said(out.Refused(LATER, 2, presented=True))

    assert json.decode(opened)["data"]["authError"] == error
    assert json.decode(refused) == {"rid": 2, "data": {"isAuthenticated": False, "authError": error}}


def test_failures_keep_the_names_and_members_of_the_application() -> None:
    invoke = op.Invoke("a", id=1)

    assert failed(invoke, Problem(Code.FORBIDDEN, "No", name="OwnError", day=7)) == {
        "name": "OwnError",
        "message": "No",
        "code": "FORBIDDEN",
        "day": 7,
    }
    assert failed(invoke, Thrown("words")) == "words"
    assert failed(invoke, Thrown({"name": "E", "a": None})) == {"name": "E", "a": None}


@pytest.mark.parametrize("code", Code)
def test_every_problem_has_a_name_and_no_silence(code: Code) -> None:
    error = failed(op.Invoke("a", id=1), Problem(code, "No"))
    assert error["name"].endswith("Error")
    assert error["message"] == "No"


@pytest.mark.parametrize(
    ("operation", "kind", "line"),
    [
        (op.Open(id=1), "handshakeSC", "handshake"),
        (op.Join("c", id=1), "subscribe", "inbound"),
        (op.Subscribe("c", Query("c"), id=1), "subscribe", "inbound"),
        (op.Publish("c", id=1), "publishIn", "inbound"),
        (op.Invoke("c", id=1), "invoke", "inbound"),
    ],
)
def test_what_is_blocked_silently_says_only_where(operation: op.Operation, kind: str, line: str) -> None:
    error = failed(operation, Problem(Code.FORBIDDEN, "secret reason", silent=True))

    assert {name: error[name] for name in ("name", "message", "type")} == {
        "name": "SilentMiddlewareBlockedError",
        "message": f"The {kind} AGAction was blocked by {line} middleware",
        "type": line,
    }
    assert "secret" not in str(error)


@pytest.mark.parametrize("members", [{}, {"statusCode": 4501}])
def test_a_refused_handshake_says_the_code_of_the_close(members: dict[str, Any]) -> None:
    error = failed(op.Open(id=1), Problem(Code.FORBIDDEN, "No", **members))
    assert error["statusCode"] == members.get("statusCode", socket().close_code(out.Cause.REFUSED))


def test_the_broker_names_the_socket() -> None:
    limit = failed(op.Join("c", id=1), Problem(Code.REQUESTS_EXCEEDED, limit=2))
    unknown = failed(op.Unsubscribe("c", 1, must_exist=True), Problem(Code.UNPROCESSABLE_CONTENT, "No"))

    assert (limit["name"], unknown["name"]) == ("BrokerError", "BrokerError")
    assert limit["message"] == (
        "Failed to subscribe socket to the c channel - "
        f"InvalidActionError: Socket {ID} tried to exceed the channel subscription limit of 2"
    )
    assert unknown["message"] == (
        "Failed to unsubscribe socket from the c channel - "
        f"InvalidActionError: Socket {ID} tried to unsubscribe from a channel which it is not subscribed to"
    )


def test_publications_are_encoded_once_for_all() -> None:
    event = Event("publish", {"a": 1}, 0)
    (first,) = socket().push("c", [event])
    (second,) = SocketCluster("another", 1).push("c", [event])

    assert first == '{"event":"#publish","data":{"channel":"c","data":{"a":1}}}'
    assert first is second


def test_what_was_not_given_is_not_told() -> None:
    assert list(socket().push("c", [Event("publish", ABSENT, 0), Event("publish", None, 0)])) == [
        '{"event":"#publish","data":{"channel":"c"}}',
        '{"event":"#publish","data":{"channel":"c","data":null}}',
    ]


def test_changes_of_a_collection_are_publications() -> None:
    (frame,) = socket().push("items/a", [Event("create", {"id": 1}, 3)])
    assert json.decode(frame) == {
        "event": "#publish",
        "data": {"channel": "items/a", "data": {"event": "create", "data": [{"id": 1}]}},
    }


def test_a_batch_is_an_array_of_packets() -> None:
    frames = [*said(out.Reply(1, id=1)), *said(out.Called("a"))]
    assert socket().join(frames) == '[{"rid":1,"data":1},{"event":"a"}]'


@pytest.mark.parametrize(
    ("cause", "code"),
    [
        (None, 1000),
        (out.Cause.SILENT, 4001),
        (out.Cause.NOT_OPENED, 4005),
        (out.Cause.REFUSED, 4008),
        (out.Cause.EARLY, 4009),
    ],
)
def test_close_codes(cause: out.Cause | None, code: int) -> None:
    assert socket().close_code(cause) == code
