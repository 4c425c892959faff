"""Last uses: written down beside what they are uses of, and never at the expense of the use itself."""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING

import structlog

from watchword.base.errors import Problem

if TYPE_CHECKING:
    from sqlalchemy.sql.dml import ReturningUpdate

    from watchword.base.clock import Clock
    from watchword.storage.engine import Database

_POSTPONED = 60.0

_log = structlog.get_logger(__name__)


class LastUses:
    """Notes one use at a time, so that a database that is slow to write does not make readers queue for it."""

    def __init__(self, db: Database, clock: Clock) -> None:
        self._db = db
        self._clock = clock
        self._after = -inf

    @property
    def is_open(self) -> bool:
        """Whether a use can be noted now."""
        return self._clock.monotonic() >= self._after

    async def note(self, noted: ReturningUpdate[str]) -> str | None:
        """Run the update of one row; return the text that it returns, None where there is no such row.

        Not being able to has no effect, and is not tried again for a minute.
        """
        if not self.is_open:
            return None
        self._after = inf
        postponed = _POSTPONED
        try:
            async with self._db.write(silent=True) as connection:
                found = (await connection.execute(noted)).scalar_one_or_none()
            postponed = 0.0
        except Problem as problem:
            _log.warning("use.not_noted", reason=problem.message)
            return None
        finally:
            self._after = self._clock.monotonic() + postponed
        return found
