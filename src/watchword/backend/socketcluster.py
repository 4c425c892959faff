"""SocketClusterServer: one endpoint of the SocketCluster dialect, as the application holds it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, TypeVar

import anyio
import anyio.lowlevel
import structlog

from watchword.backend.finishing import unbroken
from watchword.backend.hooks import Occasion
from watchword.backend.lines import Action, ActionType, Line, LineFunction, Lines
from watchword.backend.socket import AuthEngine, Socket
from watchword.backend.socket_attendant import SocketAttendant
from watchword.backend.streams import Stream, Streams
from watchword.base.errors import Code, Problem
from watchword.base.names import event_name
from watchword.base.secret import Secret, random_token
from watchword.identity.claims_tokens import ClaimsTokens, TokenKeys
from watchword.identity.outside import principal_of
from watchword.identity.tokens import looks_like_jwt
from watchword.protocol.operations import AccessToken, Password, RefreshToken

if TYPE_CHECKING:
    from watchword.access.principal import Principal
    from watchword.backend.application import Application
    from watchword.backend.backend import Backend
    from watchword.backend.background import Background
    from watchword.backend.context import Connection, Context
    from watchword.backend.conversation import Conversation
    from watchword.backend.exchange import Exchange
    from watchword.backend.socketcluster_options import SocketClusterOptions
    from watchword.base.clock import Clock
    from watchword.identity.authenticator import Authenticated
    from watchword.identity.client import Client
    from watchword.protocol import operations as op
    from watchword.protocol import outcomes as out

_log = structlog.get_logger(__name__)

Handler = Callable[[Socket], Awaitable[object]]
H = TypeVar("H", bound=Handler)
F = TypeVar("F", bound=LineFunction)

_GRAIN = 0.01
_DOTS = 2  # of a JWT; static tokens, which administrators may choose, look like anything


class SocketClusterServer:
    """One endpoint: its sockets, its tokens, its lines and its events.

    Attributes:
        path: where it is.
        clients: the sockets that have completed their handshake, by id; `pending_clients` those that have not.
        tokens: signs and verifies the endpoint's own tokens.
    """

    def __init__(self, path: str, options: SocketClusterOptions, application: Application) -> None:
        self.path = path
        self.options = options
        self.application = application
        self.lines = Lines()
        self.clients: dict[str, Socket] = {}
        self.pending_clients: dict[str, Socket] = {}
        self._events: Streams[Any] = Streams(options.stream_bound)
        self._handlers: list[Handler] = []
        self._backend: Backend | None = None
        self._background: Background | None = None
        self._tokens: AuthEngine | None = None

    def start(self, backend: Backend, background: Background) -> None:
        """Take what it works with; called once, when the application is put together.

        Raises:
            ValueError: the keys are not fit.
        """
        self._backend = backend
        self._background = background
        self._tokens = ClaimsTokens(self.options.keys, backend.clock)

    @property
    def backend(self) -> Backend:
        """The backend below."""
        if self._backend is None:
            raise RuntimeError("the application has not been put together yet")
        return self._backend

    @property
    def clock(self) -> Clock:
        """The clock of the application."""
        return self.backend.clock

    @property
    def exchange(self) -> Exchange:
        """The channels, as the server itself."""
        return self.backend.exchange

    @property
    def tokens(self) -> AuthEngine:
        """What signs and verifies the endpoint's own tokens."""
        if self._tokens is None:
            raise RuntimeError("the application has not been put together yet")
        return self._tokens

    @property
    def is_ready(self) -> bool:
        """Whether it has been put together."""
        return self._backend is not None

    def get_path(self) -> str:
        """Return where it is."""
        return self.path

    def generate_id(self) -> str:
        """Return an id as sockets have it: 20 characters that cannot be guessed."""
        return random_token(15)

    @property
    def clients_count(self) -> int:
        """How many sockets have completed their handshake."""
        return len(self.clients)

    @property
    def pending_clients_count(self) -> int:
        """How many have not yet."""
        return len(self.pending_clients)

    # -- what the application registers ------------------------------------------------------------------------------

    def connection(self, handler: H) -> H:
        """Call a function for every socket that has completed its handshake, in a task of the socket's own."""
        self._handlers.append(handler)
        return handler

    def middleware(self, line: Line | str) -> Callable[[F], F]:
        """Put a function on a line: `handshake`, `inbound_raw`, `inbound` or `outbound`.

        It gets an Action. To allow, return; to change, set `action.data`; to block, raise Problem (`Blocked()` gives no
        reason); to delay, wait. What else it raises blocks, and is logged.
        """

        def add(function: F) -> F:
            self.lines.add(_line(line), function)
            return function

        return add

    def set_middleware(self, line: Line | str, function: LineFunction) -> None:
        """Put a function on a line that has none.

        Raises:
            ValueError: it has one.
        """
        if self.lines.has(_line(line)):
            raise ValueError(f"there is a function on the {line} line already")
        self.lines.add(_line(line), function)

    def remove_middleware(self, line: Line | str) -> None:
        """Take all functions off a line."""
        self.lines.remove(_line(line))

    def has_middleware(self, line: Line | str) -> bool:
        """Whether there is a function on a line."""
        return self.lines.has(_line(line))

    def listener(self, event: str) -> Stream[Any]:
        """Return what happens on the endpoint, to iterate over: `connection`, `disconnection`, `authentication`, …."""
        return self._events.stream(event_name(event))

    def emit(self, event: str, data: Any = None) -> None:
        """Tell the listeners of an event."""
        self._events.write(event_name(event), data)

    # -- tokens ------------------------------------------------------------------------------------------------------

    def sign_token(self, claims: dict[str, Any], **options: Any) -> str:
        """Return a token for a client to present, as a route of the application's may hand it out.

        Options are those of `Socket.set_auth_token`.

        Raises:
            ValueError: it cannot be signed.
        """
        return self.tokens.sign(claims, options)[0]

    def verify_token(self, token: str) -> dict[str, Any]:
        """Return the claims of a token of the endpoint's own, or raise Problem."""
        return self.tokens.verify(token)

    def set_auth_engine(self, engine: AuthEngine) -> None:
        """Let something else sign and verify the endpoint's tokens from now on."""
        self._tokens = engine

    def change_keys(self, keys: TokenKeys) -> None:
        """Sign and verify by other keys from now on; sockets that are open stay as they are."""
        self._tokens = ClaimsTokens(keys, self.clock)

    async def revoke(self, *, user: str | None = None, session: str | None = None) -> None:
        """Refuse the endpoint's tokens of a user that were issued before now, or of a session; their sockets follow."""
        lasting = float(self.options.auth_default_expiry)
        outside = self.backend.identity.outside
        await unbroken(outside.revoke(self._issuer, user=user, session=session, lasting=lasting))

    async def close(self, code: int = 1001) -> None:
        """Close every socket."""
        for socket in (*self.clients.values(), *self.pending_clients.values()):
            socket.disconnect(code)
        await anyio.lowlevel.checkpoint()

    # -- for whoever drives it ---------------------------------------------------------------------------------------

    @property
    def _issuer(self) -> str:
        return f"socketcluster {self.path}"

    async def identify(self, token: str, client: Client) -> Authenticated | None:
        """Judge a token; None leaves that to the backend.

        Raises:
            Problem: it is none of ours, or not good.
        """
        if looks_like_jwt(token):
            return None
        try:
            claims = self.tokens.verify(token)
        except Problem as problem:
            if token.count(".") == _DOTS and not self.backend.identity.outside.has_any:
                self.backend.identity.results["ClaimsToken", problem.code.value] += 1
                raise
            try:
                return await unbroken(self.backend.identify(AccessToken(Secret(token)), client))
            except Problem as other:
                if other.code is Code.INVALID_CREDENTIALS:  # nobody else knows it either
                    raise problem from None
                raise
        self.backend.identity.results["ClaimsToken", "ok"] += 1
        return await unbroken(self._vouched(claims, client))

    async def issue(self, claims: dict[str, Any], options: dict[str, Any], client: Client) -> tuple[str, Principal]:
        """Sign a token, and return it with whom it stands for.

        Tokens tell whole seconds. In the one in which a user was revoked, a new token would look like those that were
        revoked: it has to wait for the next.

        Raises:
            ValueError: it cannot be signed.
            Problem: INVALID_CREDENTIALS, its session was revoked.
        """
        signed, full = self.tokens.sign(claims, options)
        try:
            return signed, (await unbroken(self._vouched(full, client))).principal
        except Problem as problem:
            if problem.code is not Code.INVALID_CREDENTIALS:
                raise
        await self.clock.sleep_until(self.clock.monotonic() + 1.0 - self.clock.now() % 1.0 + _GRAIN)
        signed, full = self.tokens.sign(claims, options)
        return signed, (await unbroken(self._vouched(full, client))).principal

    async def vouches_for(self, principal: Principal) -> bool:
        """Whether somebody stems from a token of the endpoint's own that has not been revoked; looked up anew."""
        if principal.issuer != self._issuer:
            return False
        outside = self.backend.identity.outside
        outside.forget()
        return await unbroken(outside.is_live(principal))

    async def _vouched(self, claims: dict[str, Any], client: Client) -> Authenticated:
        found = self.options.identify(claims)
        identity = self.backend.identity
        principal = await identity.outside.admit(principal_of(self._issuer, found, client.address))
        return await identity.vouched(principal)

    async def log_in(self, email: str, password: str, client: Client) -> Authenticated:
        """Begin a session of a user of Watchword's."""
        return await unbroken(self.backend.identify(Password(email, Secret(password)), client))

    async def refresh(self, token: str, client: Client) -> Authenticated:
        """Go on with such a session."""
        return await unbroken(self.backend.identify(RefreshToken(Secret(token)), client))

    async def invoke(self, context: Context, operation: op.Invoke, socket: Socket) -> out.Reply:
        """Call a procedure of the application's."""
        return await self.backend.invoke(context, operation, socket)

    async def upgrade(self, connection: Connection) -> None:
        """Ask the line of handshakes about an upgrade.

        Raises:
            Problem: it is refused.
        """
        self.emit("handshake", {"request": connection})
        if self.lines.has(Line.HANDSHAKE):
            await self.lines.ask(Line.HANDSHAKE, Action(ActionType.HANDSHAKE_WS, request=connection))

    def attend(self, connection: Connection) -> SocketAttendant:
        """Return the attendant of a new socket."""
        socket = Socket(self, connection)
        self.pending_clients[socket.id] = socket
        return SocketAttendant(self, socket)

    def opened(self, socket: Socket, outcome: out.Opened) -> None:
        """Count a socket among the clients, and tell of it."""
        self.pending_clients.pop(socket.id, None)
        self.clients[socket.id] = socket
        told = {
            "socket": socket,
            "id": socket.id,
            "ping_timeout": self.options.ping_timeout,
            "is_authenticated": outcome.is_authenticated,
            "auth_error": outcome.problem,
        }
        socket.emit("connect", told)
        self.emit("connection", told)
        self._hook(Occasion.CONNECT, socket)

    def serve(self, socket: Socket, conversation: Conversation) -> None:
        """Call the application's functions for a socket."""
        for handler in self._handlers:
            conversation.spawn(self._serve, handler, socket)

    async def _serve(self, handler: Handler, socket: Socket) -> None:
        try:
            await handler(socket)
        except Exception:  # noqa: BLE001 - a bug of the application's must not end the connection
            _log.exception("handler.failed", socket=socket.id)

    def authenticated(self, socket: Socket) -> None:
        """Tell the hooks that somebody acts on a socket."""
        self._hook(Occasion.AUTHENTICATE, socket, socket.principal)

    def auth_failed(self, socket: Socket, problem: Problem) -> None:
        """Tell the hooks that a token was not good."""
        self._hook(Occasion.AUTH_FAILURE, socket, problem)

    def closed(self, socket: Socket, code: int, reason: str, *, was_open: bool) -> None:
        """Count a socket no more, and tell of it."""
        self.clients.pop(socket.id, None)
        self.pending_clients.pop(socket.id, None)
        told = {"socket": socket, "code": code, "reason": reason}
        self.emit("disconnection" if was_open else "connection_abort", told)
        self.emit("closure", told)
        if was_open:
            self._hook(Occasion.CLOSE, socket, code, reason)

    def _hook(self, occasion: Occasion, socket: Socket, *told: Any) -> None:
        hooks = self.application.hooks
        if hooks.hears(occasion) and self._background is not None:
            self._background.spawn(hooks.tell, occasion, socket.connection, *told)


def _line(line: Line | str) -> Line:
    return line if isinstance(line, Line) else Line(event_name(line))
