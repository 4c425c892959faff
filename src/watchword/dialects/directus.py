"""The Directus WebSocket dialect, as `@directus/sdk` speaks it: one JSON object a text frame, no subprotocol.

Wants of the client that shape this module: the answer to `auth` must be the first frame; frames that arrive in one
read are lost by it, so events are told in as few frames as can be; an error of type `subscribe` ends all of its
subscriptions, so it is only ever the direct answer to a `subscribe`.
"""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from watchword.access.permissions import Action
from watchword.base import json
from watchword.base.errors import Code, Problem, invalid_payload
from watchword.base.secret import Secret
from watchword.protocol import operations as op
from watchword.protocol import outcomes as out
from watchword.query.query import Query
from watchword.query.wire import parse_query

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from watchword.protocol.events import Event

CLOSE_UNAUTHENTICATED = 4401
CLOSE_NORMAL = 1000

Uid = str | int | float | None
_Said = (
    out.Authenticated | out.Refused | out.Reply | out.Subscribed | out.Ended | out.Failure | out.Pong | out.Heartbeat
)


class _Auth(msgspec.Struct):
    uid: Uid = None
    access_token: str | None = None
    refresh_token: str | None = None
    email: str | None = None
    password: str | None = None
    otp: str | None = None


class _Items(msgspec.Struct):
    action: Literal["create", "read", "update", "delete"]
    collection: str
    uid: Uid = None
    id: str | int | None = None
    ids: list[str | int] | None = None
    data: dict[str, Any] | list[dict[str, Any]] | None = None
    query: dict[str, Any] | None = None


class _Subscribe(msgspec.Struct):
    collection: str
    uid: Uid = None
    event: Literal["create", "update", "delete"] | None = None
    item: str | int | None = None
    query: dict[str, Any] | None = None
    since: str | None = None


class _Named(msgspec.Struct):
    uid: Uid = None


class Directus:
    """One connection's end of the dialect. It remembers which subscriptions follow a single item."""

    name = "directus"

    def __init__(self) -> None:
        self._single: set[str | None] = set()

    def receive(self, frame: str | bytes) -> Iterable[op.Operation]:
        """Decode a frame to one operation; a binary frame counts as text."""
        try:
            message = json.decode(frame)
        except Problem:
            problem = Problem(Code.INVALID_PAYLOAD, "Unable to parse the incoming message.")
            return (op.Invalid(problem, "server"),)
        if not isinstance(message, dict) or not isinstance(message.get("type"), str):
            return (op.Invalid(_malformed(message), "server"),)
        decode = _DECODERS.get(message["type"])
        if decode is None:
            return (op.Ignore(),)
        try:
            operation = decode(message)
        except msgspec.ValidationError as error:
            problem = Problem(Code.INVALID_PAYLOAD, f"Validation error: {error}")
            return (op.Invalid(problem, message["type"], _uid_in(message)),)
        except Problem as problem:
            return (op.Invalid(problem, message["type"], _uid_in(message)),)
        if isinstance(operation, op.Subscribe):
            self._note(operation)
        return (operation,)

    def send(self, outcome: out.Outcome) -> Iterable[str]:
        """Say an outcome in one frame; a silent refusal, and what there are no words for, in none."""
        if isinstance(outcome, _UNSAID) or (isinstance(outcome, out.Failure) and outcome.problem.silent):
            return ()
        return (json.encode(_say(outcome)).decode(),)

    def push(self, subscription: str | None, events: Sequence[Event]) -> Iterable[str]:
        """Tell events in order: neighbours of one kind share a frame; of a single item only the last of them counts."""
        single = subscription in self._single
        frames = []
        for run in _runs(events):
            told = run[-1:] if single else run
            key = (self.name, subscription, single, len(told), told[-1].position)
            cache = told[0].cache
            frame = cache.get(key)
            if frame is None:
                frame = cache[key] = _event_frame(subscription, told, single=single)
            frames.append(frame)
        return frames

    def close_code(self, reason: out.Outcome | out.Cause | None) -> int:
        """Tell authentication from the rest; the client itself reads no code."""
        return CLOSE_UNAUTHENTICATED if isinstance(reason, out.Refused) else CLOSE_NORMAL

    def _note(self, operation: op.Subscribe) -> None:
        if operation.item is None:
            self._single.discard(operation.subscription)
        else:
            self._single.add(operation.subscription)


