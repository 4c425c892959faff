"""TrpcOptions: what can be set of one mount of the tRPC dialect."""

from __future__ import annotations

from typing import Any

import msgspec

from watchword.backend.challenges import Challenge
from watchword.backend.limits import SocketLimits
from watchword.backend.outbox import Mark
from watchword.backend.pace import KeepAlive, Pace, Pulse
from watchword.backend.procedure_attendant import OwnProcedures
from watchword.connection.policy import AuthPolicy, Mode, Reaction
from watchword.dialects.trpc.wire import BuiltIns, Wire
from watchword.http.settings import CorsSettings

SUPERJSON = "superjson"
_FOREVER = 1e9
_NAMED: dict[str, type[Mode | Reaction]] = {"mode": Mode, "on_expiry": Reaction, "on_message_expiry": Reaction}


class EventOptions(msgspec.Struct, frozen=True, kw_only=True):
    """Subscriptions over server-sent events; times are seconds.

    `ping`: how often a sign of life is sent. `reconnect_after`: after how much silence clients connect anew; None tells
    them nothing. `max_duration`: after which time the server ends a stream, for the client to come back. With
    `end_after_first` a stream ends after its first value.
    """

    ping: float = 10.0
    reconnect_after: float | None = None
    max_duration: float | None = None
    end_after_first: bool = False

    def __post_init__(self) -> None:
        if self.reconnect_after is not None and self.ping > self.reconnect_after:
            raise ValueError("events.ping must not be longer than events.reconnect_after")


def options_of(values: dict[str, Any]) -> TrpcOptions:
    """Return options by name; modes and reactions may be given by their names.

    Raises:
        ValueError: a value is not fit.
        TypeError: there is no such option.
    """
    named = {name: kind(values[name]) for name, kind in _NAMED.items() if name in values}
    return TrpcOptions(**(values | named))


class TrpcOptions(msgspec.Struct, frozen=True, kw_only=True):
    """The options of one mount; times are seconds.

    Sockets: `mode` as in `connection.policy.Mode`; `auth_timeout` for the first message, and for who it is in the mode
    HANDSHAKE. `renew`: the part of its life after which the client is asked to connect with a new token; None never
    asks. `on_expiry`: what becomes of a socket whose token came with the connection and is over; `on_message_expiry`:
    of one that was authenticated by a message. `linger`: how long a refused socket still answers. `keep_alive`: when a
    sign of life is asked for; None never asks. `challenge`: how often a client has to show that it is still who it was;
    None never asks. `calls`, `subscriptions`: how many at the same time on one socket.
    `frame`, `first_frame`: bytes of a message, and of the first one. `sockets`: how many there may be.

    HTTP: `max_body` bytes, by default as all requests. `batching` lets several calls come together, `max_batch` at the
    most. `method_override` lets queries come by POST. `cors`: of this mount alone, in place of the server's.

    Both: `transformer`: None, or "superjson". `built_ins`: what the procedures are called that every mount has.
    """

    mode: Mode = Mode.PUBLIC
    auth_timeout: float = 10.0
    renew: float | None = 0.6
    on_expiry: Reaction = Reaction.CLOSE
    on_message_expiry: Reaction = Reaction.DEMOTE
    linger: float = 0.15
    keep_alive: KeepAlive | None = KeepAlive()
    calls: int = 100
    subscriptions: int = 100
    frame: int = 64 * 1024
    first_frame: int = 4 * 1024
    sockets: SocketLimits = SocketLimits()
    outbound: Mark = Mark(10_000, 16 * 1024**2)
    high_water: Mark = Mark(1_000, 1024**2)
    max_body: int | None = None
    batching: bool = True
    max_batch: int = 100
    method_override: bool = False
    events: EventOptions = EventOptions()
    cors: CorsSettings | None = None
    transformer: str | None = None
    built_ins: BuiltIns = BuiltIns()
    challenge: Challenge | None = None

    def __post_init__(self) -> None:
        if self.transformer not in {None, SUPERJSON}:
            raise ValueError('transformer must be None or "superjson"')
        if not all(isinstance(getattr(self, name), kind) for name, kind in _NAMED.items()):
            raise ValueError(f"{', '.join(_NAMED)} must be members of Mode and Reaction")
        if Reaction.GRACE in {self.on_expiry, self.on_message_expiry}:
            raise ValueError("a socket of this dialect closes or is the public's when its token is over")
        if self.renew is not None and not 0 < self.renew < 1:
            raise ValueError("renew must be between 0 and 1")

    @property
    def wire(self) -> Wire:
        """What all roads agree on."""
        return Wire(self.transformer == SUPERJSON, self.built_ins, self.max_batch)

    @property
    def own(self) -> OwnProcedures:
        """What the server has of its own, beside what is part of the protocol."""
        names = self.built_ins
        return OwnProcedures(names.challenges, names.prove, names.ticket, self.challenge)

    def policy(self, *, has_params: bool) -> AuthPolicy:
        """Return the rules of a socket, which is announced with parameters in its first message or is not."""
        return AuthPolicy(
            self.mode,
            self.auth_timeout,
            on_reject=Reaction.DEMOTE,
            on_expiry=self.on_expiry,
            on_message_expiry=self.on_message_expiry,
            opens=has_params,
            guarded=True,
            renew=self.renew,
            linger=self.linger,
        )

    @property
    def events_policy(self) -> AuthPolicy:
        """The rules of a stream of events: it has no way in, so it ends with its credential."""
        return AuthPolicy(Mode.PUBLIC, on_expiry=Reaction.CLOSE, guarded=True)

    @property
    def pace(self) -> Pace:
        """The numbers of a socket."""
        return Pace(
            gap=None,
            outbound=self.outbound,
            high_water=self.high_water,
            heartbeat=self.keep_alive,
            subscriptions=self.subscriptions,
            frame=self.frame,
            first_frame=self.first_frame,
            calls=self.calls,
        )

    @property
    def events_pace(self) -> Pace:
        """The numbers of a stream of events, whose one message is empty."""
        pulse = Pulse(self.events.ping, _FOREVER)
        return msgspec.structs.replace(self.pace, heartbeat=pulse, subscriptions=1)
