"""Activity: which writes are told to administrators, and the rows that tell them, in the writes' own transaction."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from watchword.identity.client import storable
from watchword.storage.activity import Deed, purge, record

if TYPE_CHECKING:
    from collections.abc import Iterator

    from watchword.backend.context import Context
    from watchword.base.clock import Clock
    from watchword.data.writes import WriteLog
    from watchword.storage.engine import Database, OpenConnection

_SYSTEM = "directus_"
_AGENT_LENGTH = 512


class Recorded(StrEnum):
    """Whose changes are recorded: nobody's, those of our own collections, or those of all."""

    OFF = "off"
    SYSTEM = "system"
    ALL = "all"


class Activity:
    """Records who created, updated or deleted which item, one row for each. Nested items count like any others."""

    def __init__(self, db: Database, clock: Clock, recorded: Recorded = Recorded.SYSTEM, keep: float = 0.0) -> None:
        self._db = db
        self._clock = clock
        self._recorded = recorded
        self._keep = keep

    async def record(self, connection: OpenConnection, context: Context, writes: WriteLog) -> None:
        """Write what a request did, within its transaction."""
        if self._recorded is not Recorded.OFF:
            await record(connection, self._deeds(context, writes), self._clock.now())

    async def trim(self) -> int:
        """Delete the rows that are older than they are kept; return how many."""
        return await purge(self._db, self._clock.now() - self._keep) if self._keep > 0 else 0

    def _deeds(self, context: Context, writes: WriteLog) -> Iterator[Deed]:
        for written in writes:
            if self._recorded is Recorded.SYSTEM and not written.collection.startswith(_SYSTEM):
                continue
            client = context.client
            for key in written.keys:
                yield Deed(
                    written.action.value,
                    written.collection,
                    str(key),
                    context.principal.user,
                    storable(client.address),
                    storable(client.agent, _AGENT_LENGTH),
                    storable(client.origin),
                )
