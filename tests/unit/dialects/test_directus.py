from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchword.access.permissions import Action
from watchword.base import json
from watchword.base.errors import Code, Problem
from watchword.dialects.directus import Directus
from watchword.protocol import operations as op
from watchword.protocol import outcomes as out
from watchword.protocol.dialect import Dialect
from watchword.protocol.events import Event
from watchword.query.query import Query, Selection


def receive(frame: str | bytes) -> op.Operation:
    (operation,) = Directus().receive(frame)
    return operation


def said(outcome: out.Outcome) -> dict[str, Any]:
    (frame,) = Directus().send(outcome)
    decoded = json.decode(frame)
    assert isinstance(decoded, dict)
    return decoded


def pushed(events: list[Event], subscription: str | None = "a", dialect: Directus | None = None) -> list[Any]:
    return [json.decode(frame) for frame in (dialect or Directus()).push(subscription, events)]


def test_it_is_a_dialect() -> None:
    dialect: Dialect = Directus()
    assert dialect.name == "directus"


@pytest.mark.parametrize(
    ("frame", "credential"),
    [
        ('{"type":"auth","access_token":"t"}', op.AccessToken),
        ('{"type":"auth","refresh_token":"t"}', op.RefreshToken),
        ('{"type":"auth","email":"a@example.com","password":"p"}', op.Password),
        ('{"type":"auth","email":"a@example.com","password":"p","access_token":"t"}', op.AccessToken),
    ],
)
def test_three_kinds_of_credential(frame: str, credential: type) -> None:
    operation = receive(frame)
    assert isinstance(operation, op.Authenticate)
    assert isinstance(operation.credential, credential)


def test_a_binary_frame_counts_as_text() -> None:
    assert receive(b'{"type":"ping","uid":"p"}') == op.Ping("p")


@pytest.mark.parametrize("frame", ["hello", '{"a":', "", "\ud800", b"\xff\xfe", "[" * 100_000])
def test_what_is_no_json_gets_one_answer(frame: str | bytes) -> None:
    operation = receive(frame)
    assert isinstance(operation, op.Invalid)
    assert said(out.Failure(operation, operation.problem)) == {
        "type": "server",
        "status": "error",
        "error": {"code": "INVALID_PAYLOAD", "message": "Unable to parse the incoming message."},
    }


@pytest.mark.parametrize(
    ("frame", "text"),
    [
        ('{"uid":2}', 'expected string, received undefined at "type"'),
        ("[1]", "expected object, received array"),
        ("null", "expected object, received null"),
        ('"x"', "expected object, received string"),
    ],
)
def test_what_is_no_message_says_why(frame: str, text: str) -> None:
    operation = receive(frame)
    assert isinstance(operation, op.Invalid)
    assert operation.problem.message == f"Validation error: Invalid input: {text}"


@pytest.mark.parametrize("kind", ["foo", "PING", "pong", "ITEMS"])
def test_unknown_types_are_ignored(kind: str) -> None:
    assert receive(f'{{"type":"{kind}","uid":1}}') == op.Ignore()


def test_system_collections_are_out_of_reach() -> None:
    operation = receive('{"type":"items","action":"read","collection":"directus_users","uid":"a"}')
    assert isinstance(operation, op.Invalid)
    assert said(out.Failure(operation, operation.problem)) == {
        "type": "items",
        "status": "error",
        "error": {"code": "INVALID_COLLECTION", "message": "Cannot trigger an action on a system collection."},
        "uid": "a",
    }


def test_a_delete_has_to_say_what() -> None:
    operation = receive('{"type":"items","action":"delete","collection":"articles","uid":"d4"}')
    assert isinstance(operation, op.Invalid)
    assert operation.problem.message == "Either 'ids', 'id' or 'query' is required for a DELETE request."


def test_both_encodings_of_a_query_mean_the_same() -> None:
    old = receive(
        '{"type":"subscribe","collection":"a","uid":"1",'
        '"query":{"fields":["id",{"author":["name"]}],"filter":{"b":{"_eq":1}},"sort":["-id"],"limit":5}}'
    )
    new = receive(
        '{"type":"subscribe","collection":"a","uid":"1",'
        '"query":{"fields":"id,author.name","filter":"{\\"b\\":{\\"_eq\\":1}}","sort":"-id","limit":"5"}}'
    )
    assert old == new
    assert isinstance(old, op.Subscribe)
    assert old.query.fields == (Selection(("id",)), Selection(("author", "name")))


