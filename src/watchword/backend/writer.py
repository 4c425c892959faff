"""Writer: the one task that writes to a connection, and what can be written without waking it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from watchword.backend.fifo import Fifo
    from watchword.backend.heart import Heart
    from watchword.backend.line import Line
    from watchword.backend.outbox import Outbox
    from watchword.backend.services import Transport
    from watchword.backend.timetable import Timetable
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
        self._timetable: Timetable | None = None
        self._is_asked = False
        self._since: float | None = None

    def begin(self, line: Line, timetable: Timetable) -> None:
        """Write to a line directly from now on, where that is possible, at moments of a timetable."""
        self._line = line
        self._timetable = timetable
        self._outbox.begin(line, self._ask)

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

    def _ask(self) -> None:
        """Write when something may be written, unless that is going to be seen to."""
        if self._is_asked or self._timetable is None:
            return
        now = self._clock.monotonic()
        moment = self._outbox.next_at(now)
        if moment is not None:
            self._is_asked = True
            if moment > now:
                self._timetable.at(moment, self._write_now)
            else:
                self._timetable.soon(self._write_now)

    def _write_now(self) -> None:
        """Write what may be written, without waking the task that writes; what is more than that is left to it."""
        self._is_asked = False
        outbox, machine, now = self._outbox, self._machine, self._clock.monotonic()
        deadline = machine.deadline
        if machine.has_effects or (deadline is not None and now >= deadline):
            outbox.poke()
            return
        self._write_to_line(now)
        moment = outbox.next_at(now)
        if moment is None:
            return
        if moment > now and self._timetable is not None:
            self._is_asked = True
            self._timetable.at(moment, self._write_now)
        else:
            outbox.poke()

    def _write_to_line(self, now: float) -> None:
        line, outbox = self._line, self._outbox
        if line is None or self._connection.shut is not None or self._since is not None:
            return
        while not outbox.is_empty and line.is_free and (frame := outbox.take(now)) is not None:
            line.write(frame, outbox.receipts.along(now))
