"""Writer: the one task that writes to a connection, and what can be written without waking it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from watchword.backend.line import Soon

if TYPE_CHECKING:
    from watchword.backend.fifo import Fifo
    from watchword.backend.heart import Heart
    from watchword.backend.line import Line
    from watchword.backend.outbox import Outbox
    from watchword.backend.services import Transport
    from watchword.base.clock import Clock
    from watchword.connection.machine import AuthMachine, Shut


class Timekeeper(Protocol):
    """The connection that is written to."""

    @property
    def shut(self) -> Shut | None:
        """How it is to be closed, once it is."""

    async def keep_time(self, now: float) -> None:
        """Do what is due at `now` (monotonic seconds)."""

    def code(self, shut: Shut) -> int:
        """Return the code to close with."""

    def text(self, shut: Shut) -> str:
        """Return the reason to close with."""


class Writer:
    """Writes what the outbox gives, in its order, and says how a connection ends."""

    def __init__(
        self, connection: Timekeeper, machine: AuthMachine, outbox: Outbox | Fifo, heart: Heart, clock: Clock
    ) -> None:
        self._connection = connection
        self._machine = machine
        self._outbox = outbox
        self._heart = heart
        self._clock = clock
        self._line: Line | None = None
        self._since: float | None = None

    def begin(self, line: Line) -> None:
        """Write to a line directly from now on, where that is possible."""
        self._line = line
        self._outbox.begin(line, Soon(self._write_now).ask)

    def is_stuck(self, seconds: float) -> bool:
        """Whether one write has taken longer than that."""
        return self._since is not None and self._clock.monotonic() - self._since > seconds

    async def run(self, transport: Transport) -> None:
        """Write until the connection is closed."""
        outbox, connection = self._outbox, self._connection
        while True:
            now = self._clock.monotonic()
            await connection.keep_time(now)
            self._write_to_line(now)
            while (frame := outbox.take(now, is_last=connection.shut is not None)) is not None:
                self._since, outbox.is_writing = self._clock.monotonic(), True
                await transport.send(frame)
                self._since, outbox.is_writing = None, False
            if connection.shut is not None:
                await transport.close(connection.code(connection.shut), connection.text(connection.shut))
                return
            await outbox.wait(now, self._heart.deadline)

    def _write_now(self) -> None:
        """Write what may be written, without waking the task that writes; what is more than that is left to it."""
        now, deadline = self._clock.monotonic(), self._heart.deadline
        is_late = deadline is not None and now >= deadline
        if not (is_late or self._machine.has_effects):
            self._write_to_line(now)
        if not self._outbox.is_empty or self._machine.has_effects:
            self._outbox.poke()

    def _write_to_line(self, now: float) -> None:
        line, outbox = self._line, self._outbox
        if line is None or self._connection.shut is not None or self._since is not None:
            return
        while not outbox.is_empty and line.is_free and (frame := outbox.take(now)) is not None:
            line.write(frame, outbox.receipts.along(now))
