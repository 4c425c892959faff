"""The older GraphQL dialect, of npm's `subscriptions-transport-ws`: the subprotocol that is called `graphql-ws`.

What its clients go by: they send their first operations along with the initialisation; they leave when no sign of life
comes, once there has been one, and answer none; they read no close codes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from watchword.base import json
from watchword.base.errors import Problem
from watchword.dialects.graphql.socket import FORBIDDEN, NORMAL, GraphqlSocket, framed, is_id
from watchword.protocol import operations as op
from watchword.protocol import outcomes as out
from watchword.protocol.documents import errors_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from watchword.protocol.dialect import Frame

SUBPROTOCOL = "graphql-ws"

REFUSED = 1011


class GraphqlLegacy(GraphqlSocket):
    """One connection's end of the dialect."""

    name = "graphql-ws (legacy)"
    sign_of_life = '{"type":"ka"}'
    result = "data"
    reasons: ClassVar[dict[int, str]] = GraphqlSocket.reasons | {REFUSED: "Forbidden"}

    def receive(self, frame: Frame) -> Iterable[op.Operation]:
        """Decode a frame; what cannot be understood is answered, and the connection goes on."""
        try:
            message = json.decode(frame)
        except Problem as problem:
            return (op.Respond(_connection_error(problem.message)),)
        kind, number = (message.get("type"), message.get("id")) if isinstance(message, dict) else (None, None)
        match kind:
            case "connection_init":
                return (self._present(message.get("payload")),)
            case "start" if is_id(number):
                return (self._start(number, message.get("payload")),)
            case "stop" if is_id(number):
                self._forget(number)
                return (op.Unsubscribe(number, number),)
            case "connection_terminate":
                return (op.Break(NORMAL),)
            case _:
                return (op.Respond(_unknown(number)),)

    def send(self, outcome: out.Outcome) -> Iterable[str]:
        """Say an outcome. What is wrong with a document is a result, as it is over HTTP."""
        if isinstance(outcome, out.Refused) and self._is_initialised and not self._is_acknowledged:
            return (_connection_error("Forbidden"),)
        return super().send(outcome)

    def refuse(self, frame: Frame, problem: Problem) -> Iterable[str]:
        """Say of an operation that it has not been looked at."""
        try:
            message = json.decode(frame)
        except Problem:
            return ()
        number = message.get("id") if isinstance(message, dict) and message.get("type") == "start" else None
        return (_error(number, errors_of(problem)[0]),) if is_id(number) else ()

    def close_code(self, reason: out.Outcome | out.Cause | None) -> int:
        """Return a code; clients that may connect anew do so whatever it is."""
        if isinstance(reason, out.Refused):
            return REFUSED if self._is_initialised and not self._is_acknowledged else FORBIDDEN
        return NORMAL

    def _acknowledged(self, expires_at: float | None) -> Iterable[str]:
        del expires_at  # the message has no room for it
        return (framed("connection_ack"), self.sign_of_life)

    def _failed(self, number: str, problem: Problem) -> Iterable[str]:
        result = json.encode({"errors": errors_of(problem)}).decode()
        return (self._told(number, result), framed("complete", id=number))

    def _start(self, number: str, payload: Any) -> op.Operation:
        """Begin an operation, in place of one that has the same id."""
        self._forget(number)
        return self._begin(number, payload, "start")


def _connection_error(text: str) -> str:
    return framed("connection_error", payload={"message": text})


def _unknown(number: Any) -> str:
    return _error(number if is_id(number) else None, {"message": "Invalid message type!"})


def _error(number: str | None, error: Any) -> str:
    return framed("error", payload=error) if number is None else framed("error", id=number, payload=error)
