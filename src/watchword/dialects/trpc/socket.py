"""The WebSocket side of the dialect: calls alone and in arrays, subscriptions, signs of life, and errors.

A connection that is announced with parameters says them in its first message, whatever that is called; nothing else is
done before. Ids keep their JSON type, and `1` and `"1"` are two.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import msgspec

from watchword.base import json
from watchword.base.errors import Code, Problem, invalid_payload
from watchword.dialects.trpc.errors import not_found, shape, shape_of
from watchword.dialects.trpc.wire import Wire, connection_credential, last_event_id, told_first, told_of
from watchword.protocol import operations as op
from watchword.protocol import outcomes as out
from watchword.protocol.operations import ABSENT

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from watchword.dialects.trpc.errors import Shape
    from watchword.protocol.events import Event

PING, PONG = "PING", "PONG"

CLOSE_UNAUTHORIZED = 4401
CLOSE_TIMEOUT = 4408
CLOSE_EARLY = 1009
CLOSE_NORMAL = 1000
_CAUSES = {out.Cause.NOT_OPENED: CLOSE_TIMEOUT, out.Cause.SILENT: CLOSE_TIMEOUT, out.Cause.EARLY: CLOSE_EARLY}

RECONNECT = '{"id":null,"method":"reconnect"}'

_Id = int | float | str


class _Params(msgspec.Struct):
    path: str
    input: Any = ABSENT
    lastEventId: str | msgspec.UnsetType = ABSENT  # noqa: N815 - what clients call it


class _Call(msgspec.Struct, tag_field="method"):
    id: _Id
    params: _Params
    jsonrpc: Literal["2.0"] | msgspec.UnsetType = ABSENT


class _Query(_Call, tag="query"):
    """Calls a query."""


class _Mutation(_Call, tag="mutation"):
    """Calls a mutation."""


class _Subscription(_Call, tag="subscription"):
    """Begins a subscription."""


class _Stop(msgspec.Struct, tag_field="method", tag="subscription.stop"):
    id: _Id
    jsonrpc: Literal["2.0"] | msgspec.UnsetType = ABSENT


_Message = _Query | _Mutation | _Subscription | _Stop


class _Asked(msgspec.Struct, frozen=True):
    """What has to be known of a call until it is answered: its path, its kind, and how its answers begin."""

    path: str
    kind: str
    prefix: str
    is_resumed: bool = False


class Trpc:
    """One connection's end of the dialect. It remembers the calls that are not answered and the subscriptions."""

    name = "trpc"

    def __init__(self, wire: Wire, *, has_params: bool = False) -> None:
        self._wire = wire
        self._awaits_params = has_params
        self._calls: dict[str, _Asked] = {}
        self._followed: dict[str, _Asked] = {}

    def receive(self, frame: str | bytes) -> Iterable[op.Operation]:
        """Decode a message to what it asks for, in order; one bad element spoils all of an array."""
        if frame == PING:
            return (op.Ping(),)
        if frame == PONG:
            return (op.Ignore(),)
        if self._awaits_params:
            self._awaits_params = False
            return (_opening(frame),)
        if isinstance(frame, bytes):
            return (_unusable("Binary messages are not supported."),)
        try:
            message = json.decode(frame)
            if not isinstance(message, list):
                return (self._operation(_message(message)),)
            if self._wire.max_batch is not None and len(message) > self._wire.max_batch:
                return _too_many(message)
            return [self._operation(each) for each in [_message(each) for each in message]]
        except Problem as problem:
            return (_unusable(problem.message),)

    def send(self, outcome: out.Outcome) -> Iterable[str]:  # noqa: C901 - one line an outcome
        """Say an outcome in a message or two; what clients have no ears for in none."""
        match outcome:
            case out.Reply(data=data, id=number):
                return (self._answer(number, {"result": self._data(data)}),)
            case out.Authenticated():
                return (self._answer(outcome.id, {"result": self._data(_identity(outcome))}),)
            case out.Refused():
                return self._say_refused(outcome)
            case out.Failure(operation=operation, problem=problem):
                return (self._say_failure(operation, problem),)
            case out.Subscribed():
                return self._say_subscribed(outcome)
            case out.Value():
                return (self._say_value(outcome),)
            case out.Ended():
                return self._say_ended(outcome)
            case out.Pong():
                return (PONG,)
            case out.Heartbeat():
                return (PING,)
            case out.Renew():
                return (RECONNECT,)
            case out.Opened() | out.Issued() | out.Deauthenticated() | out.Called():
                return ()

    def refuse(self, frame: str | bytes, problem: Problem) -> Iterable[str]:
        """Say of every call in a message that it has not been done."""
        return [self._say_failure(operation, problem) for operation in self.receive(frame)]

    def push(self, subscription: str | None, events: Sequence[Event]) -> Iterable[str]:
        """Tell what has changed in a collection, or was said on a channel, one message an event."""
        asked = self._followed.get(subscription or "")
        if asked is None:
            return ()
        frames = []
        for event in events:
            key = (self.name, self._wire.superjson, asked.prefix)
            if key not in event.cache:
                event.cache[key] = f"{asked.prefix}{self._body(event)}}}"
            frames.append(event.cache[key])
        return frames

    def close_code(self, reason: out.Outcome | out.Cause | None) -> int:
        """Return a code that says why, for applications that look at it; clients connect anew whatever it is."""
        if isinstance(reason, out.Refused):
            return CLOSE_TIMEOUT if reason.problem.code is Code.AUTH_TIMEOUT else CLOSE_UNAUTHORIZED
        return _CAUSES.get(reason, CLOSE_NORMAL) if isinstance(reason, out.Cause) else CLOSE_NORMAL

    def _operation(self, message: _Message) -> op.Operation:
        name = _name(message.id)
        if isinstance(message, _Stop):
            return op.Unsubscribe(name, message.id)
        params, kind = message.params, _kind(message)
        since = None if params.lastEventId is ABSENT else str(params.lastEventId)
        asked = _Asked(params.path, kind, _prefix(message.id, message.jsonrpc))
        try:
            given = self._wire.read(params.input)
            since = since or last_event_id(given)
            if not isinstance(message, _Subscription):
                self._calls[name] = asked
                return self._wire.call(kind, params.path, given, message.id)
            if name not in self._followed:
                operation = self._wire.subscription(name, params.path, given, since, message.id)
                self._followed[name] = msgspec.structs.replace(asked, is_resumed=since is not None)
                return operation
            refusal = Problem(Code.INVALID_PAYLOAD, f"Duplicate id {name}")
        except Problem as problem:
            refusal = problem
        self._calls[name] = asked
        return op.Invalid(refusal, "call", message.id)

    def _data(self, data: Any) -> dict[str, Any]:
        return {"type": "data"} if data is ABSENT else {"type": "data", "data": self._wire.write(data)}

    def _answer(self, number: op.Id, answer: dict[str, Any]) -> str:
        """Say the answer to a call, which is over with it."""
        asked = self._calls.pop(_name(number), None)
        return _frame(_prefix(number, ABSENT) if asked is None else asked.prefix, answer)

    def _error(self, error: Shape) -> dict[str, Any]:
        return {"error": self._wire.write(error)}

    def _say_refused(self, outcome: out.Refused) -> Iterable[str]:
        if outcome.goes_on:
            return ()
        if not outcome.presented:
            return (_frame(_prefix(None, ABSENT), self._error(shape_of(outcome.problem))),)
        asked = self._calls.get(_name(outcome.id))
        error = shape_of(outcome.problem, None if asked is None else asked.path)
        return (self._answer(outcome.id, self._error(error)),)

    def _say_failure(self, operation: op.Operation, problem: Problem) -> str:
        match operation:
            case op.Invalid(kind="parse"):
                return _frame(_prefix(None, ABSENT), self._error(shape("PARSE_ERROR", problem.message)))
            case op.Watch(subscription=name) | op.Subscribe(subscription=str(name)):
                return self._say_unfollowed(name, operation.id, problem)
            case op.Join():
                return self._say_unfollowed(operation.name, operation.id, problem)
            case op.Raw():
                return _frame(_prefix(None, ABSENT), self._error(shape_of(problem)))
            case _:
                asked = self._calls.get(_name(operation.id))
                return self._answer(operation.id, self._error(_failed(asked, problem)))

    def _say_unfollowed(self, name: str, number: op.Id, problem: Problem) -> str:
        """Say why a subscription has not begun, or has ended."""
        asked = self._followed.pop(name, None)
        prefix = _prefix(number, ABSENT) if asked is None else asked.prefix
        return _frame(prefix, self._error(_failed(asked, problem)))

    def _say_subscribed(self, outcome: out.Subscribed) -> Iterable[str]:
        asked = self._followed.get(outcome.subscription or "")
        if asked is None:
            return ()
        started = _frame(asked.prefix, {"result": {"type": "started"}})
        first = told_first(outcome, is_resumed=asked.is_resumed)
        if outcome.position is None or first is None:
            return (started,)
        return (started, _frame(asked.prefix, self._tracked(outcome.position, first)))

    def _say_value(self, outcome: out.Value) -> str:
        asked = self._followed.get(outcome.subscription)
        prefix = f'{{"id":{outcome.subscription},' if asked is None else asked.prefix
        if outcome.mark is not None:
            return _frame(prefix, self._tracked(outcome.mark, outcome.data))
        return _frame(prefix, {"result": self._data(outcome.data)})

    def _say_ended(self, outcome: out.Ended) -> Iterable[str]:
        asked = self._followed.pop(outcome.subscription or "", None)
        if asked is None:
            return ()
        if outcome.problem is not None:
            return (_frame(asked.prefix, self._error(_failed(asked, outcome.problem))),)
        return (_frame(asked.prefix, {"result": {"type": "stopped"}}),)

    def _tracked(self, mark: str, data: Any) -> dict[str, Any]:
        return {"result": {"type": "data", "id": mark, "data": self._wire.write({"id": mark, "data": data})}}

    def _body(self, event: Event) -> str:
        """Return what is the same for all who follow: the members after the id."""
        key = (self.name, self._wire.superjson)
        found: str | None = event.cache.get(key)
        if found is None:
            data = told_of(event)
            told = {"result": self._data(data)} if event.mark is None else self._tracked(event.mark, data)
            found = event.cache[key] = json.encode(told).decode()[1:-1]
        return found


