"""The SocketCluster dialect, protocol versions 2 and 1, as `socketcluster-client` speaks it.

A message is a sign of life, a packet (a JSON object) or a batch of packets (a JSON array). A packet is a transmit
(`event`), an invoke (`event` and a number `cid`), a response (`rid`), or raw. What was not given and what is null are
told apart both ways.
"""

from __future__ import annotations

import base64
import re
from typing import TYPE_CHECKING, Any, Protocol

from watchword.access.permissions import Action
from watchword.base import json
from watchword.base.errors import Code, Problem, Thrown
from watchword.base.secret import Secret
from watchword.protocol import operations as op
from watchword.protocol import outcomes as out
from watchword.protocol.operations import ABSENT
from watchword.query.wire import parse_query

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from watchword.protocol.dialect import Frame
    from watchword.protocol.events import Event

Packet = dict[str, Any]

CLOSE_CODES: dict[out.Cause, int] = {
    out.Cause.NOT_OPENED: 4005,
    out.Cause.REFUSED: 4008,
    out.Cause.EARLY: 4009,
    out.Cause.SILENT: 4001,
}
CLOSE_NORMAL = 1000

NAMES: dict[Code, str] = {
    Code.AUTH_FAILED: "AuthError",
    Code.AUTH_TIMEOUT: "AuthError",
    Code.BAD_GATEWAY: "BadGatewayError",
    Code.CLIENT_CLOSED_REQUEST: "ClientClosedRequestError",
    Code.COLLECTION_INACTIVE: "InvalidActionError",
    Code.CONFLICT: "ConflictError",
    Code.CONTENT_TOO_LARGE: "ResourceLimitError",
    Code.FAILED_VALIDATION: "InvalidArgumentsError",
    Code.FORBIDDEN: "ForbiddenError",
    Code.GATEWAY_TIMEOUT: "GatewayTimeoutError",
    Code.GRAPHQL_VALIDATION: "InvalidArgumentsError",
    Code.INTERNAL: "InternalError",
    Code.INVALID_COLLECTION: "ForbiddenError",
    Code.INVALID_CREDENTIALS: "AuthError",
    Code.INVALID_FOREIGN_KEY: "InvalidArgumentsError",
    Code.INVALID_OTP: "AuthError",
    Code.INVALID_PAYLOAD: "InvalidArgumentsError",
    Code.INVALID_QUERY: "InvalidArgumentsError",
    Code.INVALID_TOKEN: "AuthTokenInvalidError",
    Code.METHOD_NOT_ALLOWED: "InvalidActionError",
    Code.NOT_ACCEPTABLE: "InvalidArgumentsError",
    Code.NOT_FOUND: "NotFoundError",
    Code.NOT_NULL_VIOLATION: "InvalidArgumentsError",
    Code.NOT_SUPPORTED: "InvalidActionError",
    Code.PAYMENT_REQUIRED: "PaymentRequiredError",
    Code.POSITION_LOST: "PositionLostError",
    Code.PRECONDITION_FAILED: "PreconditionFailedError",
    Code.PRECONDITION_REQUIRED: "PreconditionRequiredError",
    Code.RECORD_NOT_UNIQUE: "InvalidArgumentsError",
    Code.REQUESTS_EXCEEDED: "ResourceLimitError",
    Code.ROUTE_NOT_FOUND: "InvalidActionError",
    Code.SERVICE_UNAVAILABLE: "ServiceUnavailableError",
    Code.TIMEOUT: "TimeoutError",
    Code.TOKEN_EXPIRED: "AuthTokenExpiredError",
    Code.UNPROCESSABLE_CONTENT: "InvalidActionError",
    Code.UNSUPPORTED_MEDIA_TYPE: "InvalidArgumentsError",
    Code.USER_SUSPENDED: "AuthError",
    Code.VALUE_OUT_OF_RANGE: "InvalidArgumentsError",
    Code.VALUE_TOO_LONG: "InvalidArgumentsError",
}

