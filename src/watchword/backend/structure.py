"""Structure: the collections as the database has them now, and the capture of their changes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

import anyio
import structlog

from watchword.data.reflect import ReflectOptions, reflect_in
from watchword.data.remodel import Remodel
from watchword.storage.fingerprint import fingerprint, note_change
from watchword.storage.log import Captured

if TYPE_CHECKING:
    from watchword.data.catalogue import Catalogue
    from watchword.data.schema import Collection
    from watchword.storage.engine import Database
    from watchword.storage.log import ChangeLog

_log = structlog.get_logger(__name__)

# Never in an image, whoever may read the log's table.
_SECRET = {"directus_users": frozenset({"password"})}


LOOKS = 3
"""How often one look is taken again because the structure changes under it."""

Listener = Callable[[frozenset[str]], Awaitable[None]]
"""Told of the collections that are no longer what they were."""

Looked = Callable[[], None]
"""Called in the moment in which a catalogue is taken from a database that somebody has changed."""


class Structure:
    """Holds the current catalogue. `load` must have run before anything asks for it.

    One change or look at a time. What others change in the database is found by `refresh`, which is called every
    second.
    """

    def __init__(self, db: Database, log: ChangeLog, options: ReflectOptions) -> None:
        self._db = db
        self._log = log
        self._options = options
        self._catalogue: Catalogue | None = None
        self._fingerprint: object = None
        self._turn = anyio.Lock()
        self._listeners: list[Listener] = []
        self._when_looked: list[Looked] = []

    @property
    def catalogue(self) -> Catalogue:
        """What the database held when it was last looked at."""
        if self._catalogue is None:
            raise RuntimeError("the structure has not been loaded")
        return self._catalogue

    def on_change(self, listener: Listener) -> None:
        """Call `listener` after the catalogue has become another one in which collections differ."""
        self._listeners.append(listener)

    def on_look(self, listener: Looked) -> None:
        """Call `listener` before anything can be asked of the catalogue that a change has led to."""
        self._when_looked.append(listener)

    async def load(self) -> None:
        """Look at the database and see to it that changes of every captured collection are logged."""
        async with self._turn:
            await self._look()

    async def refresh(self) -> None:
        """Look again if somebody has changed the structure; cheap when nobody has.

        Raises:
            Problem: SERVICE_UNAVAILABLE, when the database cannot be reached.
        """
        async with self._turn:
            changed = frozenset() if await self._print() == self._fingerprint else await self._look()
        await self._tell(changed)

    async def change(self, work: Callable[[Remodel], Awaitable[None]]) -> None:
        """Change the structure in one transaction, capture and all: nothing is written that is not logged.

        Raises:
            Problem: what the work raises; nothing has happened then.
        """
        made: list[Catalogue] = []
        changed: set[str] = set()
        async with self._turn:
            async with self._db.restructure(lambda: changed.update(self._take(made[0]))) as connection:
                remodel = Remodel(connection, self._db.kind, self._options)
                await remodel.look()
                await work(remodel)
                await note_change(connection)
                seen = await fingerprint(connection, self._db.kind)
                uncaptured = await self._log.capture_in(connection, _all_captured(remodel.catalogue))
                made.append(remodel.catalogue.without_capture(uncaptured))
            self._fingerprint = seen
        await self._tell(frozenset(changed))

    async def _look(self) -> frozenset[str]:
        for _ in range(LOOKS):
            # The fingerprint comes first: what changes while we look is looked at once more.
            async with self._db.read() as connection:
                seen = await fingerprint(connection, self._db.kind)
                catalogue = await reflect_in(connection, self._db.kind, self._options)
            uncaptured = await self._log.capture(_all_captured(catalogue))
            if not uncaptured or await self._print() == seen:
                break  # else the tables in question may just have been dropped
        if uncaptured:
            _log.warning("capture.refused", collections=sorted(uncaptured))
        changed = self._take(catalogue.without_capture(uncaptured))
        self._fingerprint = seen
        return changed

    async def _print(self) -> object:
        async with self._db.read() as connection:
            return await fingerprint(connection, self._db.kind)

    def _take(self, catalogue: Catalogue) -> frozenset[str]:
        """Make a catalogue the current one, unless it says what the current one says."""
        for listener in self._when_looked:
            listener()
        known = self._catalogue
        if known is not None and known.says_the_same(catalogue):
            return frozenset()
        self._catalogue = catalogue
        return frozenset() if known is None else known.changed(catalogue)

    async def _tell(self, changed: frozenset[str]) -> None:
        if not changed:
            return
        _log.info("structure.changed", collections=sorted(changed))
        for listener in self._listeners:
            await listener(changed)

    async def differing(self) -> frozenset[str]:
        """Look at the database; return the captured collections whose changes are not logged as they should be."""
        async with self._db.read() as connection:
            catalogue = await reflect_in(connection, self._db.kind, self._options)
        return await self._log.differing(_all_captured(catalogue))


SESSIONS = "$sessions"
"""The name under which refreshes and ends of sessions are in the log; no collection can have it."""

TOKENS = "$tokens"
"""The name under which the end of static tokens is in the log."""

KEYS = "$keys"
"""The name under which rotations of the signing keys are in the log: that there was one, and nothing of the keys."""

REVOCATIONS = "$revocations"
"""The name under which it is in the log that identities which others vouch for are refused."""

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
    columns=("id", "user", "role", "expires_at"),
    watched=("expires_at", "user", "role"),
    actions=frozenset({"update", "delete"}),
)

_KEYS = Captured(
    collection=KEYS,
    table="watchword_signing_keys",
    key=("id",),
    columns=("id", "state"),
)


_REVOCATIONS = Captured(
    collection=REVOCATIONS,
    table="watchword_revocations",
    key=("id",),
    columns=("id",),
    actions=frozenset({"create"}),
)


def _all_captured(catalogue: Catalogue) -> list[Captured]:
    captured = [_captured(collection) for collection in catalogue.schema.collections.values() if collection.captured]
    return [*captured, _SESSIONS, _TOKENS, _KEYS, _REVOCATIONS]


def _captured(collection: Collection) -> Captured:
    columns = columns_in_images(collection)
    return Captured(collection=collection.name, table=collection.table, key=collection.key, columns=columns)


def columns_in_images(collection: Collection) -> tuple[str, ...]:
    """Return the fields whose values the log holds; nothing that hangs on another is told of a change by itself."""
    hidden = _SECRET.get(collection.name, frozenset())
    return tuple(
        name for name in collection.fields if name not in hidden and "virtual" not in collection.fields[name].special
    )