def _identity(outcome: out.Authenticated) -> dict[str, Any]:
    """Return what `authenticate` and `refresh` give: until when (milliseconds since 1970), and the tokens, if any."""
    expires = outcome.expires_at
    told: dict[str, Any] = {"expiresAt": None if expires is None else round(expires * 1000)}
    if outcome.access_token is not None:
        told["accessToken"] = outcome.access_token
    if outcome.refresh_token is not None:
        told["refreshToken"] = outcome.refresh_token
    return told


def _failed(asked: _Asked | None, problem: Problem) -> Shape:
    if asked is None:
        return shape_of(problem)
    if problem.code is Code.ROUTE_NOT_FOUND and problem.extensions.get("procedure") == asked.path:
        return not_found(asked.kind, asked.path)
    return shape_of(problem, asked.path)


def _opening(frame: str | bytes) -> op.Operation:
    try:
        message = json.decode(frame)
        if not isinstance(message, dict) or "data" not in message:
            raise invalid_payload("Invalid connection params shape")
        credential, params = connection_credential(message["data"])
    except Problem as problem:
        return op.Open(problem=Problem(problem.code, problem.message, name="PARSE_ERROR"))
    return op.Open(credential, params=params)


def _unusable(reason: str) -> op.Invalid:
    return op.Invalid(Problem(Code.INVALID_PAYLOAD, reason), "parse")


