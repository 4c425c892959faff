"""Delivery: what one connection is told: outcomes in the order in which they are said, events as its client reads."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

import anyio
import structlog

from watchword.backend.echo import Echo
from watchword.backend.fifo import Fifo
from watchword.backend.incoming import outbox_of
from watchword.backend.standing import Standing
from watchword.base.errors import Code, Problem
from watchword.connection.machine import AuthMachine, State
from watchword.live.channels import PUBLISHED
from watchword.protocol import outcomes as out

if TYPE_CHECKING:
    from watchword.backend.attendant import Attendant
    from watchword.backend.pace import Pace
    from watchword.backend.subscriptions import Subscriptions
    from watchword.protocol.dialect import Dialect, Frame
    from watchword.protocol.events import Event

_log = structlog.get_logger(__name__)

_LOST = "lost"


class Delivery(ABC):
    """The half of a conversation that speaks. None of what the hub and the cores call waits for the client."""

    _subscriptions: Subscriptions

    def __init__(self, dialect: Dialect, pace: Pace, attendant: Attendant, machine: AuthMachine) -> None:
        self._dialect = dialect
        self._pace = pace
        self._attendant = attendant
        self._machine = machine
        self._outbox = outbox_of(dialect, pace, self._lose)
        self._echo = Echo(pace.outbound)
        self._standing = Standing()
        self._roomy = anyio.Lock(fast_acquire=True)

    @abstractmethod
    def _cut(self) -> None:
        """End the connection of a client that does not read."""

    @property
    def state(self) -> State:
        """Where the authentication stands."""
        return self._machine.state

    @property
    def is_closed(self) -> bool:
        """Whether nothing more is said."""
        return self._machine.is_closed

    @property
    def subscriptions(self) -> tuple[str | None, ...]:
        """The names of what is followed and heard."""
        return self._subscriptions.names

    @property
    def followed(self) -> int:
        """How many subscriptions to collections and channels there are."""
        return len(self._subscriptions)

    def deliver(self, subscription: str | None, event: Event) -> None:
        """Queue an event of a subscription."""
        if self._attendant.filters:
            if self._machine.is_closed:
                return
            wanted = self._attendant.outgoing(subscription, event)
            if wanted is None:
                return
            event = wanted
        self.deliver_as_it_is(subscription, event)

    def deliver_as_it_is(self, subscription: str | None, event: Event) -> None:
        """Queue an event that the application has agreed to."""
        if self._machine.is_closed:
            return
        if event.kind == "init" and not self._subscriptions.begins_with_data(subscription):
            self.fail(subscription, Problem(Code.POSITION_LOST, "Too much has changed to be told one by one."))
            return
        # So much at once is not the client's fault, however fast it reads.
        if (event.kind == "init" or event.size > self._pace.outbound.size) and not self._outbox.has_room_for(event):
            self.fail(subscription, Problem(Code.CONTENT_TOO_LARGE, "There is too much to be told at once."))
            return
        queue = self._echo if self._echo.is_kept else self._outbox
        queue.deliver(subscription, event)
        if queue.overrun:
            self._cut()

    def _lose(self, subscription: str | None, event: Event, error: Exception) -> None:
        """Log what the dialect has no words for, once for all whom it was for; of changes none may be missing."""
        if event.cache.setdefault(_LOST, self) is self:
            _log.error("event.untold", exc_info=error, subscription=subscription, kind=event.kind)
        if event.kind != PUBLISHED:
            self.fail(subscription, Problem(Code.INTERNAL))

    def offer(self, subscription: str | None, event: Event, most: int) -> bool:
        """Queue an event unless `most` wait already, or too many bytes; who does not read is not cut for it."""
        if self._outbox.waiting >= most or self._outbox.lagging:
            return False
        self.deliver(subscription, event)
        return True

    def withdraw(self, subscription: str | None, reach: int) -> int | None:
        """Drop what waits of a subscription; return up to where it has been told everything, if that can be said."""
        return self._outbox.withdraw(subscription, reach)

    def fail(self, subscription: str | None, problem: Problem) -> None:
        """End one subscription and say why."""
        self._subscriptions.fail(subscription, problem)

    def discard(self, subscription: str | None) -> None:
        """Drop what waits of a subscription."""
        self._attendant.discard(subscription)
        self._echo.discard(subscription)
        self._outbox.discard(subscription)

    def doubt(self) -> None:
        """Say nothing by rights that may be others by now, where those would end the connection."""
        if self._machine.policy.on_rights_changed is not None and not self.is_closed:
            self._standing.doubt()
            self.hold()

    async def certain(self) -> None:
        """Return when it is known by which rights answers may be said."""
        await self._standing.certain()

    def hold(self) -> None:
        """Keep events back until `release`."""
        self._outbox.hold()

    def release(self) -> None:
        """Let events go out again, unless there is somebody to wait for."""
        if self.state is not State.GRACE:
            self._outbox.release()

    def discard_all(self) -> None:
        """Drop every event that waits."""
        self._attendant.discard_all()
        self._echo.discard_all()
        self._outbox.discard_all()

    @property
    def batching(self) -> Fifo | None:
        """The queue, where it can gather what is said; None where the dialect cannot."""
        return self._outbox if isinstance(self._outbox, Fifo) else None

    def write(self, frame: Frame) -> None:
        """Write a message as it is."""
        if not self._machine.is_closed:
            self._outbox.say((frame,))
            self._check_room()

    def say(self, outcome: out.Outcome, *, of: str | None = None) -> None:
        """Say an outcome, unless the connection has ended.

        What it is `of`, as a value is of its subscription, is not said any more when the right to it ends before.
        """
        if self._machine.is_closed and not isinstance(outcome, out.Refused):
            return
        frames = self._dialect.send(outcome)
        if isinstance(outcome, out.Heartbeat | out.Opened):
            self._outbox.say_alone(frames)
        elif isinstance(self._outbox, Fifo):
            self._outbox.say(frames, value_of=outcome.subscription if isinstance(outcome, out.Value) else of)
        else:
            self._outbox.say(frames, apart=isinstance(outcome, out.Subscribed))
        if isinstance(outcome, out.Called):
            self._check_room()

    def _check_room(self) -> None:
        """Cut the connection when the application says more of its own accord than the client reads."""
        if self._outbox.overrun:
            self._cut()

    async def room(self) -> None:
        """Return when the client has read enough to be told more."""
        if self._outbox.lagging:
            async with self._roomy:
                await self._outbox.room()
