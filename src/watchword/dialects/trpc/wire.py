"""Wire: what every road of the dialect agrees on: the transformer, and the procedures that are built in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from watchword.access.permissions import Action
from watchword.base import json
from watchword.base.errors import invalid_payload
from watchword.base.secret import Secret
from watchword.protocol import operations as op
from watchword.protocol.operations import ABSENT
from watchword.query.wire import parse_query

if TYPE_CHECKING:
    from watchword.protocol import outcomes as out
    from watchword.protocol.events import Event

T = TypeVar("T")

NATIVE = op.Manner(native=True)


class BuiltIns(msgspec.Struct, frozen=True):
    """What the procedures are called that every mount has; None where it has not.

    `authenticate` and `refresh` say who is at the other end of the socket; `challenges` gives what is to be answered by
    `authenticate`, or for one subscription by `prove`; `ticket` gives tickets for subscriptions; `changes` and
    `messages` follow a collection and a channel.
    """

    authenticate: str | None = "authenticate"
    refresh: str | None = "refresh"
    challenges: str | None = "challenges"
    prove: str | None = "prove"
    ticket: str | None = "ticket"
    changes: str | None = "collections.changes"
    messages: str | None = "channels.messages"

    @property
    def names(self) -> frozenset[str]:
        """The paths that are taken."""
        return frozenset(name for name in msgspec.structs.astuple(self) if name is not None)


class Wire(msgspec.Struct, frozen=True):
    """One mount: whether values go as superjson, what is built in, and how many calls one message may hold."""

    superjson: bool = False
    built_ins: BuiltIns = BuiltIns()
    max_batch: int | None = None

    @property
    def manner(self) -> op.Manner:
        """How values go."""
        return NATIVE if self.superjson else op.PLAIN

    def read(self, value: Any) -> Any:
        """Return an input as the client meant it; ABSENT for none.

        Raises:
            Problem: INVALID_PAYLOAD.
        """
        if not self.superjson or value is ABSENT:
            return value
        from watchword.base.superjson import deserialize  # noqa: PLC0415 - few ask for it, and all would wait

        return deserialize(value)

    def write(self, value: Any) -> Any:
        """Return an output, or an error, as JSON."""
        if not self.superjson:
            return value
        from watchword.base.superjson import serialize  # noqa: PLC0415 - few ask for it, and all would wait

        return serialize(value)

    def subscription(self, name: str, path: str, given: Any, since: str | None, number: op.Id) -> op.Operation:
        """Return what a subscription asks for.

        Raises:
            Problem: INVALID_PAYLOAD, INVALID_QUERY.
        """
        if path == self.built_ins.changes:
            return _changes(name, _as_json(given), since, number)
        if path == self.built_ins.messages:
            return _messages(name, _as_json(given), since, number)
        return op.Watch(name, path, given, since, number, self.manner)

    def call(self, kind: str, path: str, given: Any, number: op.Id) -> op.Operation:
        """Return what a query or a mutation asks for, on a connection.

        Raises:
            Problem: INVALID_PAYLOAD.
        """
        if kind == "mutation" and path == self.built_ins.authenticate:
            return _authenticate(given, number)
        if kind == "mutation" and path == self.built_ins.refresh:
            token = _read(given, _Refresh).refreshToken
            return op.Authenticate(op.RefreshToken(Secret(token)), number)
        return op.Invoke(path, given, number, kind, self.manner)


class _Authenticate(msgspec.Struct):
    token: str | None = None
    email: str | None = None
    password: str | None = None
    otp: str | None = None
    nonce: str | None = None


class _Refresh(msgspec.Struct):
    refreshToken: str  # noqa: N815 - what clients call it


class _Changes(msgspec.Struct):
    collection: str
    query: dict[str, Any] | None = None
    event: Action | None = None
    item: str | int | None = None
    lastEventId: str | None = None  # noqa: N815 - what clients call it
    onLost: str = "restart"  # noqa: N815


class _Messages(msgspec.Struct):
    channel: str
    history: int | None = None
    data: Any = None
    lastEventId: str | None = None  # noqa: N815
    onLost: str = "restart"  # noqa: N815


def _as_json(given: Any) -> Any:
    """Return an input as JSON has it, for what knows nothing else: queries, and what rules of channels are shown.

    Raises:
        Problem: INVALID_PAYLOAD, there is no JSON for it.
    """
    try:
        return json.decode(json.encode(_without_undefined(given)))
    except (TypeError, ValueError, OverflowError, RecursionError) as error:
        raise invalid_payload("The input is more than JSON can say") from error


def _without_undefined(given: Any) -> Any:
    if isinstance(given, dict):
        return {name: _without_undefined(value) for name, value in given.items() if value is not ABSENT}
    if isinstance(given, list):
        return [_without_undefined(value) for value in given]
    return None if given is ABSENT else given


def _authenticate(given: Any, number: op.Id) -> op.Operation:
    asked = _read(given, _Authenticate)
    if asked.token is not None:
        return op.Authenticate(op.AccessToken(Secret(asked.token)), number, answer=asked.nonce)
    if asked.email is not None and asked.password is not None:
        password = op.Password(asked.email, Secret(asked.password), asked.otp)
        return op.Authenticate(password, number, answer=asked.nonce)
    raise invalid_payload('"token", or "email" and "password", is required')


def _changes(name: str, given: Any, since: str | None, number: op.Id) -> op.Operation:
    asked = _read(given, _Changes)
    query = parse_query(asked.collection, asked.query or {})
    return op.Subscribe(
        name, query, asked.event, asked.item, since or asked.lastEventId, number, _must_resume(asked.onLost)
    )


def _messages(name: str, given: Any, since: str | None, number: op.Id) -> op.Operation:
    asked = _read(given, _Messages)
    position = since or asked.lastEventId
    wishes: dict[str, Any] = {"data": asked.data, "restart": not _must_resume(asked.onLost)}
    wishes |= {} if asked.history is None else {"history": asked.history}
    wishes |= {} if position is None else {"since": position}
    return op.Join(asked.channel, wishes, number, name)


def _must_resume(on_lost: str) -> bool:
    if on_lost not in {"restart", "error"}:
        raise invalid_payload('"onLost" must be "restart" or "error"')
    return on_lost == "error"


def _read(given: Any, kind: type[T]) -> T:
    return json.converted({} if given is ABSENT or given is None else given, kind)


def told_first(outcome: out.Subscribed, *, is_resumed: bool) -> dict[str, Any] | None:
    """Return what a subscription to a collection or a channel begins with; None where it only goes on."""
    is_told = outcome.has_data or not is_resumed or outcome.lost is not None
    if outcome.position is None or not is_told:
        return None
    first: dict[str, Any] = {"event": "init", "data": outcome.data if outcome.has_data else None}
    if outcome.lost is not None:
        first["lost"] = outcome.lost.extensions.get("reason") or outcome.lost.message
    return first


def told_of(event: Event) -> dict[str, Any]:
    """Return what has changed in a collection, or was said on a channel."""
    kind = "message" if event.kind == "publish" else event.kind
    return {"event": kind} if event.data is ABSENT else {"event": kind, "data": event.data}


def last_event_id(given: Any) -> str | None:
    """Return where a client was, as its input tells."""
    found = given.get("lastEventId") if isinstance(given, dict) else None
    return found if isinstance(found, str) and found else None


def connection_credential(params: Any) -> tuple[op.AccessToken | None, dict[str, str]]:
    """Return the credential that connection parameters hold, in `token` or `authorization`, and all of them.

    Raises:
        Problem: they are none; INVALID_PAYLOAD.
    """
    if params is None:
        return None, {}
    if not isinstance(params, dict) or not all(isinstance(value, str) for value in params.values()):
        raise invalid_payload("Invalid connection params shape")
    token = params.get("token") or _bearer(params.get("authorization") or params.get("Authorization"))
    return (op.AccessToken(Secret(token)) if token else None), params


def _bearer(text: str | None) -> str | None:
    scheme, _, token = (text or "").strip().partition(" ")
    if not token:
        return scheme or None
    return token.strip() if scheme.lower() == "bearer" else None
