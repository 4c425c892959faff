"""Socket: the server's end of one SocketCluster connection, as the application holds it."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any, Protocol

import anyio

from watchword.access.principal import ANONYMOUS, Principal
from watchword.backend.calls import OutgoingCalls, RemoteError
from watchword.backend.request import CURRENT, Procedures, Request
from watchword.backend.streams import Stream, Streams
from watchword.base.errors import Code, Problem
from watchword.base.names import event_name
from watchword.protocol import outcomes as out
from watchword.protocol.events import size_of
from watchword.protocol.operations import ABSENT

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from watchword.backend.context import Connection
    from watchword.backend.conversation import Conversation
    from watchword.backend.exchange import Exchange
    from watchword.backend.fifo import Fifo
    from watchword.backend.socketcluster_options import SocketClusterOptions
    from watchword.base.clock import Clock
    from watchword.identity.authenticator import Authenticated
    from watchword.identity.client import Client

CONNECTING, OPEN, CLOSED = "connecting", "open", "closed"
AUTHENTICATED, UNAUTHENTICATED = "authenticated", "unauthenticated"

_NOT_OPEN = "The socket has not completed its handshake."
_OF_A_TOKEN = frozenset({"iat", "exp", "nbf"})


class AuthEngine(Protocol):
    """What signs and verifies the tokens of an endpoint."""

    def sign(self, payload: dict[str, Any], options: dict[str, Any] | None = None) -> tuple[str, dict[str, Any]]:
        """Return a token and all its claims, or raise ValueError."""

    def verify(self, token: str) -> dict[str, Any]:
        """Return the claims of a token that is good now, or raise Problem."""


class Endpoint(Protocol):
    """The endpoint of a socket."""

    @property
    def options(self) -> SocketClusterOptions:
        """Its numbers."""

    @property
    def exchange(self) -> Exchange:
        """The channels."""

    @property
    def clock(self) -> Clock:
        """What time it is."""

    @property
    def tokens(self) -> AuthEngine:
        """What signs its tokens."""

    def emit(self, event: str, data: Any = None) -> None:
        """Tell its listeners of an event."""

    def authenticated(self, socket: Socket) -> None:
        """Hear that a socket is somebody's."""

    async def issue(self, claims: dict[str, Any], options: dict[str, Any], client: Client) -> tuple[str, Principal]:
        """Sign a token, and return it with whom it stands for; ValueError or TypeError when it cannot be signed."""

    async def vouches_for(self, principal: Principal) -> bool:
        """Whether somebody stems from a good token of its own."""

    async def log_in(self, email: str, password: str, client: Client) -> Authenticated:
        """Begin a session."""

    async def refresh(self, token: str, client: Client) -> Authenticated:
        """Go on with one."""


