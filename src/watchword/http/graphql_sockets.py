"""GraphQL's sockets: one path, and the dialect that the client offers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from watchword.backend.limits import Occupancy
from watchword.backend.pace import Pulse
from watchword.connection.policy import Mode
from watchword.dialects.graphql.legacy import SUBPROTOCOL as LEGACY
from watchword.dialects.graphql.legacy import GraphqlLegacy
from watchword.dialects.graphql.transport_ws import SUBPROTOCOL as TRANSPORT
from watchword.dialects.graphql.transport_ws import GraphqlWs
from watchword.http.sockets import SocketEndpoint
from watchword.http.transport import accept_and_close

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

    from watchword.backend.backend import Backend
    from watchword.http.sockets import SocketOptions

NOT_ACCEPTABLE = 4406
_PATIENCE = 10 * 365 * 86_400.0
"""Clients of the older dialect answer no sign of life, so none is waited for."""


class GraphqlSockets:
    """An ASGI application for the sockets of both dialects; who offers both speaks the newer one."""

    def __init__(self, backend: Backend, options: SocketOptions) -> None:
        occupancy = Occupancy(options.limits)
        takes = options.policy.mode is not Mode.STRICT  # there the upgrade alone says who it is
        period = options.pace.heartbeat
        legacy = replace(options, policy=replace(options.policy, first_message=None))  # the dialect knows no such bound
        if isinstance(period, float):
            legacy = replace(legacy, pace=replace(options.pace, heartbeat=Pulse(period, _PATIENCE)))
        self._endpoints = {
            TRANSPORT: SocketEndpoint(backend, lambda: GraphqlWs(credentials=takes), options, occupancy),
            LEGACY: SocketEndpoint(backend, lambda: GraphqlLegacy(credentials=takes), legacy, occupancy),
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse the upgrade or accept it and drive the conversation to its end."""
        offered = scope.get("subprotocols", ())
        chosen = next((name for name in self._endpoints if name in offered), None)
        if chosen is not None:
            await self._endpoints[chosen]({**scope, "subprotocols": [chosen]}, receive, send)
            return
        await receive()  # websocket.connect
        await accept_and_close(scope, send, None, NOT_ACCEPTABLE, "Subprotocol not acceptable")