_BAD_TOKEN = frozenset({Code.TOKEN_EXPIRED, Code.INVALID_TOKEN, Code.INVALID_CREDENTIALS, Code.USER_SUSPENDED})
_REMOVE_TOKEN: Packet = {"event": "#removeAuthToken"}
_NO_TOKEN = Problem(Code.INVALID_TOKEN, "jwt must be provided", reason="invalid")
_NOT_TEXT = Problem(Code.INVALID_TOKEN, "Invalid token format - Token must be a string", reason="malformed")
DEEPEST = 200
"""How deep values may be nested: what is decoded can also be encoded, wherever that happens."""
_TOO_DEEP = Problem(Code.INVALID_PAYLOAD, f"Invalid payload. Values are nested deeper than {DEEPEST} levels.")
_MOST_LEADING_SPACE = re.compile(r"\s*")


class Codec(Protocol):
    """What both ends may use in place of JSON, for everything but signs of life."""

    def encode(self, packet: Any) -> Frame:
        """Return a message."""

    def decode(self, frame: Frame) -> Any:
        """Return what a message says, or raise ValueError."""


class SocketCluster:
    """One connection's end of the dialect.

    `ping_timeout` is told to the client, in milliseconds. Channels whose names begin with `collections` are changes of
    a collection; None has no such channels.
    """

    name = "socketcluster"

    def __init__(
        self,
        connection: str,
        ping_timeout: int,
        *,
        version: int = 2,
        collections: str | None = "items/",
        codec: Codec | None = None,
    ) -> None:
        self._connection = connection
        self._ping_timeout = ping_timeout
        self._ping, self._pong = ("#1", "#2") if version == 1 else ("", "")
        self._collections = collections
        self._codec = codec

    def receive(self, frame: str | bytes) -> Iterable[op.Operation]:
        """Decode a message to the operations of its packets, in order."""
        text = frame if isinstance(frame, str) else frame.decode("utf-8", "replace")
        if text == self._pong:
            return (op.Ignore(),)
        message = self._decode(frame, text)
        may_be_deep = self._codec is not None or text.count("[") + text.count("{") > DEEPEST
        take = self._shallow if may_be_deep else self._operation
        if isinstance(message, list):
            return [take(packet) for packet in message]
        return (take(message),)

    def send(self, outcome: out.Outcome) -> Iterable[Frame]:
        """Say an outcome in as many packets as it takes."""
        if isinstance(outcome, out.Heartbeat):
            return (self._ping,)
        return [self._encode(packet) for packet in self._say(outcome)]

    def push(self, subscription: str | None, events: Sequence[Event]) -> Iterable[Frame]:
        """Tell what was published on a channel, or changed in a collection, one packet an event."""
        return [self._published(subscription, event) for event in events]

    def join(self, frames: Sequence[Frame]) -> Frame:
        """Put packets into a batch."""
        if self._codec is not None:
            return self._codec.encode([self._codec.decode(frame) for frame in frames])
        return f"[{','.join(frame if isinstance(frame, str) else frame.decode() for frame in frames)}]"

    def close_code(self, reason: out.Outcome | out.Cause | None) -> int:
        """Return the protocol's own codes for the server's own causes."""
        return CLOSE_CODES[reason] if isinstance(reason, out.Cause) else CLOSE_NORMAL

    def _decode(self, frame: str | bytes, text: str) -> Any:
        if self._codec is not None:
            try:
                return self._codec.decode(frame)
            except ValueError:
                return text
        space = _MOST_LEADING_SPACE.match(text)
        first = text[space.end() : space.end() + 1] if space is not None else ""
        if first not in {"{", "["}:
            return text
        try:
            return json.decode(text)
        except Problem:
            return text

    def _encode(self, packet: Packet) -> Frame:
        portable = _portable(packet)
        return json.encode(portable).decode() if self._codec is None else self._codec.encode(portable)

    def _published(self, channel: str | None, event: Event) -> Frame:
        key = (self.name, channel, self._codec)
        found: Frame | None = event.cache.get(key)
        if found is None:
            data = event.data if event.kind == "publish" else {"event": event.kind, "data": _listed(event)}
            told = {"channel": channel} | ({} if data is ABSENT else {"data": data})
            found = event.cache[key] = self._encode({"event": "#publish", "data": told})
        return found

    def _shallow(self, packet: Any) -> op.Operation:
        if not _is_deep(packet):
            return self._operation(packet)
        told = packet if isinstance(packet, dict) else {}
        return op.Invalid(_TOO_DEEP, str(told.get("event")), _number(told.get("cid")))

    def _operation(self, packet: Any) -> op.Operation:
        if not isinstance(packet, dict):
            return op.Raw(packet)
        event, cid = packet.get("event"), _number(packet.get("cid"))
        if isinstance(event, str):
            data = packet.get("data", ABSENT)
            reserved = _RESERVED.get(event)
            try:
                if reserved is not None:
                    return reserved(self, data, cid)
            except Problem as problem:
                return op.Invalid(problem, event, cid)
            return op.Transmit(event, data) if cid is None else op.Invoke(event, data, cid)
        rid = _number(packet.get("rid"))
        if rid is not None:
            return op.Answer(rid, packet.get("data", ABSENT), packet.get("error", ABSENT))
        return op.Raw(packet)

    def _handshake(self, data: Any, cid: op.Id) -> op.Operation:
        token = data.get("authToken") if isinstance(data, dict) else None
        if token is None or token == "":
            return op.Open(None, cid)
        if not isinstance(token, str):
            return op.Open(None, cid, _NOT_TEXT)
        return op.Open(op.AccessToken(Secret(token)), cid)

    def _authenticate(self, data: Any, cid: op.Id) -> op.Operation:
        if data is ABSENT or data is None or data == "":
            return op.Authenticate(op.AccessToken(Secret("")), cid, _NO_TOKEN)
        if not isinstance(data, str):
            return op.Authenticate(op.AccessToken(Secret("")), cid, _NOT_TEXT)
        return op.Authenticate(op.AccessToken(Secret(data)), cid)

    def _deauthenticate(self, data: Any, cid: op.Id) -> op.Operation:
        return op.Deauthenticate()

    def _subscribe(self, data: Any, cid: op.Id) -> op.Operation:
        channel = _channel(data, "Subscribe")
        prefix = self._collections
        if prefix is None or not channel.startswith(prefix):
            return op.Join(channel, data.get("data", ABSENT), cid)
        asked = data.get("data")
        asked = asked if isinstance(asked, dict) else {}
        collection, event, since = channel.removeprefix(prefix), asked.get("event"), asked.get("since")
        query = asked.get("query")
        if event is not None and event not in ("create", "update", "delete"):
            raise Problem(Code.INVALID_PAYLOAD, "event must be create, update or delete")
        if (
            not isinstance(query, dict | None)
            or not isinstance(since, str | None)
            or collection.startswith("directus_")
        ):
            raise Problem(Code.INVALID_PAYLOAD, "This is no query of a collection.")
        wanted = None if event is None else Action(event)
        return op.Subscribe(channel, parse_query(collection, query or {}), wanted, None, since, cid)

    def _unsubscribe(self, data: Any, cid: op.Id) -> op.Operation:
        if not isinstance(data, str):
            raise _malformatted("Unsubscribe")
        return op.Unsubscribe(data, cid, must_exist=True)

    def _publish(self, data: Any, cid: op.Id) -> op.Operation:
        channel = _channel(data, "Publish")
        if self._collections is not None and channel.startswith(self._collections):
            raise Problem(Code.FORBIDDEN, "Nobody can publish on the channel of a collection.")
        return op.Publish(channel, data.get("data", ABSENT), cid)

    def _say(self, outcome: out.Outcome) -> list[Packet]:
        match outcome:
            case out.Opened():
                return self._say_opened(outcome)
            case out.Authenticated(id=cid):
                return _response(cid, {"isAuthenticated": True, "authError": None})
            case out.Refused():
                return _say_refused(outcome) if outcome.presented else [_REMOVE_TOKEN]
            case out.Reply(data=data, id=cid):
                return _response(cid, data)
            case out.Subscribed():
                return _say_subscribed(outcome)
            case out.Ended():
                return _say_ended(outcome)
            case out.Failure(operation=operation, problem=problem):
                return _say_failure(operation, problem, self._connection)
            case out.Called() | out.Issued() | out.Deauthenticated():
                return [_called(outcome)]
            case out.Pong() | out.Heartbeat() | out.Value() | out.Renew():
                return []

    def _say_opened(self, outcome: out.Opened) -> list[Packet]:
        problem = outcome.problem
        told: Packet = {"id": self._connection, "pingTimeout": self._ping_timeout}
        if problem is not None:
            told["authError"] = explain_refusal(problem)
        told["isAuthenticated"] = outcome.is_authenticated
        is_bad = problem is not None and is_bad_token(problem)
        return [{"rid": outcome.id, "data": told}, *([_REMOVE_TOKEN] if is_bad else [])]


