"""Request: one call of a procedure that waits for the application's answer."""

from __future__ import annotations

from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Protocol

import anyio

from watchword.base.errors import Problem, Thrown
from watchword.protocol import outcomes as out
from watchword.protocol.events import size_of
from watchword.protocol.operations import ABSENT

if TYPE_CHECKING:
    from watchword.backend.streams import Consumer, Stream
    from watchword.protocol import operations as op

CURRENT: ContextVar[Request | None] = ContextVar("CURRENT", default=None)
"""The request that the running task is about; what it does to the socket's identity leaves with the answer."""


class Sayer(Protocol):
    """The socket that a call came from."""

    def say(self, outcome: out.Outcome) -> None:
        """Say an outcome."""


class Request:
    """A call: `procedure`, `data` (None where there was none, see `has_data`), and the socket that it came from."""

    def __init__(self, socket: Sayer, operation: op.Invoke) -> None:
        self.socket = socket
        self.id = operation.id
        self.procedure = operation.procedure
        self.has_data = operation.data is not ABSENT
        self.data: Any = operation.data if self.has_data else None
        self.size = size_of(self.data)
        self.sent = False
        self.answered = anyio.Event()
        self._operation = operation
        self._before: list[out.Outcome] = []

    def end(self, data: Any = ABSENT) -> None:
        """Answer; without data the client gets `undefined`.

        Raises:
            RuntimeError: it has been answered.
            TypeError: the data are nothing that can be told; it still wants an answer.
        """
        self._send(out.Reply(data, id=self.id))

    def error(self, error: Problem | Exception | Any) -> None:
        """Answer with an error: a Problem, or whatever the client is to be rejected with. Exceptions tell their text.

        Raises:
            RuntimeError: it has been answered.
        """
        if isinstance(error, Problem):
            problem = error
        elif isinstance(error, Exception):
            problem = Thrown({"name": type(error).__name__, "message": str(error)})
        else:
            problem = Thrown(error)
        self._send(out.Failure(self._operation, problem))

    def keep(self, outcome: out.Outcome) -> None:
        """Say this right before the answer: a client that waits for the answer knows it then."""
        self._before.append(outcome)

    def finish(self) -> None:
        """Say what was kept, though there may be no answer."""
        kept, self._before = self._before, []
        for outcome in kept:
            self.socket.say(outcome)

    def _send(self, outcome: out.Outcome) -> None:
        if self.sent:
            raise RuntimeError(f"Response to request {self.id} has already been sent")
        self.finish()
        self.socket.say(outcome)  # what cannot be told is not sent: there may be another answer
        self.sent = True
        self.answered.set()


class Procedures:
    """The calls of one procedure. The task that takes one is about it until it takes the next."""

    def __init__(self, stream: Stream[Request]) -> None:
        self._stream = stream

    def __aiter__(self) -> _Taker:
        return _Taker(self._stream.consumer())

    async def once(self, timeout: float | None = None) -> Request:  # noqa: ASYNC109 - as all streams
        """Return the next call.

        Raises:
            TimeoutError: none came within `timeout` seconds.
        """
        request = await self._stream.once(timeout)
        CURRENT.set(request)
        return request

    @property
    def backpressure(self) -> int:
        """How many calls wait for the slowest consumer."""
        return self._stream.backpressure

    def close(self) -> None:
        """Let every consumer end after what waits for it."""
        self._stream.close()

    def kill(self) -> None:
        """End every consumer at once."""
        self._stream.kill()


class _Taker:
    def __init__(self, consumer: Consumer[Request]) -> None:
        self._consumer = consumer

    def __aiter__(self) -> _Taker:
        return self

    async def __anext__(self) -> Request:
        request = await self._consumer.__anext__()
        CURRENT.set(request)
        return request
