"""SocketAttendant: what lies between the conversation of one SocketCluster connection and the application."""

from __future__ import annotations

import base64
import binascii
from collections import deque
from typing import TYPE_CHECKING, Any, Protocol

import anyio
import msgspec
import structlog
from msgspec.structs import replace

from watchword.backend.alarm import Alarm
from watchword.backend.attendant import Attendant
from watchword.backend.lines import Action, ActionType, Line
from watchword.backend.request import CURRENT, Request
from watchword.backend.socket import CLOSED, OPEN, Endpoint, Socket
from watchword.base.errors import Code, Problem
from watchword.protocol import operations as op
from watchword.protocol import outcomes as out
from watchword.protocol.events import Event
from watchword.protocol.operations import ABSENT

if TYPE_CHECKING:
    from watchword.access.principal import Principal
    from watchword.backend.application import Application
    from watchword.backend.attendant import Caller
    from watchword.backend.context import Context
    from watchword.backend.conversation import Conversation
    from watchword.backend.lines import Lines
    from watchword.identity.authenticator import Authenticated
    from watchword.identity.client import Client

_log = structlog.get_logger(__name__)

PARK_SECONDS = 1.0
"""For how long a call waits for somebody who hears its procedure."""
MOST_OUTGOING = 1_000
"""How many publications wait for a function on the outbound line that takes its time."""


class AttendedEndpoint(Endpoint, Protocol):
    """The endpoint of a socket, for whoever drives it."""

    @property
    def lines(self) -> Lines:
        """The functions between its sockets and the application."""

    @property
    def application(self) -> Application:
        """What the application has registered."""

    async def identify(self, token: str, client: Client) -> Authenticated | None:
        """Judge a token of its own."""

    async def invoke(self, context: Context, operation: op.Invoke, socket: Socket) -> out.Reply:
        """Call a procedure of the application's."""

    def opened(self, socket: Socket, outcome: out.Opened) -> None:
        """Hear that a socket has completed its handshake."""

    def serve(self, socket: Socket, conversation: Conversation) -> None:
        """Call the application's functions for a socket."""

    def auth_failed(self, socket: Socket, problem: Problem) -> None:
        """Hear that a token was not good."""

    def closed(self, socket: Socket, code: int, reason: str, *, was_open: bool) -> None:
        """Hear that a socket has ended."""


