"""GraphQL's events: one operation as server-sent events, driven as a connection is: it ends with the right to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog
from msgspec.structs import replace

from watchword.backend.limits import Occupancy
from watchword.backend.pace import Pulse
from watchword.connection.policy import AuthPolicy, Mode, Reaction
from watchword.dialects.graphql.sse import GraphqlSse, is_last
from watchword.http.answers import Stream
from watchword.http.caller import connection_of
from watchword.http.event_transport import EventTransport, end_stream

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.types import Send

    from watchword.backend.backend import Backend
    from watchword.backend.context import Context
    from watchword.backend.limits import Seat, SocketLimits
    from watchword.backend.pace import Pace
    from watchword.protocol.operations import Execute, Invalid

_log = structlog.get_logger(__name__)

MEDIA_TYPE = "text/event-stream"
POLICY = AuthPolicy(Mode.PUBLIC, on_expiry=Reaction.CLOSE, on_rights_changed=Reaction.CLOSE)
"""Who asks is known by then; the public may ask, too."""

_HEADERS = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-cache"),
    (b"x-accel-buffering", b"no"),
]
_PATIENCE = 10 * 365 * 86_400.0
_PERIOD = 12.0
"""Seconds between the comments that keep proxies from closing what says nothing; clients do not answer them."""


class GraphqlEvents:
    """Answers requests that want events. They count as the sockets do."""

    def __init__(self, backend: Backend, pace: Pace, limits: SocketLimits) -> None:
        self._backend = backend
        self._pace = replace(pace, heartbeat=Pulse(_PERIOD, _PATIENCE))
        self._occupancy = Occupancy(limits)

    def answer(self, request: Request, context: Context, operation: Execute | Invalid) -> Stream:
        """Answer with what comes of an operation, up to its end.

        Raises:
            Problem: there is no room for one more connection.
        """
        seat = self._occupancy.enter(context.client)
        try:
            if context.principal.is_anonymous:
                seat.begin_anonymous()
        except BaseException:
            seat.leave()
            raise
        return Stream(write=lambda send: self._write(request, context, operation, seat, send))

    async def _write(
        self, request: Request, context: Context, operation: Execute | Invalid, seat: Seat, send: Send
    ) -> None:
        path, address = request.scope["path"], context.client.address
        try:
            known = connection_of(request, GraphqlSse.name, context.client)
            await send({"type": "http.response.start", "status": 200, "headers": _HEADERS})
            conversation = self._backend.open(GraphqlSse(operation), POLICY, self._pace, known)
            _log.info("events.opened", path=path, address=address)
            principal = None if context.principal.is_anonymous else context.principal
            await conversation.run(
                EventTransport(request.receive, send, is_last),
                principal,
                lambda acting: seat.count(is_anonymous=acting.is_anonymous),
            )
            await end_stream(send)
            _log.info("events.closed", path=path, address=address)
        finally:
            seat.leave()