@pytest.mark.parametrize(("uid", "name"), [("5", "5"), ("5.0", "5"), ('"x"', "x"), ("null", None), ("1.5", "1.5")])
def test_subscriptions_are_named_as_javascript_writes_the_uid(uid: str, name: str | None) -> None:
    operation = receive(f'{{"type":"subscribe","collection":"a","event":"create","uid":{uid}}}')
    assert isinstance(operation, op.Subscribe)
    assert (operation.subscription, operation.event) == (name, Action.CREATE)


def test_update_by_id_gives_the_whole_item_back() -> None:
    operation = receive(
        '{"type":"items","action":"update","collection":"a","id":0,"data":{"b":1},"query":{"fields":["id"]},"uid":1}'
    )
    assert operation == op.Update(Query("a"), {"b": 1}, 0, None, 1)


def test_answers_have_the_recorded_shapes() -> None:
    assert said(out.Authenticated("re", "r" * 64)) == {
        "type": "auth", "status": "ok", "uid": "re", "refresh_token": "r" * 64
    }  # fmt: skip
    assert said(out.Authenticated(7)) == {"type": "auth", "status": "ok", "uid": 7}
    assert said(out.Reply([{"id": 1}], {"total_count": 3}, 12)) == {
        "type": "items", "data": [{"id": 1}], "meta": {"total_count": 3}, "uid": 12
    }  # fmt: skip
    assert said(out.Subscribed("s", [])) == {"type": "subscription", "event": "init", "data": [], "uid": "s"}
    assert said(out.Subscribed(None, has_data=False)) == {"type": "subscription", "event": "init"}
    assert said(out.Ended("5", 5)) == {"type": "subscription", "event": "unsubscribe", "uid": 5}
    assert said(out.Pong("p")) == {"type": "pong", "uid": "p"}
    assert said(out.Heartbeat()) == {"type": "ping"}


def test_a_bad_credential_is_never_explained() -> None:
    refused = out.Refused(Problem(Code.TOKEN_EXPIRED), "second", presented=True)
    assert said(refused)["error"] == {"code": "AUTH_FAILED", "message": "Authentication failed."}
    expired = out.Refused(Problem(Code.TOKEN_EXPIRED))
    assert said(expired)["error"] == {"code": "TOKEN_EXPIRED", "message": "Token expired."}


def test_a_subscription_that_the_server_ends_is_not_told_as_an_error_of_subscribe() -> None:
    ended = said(out.Ended("a", "a", Problem(Code.FORBIDDEN)))
    assert (ended["type"], ended["event"], ended["error"]["code"]) == ("subscription", "unsubscribe", "FORBIDDEN")


def test_neighbours_of_one_kind_share_a_frame_in_order() -> None:
    events = [Event("create", {"id": 1}, 1), Event("create", {"id": 2}, 2), Event("delete", "1", 3)]
    assert pushed(events) == [
        {"type": "subscription", "event": "create", "data": [{"id": 1}, {"id": 2}], "uid": "a"},
        {"type": "subscription", "event": "delete", "data": ["1"], "uid": "a"},
    ]
    assert pushed(events[2:], None) == [{"type": "subscription", "event": "delete", "data": ["1"]}]


def test_a_single_item_is_told_as_an_object() -> None:
    dialect = Directus()
    list(dialect.receive('{"type":"subscribe","collection":"a","item":1,"uid":"a"}'))
    assert pushed([Event("update", {"id": 1}, 1)], dialect=dialect)[0]["data"] == {"id": 1}
    list(dialect.receive('{"type":"subscribe","collection":"a","uid":"a"}'))
    assert pushed([Event("update", {"id": 1}, 2)], dialect=dialect)[0]["data"] == [{"id": 1}]


def test_an_event_is_encoded_once_for_all_subscribers_of_one_name() -> None:
    event = Event("create", {"id": 1}, 1)
    (first,) = Directus().push("1", [event])
    (second,) = Directus().push("1", [event])
    assert first is second


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=20,
)
MESSAGES = st.fixed_dictionaries(
    {"type": st.sampled_from(["auth", "items", "subscribe", "unsubscribe", "ping", "pong"]) | JSON},
    optional=dict.fromkeys(
        ("uid", "action", "collection", "query", "id", "ids", "data", "event", "item", "access_token", "email"), JSON
    ),
)


@given(MESSAGES)
def test_every_message_becomes_operations(message: dict[str, Any]) -> None:
    for operation in Directus().receive(json.encode(message)):
        if isinstance(operation, op.Invalid):
            assert said(out.Failure(operation, operation.problem))["status"] == "error"


@given(st.text() | st.binary())
def test_every_frame_becomes_operations(frame: str | bytes) -> None:
    assert list(Directus().receive(frame))
