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
    from collections.abc import Callable

    from watchword.backend.call import Call
    from watchword.backend.context import Context
    from watchword.backend.exchange import Exchange
    from watchword.backend.rules import Rule, RuleBook
    from watchword.identity.authenticator import Identity
    from watchword.live.channels import Channels, Hearer, Publication
    from watchword.protocol import operations as op


class _Wishes(msgspec.Struct, frozen=True):
    """What a subscriber may ask for along with a subscription; all else in it is for the application."""

    history: int | None = None
    since: str | None = None
    restart: bool = False


class Joined(msgspec.Struct, frozen=True):
    """What a subscriber is told first, and from where on that leads; None where nothing is kept of the channel.

    `lost` says why it is not what came after the position asked for.
    """

    position: str | None = None
    missed: list[Event] = []
    lost: Problem | None = None


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

    async def join(self, context: Context, hearer: Hearer, operation: op.Join) -> Joined:
        """Let a connection hear a channel; return what it is told first, of what was said before.

        Raises:
            Problem: FORBIDDEN, POSITION_LOST, or what a rule of the application's raises.
        """
        await self.rejoin(context, operation)
        channel = operation.channel
        if channel.startswith(PRESENCE):
            here = {"event": HERE, "members": self._exchange.presence(channel.removeprefix(PRESENCE))}
            self._channels.join(hearer, channel)
            return Joined(missed=[Event(PUBLISHED, here, 0, is_logged=False)])
        # Nothing can be said between the two: what is not in the history comes afterwards.
        missed, lost = self._missed(operation)
        self._channels.join(hearer, channel)
        if self._exchange.rules(channel).retention.size <= 0:
            return Joined()
        if not missed:
            return Joined(self._exchange.position(channel), lost=lost)
        return Joined(self._exchange.position_before(missed[0].position), missed, lost)

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

    def _missed(self, operation: op.Join) -> tuple[list[Event], Problem | None]:
        if not isinstance(operation.data, dict):
            return [], None
        asked = {name: operation.data[name] for name in ("history", "since", "restart") if name in operation.data}
        if not asked.keys() & {"history", "since"} or self._exchange.rules(operation.channel).retention.size <= 0:
            return [], None
        try:
            wishes = msgspec.convert(asked, _Wishes)
        except msgspec.ValidationError as error:
            raise invalid_payload(str(error)) from error
        if wishes.history is not None and wishes.history < 0:
            raise Problem(Code.INVALID_PAYLOAD, "history must be a number from 0 on.")
        kept, lost = self._kept(operation.channel, wishes)
        events = [Event(PUBLISHED, each.data, each.number, self._exchange.mark(each), is_logged=False) for each in kept]
        return events, lost

    def _kept(self, channel: str, wishes: _Wishes) -> tuple[list[Publication], Problem | None]:
        """Return what is told first; who asks for a restart begins anew where the position is lost."""
        lost = None
        if wishes.since is not None:
            try:
                return self._exchange.history(channel, since=wishes.since), None
            except Problem as problem:
                if problem.code is not Code.POSITION_LOST or not wishes.restart:
                    raise
                lost = problem
        if wishes.since is not None and wishes.history is None:
            return [], lost
        return self._exchange.history(channel, last=wishes.history), lost
