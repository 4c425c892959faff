"""SocketCluster: the upgrade of a request to a conversation at one endpoint of that dialect."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import structlog
from starlette.requests import HTTPConnection

from watchword.backend.limits import Occupancy, Seat, SocketLimits
from watchword.base.errors import Problem
from watchword.dialects.socketcluster import SocketCluster
from watchword.http.caller import client_of, connection_of
from watchword.http.transport import AsgiTransport, refuse

if TYPE_CHECKING:
    from collections.abc import Iterable

    from starlette.types import Receive, Scope, Send

    from watchword.backend.backend import Backend
    from watchword.backend.socketcluster import SocketClusterServer

_log = structlog.get_logger(__name__)

_UNAUTHORIZED, _FORBIDDEN = 401, 403
_PORTS = {"http": 80, "https": 443, "ws": 80, "wss": 443}
_EVERYWHERE = "*:*"


class ListedOrigins:
    """Origins as `host:port`, each part of which may be `*`. An absent origin, or `null`, is none of those listed."""

    def __init__(self, listed: str | Iterable[str]) -> None:
        names = listed.split() if isinstance(listed, str) else listed
        self._listed = frozenset(name.lower() for name in names)

    def allows(self, origin: str | None) -> bool:
        """Whether a page of this origin may connect."""
        if _EVERYWHERE in self._listed:
            return True
        try:
            parts = urlsplit(origin or "")
            host, port = parts.hostname, parts.port or _PORTS.get(parts.scheme)
        except ValueError:
            return False
        if host is None or port is None:
            return False
        return not self._listed.isdisjoint({f"{host}:{port}", f"{host}:*", f"*:{port}"})


class SocketClusterEndpoint:
    """An ASGI application for the sockets of one endpoint."""

    def __init__(
        self, backend: Backend, server: SocketClusterServer, limits: SocketLimits, trusted_proxies: int
    ) -> None:
        self._backend = backend
        self._server = server
        self._trusted_proxies = trusted_proxies
        self._occupancy = Occupancy(limits)
        self._origins = ListedOrigins(server.options.origins)

    @property
    def open(self) -> int:
        """How many sockets are open."""
        return self._occupancy.open

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse the upgrade or accept it and drive the conversation to its end."""
        connection = HTTPConnection(scope)
        await receive()  # websocket.connect
        try:
            seat = self._occupancy.enter(client_of(connection, self._trusted_proxies))
        except Problem as problem:
            await refuse(scope, send, problem.status)
            return
        try:
            seat.begin_anonymous()
            await self._serve(connection, receive, send, seat)
        except Problem as problem:
            await refuse(scope, send, problem.status)
        finally:
            seat.leave()

    async def _serve(self, connection: HTTPConnection, receive: Receive, send: Send, seat: Seat) -> None:
        scope, server, options = connection.scope, self._server, self._server.options
        client = client_of(connection, self._trusted_proxies)
        known = connection_of(connection, SocketCluster.name, client, open_channels=options.open_channels)
        try:
            await server.upgrade(known)
        except Exception as error:  # noqa: BLE001 - whatever it is, it blocks
            if not isinstance(error, Problem):
                _log.exception("middleware.failed", action="handshakeWS")
            text = error.message if isinstance(error, Problem) and not error.silent else _BLOCKED
            await refuse(scope, send, _UNAUTHORIZED, text.encode())
            return
        origin = connection.headers.get("origin")
        if not self._origins.allows(origin):
            shown = "*" if origin is None else origin
            text = f"Failed to authorize socket handshake - Invalid origin: {shown}"
            await refuse(scope, send, _FORBIDDEN, text.encode(), b"text/plain")
            return
        await send({"type": "websocket.accept", "subprotocol": next(iter(scope.get("subprotocols", ())), None)})
        dialect = SocketCluster(
            known.id,
            round(options.ping_timeout * 1000),
            version=options.protocol_version,
            collections=options.collections,
            codec=options.codec_engine,
        )
        attendant = server.attend(known)
        conversation = self._backend.open(dialect, options.policy, options.pace, known, attendant)
        attendant.attach(conversation)
        _log.info("socket.opened", path=scope["path"], address=client.address)
        transport = AsgiTransport(scope, receive, send)
        await conversation.run(transport, None, lambda acting: seat.count(is_anonymous=acting.is_anonymous))
        _log.info("socket.closed", path=scope["path"], address=client.address)


_BLOCKED = "The handshakeWS AGAction was blocked by handshake middleware"
