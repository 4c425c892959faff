"""Exchange: the channels as the server itself uses them: it may publish anywhere, and hear everything."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from watchword.backend.rules import ChannelRules
from watchword.backend.streams import BACKLOG, Consumer, Stream
from watchword.base import json
from watchword.base.errors import Code, Problem
from watchword.protocol.operations import ABSENT

if TYPE_CHECKING:
    from watchword.backend.rules import RuleBook
    from watchword.live.channels import Channels, Hearer, Publication
    from watchword.protocol.events import Event

PRESENCE = "presence/"
"""The channel `presence/X` tells who comes to the channel X and goes; who may hear X may hear that."""

SUBSCRIBED, UNSUBSCRIBED = "subscribed", "unsubscribed"
HERE, CAME, LEFT = "here", "join", "leave"

_OPEN = ChannelRules("**")


class Exchange:
    """Every channel of this node.

    What is published goes to every connection on this node that has joined the channel, and to the server's own
    consumers, in the order in which it was published.
    """

    def __init__(self, channels: Channels, rules: RuleBook) -> None:
        self._channels = channels
        self._rules = rules
        self._own: dict[str, _Ear] = {}
        channels.watch(self._watch)

    def rules(self, channel: str) -> ChannelRules:
        """Return what has been declared for a channel, or what holds where nothing has."""
        found = self._rules.find(channel)
        return _OPEN if found is None else found[0]

    def transmit_publish(self, channel: str, data: Any = ABSENT) -> None:
        """Publish without waiting for anything.

        Raises:
            TypeError: the data cannot be written as JSON; nobody is told, and nothing is kept.
        """
        self._check(data)
        self._channels.publish(channel, data, self.rules(channel).retention)

    async def publish(self, channel: str, data: Any = ABSENT) -> Publication:
        """Publish; when it returns, all connections on this node have it before them.

        Raises:
            TypeError: the data cannot be written as JSON; nobody is told, and nothing is kept.
        """
        self._check(data)
        return self._channels.publish(channel, data, self.rules(channel).retention)

    invoke_publish = publish

    def relay(self, channel: str, data: Any) -> None:
        """Publish what a client has said, which has come as JSON."""
        self._channels.publish(channel, data, self.rules(channel).retention)

    def subscribe(self, channel: str) -> Subscription:
        """Hear a channel: iterate over what comes back, which gives what is published from now on."""
        ear = self._own.get(channel)
        if ear is None:
            ear = self._own[channel] = _Ear()
            self._channels.join(ear, channel)
        return Subscription(self, channel, ear.stream)

    channel = subscribe

    def unsubscribe(self, channel: str) -> None:
        """Hear it no more; its consumers end after what waits for them."""
        ear = self._own.pop(channel, None)
        if ear is not None:
            self._channels.part(ear, channel)
            ear.stream.close()

    def subscriptions(self) -> list[str]:
        """Return the channels that the server itself hears."""
        return list(self._own)

    def is_subscribed(self, channel: str) -> bool:
        """Whether the server itself hears a channel."""
        return channel in self._own

    def get_channel_state(self, channel: str) -> str:
        """Return whether the server itself hears a channel: `subscribed` or `unsubscribed`."""
        return SUBSCRIBED if channel in self._own else UNSUBSCRIBED

    @property
    def backpressure(self) -> int:
        """How much waits for the slowest consumer of any channel."""
        return max((ear.stream.backpressure for ear in self._own.values()), default=0)

    def kill(self, channel: str) -> None:
        """Hear a channel no more; its consumers end at once."""
        ear = self._own.get(channel)
        if ear is not None:
            ear.stream.kill()
            self.unsubscribe(channel)

    def history(self, channel: str, *, last: int | None = None, since: str | None = None) -> list[Publication]:
        """Return what is kept of a channel, oldest first: all, the `last` so many, or what came `since` a position.

        Raises:
            Problem: POSITION_LOST when what came since cannot be told.
        """
        retention = self.rules(channel).retention
        if since is not None:
            return self._channels.since(channel, retention, since)
        return self._channels.history(channel, retention, last=last)

    def position(self, channel: str) -> str:
        """Return where a channel is now, for `since` to go on from."""
        return self._channels.position(channel)

    def mark(self, publication: Publication) -> str:
        """Return the position after a publication."""
        return self._channels.mark(publication.number)

    def position_before(self, number: int) -> str:
        """Return the position that the `number`th publication comes next after."""
        return self._channels.mark(number - 1)

    def presence(self, channel: str) -> list[dict[str, Any]]:
        """Return who hears a channel on this node: `id` of the connection, `user` where it is known.

        Raises:
            Problem: INVALID_PAYLOAD, the channel has no presence.
        """
        if not self.rules(channel).presence:
            raise Problem(Code.INVALID_PAYLOAD, "This channel does not tell who is there.")
        return [shown for peer in self._channels.peers(channel) if (shown := _shown(peer)) is not None]

    def close_all(self) -> None:
        """Hear nothing any more."""
        for channel in self.subscriptions():
            self.unsubscribe(channel)

    def _check(self, data: Any) -> None:
        if data is not ABSENT:
            json.encode(data)

    def _watch(self, channel: str, peer: Hearer, comes: bool) -> None:
        member = _shown(peer)
        if member is None or channel.startswith(PRESENCE) or not self.rules(channel).presence:
            return
        told = {"event": CAME if comes else LEFT, "member": member}
        self._channels.publish(f"{PRESENCE}{channel}", told, _OPEN.retention)


class Subscription:
    """One channel as the server hears it."""

    def __init__(self, exchange: Exchange, name: str, stream: Stream[Any]) -> None:
        self.name = name
        self._exchange = exchange
        self._stream = stream

    @property
    def state(self) -> str:
        """`subscribed` or `unsubscribed`."""
        return self._exchange.get_channel_state(self.name)

    def is_subscribed(self) -> bool:
        """Whether the server hears it."""
        return self._exchange.is_subscribed(self.name)

    def unsubscribe(self) -> None:
        """Hear it no more."""
        self._exchange.unsubscribe(self.name)

    def transmit_publish(self, data: Any = ABSENT) -> None:
        """Publish on it."""
        self._exchange.transmit_publish(self.name, data)

    async def publish(self, data: Any = ABSENT) -> Publication:
        """Publish on it."""
        return await self._exchange.publish(self.name, data)

    invoke_publish = publish

    def __aiter__(self) -> Consumer[Any]:
        return self._stream.consumer()

    def consumer(self, bound: int | None = None) -> Consumer[Any]:
        """Begin to hear, with a bound of one's own."""
        return self._stream.consumer(bound)

    async def once(self, timeout: float | None = None) -> Any:  # noqa: ASYNC109 - as all streams
        """Return the next publication's data.

        Raises:
            TimeoutError: none came in time.
        """
        return await self._stream.once(timeout)

    @property
    def backpressure(self) -> int:
        """How much waits for the slowest consumer."""
        return self._stream.backpressure


class _Ear:
    """The server among those who hear a channel."""

    id = None
    principal = None

    def __init__(self) -> None:
        self.stream: Stream[Any] = Stream(BACKLOG)

    def deliver(self, subscription: str | None, event: Event) -> None:
        """Give what was published to the consumers."""
        del subscription
        self.stream.write(None if event.data is ABSENT else event.data)


def _shown(peer: Hearer) -> dict[str, Any] | None:
    principal = peer.principal
    if principal is None:
        return None
    return {"id": peer.id, "user": principal.named}
