"""The older GraphQL dialect, of npm's `subscriptions-transport-ws`: the subprotocol that is called `graphql-ws`.

What its clients go by: they send their first operations along with the initialisation; they leave when no sign of life
comes, once there has been one, and answer none; they read no close codes.
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

SUBPROTOCOL = "graphql-ws"

NORMAL, REFUSED, FORBIDDEN, LATE = 1000, 1011, 4403, 4408
_REASONS = {FORBIDDEN: "Forbidden", REFUSED: "Forbidden", LATE: "Connection initialisation timeout"}
_INIT = "connection_init"
_LONGEST_ID = 256
_SIGN_OF_LIFE = '{"type":"ka"}'


class GraphqlLegacy:
    """One connection's end of the dialect. It remembers what is running, and how events are written."""

    name = "graphql-ws (legacy)"

    def __init__(self, *, credentials: bool = True) -> None:
        self._credentials = credentials
        self._is_initialised = False
        self._is_acknowledged = False
        self._running: set[str] = set()
        self._projections: dict[str, Projection] = {}

    def receive(self, frame: str | bytes) -> Iterable[op.Operation]:
        """Decode a frame; what cannot be understood is answered, and the connection goes on."""
        try:
            message = json.decode(frame)
        except Problem as problem:
            return (op.Respond(_frame("connection_error", payload={"message": problem.message})),)
        kind, number = (message.get("type"), message.get("id")) if isinstance(message, dict) else (None, None)
        match kind:
            case "connection_init":
                return (self._init(message.get("payload")),)
            case "start" if _is_id(number):
                return (self._start(number, message.get("payload")),)
            case "stop" if _is_id(number):
                self._forget(number)
                return (op.Unsubscribe(number, number),)
            case "connection_terminate":
                return (op.Break(NORMAL),)
            case _:
                shown = {"id": number} if _is_id(number) else {}
                return (op.Respond(_frame("error", **shown, payload={"message": "Invalid message type!"})),)

    def send(self, outcome: out.Outcome) -> Iterable[str]:
        """Say an outcome. What is wrong with a document is a result, as it is over HTTP."""
        match outcome:
            case out.Authenticated(id="connection_init") | out.Pong(id="connection_init"):
                self._is_acknowledged = True
                return (_frame("connection_ack"), _SIGN_OF_LIFE)
            case out.Refused() if self._is_initialised and not self._is_acknowledged:
                return (_frame("connection_error", payload={"message": "Forbidden"}),)
            case out.Reply(data=data, id=str(number)) if number in self._running:
                self._forget(number)
                return (_data(number, json.encode(data).decode()), _frame("complete", id=number))
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
                return (_SIGN_OF_LIFE,)
            case _:
                return ()

    def refuse(self, frame: str | bytes, problem: Problem) -> Iterable[str]:
        """Say of an operation that it has not been looked at."""
        try:
            message = json.decode(frame)
        except Problem:
            return ()
        number = message.get("id") if isinstance(message, dict) and message.get("type") == "start" else None
        return (_frame("error", id=number, payload=errors_of(problem)[0]),) if _is_id(number) else ()

    def push(self, subscription: str | None, events: Sequence[Event]) -> Iterable[str]:
        """Tell events, one frame each."""
        projection = self._projections.get(subscription or "")
        if subscription is None or projection is None:
            return ()
        return [_data(subscription, projection.written(event)) for event in events]

    def close_code(self, reason: out.Outcome | out.Cause | None) -> int:
        """Return a code; clients that may connect anew do so whatever it is."""
        if isinstance(reason, out.Refused):
            return FORBIDDEN if self._is_acknowledged else REFUSED if self._is_initialised else LATE
        return NORMAL

    def close_text(self, code: int) -> str:
        """Return the reason that goes with a code."""
        return _REASONS.get(code, "")

    def _init(self, payload: Any) -> op.Operation:
        self._is_initialised = True
        credential = credential_in(payload) if self._credentials else None
        return op.Ping(_INIT) if credential is None else op.Authenticate(credential, _INIT)

    def _start(self, number: str, payload: Any) -> op.Operation:
        """Begin an operation, in place of one that has the same id."""
        self._running.add(number)
        self._projections.pop(number, None)
        try:
            return parse_execute(payload, number)
        except Problem as problem:
            return op.Invalid(problem, "start", number)

    def _fail(self, number: str, problem: Problem) -> Iterable[str]:
        if number not in self._running:
            return ()
        self._forget(number)
        errors = json.encode({"errors": errors_of(problem)}).decode()
        return (_data(number, errors), _frame("complete", id=number))

    def _forget(self, number: str) -> None:
        self._running.discard(number)
        self._projections.pop(number, None)


def _is_id(value: Any) -> TypeGuard[str]:
    return isinstance(value, str) and 0 < len(value) <= _LONGEST_ID


def _data(number: str, result: str) -> str:
    return f'{{"id":{json.encode(number).decode()},"type":"data","payload":{result}}}'


def _frame(kind: str, **members: Any) -> str:
    return json.encode({"type": kind} | members).decode()