def _malformed(message: Any) -> Problem:
    if isinstance(message, dict):
        found, where = _javascript_type(message.get("type")) if "type" in message else "undefined", ' at "type"'
        return Problem(
            Code.INVALID_PAYLOAD, f"Validation error: Invalid input: expected string, received {found}{where}"
        )
    found = _javascript_type(message)
    return Problem(Code.INVALID_PAYLOAD, f"Validation error: Invalid input: expected object, received {found}")


def _javascript_type(value: Any) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "boolean"
        case str():
            return "string"
        case int() | float():
            return "number"
        case list():
            return "array"
        case _:
            return "object"


def _decode_auth(message: dict[str, Any]) -> op.Operation:
    auth = msgspec.convert(message, _Auth)
    if auth.access_token is not None:
        return op.Authenticate(op.AccessToken(Secret(auth.access_token)), auth.uid)
    if auth.refresh_token is not None:
        return op.Authenticate(op.RefreshToken(Secret(auth.refresh_token)), auth.uid)
    if auth.email is not None and auth.password is not None:
        return op.Authenticate(op.Password(auth.email, Secret(auth.password), auth.otp), auth.uid)
    raise invalid_payload('"access_token", "refresh_token" or "email" and "password" is required')


def _decode_items(message: dict[str, Any]) -> op.Operation:
    items = msgspec.convert(message, _Items)
    if items.collection.startswith("directus_"):
        raise Problem(Code.INVALID_COLLECTION, "Cannot trigger an action on a system collection.")
    query = parse_query(items.collection, items.query or {})
    keys = tuple(items.ids) if items.ids is not None else None
    match items.action:
        case "create":
            return op.Create(query, _required(items.data), items.uid)
        case "read":
            return op.Read(query, items.id, keys, items.uid)
        case "update":
            shaped = query if items.id is None else Query(items.collection)
            return op.Update(shaped, _required(items.data), items.id, keys, items.uid)
        case "delete":
            if items.id is None and keys is None and items.query is None:
                raise Problem(Code.INVALID_PAYLOAD, "Either 'ids', 'id' or 'query' is required for a DELETE request.")
            return op.Delete(query, items.id, keys, items.uid)


def _required(data: Any) -> Any:
    if data is None:
        raise invalid_payload('"data" is required')
    return data


def _decode_subscribe(message: dict[str, Any]) -> op.Operation:
    wanted = msgspec.convert(message, _Subscribe)
    query = parse_query(wanted.collection, wanted.query or {})
    event = Action(wanted.event) if wanted.event is not None else None
    return op.Subscribe(_name(wanted.uid), query, event, wanted.item, wanted.since, wanted.uid)


def _decode_unsubscribe(message: dict[str, Any]) -> op.Operation:
    uid = msgspec.convert(message, _Named).uid
    return op.Unsubscribe(_name(uid), uid)


def _decode_ping(message: dict[str, Any]) -> op.Operation:
    return op.Ping(msgspec.convert(message, _Named).uid)


_DECODERS: dict[str, Callable[[dict[str, Any]], op.Operation]] = {
    "auth": _decode_auth,
    "items": _decode_items,
    "subscribe": _decode_subscribe,
    "unsubscribe": _decode_unsubscribe,
    "ping": _decode_ping,
}


def _uid_in(message: dict[str, Any]) -> Uid:
    uid = message.get("uid")
    return uid if isinstance(uid, (str, int, float)) and not isinstance(uid, bool) else None


def _name(uid: Uid) -> str | None:
    """Return the subscription's name: the uid as JavaScript's `String(uid)` writes it."""
    if isinstance(uid, float) and uid.is_integer():
        return str(int(uid))
    return None if uid is None else str(uid)


_UNSAID = (out.Opened, out.Issued, out.Deauthenticated, out.Called, out.Value, out.Renew)


