"""Sockets: the upgrade of a request to a conversation at one mount.

Only a foreign page and a full house are refused at the upgrade: whoever is refused for a token is told on the socket,
where the application hears why and the client waits longer from one try to the next.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog
from starlette.requests import HTTPConnection

from watchword.backend.procedure_attendant import ProcedureAttendant
from watchword.base.errors import Code, Problem
from watchword.connection.policy import Mode
from watchword.dialects.trpc.socket import Trpc
from watchword.http.caller import client_of, connection_of
from watchword.http.transport import AsgiTransport, refuse
from watchword.http.trpc.credentials import IN_URL, identified, presented, query_parameters
from watchword.http.upgrades import burn_tickets

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

    from watchword.backend.limits import Seat
    from watchword.http.trpc.mount import Mount
    from watchword.identity.authenticator import Authenticated

_log = structlog.get_logger(__name__)

_FORBIDDEN = 403


class TrpcSockets:
    """An ASGI application for the sockets of one mount."""

    def __init__(self, mount: Mount) -> None:
        self._mount = mount

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse the upgrade or accept it and drive the conversation to its end."""
        connection = HTTPConnection(scope)
        client = client_of(connection, self._mount.http.trusted_proxies)
        await receive()  # websocket.connect
        try:
            seat = self._mount.occupancy.enter(client)
        except Problem as problem:
            await refuse(scope, send, problem.status)
            return
        try:
            if not self._mount.origins.allows(connection):
                for parameter in IN_URL:
                    burn_tickets(connection, self._mount.backend.identity.tickets, parameter)
                await refuse(scope, send, _FORBIDDEN)
                return
            seat.begin_anonymous()
            await self._serve(connection, receive, send, seat)
        except Problem as problem:
            await refuse(scope, send, problem.status)
        finally:
            seat.leave()

    async def _serve(self, connection: HTTPConnection, receive: Receive, send: Send, seat: Seat) -> None:
        mount, scope = self._mount, connection.scope
        has_params = query_parameters(connection).get("connectionParams") == "1"
        client = client_of(connection, mount.http.trusted_proxies)
        shown = presented(connection, mount.http.session_cookie.name)
        found = await identified(mount.backend, shown, client)
        if found is None and mount.options.mode is Mode.STRICT and not has_params:
            found = Problem(Code.INVALID_CREDENTIALS)
        known = connection_of(connection, Trpc.name, client)
        await send({"type": "websocket.accept"})
        attendant = ProcedureAttendant(mount.backend, known, mount.table, mount.options.own, found)
        options = mount.options
        dialect = Trpc(options.wire, has_params=has_params)
        conversation = mount.backend.open(
            dialect, options.policy(has_params=has_params), options.pace, known, attendant
        )
        attendant.attach(conversation)
        _log.info("socket.opened", path=scope["path"], address=client.address)
        upgrade: Authenticated | Problem | None = None if has_params else found
        await conversation.run(
            AsgiTransport(scope, receive, send),
            None if upgrade is None or isinstance(upgrade, Problem) else upgrade.principal,
            lambda acting: seat.count(is_anonymous=acting.is_anonymous),
            upgrade if isinstance(upgrade, Problem) else None,
        )
        _log.info("socket.closed", path=scope["path"], address=client.address)
