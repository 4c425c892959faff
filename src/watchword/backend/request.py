"""Request: one call of a procedure that waits for the application's answer."""

from __future__ import annotations

from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Protocol

import anyio

from watchword.base.errors import Problem, Thrown
from watchword.protocol import outcomes as out
from watchword.protocol.operations import ABSENT

if TYPE_CHECKING:
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
        self.sent = False
        self.answered = anyio.Event()
        self._operation = operation
        self._before: list[out.Outcome] = []

    def end(self, data: Any = ABSENT) -> None:
        """Answer; without data the client gets `undefined`.

        Raises:
            RuntimeError: it has been answered.
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
        self.sent = True
        self.finish()
        self.socket.say(outcome)
        self.answered.set()
