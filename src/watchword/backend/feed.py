"""Feed: follows the change log and hands what is new to the hub, in order; again where handing it on has failed.

One task reads; whoever commits kicks it. It also looks by itself every `poll` seconds, because other programs write to
the same database. One place moves `head`, so order needs nothing from anybody else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import anyio
import structlog

from watchword.access.permissions import Action
from watchword.backend.alarm import Alarm
from watchword.base.errors import Code, Problem
from watchword.data.images import decode_image
from watchword.live.broker import Hint
from watchword.protocol.events import Change, Resync
from watchword.storage.log import Bulk, Entry

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence

    from watchword.backend.structure import Structure
    from watchword.base.clock import Clock
    from watchword.live.broker import Broker
    from watchword.live.hub import Hub
    from watchword.storage.log import ChangeLog

_log = structlog.get_logger(__name__)

PAGE = 1_000
RETRY_SECONDS = 1.0


class Control(Protocol):
    """Who has to know of changes to our own tables before any later change is told."""

    names: frozenset[str]
    """The collections whose changes matter."""

    async def apply(self, changes: Sequence[Entry]) -> None:
        """Take them into account; when it returns nothing is delivered under what was before."""

    async def forget(self) -> None:
        """Take into account that any of them may have been missed."""


class Feed:
    """This node's reader of the log.

    `head` is the offset of the last change that has been told, `told` how many were; `horizon` is the offset of the
    last one that is being told, to those who followed when that began. What has to be read to be told counts as told
    when it waits for its turn. Whoever begins to follow learns by `horizon` what to find out by reading. All that was
    committed before `current_at` (monotonic seconds) has been told.
    """

    def __init__(  # noqa: PLR0913 - what it reads from, and whom it tells
        self,
        *,
        log: ChangeLog,
        structure: Structure,
        hub: Hub,
        control: Control,
        broker: Broker,
        clock: Clock,
        poll: float,
    ) -> None:
        self._log = log
        self._structure = structure
        self._hub = hub
        self._control = control
        self._broker = broker
        broker.listen(self._hear)
        self._clock = clock
        self._poll = poll
        self._kicked = Alarm()
        self._looked = anyio.Event()
        self._begun = 0
        self._done = 0
        self._is_running = False
        self._is_sure = False
        self._is_behind = False
        self._obeyed = 0
        self._obeying = anyio.Lock()
        self._stale: set[str] = set()
        self.head = 0
        self.horizon = 0
        self.told = 0
        self.current_at = 0.0

    @property
    def lag(self) -> tuple[float, int]:
        """Seconds for which, and changes by which this node may be behind."""
        return self._clock.monotonic() - self.current_at, max(0, self._log.head - self.head)

    def start(self) -> None:
        """Begin after what the log holds now."""
        self.head = self.horizon = self._log.head
        self.current_at = self._clock.monotonic()

    def mark(self, offset: int) -> str:
        """Write an offset as a position that a client may come back with."""
        return self._log.position(offset)

    async def missed(self, collection: str, since: str, most: int) -> tuple[int, list[Change]]:
        """Return the horizon, and what changed in a collection after a position and up to there.

        Raises:
            Problem: POSITION_LOST, with a `reason`, when it cannot be told row by row, or is more than `most` changes.
        """
        offset = await self._log.since(since)
        if offset > self.horizon:
            await self.settle()
        until = max(offset, self.horizon)
        return until, await self._between(collection, offset, until, most)

    async def changes(self, collection: str, after: int, most: int) -> list[Change]:
        """Return what has been changed in a collection since the offset `after`, up to all that is committed by now.

        Raises:
            Problem: what `missed` raises.
        """
        await self._log.keep_up()
        return await self._between(collection, after, self._log.head, most)

    async def logged(
        self, collections: Collection[str], since: str, wanted: Callable[[Entry], bool], most: int
    ) -> list[Entry]:
        """Return what is wanted of what the log holds of these collections after a position.

        All that was committed before a `settle` that has returned is in it.

        Raises:
            Problem: POSITION_LOST, with a `reason`, when it cannot be told any more, or more than `most` entries would
                have to be looked at.
        """
        offset, looked_at, found = await self._log.since(since), 0, list[Entry]()
        while page := await self._log.read(offset, PAGE, collections):
            offset = page[-1].position
            looked_at += len(page)
            if looked_at > most:
                raise Problem(Code.POSITION_LOST, reason="too_much")
            found += filter(wanted, page)
            if len(page) < PAGE:
                break
        return found

    async def _between(self, collection: str, offset: int, until: int, most: int) -> list[Change]:
        start, changes = offset, list[Change]()
        while offset < until:
            page = [entry for entry in await self._log.read(offset, PAGE, (collection,)) if entry.position <= until]
            if not page:
                break
            offset = page[-1].position
            changes += self._told_singly(page)
            if len(changes) > most:
                raise Problem(Code.POSITION_LOST, reason="too_much")
        await self._log.since(self._log.position(start))  # nothing has been trimmed meanwhile
        return changes

    def _told_singly(self, page: Sequence[Entry]) -> Iterator[Change]:
        for entry in page:
            change = self._change(entry)
            if isinstance(change, Resync):
                raise Problem(Code.POSITION_LOST, reason="bulk")
            yield change

    def kick(self) -> None:
        """Look into the log now; called after each commit."""
        self._kicked.ring()

    async def follow_structure(self, changed: frozenset[str]) -> None:
        """Give those who follow changed collections everything anew, in its place among the changes."""
        self._stale |= changed
        self.kick()

    async def run(self) -> None:
        """Follow the log until cancelled. A database that is away is tried again; nothing is skipped.

        A look into the log is never cut off in its middle: drivers do not take that well.
        """
        self._is_running = True
        try:
            while True:
                await self._look()
                await self._kicked.wait(self._poll)
        finally:
            self._is_running = False
            self._looked.set()

    async def settle(self) -> None:
        """Return when all that was committed before the call has been told, or cannot be told for now.

        Who reads the database afterwards sees little whose event is still to come.
        """
        wanted = self._begun + 1
        self.kick()
        while self._is_running and self._done < wanted:
            await self._looked.wait()

    async def _look(self) -> None:
        failed = False
        self._begun += 1
        began = self._clock.monotonic()
        try:
            with anyio.CancelScope(shield=True):
                await self.catch_up()
            self.current_at = began
        except Problem as problem:
            failed = True
            _log.warning("feed.waiting", reason=problem.message)
        except Exception:  # noqa: BLE001 - the feed must outlive any bug; nothing is skipped
            failed = True
            _log.exception("feed.failed")
        self._done = self._begun
        looked, self._looked = self._looked, anyio.Event()
        looked.set()
        if failed:
            await anyio.sleep(RETRY_SECONDS)

    def _hear(self, hint: Hint) -> None:
        """Look into the log when another node has found what this one has not seen there."""
        if hint.last > self._log.head:
            self.kick()

    async def catch_up(self) -> None:
        """Tell everything that has been committed by now."""
        if self._stale:
            await self._resync()
        if not await self._log.has_news() and self._is_sure:
            return
        self._is_sure = False  # until all of it has been told
        given = await self._log.sequence()
        if given:
            self._broker.publish(Hint(self._log.epoch, given[0].position, given[-1].position))
        if self._is_behind or self._log.head < self.head:
            await self._start_anew()  # the database has been set back
        page: Sequence[Entry] = given if self._is_all(given) else await self._read()
        while page:
            await self._tell(page)
            self.told += len(page)
            if len(page) < PAGE:
                break  # the log's end: what has come since is for the next look
            page = await self._read()
        self._is_sure = True

    def _is_all(self, given: Sequence[Entry]) -> bool:
        """Whether what this node has just found is all that it has not told, so that it need not be read again."""
        if not given or len(given) >= PAGE or any(isinstance(entry, Bulk) for entry in given):
            return False
        first, last = given[0].position, given[-1].position
        has_holes = len({entry.position for entry in given}) <= last - first
        return first == self.head + 1 and last == self._log.head and not has_holes

    async def _read(self) -> Sequence[Entry]:
        try:
            return await self._log.read(self.head, PAGE)
        except Problem as problem:
            if problem.code is not Code.POSITION_LOST:
                raise
        await self._start_anew()  # what this node has not told yet is no longer in the log
        return ()

    async def _start_anew(self) -> None:
        """Give every subscriber everything anew: never silence where changes may have been missed."""
        _log.warning("feed.behind", head=self.head, log=self._log.head)
        self._is_behind = True  # until everybody has been told
        self.head = self.horizon = self._log.head
        async with self._obeying:
            self._obeyed = 0
            await self._control.forget()
        await self._hub.receive([Resync(collection, self.head) for collection in self._hub.collections], self._obey)
        self._is_behind = False

    async def _resync(self) -> None:
        stale, self._stale = self._stale, set()
        try:
            await self._hub.receive([Resync(collection, self.head) for collection in stale], self._obey)
        except BaseException:
            self._stale |= stale
            raise

    async def _tell(self, page: Sequence[Entry]) -> None:
        """Tell a page in order: control changes split it, since they decide who may see what follows."""
        run: list[Entry] = []
        is_control = False
        for entry in page:
            concerned = entry.collection in self._control.names
            if concerned != is_control and run:
                await self._tell_run(run, is_control=is_control)
                run = []
            is_control = concerned
            run.append(entry)
        if run:
            await self._tell_run(run, is_control=is_control)

    async def _tell_run(self, run: Sequence[Entry], *, is_control: bool) -> None:
        self.horizon = run[-1].position
        if is_control:
            async with self._obeying:
                if self.horizon > self._obeyed:
                    await self._control.apply(run)
                    self._obeyed = self.horizon
        followed = self._hub.collections
        changes = [self._change(entry) for entry in run if entry.collection in followed]
        if changes:
            await self._hub.receive(changes, self._obey)
        self.head = self.horizon

    async def _obey(self) -> None:
        """Take into account what has been committed by now of what decides who may see what; it comes later to be told.

        Rows that have just been read may be younger than it. They are read beside the feed, so that the two take turns.
        """
        async with self._obeying:
            await self._log.keep_up()
            after = max(self.head, self._obeyed)  # not the horizon: what is on its way there may wait for its turn here
            while after < self._log.head and (page := await self._log.read(after, PAGE, self._control.names)):
                await self._control.apply(page)
                after = self._obeyed = page[-1].position

    def _change(self, entry: Entry) -> Change | Resync:
        if isinstance(entry, Bulk):
            return Resync(entry.collection, entry.position)
        catalogue = self._structure.catalogue
        try:
            collection = catalogue.collection(entry.collection)
            before, after = (
                None if image is None else decode_image(collection, catalogue.kind, image)
                for image in (entry.before, entry.after)
            )
        except Exception:  # noqa: BLE001 - one image that cannot be read must not end the feed
            _log.exception("feed.unreadable", collection=entry.collection, position=entry.position)
            return Resync(entry.collection, entry.position)
        return Change(
            entry.collection,
            Action(entry.action),
            entry.key,
            before,
            after,
            entry.position,
            entry.omitted,
            entry.origin,
        )
