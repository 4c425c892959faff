"""GraphQL over server-sent events, in the mode of distinct connections: one request is one operation.

What its clients go by: the body is `event:` and `data:` lines; `next` holds a result, `complete` an empty text and is
the last; what is wrong with a document is a result, too. A stream that ends without one is asked for again, with new
headers: so nothing is said where the right to it ends.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from watchword.base import json
from watchword.protocol import outcomes as out
from watchword.protocol.documents import errors_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from watchword.protocol import operations as op
    from watchword.protocol.events import Event
    from watchword.protocol.projection import Projection

COMPLETE = "event: complete\ndata: \n\n"
PING = ":\n\n"
_NORMAL = 1000


class GraphqlSse:
    """One request's end of the dialect: its operation is known before the connection stands."""

    name = "graphql-sse"

    def __init__(self, operation: op.Execute | op.Invalid) -> None:
        self._operation = operation
        self._projection: Projection | None = None

    def receive(self, frame: str | bytes) -> Iterable[op.Operation]:
        """Begin: the request is the only message there is."""
        del frame
        return (self._operation,)

    def send(self, outcome: out.Outcome) -> Iterable[str]:
        """Say an outcome; after a result, or an error, nothing follows."""
        match outcome:
            case out.Reply(data=data):
                return (_next(json.encode(data).decode()) + COMPLETE,)
            case out.Subscribed(projection=projection):
                self._projection = projection
                return ()
            case out.Failure(problem=problem):
                return (_failed(errors_of(problem)),)
            case out.Ended(problem=problem) if problem is not None:
                return (_failed(errors_of(problem)),)
            case out.Heartbeat():
                return (PING,)
            case _:
                return ()

    def push(self, subscription: str | None, events: Sequence[Event]) -> Iterable[str]:
        """Tell events, one message each."""
        del subscription
        projection = self._projection
        return () if projection is None else [_next(projection.written(event)) for event in events]

    def close_code(self, reason: out.Outcome | out.Cause | None) -> int:
        """Return a code, of which nobody hears."""
        del reason
        return _NORMAL


def is_last(frame: str | bytes) -> bool:
    """Whether nothing follows a message."""
    return isinstance(frame, str) and frame.endswith(COMPLETE)


def _failed(errors: list[object]) -> str:
    return _next(json.encode({"errors": errors}).decode()) + COMPLETE


def _next(result: str) -> str:
    return f"event: next\ndata: {result}\n\n"
