"""Incoming: what a connection takes in, within its bounds, and what it is made of by the numbers of its endpoint."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from watchword.backend.fifo import Fifo, Lost
from watchword.backend.limits import Meter
from watchword.backend.outbox import Outbox
from watchword.base.errors import Code, Problem
from watchword.protocol import operations as op
from watchword.protocol import outcomes as out
from watchword.protocol.dialect import Batching

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterable

    from watchword.backend.attendant import Attendant
    from watchword.backend.context import Context
    from watchword.backend.pace import Pace
    from watchword.protocol.dialect import Dialect


class Inlet:
    """Decodes what comes in, so long as it is neither too long nor too much."""

    def __init__(self, dialect: Dialect, pace: Pace) -> None:
        self._dialect = dialect
        self._pace = pace
        self._meter = Meter(pace.messages) if pace.messages is not None else None

    def read(self, frame: str | bytes, now: float, *, is_stranger: bool) -> Iterable[op.Operation]:
        """Return what a message asks for at `now` (monotonic seconds).

        One of a stranger's that is too long is a failed authentication, so that the client is told.

        Raises:
            Problem: CONTENT_TOO_LARGE; REQUESTS_EXCEEDED with `retry_after`.
        """
        if _exceeds(frame, self._pace.first_frame if is_stranger else self._pace.frame):
            if is_stranger:
                return (op.Invalid(Problem(Code.CONTENT_TOO_LARGE), "auth"),)
            raise Problem(Code.CONTENT_TOO_LARGE)
        wait = self._meter.take(now) if self._meter is not None else 0.0
        if wait:
            raise Problem(Code.REQUESTS_EXCEEDED, retry_after=wait)
        return self._dialect.receive(frame)


class Called(Protocol):
    """The connection whose client calls procedures."""

    def spawn(self, work: Callable[..., Coroutine[Any, Any, object]], *arguments: Any) -> None:
        """Do some work beside the rest."""

    def say(self, outcome: out.Outcome) -> None:
        """Say an outcome."""

    def blame(self, operation: op.Operation, error: Exception) -> None:
        """Say that an operation has failed."""

    async def caller(self) -> Context:
        """Return the caller as it is now."""


class IncomingCalls:
    """The procedures that are running for a client, `most` at the same time, each beside everything else."""

    def __init__(self, connection: Called, attendant: Attendant, most: int) -> None:
        self._connection = connection
        self._attendant = attendant
        self._most = most
        self._running = 0

    def begin(self, operation: op.Invoke) -> None:
        """Begin a call.

        Raises:
            Problem: REQUESTS_EXCEEDED.
        """
        if self._running >= self._most:
            raise Problem(Code.REQUESTS_EXCEEDED, "Too many calls at the same time.", limit=self._most)
        self._running += 1
        self._connection.spawn(self._run, operation)

    async def _run(self, operation: op.Invoke) -> None:
        try:
            reply = await self._attendant.call(operation, self._connection.caller)
            if reply is not None:
                self._connection.say(reply)
        except Exception as error:  # noqa: BLE001 - a bug must not take the connection down
            self._connection.blame(operation, error)
        finally:
            self._running -= 1


def outbox_of(dialect: Dialect, pace: Pace, lost: Lost) -> Outbox | Fifo:
    """Return the queue of a connection of an endpoint."""
    if pace.gap is None:
        join = dialect.join if isinstance(dialect, Batching) else None
        return Fifo(dialect.push, join, pace.outbound, pace.high_water, lost)
    return Outbox(dialect.push, pace.gap, pace.outbound, pace.high_water)


def _exceeds(frame: str | bytes, limit: int) -> bool:
    """Whether a message takes more bytes; text is encoded only where its length leaves that open."""
    if len(frame) > limit or isinstance(frame, bytes):
        return len(frame) > limit
    return not frame.isascii() and len(frame.encode("utf-8", "surrogatepass")) > limit