def _message(value: Any) -> _Message:
    if isinstance(value, dict) and value.get("id", ABSENT) in (None, ABSENT):
        raise invalid_payload("`id` is required")
    try:
        message: _Message = msgspec.convert(value, _Message, strict=True)
    except msgspec.ValidationError as error:
        raise invalid_payload(str(error)) from error
    return message


def _too_many(messages: list[Any]) -> list[op.Operation]:
    problem = Problem(Code.INVALID_PAYLOAD, "Batch call exceeds maximum size")
    ids = [each["id"] for each in messages if isinstance(each, dict) and _is_id(each.get("id"))]
    return [op.Invalid(problem, "batch", number) for number in ids or [None]]


def _is_id(value: Any) -> bool:
    return isinstance(value, int | float | str) and not isinstance(value, bool)


def _kind(message: _Query | _Mutation | _Subscription) -> str:
    match message:
        case _Query():
            return "query"
        case _Mutation():
            return "mutation"
        case _Subscription():
            return "subscription"


def _name(number: op.Id) -> str:
    return json.encode(number).decode()


def _prefix(number: op.Id, jsonrpc: Any) -> str:
    """Return how an answer begins: its id, and the version where the client has told it."""
    version = "" if jsonrpc is ABSENT else '"jsonrpc":"2.0",'
    return f'{{"id":{_name(number)},{version}'


def _frame(prefix: str, members: dict[str, Any]) -> str:
    return prefix + json.encode(members).decode()[1:]
