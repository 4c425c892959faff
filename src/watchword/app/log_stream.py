"""LogStream: hands this process's log records to those who follow the log, without secrets and without waiting.

Records are taken where `logging` hands them out, after the same redaction as those on standard error. While nobody
follows, the handler wants nothing; while somebody follows more than standard error shows, the root logger's level is
lowered for that long.
"""

from __future__ import annotations

import logging
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import structlog

from watchword.app.logs import shared_processors
from watchword.base import json
from watchword.base.errors import Problem
from watchword.protocol.records import Level, Record

if TYPE_CHECKING:
    from collections.abc import Iterator

    from structlog.typing import Processor

    from watchword.live.journal import Journal

ABOVE_LOGGING = 10
"""What clients' levels are above those of `logging`."""

_NOT_TOLD = frozenset({"event", "level", "timestamp"})


class LogStream(logging.Handler):
    """A handler whose records go to a journal."""

    def __init__(self, journal: Journal) -> None:
        super().__init__()
        self._journal = journal
        processors: list[Processor] = [
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.JSONRenderer(),
        ]
        self.setFormatter(
            structlog.stdlib.ProcessorFormatter(
                processors=processors, foreign_pre_chain=[structlog.stdlib.add_logger_name, *shared_processors()]
            )
        )
        self.adjust()

    def adjust(self) -> None:
        """Want what followers want."""
        self.setLevel(max(1, self._journal.wanted - ABOVE_LOGGING))

    def emit(self, record: logging.LogRecord) -> None:
        """Take one record; `logging` sees to it that calls do not overlap."""
        try:
            self._journal.offer(self._record(record))
        except Exception:  # noqa: BLE001 - who logs must not fail for it
            self.handleError(record)

    def _record(self, record: logging.LogRecord) -> Record:
        told = self._told(record)
        return Record(
            level=max(Level.TRACE, record.levelno + ABOVE_LOGGING),
            time=int(record.created * 1000),
            text=str(told.get("event", "")),
            node=self._journal.node,
            members={name: value for name, value in told.items() if name not in _NOT_TOLD},
        )

    def _told(self, record: logging.LogRecord) -> dict[str, Any]:
        try:
            told: dict[str, Any] = json.decode(self.format(record))
        except Problem:  # half a character, or a number that is none
            return {"event": "A record cannot be shown.", "logger": record.name}
        return told


@contextmanager
def streaming(journal: Journal) -> Iterator[None]:
    """Hand out records until the block ends.

    Where nobody has set up logging, errors and warnings are still printed: `logging` does that by itself only as long
    as there is no handler at all.
    """
    root = logging.getLogger()
    stream = LogStream(journal)
    last_resort = logging.lastResort if not root.handlers else None

    def adjust() -> None:
        stream.adjust()
        settle_level()

    journal.on_wanted(adjust)
    for handler in (last_resort, stream):
        if handler is not None:
            root.addHandler(handler)
    try:
        yield
    finally:
        for handler in (last_resort, stream):
            if handler is not None:
                root.removeHandler(handler)
        settle_level()


def settle_level() -> None:
    """Let through what some handler wants. Handlers without a level of their own rely on the root's: it stays."""
    root = logging.getLogger()
    levels = [handler.level for handler in root.handlers]
    if levels and logging.NOTSET not in levels:
        root.setLevel(min(levels))
