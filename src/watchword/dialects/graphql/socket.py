"""What both subprotocols of GraphQL have in common: operations under ids of the client's, and what becomes of them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar, TypeGuard

from watchword.base import json
from watchword.base.errors import Problem
from watchword.protocol import operations as op
from watchword.protocol import outcomes as out
from watchword.protocol.documents import parse_execute
from watchword.protocol.params import credential_in

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from watchword.protocol.events import Event
    from watchword.protocol.projection import Projection

INIT = "connection_init"

NORMAL = 1000
FORBIDDEN, LATE = 4403, 4408

_LONGEST_ID = 256


class GraphqlSocket(ABC):
    """One connection's end of a subprotocol. It remembers what is running, and how events are written.

    Where the upgrade alone decides who the client is, it does not take `credentials`.
    """

    reasons: ClassVar[dict[int, str]] = {FORBIDDEN: "Forbidden", LATE: "Connection initialisation timeout"}
    """What goes with a code to close with."""

    sign_of_life: ClassVar[str]
    """What the server says from time to time."""

    result: ClassVar[str]
    """The type of message that a result is in."""

    def __init__(self, *, credentials: bool = True) -> None:
        self._credentials = credentials
        self._is_initialised = False
        self._is_acknowledged = False
        self._running: set[str] = set()
        self._projections: dict[str, Projection] = {}

    def send(self, outcome: out.Outcome) -> Iterable[str]:
        """Say an outcome; about the identity nothing is said but the acknowledgement."""
        match outcome:
            case out.Authenticated(id="connection_init", expires_at=expires_at):
                return self._acknowledge(expires_at)
            case out.Pong(id="connection_init", expires_at=expires_at):
                return self._acknowledge(expires_at)
            case out.Reply(data=data, id=str(number)) if number in self._running:
                return self._finish(number, json.encode(data).decode())
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
                return (self.sign_of_life,)
            case _:
                return ()

    def push(self, subscription: str | None, events: Sequence[Event]) -> Iterable[str]:
        """Tell events, one frame each: the result is written once for all who want the same, and the id put before."""
        projection = self._projections.get(subscription or "")
        if subscription is None or projection is None:
            return ()
        return [self._told(subscription, projection.written(event)) for event in events]

    def close_text(self, code: int) -> str:
        """Return the reason that goes with a code."""
        return self.reasons.get(code, "")

    @abstractmethod
    def _acknowledged(self, expires_at: float | None) -> Iterable[str]:
        """Say that operations are welcome."""

    @abstractmethod
    def _failed(self, number: str, problem: Problem) -> Iterable[str]:
        """Say why an operation is over."""

    def _present(self, params: Any) -> op.Operation:
        """Present what the client tells with its first message.

        Without a credential only who is known already, or need not be, gets an answer: the acknowledgement.
        """
        self._is_initialised = True
        credential = credential_in(params) if self._credentials else None
        return op.Ping(INIT) if credential is None else op.Authenticate(credential, INIT)

    def _begin(self, number: str, params: Any, kind: str) -> op.Operation:
        self._running.add(number)
        try:
            return parse_execute(params, number)
        except Problem as problem:
            return op.Invalid(problem, kind, number)

    def _forget(self, number: str) -> None:
        self._running.discard(number)
        self._projections.pop(number, None)

    def _acknowledge(self, expires_at: float | None) -> Iterable[str]:
        self._is_acknowledged = True
        return self._acknowledged(expires_at)

    def _finish(self, number: str, result: str) -> Iterable[str]:
        self._forget(number)
        return (self._told(number, result), framed("complete", id=number))

    def _fail(self, number: str, problem: Problem) -> Iterable[str]:
        if number not in self._running:
            return ()
        self._forget(number)
        return self._failed(number, problem)

    def _told(self, number: str, result: str) -> str:
        return f'{{"id":{json.encode(number).decode()},"type":"{self.result}","payload":{result}}}'


def framed(kind: str, **members: Any) -> str:
    """Return a message."""
    return json.encode({"type": kind} | members).decode()


def is_id(value: Any) -> TypeGuard[str]:
    """Whether an operation may be called so."""
    return isinstance(value, str) and 0 < len(value) <= _LONGEST_ID