class SocketAttendant(Attendant):
    """Asks the lines of the endpoint, feeds the streams of the socket, and keeps the socket's state."""

    def __init__(self, server: AttendedEndpoint, socket: Socket) -> None:
        self._server = server
        self._lines = server.lines
        self._options = server.options
        self.socket = socket
        self._expired: Problem | None = None
        self._outgoing: deque[tuple[str | None, Event]] = deque()
        self._comes = Alarm()
        self._conversation: Conversation | None = None

    def attach(self, conversation: Conversation) -> None:
        """Take the conversation; called once, before it runs."""
        self._conversation = conversation
        self.socket.attach(conversation)

    # -- what comes in -----------------------------------------------------------------------------------------------

    async def received(self, frame: str | bytes) -> str | bytes | None:
        """Ask the line of raw messages; what it blocks is dropped."""
        self.socket.inbound_received_message_count += 1
        self.socket.bytes_received += len(frame)
        if not self._lines.has(Line.INBOUND_RAW):
            return frame
        action = Action(ActionType.MESSAGE, self.socket, frame)
        try:
            await self._lines.ask(Line.INBOUND_RAW, action)
        except Exception as error:  # noqa: BLE001 - whatever it is, it blocks
            self._blocked(action, error)
            return None
        changed: str | bytes = action.data
        return changed

    async def identify(self, credential: op.Credential, client: Client) -> Authenticated | None:
        """Judge a token of the endpoint's own; those of Watchword are the backend's."""
        if not isinstance(credential, op.AccessToken):
            return None
        return await self._server.identify(credential.token.reveal(), client)

    async def opening(self, principal: Principal, problem: Problem | None) -> None:
        """Ask the line of handshakes."""
        action = Action(ActionType.HANDSHAKE_SC, self.socket)
        action.data = {"is_authenticated": not principal.is_anonymous, "auth_token": principal.claims, "error": problem}
        await self._ask(Line.HANDSHAKE, action)

    async def authenticating(self, operation: op.Authenticate | op.Open, principal: Principal) -> None:
        """Ask the inbound line about a token that is good."""
        signed = _signed(operation)
        action = Action(ActionType.AUTHENTICATE, self.socket)
        action.signed_auth_token, action.auth_token = signed, _claims(principal, signed)
        await self._ask(Line.INBOUND, action)
        self.socket.presented = signed

    async def admit(self, operation: op.Operation, caller: Caller) -> op.Operation:
        """Ask the inbound line about what it is for, and hold the endpoint's own limits."""
        del caller
        match operation:
            case op.Publish() if not self._options.allow_client_publish:
                raise Problem(Code.UNPROCESSABLE_CONTENT, "Client publish feature is disabled")
            case op.Join(channel=name) | op.Publish(channel=name):
                self._check_name(name)
            case op.Invoke(procedure=name) | op.Transmit(event=name):
                self._check_name(name)
            case _:
                pass
        action = self._action(operation)
        if action is None or not self._lines.has(Line.INBOUND):
            return operation
        action.auth_token_expired_error, self._expired = self._expired, None
        before = action.data
        await self._ask(Line.INBOUND, action)
        if action.data is before or isinstance(operation, op.Subscribe):
            return operation
        return replace(operation, data=action.data)

    async def call(self, operation: op.Invoke, caller: Caller) -> out.Reply | None:
        """Answer by whoever hears the procedure, else by the application's procedure of that name."""
        name, socket = operation.procedure, self.socket
        request = Request(socket, operation)
        if not socket.procedures.has_consumer(name) and name in self._server.application.procedures.by_path:
            CURRENT.set(request)
            try:
                reply = await self._server.invoke(await caller(), operation, socket)
                request.sent = True
                return reply
            finally:
                request.finish()
        for lost in socket.procedures.write(name, request):
            lost.error(Problem(Code.REQUESTS_EXCEEDED, "Too many calls wait for this procedure."))
        await self._wait_for_answer(name, request)
        return None

    async def _wait_for_answer(self, name: str, request: Request) -> None:
        with anyio.move_on_after(PARK_SECONDS):
            await request.answered.wait()
        if not request.sent and not self.socket.procedures.has_consumer(name):
            self.socket.procedures.unpark(name, request)
            if self._options.answers_unknown:
                request.error(Problem(Code.ROUTE_NOT_FOUND, f"There is no procedure {name}."))
            return
        with anyio.move_on_after(self._options.call_timeout):
            await request.answered.wait()
        request.finish()

    def transmitted(self, operation: op.Transmit) -> None:
        """Give what is transmitted to whoever hears it; a little is kept for who is about to hear."""
        self.socket.receivers.write(operation.event, None if operation.data is ABSENT else operation.data)

    def answered(self, operation: op.Answer) -> None:
        """Give the client's answer to whoever waits for it."""
        self.socket.calls.answered(operation)

    def raw(self, operation: op.Raw) -> None:
        """Tell of a message that is no packet."""
        self.socket.emit("raw", {"message": operation.data})

    # -- what goes out -----------------------------------------------------------------------------------------------

    @property
    def filters(self) -> bool:  # type: ignore[override]  # it depends on who has been added to the line
        """Whether the outbound line has to be asked."""
        return self._lines.filters

    def outgoing(self, subscription: str | None, event: Event) -> Event | None:
        """Ask the outbound line, at once where none of its functions waits."""
        if not (self._lines.waits or self._outgoing):
            action = self._publish_out(subscription, event)
            try:
                if self._lines.ask_now(action):
                    return _with(event, action)
            except Exception as error:  # noqa: BLE001 - whatever it is, it blocks
                self._blocked(action, error)
                return None
        if len(self._outgoing) > MOST_OUTGOING:
            del self._outgoing[1]  # the first one is being asked about
            self._server.emit("warning", {"socket": self.socket, "warning": "The outbound line is too slow."})
        self._outgoing.append((subscription, event))
        self._comes.ring()
        return None

    async def pass_slowly(self) -> None:
        """Ask the outbound line about what waits for it, one after the other, until cancelled."""
        while True:
            await self._comes.wait(None)
            while self._outgoing:
                await self._pass(self._outgoing[0])

    async def _pass(self, asked: tuple[str | None, Event]) -> None:
        subscription, event = asked
        action, passed = self._publish_out(subscription, event), False
        try:
            await self._lines.ask(Line.OUTBOUND, action)
            passed = True
        except Exception as error:  # noqa: BLE001 - whatever it is, it blocks
            self._blocked(action, error)
        if not self._outgoing or self._outgoing[0] is not asked:
            return  # it was dropped meanwhile
        self._outgoing.popleft()
        if passed and self._conversation is not None:
            self._conversation.deliver_as_it_is(subscription, _with(event, action))

    def discard(self, subscription: str | None) -> None:
        """Drop what waits of a subscription for the outbound line."""
        self._outgoing = deque(each for each in self._outgoing if each[0] != subscription)

    def discard_all(self) -> None:
        """Drop all that waits for the outbound line."""
        self._outgoing.clear()

    def _publish_out(self, subscription: str | None, event: Event) -> Action:
        action = Action(ActionType.PUBLISH_OUT, self.socket, event.data)
        action.channel = subscription
        return action

    # -- what happens ------------------------------------------------------------------------------------------------

    def keeps(self, outcome: out.Outcome) -> bool:
        """Let a new token leave with the answer to the call that has brought it about."""
        return self.socket.keeps(outcome)

    def refused(self, operation: op.Authenticate | op.Open, problem: Problem) -> None:
        """Tell of a token that is not good."""
        told = {"auth_error": problem, "signed_auth_token": _signed(operation)}
        self.socket.emit_error(problem)
        self.socket.emit("bad_auth_token", told)
        self._server.emit("bad_socket_auth_token", {"socket": self.socket, **told})
        self._server.auth_failed(self.socket, problem)

    def failed(self, operation: op.Operation, problem: Problem) -> None:
        """Tell of what was blocked or went wrong, where the endpoint wants to know."""
        if self._options.middleware_emit_failures:
            self.socket.emit_error(problem)
            self._server.emit("warning", {"socket": self.socket, "warning": problem, "operation": operation})

    def told(self, outcome: out.Outcome) -> None:
        """Keep the socket's state, in the order in which the client learns of it."""
        socket, conversation = self.socket, self._conversation
        principal = socket.principal
        match outcome:
            case out.Opened():
                socket.state = OPEN
                self._server.opened(socket, outcome)
                if conversation is not None:
                    conversation.spawn(self.pass_slowly)
                    self._server.serve(socket, conversation)
                if outcome.is_authenticated:
                    socket.become(socket.presented, _claims(principal, socket.presented))
            case out.Authenticated():
                socket.become(socket.presented, _claims(principal, socket.presented))
            case out.Issued(token=token):
                socket.become(token, _claims(principal, token))
            case out.Refused(problem=problem, presented=presented) if socket.is_authenticated:
                if not presented and problem.code is Code.TOKEN_EXPIRED:
                    self._expired = _expiry(socket)
                socket.become(None, None)
            case out.Deauthenticated() if socket.is_authenticated:
                socket.become(None, None)

    def deauthenticated(self) -> None:
        """Keep the socket's state when the client has dropped its token itself."""
        if self.socket.is_authenticated:
            self.socket.become(None, None)

    def joined(self, operation: op.Join | op.Subscribe) -> None:
        """Tell of a subscription."""
        channel = operation.channel if isinstance(operation, op.Join) else operation.subscription
        data = operation.data if isinstance(operation, op.Join) and operation.data is not ABSENT else None
        told = {"channel": channel, "subscription_options": {"channel": channel, "data": data}}
        self.socket.emit("subscribe", told)
        self._server.emit("subscription", {"socket": self.socket, **told})

    def left(self, subscription: str, problem: Problem | None) -> None:
        """Tell of the end of a subscription."""
        del problem
        self.socket.emit("unsubscribe", {"channel": subscription})
        self._server.emit("unsubscription", {"socket": self.socket, "channel": subscription})

    def closed(self, code: int, reason: str) -> None:
        """Tell of the end, end what waits, and let the streams end."""
        socket = self.socket
        was_open, socket.state = socket.state == OPEN, CLOSED
        kind = "disconnect" if was_open else "connect_abort"
        socket.calls.end(
            Problem(Code.SERVICE_UNAVAILABLE, f"Connection ended: {code} {reason}".strip(), type=kind, reason=reason)
        )
        told = {"code": code, "reason": reason}
        socket.renew_every(None)
        socket.emit(kind, told)
        socket.emit("close", told)
        self._server.closed(socket, code, reason, was_open=was_open)
        for channel in socket.subscriptions():
            self.left(channel, None)
        socket.emit("end", told)
        if self._options.stream_cleanup_mode == "kill":
            socket.kill_input()
            socket.listeners.close()  # who listens is to hear of the end, too
        elif self._options.stream_cleanup_mode == "close":
            socket.close_streams()

    # -- parts -------------------------------------------------------------------------------------------------------

    async def _ask(self, line: Line, action: Action) -> None:
        """Ask a line; what its functions raise beside problems blocks, too, and is logged by whoever asked."""
        if self._lines.has(line):
            await self._lines.ask(line, action)

    def _blocked(self, action: Action, error: Exception) -> None:
        if not isinstance(error, Problem):
            _log.error("middleware.failed", exc_info=error, action=action.type.value)
        if self._options.middleware_emit_failures:
            told = error if isinstance(error, Problem) else Problem(Code.INTERNAL)
            self.socket.emit_error(told)
            self._server.emit("warning", {"socket": self.socket, "warning": told})

    def _check_name(self, name: str) -> None:
        limit = self._options.channel_name_limit
        if len(name) > limit:
            raise Problem(Code.VALUE_TOO_LONG, "The name is too long.", limit=limit)

    def _action(self, operation: op.Operation) -> Action | None:
        match operation:
            case op.Transmit(event=name, data=data):
                action = Action(ActionType.TRANSMIT, self.socket, data)
                action.receiver = name
            case op.Invoke(procedure=name, data=data):
                action = Action(ActionType.INVOKE, self.socket, data)
                action.procedure = name
            case op.Join(channel=name, data=data):
                action = Action(ActionType.SUBSCRIBE, self.socket, data)
                action.channel = name
            case op.Subscribe(subscription=channel):
                action = Action(ActionType.SUBSCRIBE, self.socket)
                action.channel = channel
            case op.Publish(channel=name, data=data):
                action = Action(ActionType.PUBLISH_IN, self.socket, data)
                action.channel = name
            case _:
                return None
        return action


def _with(event: Event, action: Action) -> Event:
    if action.data is event.data:
        return event
    return Event(event.kind, action.data, event.position, event.mark, is_logged=event.is_logged)


def _signed(operation: op.Authenticate | op.Open) -> str | None:
    credential = operation.credential
    return credential.token.reveal() or None if isinstance(credential, op.AccessToken) else None


def _claims(principal: Principal, signed: str | None) -> dict[str, Any]:
    """Return what a token says that has been found good; where it says nothing, who it is."""
    if principal.claims is not None:
        return principal.claims
    parts = (signed or "").split(".")
    try:
        payload = base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4))
        claims: dict[str, Any] = msgspec.json.decode(payload, type=dict[str, Any])
    except (IndexError, binascii.Error, msgspec.DecodeError, ValueError):
        claims = {"id": principal.user, "role": principal.role}
    claims.pop("session", None)  # a refresh token, in the tokens of sessions that have one token only
    return claims


def _expiry(socket: Socket) -> Problem:
    expiry = (socket.auth_token or {}).get("exp")
    return Problem(Code.TOKEN_EXPIRED, "The socket auth token has expired", name="AuthTokenExpiredError", expiry=expiry)