_RESERVED: dict[str, Callable[[SocketCluster, Any, op.Id], op.Operation]] = {
    "#handshake": SocketCluster._handshake,  # noqa: SLF001 - its own
    "#authenticate": SocketCluster._authenticate,  # noqa: SLF001
    "#removeAuthToken": SocketCluster._deauthenticate,  # noqa: SLF001
    "#subscribe": SocketCluster._subscribe,  # noqa: SLF001
    "#unsubscribe": SocketCluster._unsubscribe,  # noqa: SLF001
    "#publish": SocketCluster._publish,  # noqa: SLF001
}


def explain(problem: Problem) -> Any:
    """Return an error as clients hydrate it: its name, its message, and whatever explains it."""
    if isinstance(problem, Thrown):
        return problem.value
    name = NAMES[problem.code]
    return {"name": name, "message": problem.message, "code": problem.code.value} | problem.extensions


def explain_refusal(problem: Problem) -> Any:
    """Return why a token was not good, in the names that clients know."""
    date, reason = problem.extensions.get("date"), problem.extensions.get("reason")
    told: Packet = {"message": problem.message}
    if problem.code is Code.TOKEN_EXPIRED:
        told |= {"name": "AuthTokenExpiredError"} | ({} if date is None else {"expiry": date})
    elif problem.code is Code.INVALID_TOKEN and reason == "inactive":
        told |= {"name": "AuthTokenNotBeforeError"} | ({} if date is None else {"date": date})
    elif problem.code is Code.INVALID_TOKEN and reason == "malformed":
        told |= {"name": "AuthTokenError"}
    elif problem.code in _BAD_TOKEN and "name" not in problem.extensions:
        told |= {"name": "AuthTokenInvalidError"}
    elif problem.silent:
        return _blocked() | {"isBadToken": is_bad_token(problem)}
    else:
        found = explain(problem)
        return found | {"isBadToken": is_bad_token(problem)} if isinstance(found, dict) else found
    return told | {"isBadToken": is_bad_token(problem)}


