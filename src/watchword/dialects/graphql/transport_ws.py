"""The dialect of npm's `graphql-ws`: the subprotocol `graphql-transport-ws`, one JSON object a text frame.

What its clients go by: the acknowledgement is the first frame that is no ping or pong; a close with 4403 is tried again
with new parameters, one with 4400, 4401, 4409 or 4429 is not; nothing follows a client's `complete`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from watchword.base import json
from watchword.base.errors import Problem
from watchword.dialects.graphql.socket import FORBIDDEN, LATE, NORMAL, GraphqlSocket, framed, is_id
from watchword.protocol import operations as op
from watchword.protocol import outcomes as out
from watchword.protocol.documents import errors_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from watchword.protocol.dialect import Frame

SUBPROTOCOL = "graphql-transport-ws"

SILENT = 1001
INVALID, UNAUTHORIZED, DUPLICATE, AGAIN = 4400, 4401, 4409, 4429
_CAUSES = {out.Cause.NOT_OPENED: LATE, out.Cause.SILENT: SILENT}


class GraphqlWs(GraphqlSocket):
    """One connection's end of the dialect."""

    name = SUBPROTOCOL
    sign_of_life = '{"type":"ping"}'
    result = "next"
    reasons: ClassVar[dict[int, str]] = GraphqlSocket.reasons | {
        INVALID: "Invalid message received",
        UNAUTHORIZED: "Unauthorized",
        AGAIN: "Too many initialisation requests",
    }

    def receive(self, frame: Frame) -> Iterable[op.Operation]:
        """Decode a frame; one that breaks the protocol ends the connection."""
        message = _decoded(frame)
        if message is None:
            return (self._break(INVALID),)
        payload = message.get("payload")
        match message["type"]:
            case "connection_init" if isinstance(payload, dict | None):
                return (self._break(AGAIN) if self._is_initialised else self._present(payload),)
            case "ping" if isinstance(payload, dict | None):
                return (op.Respond(_pong(payload)),)
            case "pong" if isinstance(payload, dict | None):
                return ()
            case "subscribe" if _is_subscribe(message):
                return (self._subscribe(message["id"], message["payload"]),)
            case "complete" if is_id(message.get("id")):
                return self._complete(message["id"])
            case _:
                return (self._break(INVALID),)

    def refuse(self, frame: Frame, problem: Problem) -> Iterable[str]:
        """Say of an operation that it has not been looked at."""
        message = _decoded(frame)
        if message is None or message["type"] != "subscribe" or not is_id(message.get("id")):
            return ()
        return self._failed(message["id"], problem)

    def close_code(self, reason: out.Outcome | out.Cause | None) -> int:
        """Return the code that makes a client come again with new parameters, where that may help."""
        if isinstance(reason, out.Refused):
            return FORBIDDEN
        return _CAUSES.get(reason, NORMAL) if isinstance(reason, out.Cause) else NORMAL

    def _acknowledged(self, expires_at: float | None) -> Iterable[str]:
        told = {} if expires_at is None else {"payload": {"expires_at": round(expires_at * 1000)}}
        return (framed("connection_ack", **told),)

    def _failed(self, number: str, problem: Problem) -> Iterable[str]:
        return (framed("error", id=number, payload=errors_of(problem)),)

    def _subscribe(self, number: str, payload: dict[str, Any]) -> op.Operation:
        if not self._is_acknowledged:
            return self._break(UNAUTHORIZED)
        if number in self._running:
            return op.Break(DUPLICATE, f"Subscriber for {number} already exists")
        return self._begin(number, payload, "subscribe")

    def _complete(self, number: str) -> Iterable[op.Operation]:
        if number not in self._running:
            return ()
        self._forget(number)
        return (op.Unsubscribe(number, number),)

    def _break(self, code: int) -> op.Break:
        return op.Break(code, self.close_text(code))


def _decoded(frame: Frame) -> dict[str, Any] | None:
    try:
        message = json.decode(frame)
    except Problem:
        return None
    return message if isinstance(message, dict) and isinstance(message.get("type"), str) else None


def _pong(payload: dict[str, Any] | None) -> str:
    return framed("pong") if payload is None else framed("pong", payload=payload)


def _is_subscribe(message: dict[str, Any]) -> bool:
    payload = message.get("payload")
    if not is_id(message.get("id")) or not isinstance(payload, dict):
        return False
    return (
        isinstance(payload.get("query"), str)
        and isinstance(payload.get("operationName"), str | None)
        and isinstance(payload.get("variables"), dict | None)
        and isinstance(payload.get("extensions"), dict | None)
    )
