"""The dialect of npm's `graphql-ws`: the subprotocol `graphql-transport-ws`, one JSON object a text frame.

What its clients go by: the acknowledgement is the first frame that is no ping or pong; a close with 4403 is tried again
with new parameters, one with 4400, 4401, 4409 or 4429 is not; nothing follows a client's `complete`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeGuard

from watchword.base import json
from watchword.base.errors import Problem
from watchword.protocol import operations as op
from watchword.protocol import outcomes as out
from watchword.protocol.documents import errors_of, parse_execute
from watchword.protocol.params import credential_in

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from watchword.protocol.events import Event
    from watchword.protocol.projection import Projection

SUBPROTOCOL = "graphql-transport-ws"

NORMAL, SILENT = 1000, 1001
INVALID, UNAUTHORIZED, FORBIDDEN, LATE, DUPLICATE, AGAIN = 4400, 4401, 4403, 4408, 4409, 4429
REASONS = {
    INVALID: "Invalid message received",
    UNAUTHORIZED: "Unauthorized",
    FORBIDDEN: "Forbidden",
    LATE: "Connection initialisation timeout",
    AGAIN: "Too many initialisation requests",
}

_INIT = "connection_init"
_LONGEST_ID = 256


class GraphqlWs:
    """One connection's end of the dialect. It remembers what is running, and how events are written.

    Where the upgrade alone decides who the client is, it does not take `credentials`.
    """

    name = SUBPROTOCOL

    def __init__(self, *, credentials: bool = True) -> None:
        self._credentials = credentials
        self._is_initialised = False
        self._is_acknowledged = False
        self._running: set[str] = set()
        self._projections: dict[str, Projection] = {}

    def receive(self, frame: str | bytes) -> Iterable[op.Operation]:
        """Decode a frame; one that breaks the protocol ends the connection."""
        message = _decoded(frame)
        if message is None:
            return (_broken(INVALID),)
        payload = message.get("payload")
        match message["type"]:
            case "connection_init" if isinstance(payload, dict | None):
                return (self._init(payload),)
            case "ping" if isinstance(payload, dict | None):
                return (op.Respond(_frame({"type": "pong"} | ({} if payload is None else {"payload": payload}))),)
            case "pong" if isinstance(payload, dict | None):
                return ()
            case "subscribe" if _is_subscribe(message):
                return (self._subscribe(message["id"], message["payload"]),)
            case "complete" if _is_id(message.get("id")):
                return self._complete(message["id"])
            case _:
                return (_broken(INVALID),)

    def send(self, outcome: out.Outcome) -> Iterable[str]:
        """Say an outcome; about the identity nothing is said but the acknowledgement."""
        match outcome:
            case out.Authenticated(id="connection_init", expires_at=expires_at):
                return self._acknowledge(expires_at)
            case out.Pong(id="connection_init", expires_at=expires_at):
                return self._acknowledge(expires_at)
            case out.Reply(data=data, id=str(number)) if number in self._running:
                self._running.discard(number)
                return (_next(number, json.encode(data).decode()), _frame({"id": number, "type": "complete"}))
            case out.Subscribed(subscription=str(number), projection=projection) if projection is not None:
                self._projections[number] = projection
                return ()
            case out.Failure(operation=op.Execute(id=str(number)) | op.Invalid(id=str(number)), problem=problem):
                return self._fail(number, problem)
            case out.Failure(operation=op.Subscribe(subscription=str(number)), problem=problem):
                return self._fail(number, problem)
            case out.Ended(subscription=str(number), problem=problem) if problem is not None:
                return self._fail(number, problem)
            case out.Heartbeat():
                return ('{"type":"ping"}',)
            case _:
                return ()

    def refuse(self, frame: str | bytes, problem: Problem) -> Iterable[str]:
        """Say of an operation that it has not been looked at."""
        message = _decoded(frame)
        if message is None or message["type"] != "subscribe" or not _is_id(message.get("id")):
            return ()
        return (_frame({"id": message["id"], "type": "error", "payload": errors_of(problem)}),)

    def push(self, subscription: str | None, events: Sequence[Event]) -> Iterable[str]:
        """Tell events, one frame each: the result is written once for all who want the same, and the id put before."""
        projection = self._projections.get(subscription or "")
        if subscription is None or projection is None:
            return ()
        return [_next(subscription, projection.written(event)) for event in events]

    def close_code(self, reason: out.Outcome | out.Cause | None) -> int:
        """Return the code that makes a client come again with new parameters, where that may help."""
        if isinstance(reason, out.Refused):
            return FORBIDDEN if self._is_initialised else LATE
        return SILENT if reason is out.Cause.SILENT else NORMAL

    def close_text(self, code: int) -> str:
        """Return the reason that goes with a code."""
        return REASONS.get(code, "")

    def _init(self, payload: dict[str, Any] | None) -> op.Operation:
        if self._is_initialised:
            return _broken(AGAIN)
        self._is_initialised = True
        credential = credential_in(payload) if self._credentials else None
        # Without a credential only who is known already, or need not be, gets an answer: the acknowledgement.
        return op.Ping(_INIT) if credential is None else op.Authenticate(credential, _INIT)

    def _acknowledge(self, expires_at: float | None) -> Iterable[str]:
        self._is_acknowledged = True
        told = {} if expires_at is None else {"payload": {"expires_at": round(expires_at * 1000)}}
        return (_frame({"type": "connection_ack"} | told),)

    def _subscribe(self, number: str, payload: dict[str, Any]) -> op.Operation:
        if not self._is_acknowledged:
            return _broken(UNAUTHORIZED)
        if number in self._running:
            return op.Break(DUPLICATE, f"Subscriber for {number} already exists")
        self._running.add(number)
        try:
            return parse_execute(payload, number)
        except Problem as problem:
            return op.Invalid(problem, "subscribe", number)

    def _complete(self, number: str) -> Iterable[op.Operation]:
        if number not in self._running:
            return ()
        self._forget(number)
        return (op.Unsubscribe(number, number),)

    def _fail(self, number: str, problem: Problem) -> Iterable[str]:
        if number not in self._running:
            return ()
        self._forget(number)
        return (_frame({"id": number, "type": "error", "payload": errors_of(problem)}),)

    def _forget(self, number: str) -> None:
        self._running.discard(number)
        self._projections.pop(number, None)


def _decoded(frame: str | bytes) -> dict[str, Any] | None:
    try:
        message = json.decode(frame)
    except Problem:
        return None
    return message if isinstance(message, dict) and isinstance(message.get("type"), str) else None


def _is_subscribe(message: dict[str, Any]) -> bool:
    payload = message.get("payload")
    if not _is_id(message.get("id")) or not isinstance(payload, dict):
        return False
    return (
        isinstance(payload.get("query"), str)
        and isinstance(payload.get("operationName"), str | None)
        and isinstance(payload.get("variables"), dict | None)
        and isinstance(payload.get("extensions"), dict | None)
    )


def _is_id(value: Any) -> TypeGuard[str]:
    return isinstance(value, str) and 0 < len(value) <= _LONGEST_ID


def _broken(code: int) -> op.Break:
    return op.Break(code, REASONS[code])


def _next(number: str, result: str) -> str:
    return f'{{"id":{json.encode(number).decode()},"type":"next","payload":{result}}}'


def _frame(message: dict[str, Any]) -> str:
    return json.encode(message).decode()
