"""The socket side of tRPC: messages in, operations out; outcomes in, messages out."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchword.base import json
from watchword.base.errors import Code, Problem
from watchword.base.secret import Secret
from watchword.dialects.trpc.socket import PING, PONG, Trpc
from watchword.dialects.trpc.wire import BuiltIns, Wire
from watchword.protocol import operations as op
from watchword.protocol import outcomes as out
from watchword.protocol.events import Event

SUPERJSON = Wire(superjson=True)


def received(message: Any, wire: Wire | None = None, dialect: Trpc | None = None) -> list[op.Operation]:
    spoken = dialect or Trpc(wire or Wire())
    return list(spoken.receive(message if isinstance(message, str | bytes) else json.encode(message).decode()))


def call(kind: str, path: str, number: Any = 1, **more: Any) -> dict[str, Any]:
    return {"id": number, "method": kind, "params": {"path": path, **more}}


def said(dialect: Trpc, outcome: out.Outcome) -> list[Any]:
    return [json.decode(frame) for frame in dialect.send(outcome)]


def test_calls_become_operations() -> None:
    assert received(call("query", "a.b", input={"x": 1})) == [op.Invoke("a.b", {"x": 1}, 1, "query", op.PLAIN)]
    assert received(call("mutation", "m", "one")) == [op.Invoke("m", op.ABSENT, "one", "mutation", op.PLAIN)]
    assert received(call("subscription", "s", 2, lastEventId="7")) == [op.Watch("2", "s", op.ABSENT, "7", 2)]
    assert received(call("subscription", "s", 2, input={"lastEventId": "7"})) == [
        op.Watch("2", "s", {"lastEventId": "7"}, "7", 2)
    ]
    assert received({"id": 2, "method": "subscription.stop"}) == [op.Unsubscribe("2", 2)]
    assert received(PING) == [op.Ping()]
    assert received(PONG) == [op.Ignore()]


def test_an_array_is_several_calls_in_order() -> None:
    operations = received([call("query", "a", 1), call("mutation", "b", 2)])
    assert [each.id for each in operations if isinstance(each, op.Invoke)] == [1, 2]


def test_too_large_an_array_is_refused_call_by_call() -> None:
    dialect = Trpc(Wire(max_batch=1))
    operations = received([call("query", "a", 1), call("query", "b", "2")], dialect=dialect)
    assert [each.id for each in operations if isinstance(each, op.Invalid)] == [1, "2"]
    (first, *_) = operations
    assert isinstance(first, op.Invalid)
    assert said(dialect, out.Failure(first, first.problem))[0]["error"]["data"]["code"] == "BAD_REQUEST"


@pytest.mark.parametrize(
    "frame",
    [
        "",
        "{",
        "null",
        "[1]",
        "pong",
        b"{}",
        {"method": "query", "params": {"path": "a"}},
        {"id": None, "method": "query", "params": {"path": "a"}},
        {"id": True, "method": "query", "params": {"path": "a"}},
        {"id": {}, "method": "query", "params": {"path": "a"}},
        {"id": 1, "method": "other", "params": {"path": "a"}},
        {"id": 1, "method": "query"},
        {"id": 1, "method": "query", "params": None},
        {"id": 1, "method": "query", "params": {"path": 1}},
        {"id": 1, "method": "subscription", "params": {"path": "a", "lastEventId": 1}},
        {"id": 1, "method": "query", "params": {"path": "a"}, "jsonrpc": "1.0"},
        {"method": "connectionParams", "data": None},
        [call("query", "a"), 7],
        "[" * 100_000,
    ],
)
def test_what_cannot_be_used_is_one_parse_error_about_nothing(frame: Any) -> None:
    dialect = Trpc(Wire())
    (operation,) = received(frame, dialect=dialect)
    assert isinstance(operation, op.Invalid)
    (told,) = said(dialect, out.Failure(operation, operation.problem))
    assert told["id"] is None
    assert told["error"]["code"] == -32700


def test_ids_and_versions_come_back_as_they_came() -> None:
    dialect = Trpc(Wire())
    received([call("query", "a", 1), call("query", "a", "1") | {"jsonrpc": "2.0"}], dialect=dialect)
    assert list(dialect.send(out.Reply("x", id="1"))) == [
        '{"id":"1","jsonrpc":"2.0","result":{"type":"data","data":"x"}}'
    ]
    assert list(dialect.send(out.Reply("x", id=1))) == ['{"id":1,"result":{"type":"data","data":"x"}}']


def test_the_first_message_of_an_announced_connection_opens_it() -> None:
    def opening(message: Any) -> op.Operation:
        dialect = Trpc(Wire(), has_params=True)
        assert received(PING, dialect=dialect) == [op.Ping()]
        (operation,) = received(message, dialect=dialect)
        return operation

    assert opening({"method": "connectionParams", "data": None}) == op.Open()
    given = {"token": "t", "app": "x"}
    assert opening({"method": "whatever", "data": given}) == op.Open(op.AccessToken(Secret("t")), params=given)
    header = {"authorization": "Bearer t"}
    assert opening({"data": header}) == op.Open(op.AccessToken(Secret("t")), params=header)
    unfit: list[Any] = [{"method": "connectionParams"}, {"data": {"token": 1}}, {"data": []}, "x", b"\xff"]
    for message in [*unfit, call("query", "a")]:
        operation = opening(message)
        assert isinstance(operation, op.Open)
        assert operation.problem is not None
        assert operation.problem.extensions["name"] == "PARSE_ERROR"


def test_a_subscription_is_told_from_its_start_to_its_end() -> None:
    dialect = Trpc(Wire())
    received(call("subscription", "s", 5), dialect=dialect)
    assert said(dialect, out.Subscribed("5", has_data=False)) == [{"id": 5, "result": {"type": "started"}}]
    assert said(dialect, out.Value("5", {"a": 1})) == [{"id": 5, "result": {"type": "data", "data": {"a": 1}}}]
    assert said(dialect, out.Value("5", 2, "e1")) == [
        {"id": 5, "result": {"type": "data", "id": "e1", "data": {"id": "e1", "data": 2}}}
    ]
    assert said(dialect, out.Ended("5")) == [{"id": 5, "result": {"type": "stopped"}}]
    assert said(dialect, out.Ended("5")) == []


def test_an_id_that_is_taken_is_refused_and_free_again_after_the_end() -> None:
    dialect = Trpc(Wire())
    received(call("subscription", "s", 5), dialect=dialect)
    (duplicate,) = received(call("subscription", "other", 5), dialect=dialect)
    assert isinstance(duplicate, op.Invalid)
    (told,) = said(dialect, out.Failure(duplicate, duplicate.problem))
    assert (told["id"], told["error"]["message"], told["error"]["data"]["path"]) == (5, "Duplicate id 5", "other")
    list(dialect.send(out.Ended("5")))
    assert isinstance(received(call("subscription", "s", 5), dialect=dialect)[0], op.Watch)


def test_errors_carry_the_path_of_their_call() -> None:
    dialect = Trpc(Wire())
    (asked,) = received(call("query", "a", 1), dialect=dialect)
    (told,) = said(dialect, out.Failure(asked, Problem(Code.CONFLICT, "No")))
    assert told == {
        "id": 1,
        "error": {"message": "No", "code": -32009, "data": {"code": "CONFLICT", "httpStatus": 409, "path": "a"}},
    }
    (watched,) = received(call("subscription", "x", 2), dialect=dialect)
    missing = Problem(Code.ROUTE_NOT_FOUND, procedure="x")
    (told,) = said(dialect, out.Failure(watched, missing))
    assert told["error"]["message"] == 'No "subscription"-procedure on path "x"'


def test_credentials_that_a_message_brings_are_told_apart() -> None:
    assert received(call("mutation", "authenticate", input={"token": "t", "nonce": "n"})) == [
        op.Authenticate(op.AccessToken(Secret("t")), 1, answer="n")
    ]
    assert received(call("mutation", "authenticate", input={"email": "e", "password": "p"})) == [
        op.Authenticate(op.Password("e", Secret("p")), 1)
    ]
    assert received(call("mutation", "refresh", input={"refreshToken": "r"})) == [
        op.Authenticate(op.RefreshToken(Secret("r")), 1)
    ]
    (wrong,) = received(call("mutation", "authenticate", input={}))
    assert isinstance(wrong, op.Invalid)
    assert isinstance(received(call("query", "authenticate"))[0], op.Invoke)
    renamed = Wire(built_ins=BuiltIns(authenticate="session.begin", refresh=None))
    assert isinstance(received(call("mutation", "authenticate"), renamed)[0], op.Invoke)
    assert isinstance(received(call("mutation", "refresh"), renamed)[0], op.Invoke)
    given = {"token": "t"}
    assert isinstance(received(call("mutation", "session.begin", input=given), renamed)[0], op.Authenticate)


def test_collections_and_channels_are_followed_under_the_name_of_the_call() -> None:
    asked = {"collection": "articles", "event": "update", "onLost": "error"}
    (changes,) = received(call("subscription", "collections.changes", 3, input=asked, lastEventId="p"))
    assert isinstance(changes, op.Subscribe)
    assert (changes.subscription, changes.query.collection, changes.since) == ("3", "articles", "p")
    assert changes.must_resume
    (messages,) = received(call("subscription", "channels.messages", 4, input={"channel": "c", "history": 2}))
    assert messages == op.Join("c", {"data": None, "restart": True, "history": 2}, 4, "4")
    unfit: list[Any] = [{}, {"collection": 1}, {"collection": "a", "onLost": "x"}]
    for each in [*unfit, {"collection": "a", "query": {"limit": "x"}}]:
        assert isinstance(received(call("subscription", "collections.changes", 3, input=each))[0], op.Invalid)


def test_changes_are_encoded_once_for_all_who_follow() -> None:
    event = Event("create", {"id": 1}, 7, "e:7")
    frames = []
    for number in (1, 2):
        dialect = Trpc(Wire())
        received(call("subscription", "collections.changes", number, input={"collection": "a"}), dialect=dialect)
        frames += [json.decode(frame) for frame in dialect.push(str(number), (event,))]
    data = {"id": "e:7", "data": {"event": "create", "data": {"id": 1}}}
    assert frames == [{"id": n, "result": {"type": "data", "id": "e:7", "data": data}} for n in (1, 2)]
    assert event.cache["trpc", False] == json.encode({"result": frames[0]["result"]}).decode()[1:-1]


def test_a_fresh_subscription_learns_where_it_begins_and_one_that_resumed_does_not() -> None:
    dialect = Trpc(Wire())
    asked = {"collection": "a"}
    received(call("subscription", "collections.changes", 1, input=asked), dialect=dialect)
    started, first = said(dialect, out.Subscribed("1", [{"id": 1}], position="e:3"))
    assert started["result"] == {"type": "started"}
    assert first["result"]["data"] == {"id": "e:3", "data": {"event": "init", "data": [{"id": 1}]}}
    received(call("subscription", "collections.changes", 2, input=asked, lastEventId="e:1"), dialect=dialect)
    assert len(said(dialect, out.Subscribed("2", has_data=False, position="e:1"))) == 1
    received(call("subscription", "collections.changes", 3, input=asked, lastEventId="e:1"), dialect=dialect)
    lost = Problem(Code.POSITION_LOST, reason="epoch")
    _, told = said(dialect, out.Subscribed("3", [], position="e:3", lost=lost))
    assert told["result"]["data"]["data"] == {"event": "init", "data": [], "lost": "epoch"}


def test_refusals_are_told_about_the_connection_and_close_it_with_a_code() -> None:
    dialect = Trpc(Wire())
    refused = out.Refused(Problem(Code.INVALID_CREDENTIALS))
    (told,) = said(dialect, refused)
    assert (told["id"], told["error"]["data"]["code"]) == (None, "UNAUTHORIZED")
    assert dialect.close_code(refused) == 4401
    assert dialect.close_code(out.Refused(Problem(Code.AUTH_TIMEOUT))) == 4408
    assert dialect.close_code(None) == 1000
    assert said(dialect, out.Refused(Problem(Code.TOKEN_EXPIRED), goes_on=True)) == []
    (asked,) = received(call("mutation", "authenticate", 9, input={"token": "t"}), dialect=dialect)
    (told,) = said(dialect, out.Refused(Problem(Code.INVALID_TOKEN), asked.id, presented=True))  # type: ignore[union-attr]
    assert (told["id"], told["error"]["data"]["path"]) == (9, "authenticate")


def test_signs_of_life_are_bare_words() -> None:
    dialect = Trpc(Wire())
    assert list(dialect.send(out.Pong())) == [PONG]
    assert list(dialect.send(out.Heartbeat())) == [PING]
    assert said(dialect, out.Renew()) == [{"id": None, "method": "reconnect"}]


def test_every_call_of_a_message_that_is_not_looked_at_is_answered() -> None:
    dialect = Trpc(Wire())
    problem = Problem(Code.REQUESTS_EXCEEDED)
    frame = json.encode([call("query", "a", 1), call("subscription", "b", 2)]).decode()
    told = [json.decode(each) for each in dialect.refuse(frame, problem)]
    assert [(each["id"], each["error"]["data"]["code"]) for each in told] == [
        (1, "TOO_MANY_REQUESTS"),
        (2, "TOO_MANY_REQUESTS"),
    ]
    assert isinstance(received(call("subscription", "b", 2), dialect=dialect)[0], op.Watch)


def test_superjson_applies_to_inputs_outputs_and_errors_and_not_to_envelopes() -> None:
    dialect = Trpc(SUPERJSON)
    given = {"json": {"n": "9007199254740993"}, "meta": {"values": {"n": ["bigint"]}, "v": 1}}
    (asked,) = received(call("query", "a", 1, input=given), dialect=dialect)
    assert asked == op.Invoke("a", {"n": 9007199254740993}, 1, "query", op.Manner(native=True))
    (told,) = said(dialect, out.Reply({"n": 9007199254740993}, id=1))
    assert told["result"]["data"] == given
    (bad,) = received(call("query", "a", 1, input=7), dialect=dialect)
    assert isinstance(bad, op.Invalid)
    (told,) = said(dialect, out.Failure(bad, bad.problem))
    assert told["error"]["json"]["data"]["code"] == "BAD_REQUEST"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
CALLS = st.fixed_dictionaries(
    {},
    optional={
        "id": JSON,
        "method": st.sampled_from(["query", "mutation", "subscription", "subscription.stop", "x"]) | JSON,
        "params": st.fixed_dictionaries(
            {},
            optional={
                "path": st.sampled_from(["authenticate", "refresh", "collections.changes", "channels.messages"]) | JSON,
                "input": JSON,
                "lastEventId": JSON,
            },
        )
        | JSON,
        "jsonrpc": st.just("2.0") | JSON,
        "data": JSON,
    },
)
FRAMES = (
    st.text() | st.binary() | (CALLS | st.lists(CALLS | JSON, max_size=3) | JSON).map(lambda v: json.encode(v).decode())
)


@given(st.lists(FRAMES, max_size=5), st.booleans(), st.booleans())
def test_nothing_that_comes_in_raises_and_everything_can_be_answered(
    frames: list[str | bytes], superjson: bool, has_params: bool
) -> None:
    dialect = Trpc(Wire(superjson=superjson, max_batch=2), has_params=has_params)
    for frame in frames:
        for operation in dialect.receive(frame):
            for told in dialect.send(out.Failure(operation, Problem(Code.CONFLICT))):
                assert told == PONG or "error" in json.decode(told)


def test_what_clients_have_no_ears_for_is_not_said() -> None:
    dialect = Trpc(Wire())
    assert said(dialect, out.Opened()) == []
    assert list(dialect.push("9", (Event("create", {}, 1),))) == []


def test_who_has_authenticated_learns_until_when_and_gets_the_tokens_that_there_are() -> None:
    dialect = Trpc(Wire())
    received(call("mutation", "authenticate", 1, input={"token": "t"}), dialect=dialect)
    (told,) = said(dialect, out.Authenticated(1, expires_at=2.5))
    assert told == {"id": 1, "result": {"type": "data", "data": {"expiresAt": 2500}}}
    (told,) = said(dialect, out.Authenticated(2, refresh_token="r", access_token="a"))
    assert told["result"]["data"] == {"expiresAt": None, "accessToken": "a", "refreshToken": "r"}


def test_a_channel_that_may_not_be_heard_is_told_under_its_call() -> None:
    dialect = Trpc(Wire())
    (joined,) = received(call("subscription", "channels.messages", 4, input={"channel": "c"}), dialect=dialect)
    (told,) = said(dialect, out.Failure(joined, Problem(Code.FORBIDDEN)))
    assert (told["id"], told["error"]["data"]["path"]) == (4, "channels.messages")
    assert said(dialect, out.Subscribed("4", has_data=False)) == []


def test_what_went_wrong_with_no_call_is_told_about_nothing() -> None:
    (told,) = said(Trpc(Wire()), out.Failure(op.Raw("x"), Problem(Code.CONFLICT)))
    assert (told["id"], told["error"]["data"]["code"]) == (None, "CONFLICT")


def test_a_subscription_that_the_server_ends_is_told_why() -> None:
    dialect = Trpc(Wire())
    received(call("subscription", "s", 5), dialect=dialect)
    (told,) = said(dialect, out.Ended("5", problem=Problem(Code.FORBIDDEN)))
    assert (told["id"], told["error"]["data"]) == (5, {"code": "FORBIDDEN", "httpStatus": 403, "path": "s"})
    assert said(dialect, out.Ended("5")) == []


def test_several_who_follow_under_one_name_share_the_whole_message() -> None:
    event = Event("update", {"id": 1}, 7)
    frames: set[str | bytes] = set()
    for _ in range(2):
        dialect = Trpc(Wire())
        received(call("subscription", "collections.changes", 1, input={"collection": "a"}), dialect=dialect)
        frames.update(dialect.push("1", (event,)))
    (frame,) = frames
    assert json.decode(frame) == {
        "id": 1,
        "result": {"type": "data", "data": {"event": "update", "data": {"id": 1}}},
    }


def test_connection_parameters_may_say_the_token_without_its_scheme() -> None:
    (operation,) = received({"data": {"authorization": "t"}}, dialect=Trpc(Wire(), has_params=True))
    assert isinstance(operation, op.Open)
    assert operation.credential == op.AccessToken(Secret("t"))
    (other,) = received({"data": {"authorization": "Basic t"}}, dialect=Trpc(Wire(), has_params=True))
    assert isinstance(other, op.Open)
    assert other.credential is None


@pytest.mark.parametrize(
    ("values", "filters", "read"),
    [
        (
            {"query.filter.at._gt": ["Date"]},
            {"at": {"_gt": "2026-01-02T00:00:00Z"}},
            {"at": {"_gt": "2026-01-02T00:00:00Z"}},
        ),
        ({"query.filter.at": ["undefined"]}, {"at": None}, {}),
        ({"query.filter": ["map"]}, [["a", {"_eq": 1}]], {"a": {"_eq": 1}}),
    ],
)
def test_queries_are_read_as_json_whatever_the_transformer_says(values: Any, filters: Any, read: Any) -> None:
    envelope = {"json": {"collection": "c", "query": {"filter": filters}}, "meta": {"values": values, "v": 1}}
    plain = {"json": {"collection": "c", "query": {"filter": read}}}
    asked, expected = (
        received(call("subscription", "collections.changes", input=given), SUPERJSON) for given in (envelope, plain)
    )
    assert asked == expected


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("map", [[None, 1]]),
        ("map", [[[1, [2]], 1]]),
        ("URL", "u"),
        ("set", [1]),
        ("regexp", "/a/"),
        ("bigint", "9" * 900),
    ],
)
def test_a_query_that_is_more_than_json_is_the_clients_mistake(kind: str, value: Any) -> None:
    given = {"collection": "c", "query": {"filter": {"_and": [value], "a": value}}}
    meta = {"values": {"query.filter._and.0": [kind], "query.filter.a": [kind]}, "v": 1}
    (asked,) = received(call("subscription", "collections.changes", input={"json": given, "meta": meta}), SUPERJSON)
    assert isinstance(asked, op.Invalid | op.Subscribe)
