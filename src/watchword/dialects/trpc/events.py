"""The side of server-sent events: one subscription, from `connected` to `return`.

An id that a client comes back with is the last one that it was sent. A value without an id sends an empty one, so the
last one is sent once more after it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from watchword.base import json
from watchword.base.errors import Problem
from watchword.dialects.trpc.errors import not_found, shape_of
from watchword.dialects.trpc.wire import last_event_id, told_first, told_of
from watchword.protocol import operations as op
from watchword.protocol import outcomes as out

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from watchword.dialects.trpc.requests import Inputs
    from watchword.dialects.trpc.wire import Wire
    from watchword.protocol.events import Event

RETURN = "event: return\ndata: \n\n"
PING = "event: ping\ndata: \n\n"
_ERROR = "event: serialized-error\n"
_NAME = "0"


def connected(reconnect_after: float | None) -> str:
    """Return the first event; it tells after how many seconds of silence a client is to connect anew."""
    told = {} if reconnect_after is None else {"reconnectAfterInactivityMs": round(reconnect_after * 1000)}
    return f"event: connected\ndata: {json.encode(told).decode()}\n\n"


def is_last(frame: str | bytes) -> bool:
    """Whether nothing comes after an event."""
    return frame == RETURN or (isinstance(frame, str) and frame.startswith(_ERROR))


def is_value(frame: str | bytes) -> bool:
    """Whether an event is a value of the subscription."""
    return isinstance(frame, str) and frame.startswith("data: ")


class TrpcEvents:
    """One stream's end of the dialect. What it follows is settled from the start; the client says nothing more."""

    name = "trpc"

    def __init__(self, wire: Wire, path: str, inputs: Inputs, since: str | None) -> None:
        self._wire = wire
        self._path = path
        self._inputs = inputs
        self._since = since
        self._last: str | None = None

    def receive(self, frame: str | bytes) -> Iterable[op.Operation]:
        """Begin the subscription; the one message there is says no more than that."""
        try:
            given = self._inputs.read(0)
            self._since = self._since or last_event_id(given)
            return (self._wire.subscription(_NAME, self._path, given, self._since, 0),)
        except Problem as problem:
            return (op.Invalid(problem, "call"),)

    def send(self, outcome: out.Outcome) -> Iterable[str]:
        """Say an outcome in an event; what clients have no ears for in none."""
        match outcome:
            case out.Value(data=data, mark=mark):
                return self._value(data, mark)
            case out.Subscribed():
                return self._say_subscribed(outcome)
            case out.Ended(problem=None):
                return (RETURN,)
            case out.Ended(problem=problem) | out.Failure(problem=problem) | out.Refused(problem=problem):
                return () if problem is None else (self._error(problem),)
            case out.Heartbeat():
                return (PING,)
            case _:
                return ()

    def push(self, subscription: str | None, events: Sequence[Event]) -> Iterable[str]:
        """Tell what has changed in a collection, or was said on a channel."""
        frames: list[str] = []
        for event in events:
            key = (self.name, "events", self._wire.superjson)
            if key not in event.cache:
                event.cache[key] = self._data(told_of(event))
            frames += self._event(event.cache[key], event.mark)
        return frames

    def close_code(self, reason: out.Outcome | out.Cause | None) -> int:
        """Return nothing that anybody reads: a stream has no code to end with."""
        return 0

    def _say_subscribed(self, outcome: out.Subscribed) -> Iterable[str]:
        first = told_first(outcome, is_resumed=self._since is not None)
        return () if first is None else self._value(first, outcome.position)

    def _value(self, data: Any, mark: str | None) -> list[str]:
        return self._event(self._data(data), mark)

    def _event(self, data: str, mark: str | None) -> list[str]:
        if mark is not None:
            self._last = mark
            return [f"data: {data}\nid: {mark}\n\n"]
        if self._last is None:
            return [f"data: {data}\n\n"]
        return [f"data: {data}\nid: \n\n", f"event: restore-id\ndata: \nid: {self._last}\n\n"]

    def _data(self, data: Any) -> str:
        return json.encode(self._wire.write(data)).decode()

    def _error(self, problem: Problem) -> str:
        is_unknown = problem.extensions.get("procedure") == self._path
        error = not_found("subscription", self._path) if is_unknown else shape_of(problem, self._path)
        return f"{_ERROR}data: {self._data(error)}\n\n"