def is_bad_token(problem: Problem) -> bool:
    """Whether the client had better forget its token."""
    said = problem.extensions.get("isBadToken")
    if said is not None:
        return bool(said)
    return problem.code in _BAD_TOKEN and problem.extensions.get("reason") != "inactive"


def _say_refused(outcome: out.Refused) -> list[Packet]:
    error = explain_refusal(outcome.problem)
    if is_bad_token(outcome.problem):
        return [{"rid": outcome.id, "error": error}, _REMOVE_TOKEN]
    return [{"rid": outcome.id, "data": {"isAuthenticated": False, "authError": error}}]


def _say_subscribed(outcome: out.Subscribed) -> list[Packet]:
    packets = _response(outcome.id, ABSENT)
    if outcome.has_data or outcome.lost is not None:
        told: Packet = {"event": "init", "data": outcome.data}
        if outcome.position is not None:
            told["position"] = outcome.position
        if outcome.lost is not None:
            told["error"] = explain(outcome.lost)
        packets.append({"event": "#publish", "data": {"channel": outcome.subscription, "data": told}})
    return packets


def _say_ended(outcome: out.Ended) -> list[Packet]:
    problem = outcome.problem
    if problem is None:
        return _response(outcome.id, ABSENT)
    message = {"message": problem.message} if problem.message else {}
    return [{"event": "#kickOut", "data": {"channel": outcome.subscription} | message}]


