"""Publishing: what clients do with channels, under the rules that the application has given them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from watchword.backend.exchange import HERE, PRESENCE
from watchword.backend.rules import require
from watchword.base.errors import Code, Problem, forbidden, invalid_payload
from watchword.live.channels import PUBLISHED
from watchword.protocol.events import Event
from watchword.protocol.operations import ABSENT
from watchword.protocol.outcomes import Reply

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from watchword.backend.call import Call
    from watchword.backend.context import Context
    from watchword.backend.exchange import Exchange
    from watchword.backend.rules import Rule, RuleBook
    from watchword.identity.authenticator import Identity
    from watchword.live.channels import Channels
    from watchword.live.peer import Peer
    from watchword.protocol import operations as op


class _Wishes(msgspec.Struct, frozen=True):
    """What a subscriber may ask for along with a subscription; all else in it is for the application."""

    history: int | None = None
    since: str | None = None


class Publishing:
    """Joins and publishes for clients."""

    def __init__(
        self,
        channels: Channels,
        exchange: Exchange,
        rules: RuleBook,
        identity: Identity,
        call: Callable[[Context], Call],
    ) -> None:
        self._channels = channels
        self._exchange = exchange
        self._rules = rules
        self._identity = identity
        self._call = call

    async def join(self, context: Context, peer: Peer, operation: op.Join) -> Sequence[Event]:
        """Let a connection hear a channel; return what it is told first, of what was said before.

        Raises:
            Problem: FORBIDDEN, POSITION_LOST, or what a rule of the application's raises.
        """
        await self.rejoin(context, operation)
        channel = operation.channel
        if channel.startswith(PRESENCE):
            here = {"event": HERE, "members": self._exchange.presence(channel.removeprefix(PRESENCE))}
            self._channels.join(peer, channel)
            return [Event(PUBLISHED, here, 0, is_logged=False)]
        # Nothing can be said between the two: what is not in the history comes afterwards.
        missed = self._missed(operation)
        self._channels.join(peer, channel)
        return missed

    async def rejoin(self, context: Context, operation: op.Join) -> None:
        """Let a connection hear a channel, or go on hearing it, by the rights of now.

        Raises:
            Problem: it may not.
        """
        heard = operation.channel.removeprefix(PRESENCE)
        if operation.channel != heard and heard.startswith(PRESENCE):
            raise forbidden()  # who hears of others is nobody's business
        found = self._rules.find(heard)
        if found is None and not context.connection.open_channels:
            raise forbidden()
        if found is not None:
            await self._require(found[0].subscribe, context, found[1])

    async def publish(self, context: Context, operation: op.Publish) -> Reply:
        """Tell all who hear a channel.

        Raises:
            Problem: it may not be said there.
        """
        channel = operation.channel
        found = self._rules.find(channel)
        if channel.startswith(PRESENCE) or (found is None and not context.connection.open_channels):
            raise forbidden()
        if found is not None:
            await self._require(found[0].publish, context, found[1])
        self._exchange.relay(channel, operation.data)
        return Reply(ABSENT, id=operation.id)

    async def _require(self, rule: Rule, context: Context, channel: Any) -> None:
        await require(rule, self._call(context), channel, await self._identity.names())

    def _missed(self, operation: op.Join) -> list[Event]:
        if not isinstance(operation.data, dict):
            return []
        asked = {name: operation.data[name] for name in ("history", "since") if name in operation.data}
        if not asked or self._exchange.rules(operation.channel).retention.size <= 0:
            return []
        try:
            wishes = msgspec.convert(asked, _Wishes)
        except msgspec.ValidationError as error:
            raise invalid_payload(str(error)) from error
        if wishes.history is not None and wishes.history < 0:
            raise Problem(Code.INVALID_PAYLOAD, "history must be a number from 0 on.")
        last = wishes.history if wishes.since is None else None
        kept = self._exchange.history(operation.channel, last=last, since=wishes.since)
        return [Event(PUBLISHED, each.data, each.number, is_logged=False) for each in kept]