class Socket:
    """One connection. Streams: `procedure(name)`, `receiver(name)`, `listener(event)`; all of them are bounded.

    Attributes:
        id: what the client knows the socket by.
        connection: the upgrade request: `headers`, `query`, `address`.
        state: `connecting`, `open` or `closed`.
        auth_token: the claims of its token; None while it is nobody's.
        signed_auth_token: the token itself.
    """

    def __init__(self, server: Endpoint, connection: Connection) -> None:
        self.server = server
        self.connection = connection
        self.id = connection.id
        self.state = CONNECTING
        self.auth_token: dict[str, Any] | None = None
        self.signed_auth_token: str | None = None
        self.inbound_received_message_count = 0
        self.bytes_received = 0
        bound = server.options.stream_bound
        self.procedures: Streams[Request] = Streams(bound, parks=lambda request: request.size)
        self.receivers: Streams[Any] = Streams(bound, parks=size_of)
        self.listeners: Streams[Any] = Streams(bound)
        self.calls = OutgoingCalls()
        self.presented: str | None = None
        self._conversation: Conversation | None = None
        self._refresh_token: str | None = None
        self._renewal: anyio.CancelScope | None = None

    def attach(self, conversation: Conversation) -> None:
        """Take the conversation that carries it; called once, before it runs."""
        self._conversation = conversation

    # -- what the application reads ----------------------------------------------------------------------------------

    @property
    def principal(self) -> Principal:
        """On whose behalf it acts."""
        return ANONYMOUS if self._conversation is None else self._conversation.principal

    @property
    def auth_state(self) -> str:
        """`authenticated` or `unauthenticated`."""
        return UNAUTHENTICATED if self.auth_token is None else AUTHENTICATED

    @property
    def is_authenticated(self) -> bool:
        """Whether it is somebody's."""
        return self.auth_token is not None

    @property
    def exchange(self) -> Exchange:
        """The channels, as the server itself."""
        return self.server.exchange

    @property
    def remote_address(self) -> str | None:
        """The address of the other end."""
        return self.connection.address

    def get_state(self) -> str:
        """Return its state."""
        return self.state

    def get_bytes_received(self) -> int:
        """Return how much the client has sent, as the length of its messages."""
        return self.bytes_received

    def get_auth_token(self) -> dict[str, Any] | None:
        """Return the claims of its token."""
        return self.auth_token

    def is_auth_token_expired(self) -> bool:
        """Whether its token is over; it is taken away as soon as that is so."""
        expires_at = self.principal.expires_at
        return expires_at is not None and expires_at <= self.server.clock.now()

    def subscriptions(self) -> list[str]:
        """Return the channels that it hears."""
        names = () if self._conversation is None else self._conversation.subscriptions
        return [name for name in names if name is not None]

    def is_subscribed(self, channel: str) -> bool:
        """Whether it hears a channel."""
        return channel in self.subscriptions()

    @property
    def channel_subscriptions_count(self) -> int:
        """How many channels it hears."""
        return len(self.subscriptions())

    # -- streams ------------------------------------------------------------------------------------------------------

    def procedure(self, name: str) -> Procedures:
        """Return the calls of a procedure, to iterate over; each has to be answered by `end` or `error`."""
        return Procedures(self.procedures.stream(name))

    def receiver(self, name: str) -> Stream[Any]:
        """Return what the client transmits under a name, to iterate over."""
        return self.receivers.stream(name)

    def listener(self, event: str) -> Stream[Any]:
        """Return what happens to the socket, to iterate over: `auth_state_change`, `disconnect`, `error`, …."""
        return self.listeners.stream(event_name(event))

    def emit(self, event: str, data: Any = None) -> None:
        """Tell the listeners of an event."""
        self.listeners.write(event_name(event), data)

    def emit_error(self, error: Problem) -> None:
        """Tell the listeners of `error`, and those of the server."""
        self.emit("error", {"error": error})
        self.server.emit("error", {"socket": self, "error": error})

    @property
    def backpressure(self) -> int:
        """How much waits for the slowest consumer of any of its streams, or for the client."""
        return max(self.inbound_backpressure, self.outbound_backpressure, self.listeners.backpressure)

    @property
    def inbound_backpressure(self) -> int:
        """How many calls and transmits wait for the application."""
        return max(self.procedures.backpressure, self.receivers.backpressure)

    @property
    def outbound_backpressure(self) -> int:
        """How many messages wait for the client."""
        queue = self._queue
        return 0 if queue is None else queue.waiting

    def close_input(self) -> None:
        """Let the consumers of calls and transmits end after what waits for them."""
        self.procedures.close()
        self.receivers.close()

    def kill_input(self) -> None:
        """End the consumers of calls and transmits at once."""
        self.procedures.kill()
        self.receivers.kill()

    def close_streams(self) -> None:
        """Let every consumer end after what waits for it."""
        for streams in (self.procedures, self.receivers, self.listeners):
            streams.close()

    def kill_streams(self) -> None:
        """End every consumer at once."""
        for streams in (self.procedures, self.receivers, self.listeners):
            streams.kill()

    # -- what the application does ------------------------------------------------------------------------------------

    def say(self, outcome: out.Outcome) -> None:
        """Say an outcome; nothing after the end."""
        if self._conversation is not None:
            self._conversation.say(outcome)

    def transmit(self, event: str, data: Any = ABSENT) -> None:
        """Tell the client something that wants no answer.

        Raises:
            Problem: the handshake has not been completed.
        """
        self._require_open()
        self.say(out.Called(event, data))

    async def invoke(self, procedure: str, data: Any = ABSENT, *, ack_timeout: float | None = None) -> Any:
        """Call a procedure of the client's and return its result.

        Raises:
            RemoteError: the client has answered with an error.
            TimeoutError: it has not answered within `ack_timeout` seconds.
            Problem: the connection has ended.
        """
        self._require_open()
        patience = self.server.options.ack_timeout if ack_timeout is None else ack_timeout
        return await self.calls.call(lambda call: self.say(out.Called(procedure, data, call)), procedure, patience)

    def send(self, message: str | bytes) -> None:
        """Write a message as it is."""
        if self._conversation is not None:
            self._conversation.write(message)

    def disconnect(self, code: int = 1000, reason: str = "") -> None:
        """Close after what waits; with a code from 4500 on, clients do not come back by themselves."""
        if self._conversation is not None:
            self._conversation.stop(code, reason)

    def terminate(self) -> None:
        """Close at once."""
        if self._conversation is not None:
            self._conversation.drop()

    async def set_auth_token(
        self, claims: dict[str, Any], *, reject_on_failed_delivery: bool = False, **options: Any
    ) -> None:
        """Give the socket an identity of these claims, and the client a token of them.

        Options are `expires_in` and `not_before` (seconds, or a text like "30m"), `audience`, `subject`, `issuer`,
        `jwt_id`, `key_id`, `header`, `no_timestamp`. Within a call of a procedure the token leaves right before the
        answer.

        Raises:
            Problem: the handshake has not been completed; the token cannot be signed, and the socket is closed (4002);
                with `reject_on_failed_delivery`, the client has not confirmed that it has the token.
        """
        self._require_open()
        try:
            signed, principal = await self.server.issue(claims, options, self.connection.client)
        except (ValueError, TypeError) as error:
            problem = Problem(Code.UNPROCESSABLE_CONTENT, f"Failed to sign auth token - {error}", name="AuthTokenError")
            self.emit_error(problem)
            self.disconnect(4002)
            raise problem from error
        self.emit("auth_token_signed", {"signed_auth_token": signed})
        await self._assign(signed, principal, delivered=reject_on_failed_delivery)

    async def log_in(self, email: str, password: str) -> Principal:
        """Log a user of Watchword's in by e-mail and password: the token that the client gets carries the session.

        Raises:
            Problem: INVALID_CREDENTIALS, REQUESTS_EXCEEDED.
        """
        self._require_open()
        verified = await self.server.log_in(email, password, self.connection.client)
        await self._adopt(verified)
        return verified.principal

    async def _adopt(self, verified: Authenticated) -> None:
        self._refresh_token = verified.refresh_token
        await self._assign(verified.access_token or "", verified.principal, delivered=False)

    async def _assign(self, signed: str, principal: Principal, *, delivered: bool) -> None:
        if self._conversation is None:
            return
        self.presented = signed
        if not delivered:
            await self._conversation.assign(principal, out.Issued(signed))
            return
        conversation = self._conversation
        await self._confirmed(
            lambda call: conversation.assign(principal, out.Issued(signed, call)),
            "#setAuthToken",
            "Failed to deliver auth token to client",
        )

    async def _confirmed(self, tell: Callable[[int], Awaitable[None]], name: str, failed: str) -> None:
        try:
            await self.calls.call(tell, name, self.server.options.ack_timeout)
        except (Problem, RemoteError, TimeoutError) as error:
            reason = str(error) if isinstance(error, TimeoutError) else error.message
            raise Problem(Code.AUTH_FAILED, f"{failed} - {reason}") from error

    async def deauthenticate(self, *, reject_on_failed_delivery: bool = False) -> None:
        """Make the socket the public's, and let the client drop its token.

        Raises:
            Problem: with `reject_on_failed_delivery`, the client has not confirmed it.
        """
        if self._conversation is None:
            return
        if not reject_on_failed_delivery:
            await self._conversation.deauthenticate(out.Deauthenticated())
            return
        conversation = self._conversation
        await self._confirmed(
            lambda call: conversation.deauthenticate(out.Deauthenticated(call)),
            "#removeAuthToken",
            "Failed to deauthenticate client",
        )

    async def deauthenticate_self(self) -> None:
        """Make the socket the public's, without a word to the client."""
        if self._conversation is not None and self.is_authenticated:
            await self._conversation.deauthenticate(None)
            self.become(None, None)

    def renew_every(self, seconds: float | None) -> None:
        """Give the client a new token of the same claims again and again, as long as the session is good.

        Each lasts as long as the one before. None ends that. What ends the identity ends the renewal, too; a token that
        somebody else has issued is not renewed.
        """
        if self._renewal is not None:
            self._renewal.cancel()
            self._renewal = None
        if seconds is not None and self._conversation is not None:
            self._renewal = anyio.CancelScope()
            self._conversation.spawn(self._renew, seconds, self._renewal)

    async def _renew(self, seconds: float, scope: anyio.CancelScope) -> None:
        with scope, suppress(Problem):
            while True:
                await anyio.sleep(seconds)
                if self.auth_token is None:
                    return
                if self._refresh_token is not None:
                    await self._adopt(await self.server.refresh(self._refresh_token, self.connection.client))
                elif not await self.server.vouches_for(self.principal):
                    return
                elif self.auth_token is not None:
                    lasting = {name: value for name, value in self.auth_token.items() if name not in _OF_A_TOKEN}
                    await self.set_auth_token(lasting, expires_in=_span(self.auth_token))

    def kick_out(self, channel: str | Iterable[str] | None = None, message: str = "") -> None:
        """Let the socket hear a channel no more, several ones, or any, and tell the client.

        Raises:
            Problem: it does not hear one of them; the client is told nevertheless.
        """
        names = self.subscriptions() if channel is None else [channel] if isinstance(channel, str) else list(channel)
        missing = [name for name in names if not self.is_subscribed(name)]
        for name in names:
            if self._conversation is not None:
                self._conversation.fail(name, Problem(Code.FORBIDDEN, message))
        if missing:
            raise Problem(Code.UNPROCESSABLE_CONTENT, f"The socket is not subscribed to the {missing[0]} channel.")

    def start_batching(self) -> None:
        """Gather what is said from now on, and put it together to one message every `batch_interval`."""
        queue = self._queue
        if queue is not None:
            queue.start_batching(self.server.options.batch)

    def stop_batching(self) -> None:
        """Write what has been gathered, and gather no more."""
        queue = self._queue
        if queue is not None:
            queue.stop_batching()

    def cancel_batching(self) -> None:
        """Drop what has been gathered, and gather no more."""
        queue = self._queue
        if queue is not None:
            queue.cancel_batching()

    @property
    def is_batching(self) -> bool:
        """Whether what is said is gathered."""
        queue = self._queue
        return queue is not None and queue.is_batching

    @property
    def _queue(self) -> Fifo | None:
        return None if self._conversation is None else self._conversation.batching

    # -- for whoever drives it ----------------------------------------------------------------------------------------

    def become(self, signed: str | None, claims: dict[str, Any] | None) -> None:
        """Take on an identity, or lose it, and tell the listeners."""
        before, former = self.auth_state, self.auth_token
        self.signed_auth_token, self.auth_token = signed, claims
        told = {"auth_token": claims, "signed_auth_token": signed}
        if self.auth_state != before:
            change = {"old_auth_state": before, "new_auth_state": self.auth_state, **told}
            self.emit("auth_state_change", change)
            self.server.emit("authentication_state_change", {"socket": self, **change})
        if claims is not None:
            self.emit("authenticate", told)
            self.server.emit("authentication", {"socket": self, **told})
            self.server.authenticated(self)
        else:
            self.renew_every(None)
            self.emit("deauthenticate", {"old_auth_token": former})
            self.server.emit("deauthentication", {"socket": self, "old_auth_token": former})

    def keeps(self, outcome: out.Outcome) -> bool:
        """Whether an outcome leaves with the answer to the request that the running task is about."""
        request = CURRENT.get()
        if not isinstance(outcome, out.Issued) or outcome.call is not None or request is None:
            return False
        if request.socket is not self or request.sent:
            return False
        request.keep(outcome)
        return True

    def _require_open(self) -> None:
        if self.state == CONNECTING:
            raise Problem(Code.UNPROCESSABLE_CONTENT, _NOT_OPEN)


def _span(claims: dict[str, Any]) -> int | None:
    """Return for how many seconds a token was made to last, where it says so in whole numbers."""
    issued, expires = claims.get("iat"), claims.get("exp")
    return expires - issued if isinstance(issued, int) and isinstance(expires, int) else None
