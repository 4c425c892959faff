"""The Directus dialect of `/websocket/logs`: levels to follow, and a frame for each record of the server's log.

Authentication and what is not understood are worded by the dialect of the other endpoint, which is passed in. Pings and
unknown types get no answer, and `uid` is never given back: in frames of this dialect it is the node's id.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from watchword.base import json
from watchword.base.errors import Code, Problem
from watchword.protocol import operations as op
from watchword.protocol import outcomes as out

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from watchword.protocol.dialect import Dialect, Frame
    from watchword.protocol.events import Event
    from watchword.protocol.records import Record

_PASSED_ON = frozenset({"auth", "server"})
_NO_LEVEL = (
    'Validation error: Invalid input: expected string, received {} at "log_level" '
    'or Invalid input: expected "unsubscribe" at "type"'
)


class DirectusLogs:
    """One connection's end of the dialect. With `raw`, frames hold all members of a record, else one line of text."""

    name = "directus-logs"

    def __init__(self, common: Dialect, *, raw: bool = False) -> None:
        self._common = common
        self._raw = raw

    def receive(self, frame: str | bytes) -> Iterable[op.Operation]:
        """Decode a frame to one operation; what concerns neither the log nor authentication asks for nothing."""
        message = _decode(frame)
        match message.get("type"):
            case "subscribe":
                return (_subscribe(message),)
            case "unsubscribe":
                return (op.Unsubscribe(),)
            case _:
                return [each if _is_passed_on(each) else op.Ignore() for each in self._common.receive(frame)]

    def send(self, outcome: out.Outcome) -> Iterable[Frame]:
        """Say an outcome in one frame."""
        match outcome:
            case out.Subscribed(data=level):
                return _frame({"event": "subscribe", "log_level": level})
            case out.Ended(problem=problem) if problem is not None:
                return _error(problem)
            case out.Ended():
                return _frame({"event": "unsubscribe"})
            case out.Failure(operation=op.FollowLog() | op.Unsubscribe() | op.Invalid(kind="logs"), problem=problem):
                return _error(problem)
            case _:
                return self._common.send(outcome)

    def push(self, subscription: str | None, events: Sequence[Event]) -> Iterable[str]:
        """Tell records, one a frame; a record is encoded once for all that follow it."""
        del subscription  # there is one
        return [self._record(event) for event in events]

    def close_code(self, reason: out.Outcome | out.Cause | None) -> int:
        """Close as the other endpoint does."""
        return self._common.close_code(reason)

    def _record(self, event: Event) -> str:
        key = (self.name, self._raw)
        if key not in event.cache:
            record: Record = event.data
            shown = _raw(record) if self._raw else _pretty(record)
            event.cache[key] = json.encode({"type": "logs", "data": shown, "uid": record.node}).decode()
        return str(event.cache[key])


def _decode(frame: str | bytes) -> dict[str, Any]:
    try:
        message = json.decode(frame)
    except Problem:
        return {}
    return message if isinstance(message, dict) else {}


def _subscribe(message: dict[str, Any]) -> op.Operation:
    level = message.get("log_level")
    if isinstance(level, str):
        return op.FollowLog(level)
    received = "undefined" if "log_level" not in message else _javascript_type(level)
    return op.Invalid(Problem(Code.INVALID_PAYLOAD, _NO_LEVEL.format(received)), "logs")


def _javascript_type(value: Any) -> str:
    names = {type(None): "null", bool: "boolean", int: "number", float: "number", list: "array"}
    return names.get(type(value), "object")


def _is_passed_on(operation: op.Operation) -> bool:
    if isinstance(operation, op.Invalid):
        return operation.kind in _PASSED_ON
    return isinstance(operation, op.Authenticate)


def _frame(members: dict[str, Any]) -> tuple[str]:
    return (json.encode({"type": "logs"} | members).decode(),)


def _error(problem: Problem) -> tuple[str]:
    return _frame({"status": "error", "error": {"code": problem.code.value, "message": problem.message}})


def _raw(record: Record) -> dict[str, Any]:
    return {"level": record.level, "time": record.time, "msg": record.text} | {
        name: value for name, value in record.members.items() if name not in {"level", "time", "msg"}
    }


def _pretty(record: Record) -> dict[str, Any]:
    return {"level": record.level, "time": record.time, "msg": _line(record)}


def _line(record: Record) -> str:
    """Return a request as Directus writes it, and everything else with what belongs to it."""
    members = record.members
    if record.text == "request" and isinstance(members.get("ms"), (int, float)):
        return f"{members.get('method')} {members.get('path')} {members.get('status')} {round(members['ms'])}ms"
    told = [f"{name}={_word(value)}" for name, value in members.items() if name not in {"logger", "exception"}]
    if isinstance(exception := members.get("exception"), str):
        told.append(exception.rstrip().rpartition("\n")[2])
    return " ".join([record.text, *told])


def _word(value: Any) -> str:
    return value if isinstance(value, str) else json.encode(value).decode()
