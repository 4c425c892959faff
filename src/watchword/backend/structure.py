"""Structure: the collections as the database has them now, and the capture of their changes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from watchword.data.reflect import ReflectOptions, reflect
from watchword.storage.log import Captured

if TYPE_CHECKING:
    from watchword.data.catalogue import Catalogue
    from watchword.data.schema import Collection
    from watchword.storage.engine import Database
    from watchword.storage.log import ChangeLog

_log = structlog.get_logger(__name__)

# Never in an image, whoever may read the log's table.
_SECRET = {"directus_users": frozenset({"password"})}


class Structure:
    """Holds the current catalogue. `load` must have run before anything asks for it."""

    def __init__(self, db: Database, log: ChangeLog, options: ReflectOptions) -> None:
        self._db = db
        self._log = log
        self._options = options
        self._catalogue: Catalogue | None = None

    @property
    def catalogue(self) -> Catalogue:
        """What the database held when it was last looked at."""
        if self._catalogue is None:
            raise RuntimeError("the structure has not been loaded")
        return self._catalogue

    async def load(self) -> None:
        """Look at the database and see to it that changes of every captured collection are logged."""
        catalogue = await reflect(self._db, self._options)
        uncaptured = await self._log.capture(_all_captured(catalogue))
        if uncaptured:
            _log.warning("capture.refused", collections=sorted(uncaptured))
        self._catalogue = catalogue.without_capture(uncaptured)

    async def differing(self) -> frozenset[str]:
        """Look at the database; return the captured collections whose changes are not logged as they should be."""
        return await self._log.differing(_all_captured(await reflect(self._db, self._options)))


SESSIONS = "$sessions"
"""The name under which refreshes and ends of sessions are in the log; no collection can have it."""

TOKENS = "$tokens"
"""The name under which the end of static tokens is in the log."""

_SESSIONS = Captured(
    collection=SESSIONS,
    table="watchword_sessions",
    key=("id",),
    columns=("id", "user", "revoked_at", "rotated_at", "expires_at"),
    watched=("revoked_at", "rotated_at"),
    actions=frozenset({"update", "delete"}),
)

_TOKENS = Captured(
    collection=TOKENS,
    table="watchword_tokens",
    key=("id",),
    columns=("id", "user", "expires_at"),
    watched=("expires_at",),
    actions=frozenset({"update", "delete"}),
)


def _all_captured(catalogue: Catalogue) -> list[Captured]:
    captured = [_captured(collection) for collection in catalogue.schema.collections.values() if collection.captured]
    return [*captured, _SESSIONS, _TOKENS]


def _captured(collection: Collection) -> Captured:
    hidden = _SECRET.get(collection.name, frozenset())
    columns = tuple(
        name for name in collection.fields if name not in hidden and "virtual" not in collection.fields[name].special
    )
    return Captured(collection=collection.name, table=collection.table, key=collection.key, columns=columns)
