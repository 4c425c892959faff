"""Channels: who hears which channel on this node, and what has lately been said there."""

from __future__ import annotations

from collections import OrderedDict, deque
from typing import TYPE_CHECKING, Any, Protocol

import msgspec

from watchword.base.errors import Code, Problem
from watchword.protocol.events import Event

if TYPE_CHECKING:
    from collections.abc import Callable

    from watchword.access.principal import Principal

PUBLISHED = "publish"
MOST_REMEMBERED = 10_000
"""How many channels have a history at the same time; the one that was silent longest is forgotten first."""
MOST_BYTES = 64 * 1024**2
"""About how many bytes all histories hold together; the same one goes first."""


class Hearer(Protocol):
    """Who hears a channel: a connection, or the server itself, which has neither an id nor a principal."""

    @property
    def id(self) -> str | None:
        """What the connection is called on this node."""

    @property
    def principal(self) -> Principal | None:
        """Who acts on it."""

    def deliver(self, subscription: str | None, event: Event) -> None:
        """Queue an event of a channel; quick, and never waiting."""


class Retention(msgspec.Struct, frozen=True):
    """How much of a channel is kept: `size` publications, none older than `age` seconds."""

    size: int = 0
    age: float = 3600.0


class Publication(msgspec.Struct, frozen=True):
    """What was said on a channel: the `number`th since the channel has a history, at `time` (epoch seconds)."""

    number: int
    time: float
    data: Any


class _History:
    __slots__ = ("last", "publications", "size", "sizes")

    def __init__(self, last: int) -> None:
        self.last = last
        self.publications: deque[Publication] = deque()
        self.sizes: deque[int] = deque()
        self.size = 0

    def add(self, publication: Publication, size: int) -> None:
        """Keep a publication that takes so many bytes."""
        self.publications.append(publication)
        self.sizes.append(size)
        self.size += size

    def drop(self) -> None:
        """Keep the oldest no longer."""
        self.publications.popleft()
        self.size -= self.sizes.popleft()


class Channels:
    """The channels of this node. `epoch` tells positions of one life of the node from those of another.

    `published` counts publications, `delivered` to how many connections they were handed.
    """

    def __init__(self, epoch: str, now: Callable[[], float]) -> None:
        self.epoch = epoch
        self._now = now
        self._members: dict[str, dict[Hearer, None]] = {}
        self._of: dict[Hearer, set[str]] = {}
        self._histories: OrderedDict[str, _History] = OrderedDict()
        self._remembered = 0
        self._base = 0  # where the numbers of a new history begin: none of a forgotten one comes again
        self._watchers: list[Callable[[str, Hearer, bool], None]] = []
        self.delivered = 0
        self.published = 0

    def watch(self, watcher: Callable[[str, Hearer, bool], None]) -> None:
        """Call for everybody who comes (True) to a channel and goes (False)."""
        self._watchers.append(watcher)

    @property
    def names(self) -> tuple[str, ...]:
        """The channels that somebody hears."""
        return tuple(self._members)

    @property
    def subscriptions(self) -> int:
        """How many have joined, all channels together."""
        return sum(map(len, self._members.values()))

    def peers(self, channel: str) -> tuple[Hearer, ...]:
        """Return who hears a channel."""
        return tuple(self._members.get(channel, ()))

    def hears(self, peer: Hearer, channel: str) -> bool:
        """Whether a connection hears a channel."""
        return peer in self._members.get(channel, ())

    def join(self, peer: Hearer, channel: str) -> None:
        """Let a connection hear a channel; once more changes nothing."""
        members = self._members.setdefault(channel, {})
        if peer in members:
            return
        members[peer] = None
        self._of.setdefault(peer, set()).add(channel)
        self._tell(channel, peer, comes=True)

    def part(self, peer: Hearer, channel: str) -> None:
        """Let it hear the channel no more; no error where it does not."""
        members = self._members.get(channel)
        if members is None or peer not in members:
            return
        del members[peer]
        if not members:
            del self._members[channel]
        mine = self._of[peer]
        mine.discard(channel)
        if not mine:
            del self._of[peer]
        self._tell(channel, peer, comes=False)

    def part_all(self, peer: Hearer) -> None:
        """Let it hear nothing any more."""
        for channel in tuple(self._of.get(peer, ())):
            self.part(peer, channel)

    def publish(self, channel: str, data: Any, retention: Retention) -> Publication:
        """Tell everybody on this node who hears a channel, in one loop without a pause."""
        self.published += 1
        event = Event(PUBLISHED, data, 0, is_logged=False)
        publication = self._remember(channel, event, retention)
        if publication.number:
            event.position, event.mark = publication.number, self.mark(publication.number)
        members = self._members.get(channel)
        if members:
            self.delivered += len(members)
            for peer in tuple(members):
                peer.deliver(channel, event)
        return publication

    def position(self, channel: str) -> str:
        """Return where a channel is now, for `since` to go on from."""
        history = self._histories.get(channel)
        return self.mark(self._base if history is None else history.last)

    def mark(self, number: int) -> str:
        """Return the position after the `number`th publication of a channel."""
        return f"{self.epoch}:{number}"

    def history(self, channel: str, retention: Retention, *, last: int | None = None) -> list[Publication]:
        """Return what is kept of a channel, oldest first; the `last` so many."""
        history = self._histories.get(channel)
        if history is None:
            return []
        self._trim(history, retention)
        kept = list(history.publications)
        return kept if last is None else kept[max(0, len(kept) - last) :]

    def since(self, channel: str, retention: Retention, position: str) -> list[Publication]:
        """Return what has been said since a position.

        Raises:
            Problem: POSITION_LOST when that cannot be told.
        """
        epoch, _, text = position.partition(":")
        if epoch != self.epoch or not text.isdecimal() or len(text) > len(str(2**63)):
            raise Problem(Code.POSITION_LOST, reason="epoch")
        number, history = int(text), self._histories.get(channel)
        if history is None:
            if number == self._base:
                return []
            raise Problem(Code.POSITION_LOST, reason="forgotten")
        self._trim(history, retention)
        first = history.publications[0].number if history.publications else history.last + 1
        if not first - 1 <= number <= history.last:
            raise Problem(Code.POSITION_LOST, reason="forgotten")
        return [each for each in history.publications if each.number > number]

    def _remember(self, channel: str, event: Event, retention: Retention) -> Publication:
        if retention.size <= 0:
            return Publication(0, 0.0, event.data)
        history = self._histories.get(channel)
        if history is None:
            history = self._histories[channel] = _History(self._base)
        self._histories.move_to_end(channel)
        history.last += 1
        publication = Publication(history.last, self._now(), event.data)
        history.add(publication, event.size)
        self._remembered += event.size
        self._trim(history, retention)
        while len(self._histories) > MOST_REMEMBERED or (self._remembered > MOST_BYTES and len(self._histories) > 1):
            _, forgotten = self._histories.popitem(last=False)
            self._remembered -= forgotten.size
            self._base = max(self._base, forgotten.last)
        return publication

    def _trim(self, history: _History, retention: Retention) -> None:
        oldest = self._now() - retention.age
        kept, before = history.publications, history.size
        while kept and (
            len(kept) > retention.size or kept[0].time < oldest or (len(kept) > 1 and history.size > MOST_BYTES)
        ):
            history.drop()
        self._remembered -= before - history.size

    def _tell(self, channel: str, peer: Hearer, *, comes: bool) -> None:
        for watcher in self._watchers:
            watcher(channel, peer, comes)