def _say(outcome: _Said) -> dict[str, Any]:
    match outcome:
        case out.Authenticated(id=uid, refresh_token=refresh_token):
            said: dict[str, Any] = {"type": "auth", "status": "ok"} | _uid(uid)
            return said | ({"refresh_token": refresh_token} if refresh_token is not None else {})
        case out.Refused(problem=problem, id=uid, presented=presented):
            shown = Problem(Code.AUTH_FAILED) if presented else problem
            return _error("auth", shown, uid)
        case out.Reply(data=data, meta=meta, id=uid):
            return {"type": "items", "data": data} | _meta(meta) | _uid(uid)
        case out.Subscribed():
            return _say_subscribed(outcome)
        case out.Ended(subscription=subscription, problem=problem) if problem is not None:
            # Not an error of type `subscribe`: the client would end all of its subscriptions on it.
            error = {"error": _explain(problem)}
            return {"type": "subscription", "event": "unsubscribe"} | error | _uid(subscription)
        case out.Ended(id=uid):
            return {"type": "subscription", "event": "unsubscribe"} | _uid(uid)
        case out.Failure(operation=operation, problem=problem):
            return _failure(operation, problem)
        case out.Pong(id=uid):
            return {"type": "pong"} | _uid(uid)
        case out.Heartbeat(position=position):
            return {"type": "ping"} | _position(position)


def _say_subscribed(outcome: out.Subscribed) -> dict[str, Any]:
    initial = {"data": outcome.data} if outcome.has_data else {}
    said = {"type": "subscription", "event": "init"} | initial | _meta(outcome.meta) | _uid(outcome.subscription)
    # A lost position is no error of type `subscribe`: the subscription stands, and the client would end all of its own.
    lost = {"error": _explain(outcome.lost) | outcome.lost.extensions} if outcome.lost is not None else {}
    return said | _position(outcome.position) | lost


def _failure(operation: op.Operation, problem: Problem) -> dict[str, Any]:
    match operation:
        case op.Invalid(kind=kind, id=uid):
            return _error(kind, problem, _name(uid) if kind == "subscribe" else uid)
        case op.Subscribe(subscription=subscription):
            return _error("subscribe", problem, subscription)
        case op.FollowLog():
            return _error("logs", problem, operation.id)
        case op.Read() | op.Create() | op.Update() | op.Delete():
            return _error("items", problem, operation.id)
        case op.Authenticate():
            return _error("auth", problem, operation.id)
        case op.Unsubscribe():
            return _error("unsubscribe", problem, operation.id)
        case op.Ignore() if "retry_after" in problem.extensions:
            wait = ceil(problem.extensions["retry_after"] * 1000)
            return _error("server", Problem(problem.code, f"Too many messages, retry after {wait}ms."), None)
        case op.Raw() | op.Open() | op.Deauthenticate():
            return _error("server", problem, None)
        case _:
            return _error("server", problem, operation.id)


def _error(kind: str, problem: Problem, uid: Uid) -> dict[str, Any]:
    return {"type": kind, "status": "error", "error": _explain(problem)} | _uid(uid)


def _explain(problem: Problem) -> dict[str, str]:
    return {"code": problem.code.value, "message": problem.message}


def _uid(uid: Uid) -> dict[str, Any]:
    return {} if uid is None else {"uid": uid}


def _position(position: str | None) -> dict[str, Any]:
    return {} if position is None else {"position": position}


def _meta(meta: dict[str, int] | None) -> dict[str, Any]:
    return {} if meta is None else {"meta": meta}


def _runs(events: Sequence[Event]) -> Sequence[Sequence[Event]]:
    if len(events) == 1:  # as most of them are
        return (events,)
    runs: list[list[Event]] = []
    for event in events:
        if runs and runs[-1][0].kind == event.kind != "init":
            runs[-1].append(event)
        else:
            runs.append([event])
    return runs


def _body(event: Event) -> str:
    body = event.cache.get("json")
    if body is None:
        body = event.cache["json"] = json.encode(event.data).decode()
    return str(body)


def _event_frame(subscription: str | None, events: Sequence[Event], *, single: bool) -> str:
    """Join encoded rows to a frame, without decoding them again. An `init` carries its list (or item) as it is."""
    kind = events[0].kind
    data = _body(events[0]) if single or kind == "init" else f"[{','.join(map(_body, events))}]"
    uid = "" if subscription is None else f',"uid":{json.encode(subscription).decode()}'
    mark = events[-1].mark
    position = "" if mark is None else f',"position":"{mark}"'
    return f'{{"type":"subscription","event":"{kind}","data":{data}{uid}{position}}}'