def _say_failure(operation: op.Operation, problem: Problem, connection: str) -> list[Packet]:
    cid = getattr(operation, "id", None)
    if cid is None:
        return []
    if isinstance(operation, op.Open):
        return [{"rid": cid, "error": _barred(problem)}]
    if problem.silent:
        return [{"rid": cid, "error": _blocked(_action(operation))}]
    match operation:
        case op.Join(channel=channel) if problem.code is Code.REQUESTS_EXCEEDED and "limit" in problem.extensions:
            limit = problem.extensions["limit"]
            reason = f"{connection} tried to exceed the channel subscription limit of {limit}"
            return [{"rid": cid, "error": _of_broker(f"Failed to subscribe socket to the {channel} channel", reason)}]
        case op.Unsubscribe(subscription=channel) if problem.code is Code.UNPROCESSABLE_CONTENT:
            reason = f"{connection} tried to unsubscribe from a channel which it is not subscribed to"
            text = f"Failed to unsubscribe socket from the {channel} channel"
            return [{"rid": cid, "error": _of_broker(text, reason)}]
        case op.Authenticate():
            return [{"rid": cid, "error": explain_refusal(problem)}]
        case _:
            return [{"rid": cid, "error": explain(problem)}]


def _barred(problem: Problem) -> Any:
    """Return why a handshake is refused, with the code that the connection is closed with."""
    error = _blocked("handshakeSC", "handshake") if problem.silent else explain(problem)
    return {"statusCode": CLOSE_CODES[out.Cause.REFUSED]} | error if isinstance(error, dict) else error


def _of_broker(what: str, reason: str) -> Packet:
    return {"name": "BrokerError", "message": f"{what} - InvalidActionError: Socket {reason}"}


def _blocked(action: str = "authenticate", line: str = "inbound") -> Packet:
    message = f"The {action} AGAction was blocked by {line} middleware"
    return {"name": "SilentMiddlewareBlockedError", "message": message, "type": line}


def _action(operation: op.Operation) -> str:
    match operation:
        case op.Join() | op.Subscribe():
            return "subscribe"
        case op.Publish():
            return "publishIn"
        case op.Invoke():
            return "invoke"
        case _:
            return "authenticate"


def _response(cid: op.Id, data: Any) -> list[Packet]:
    if cid is None:
        return []
    return [{"rid": cid} if data is ABSENT else {"rid": cid, "data": data}]


def _called(outcome: out.Called | out.Issued | out.Deauthenticated) -> Packet:
    match outcome:
        case out.Called(procedure=procedure, data=data, call=call):
            return _call(procedure, data, call)
        case out.Issued(token=token, call=call):
            return _call("#setAuthToken", {"token": token}, call)
        case out.Deauthenticated(call=call):
            return _call("#removeAuthToken", ABSENT, call)


def _call(event: str, data: Any, call: int | None) -> Packet:
    packet: Packet = {"event": event}
    if data is not ABSENT:
        packet["data"] = data
    if call is not None:
        packet["cid"] = call
    return packet


def _listed(event: Event) -> Any:
    return event.data if event.kind == "init" else [event.data]


def _number(value: Any) -> int | float | None:
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def _is_deep(value: Any) -> bool:
    """Whether a decoded value is nested too deeply, found out level by level."""
    level = [value]
    for _ in range(DEEPEST + 1):
        level = [each for outer in level if isinstance(outer, dict | list) for each in _members(outer)]
        if not level:
            return False
    return True


def _members(outer: dict[str, Any] | list[Any]) -> Iterable[Any]:
    return outer.values() if isinstance(outer, dict) else outer


def _channel(data: Any, what: str) -> str:
    channel = data.get("channel") if isinstance(data, dict) else None
    if not isinstance(channel, str):
        raise _malformatted(what)
    return channel


def _malformatted(what: str) -> Problem:
    return Problem(Code.UNPROCESSABLE_CONTENT, f"{what} channel name was malformatted")


def _portable(value: Any) -> Any:
    """Return a value whose bytes are written as clients of this protocol expect them."""
    match value:
        case dict():
            return {name: _portable(each) for name, each in value.items()}
        case list() | tuple():
            return [_portable(each) for each in value]
        case bytes() | bytearray() | memoryview():
            return {"base64": True, "data": base64.b64encode(value).decode()}
        case _:
            return value
