"""Streams: one subscription as server-sent events, driven as a connection is: it ends with the right to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio
import structlog

from watchword.backend.procedure_attendant import ProcedureAttendant
from watchword.base.errors import Problem
from watchword.dialects.trpc.events import TrpcEvents, connected, is_last, is_value
from watchword.http.caller import connection_of
from watchword.http.trpc.headers import flowing
from watchword.http.trpc.requests import context_of, inputs_of

if TYPE_CHECKING:
    from starlette.types import Receive, Send

    from watchword.backend.line import Line
    from watchword.http.trpc.mount import Mount
    from watchword.http.trpc.options import EventOptions
    from watchword.http.trpc.requests import Asked

_log = structlog.get_logger(__name__)

_HEADERS = [*flowing("text/event-stream"), (b"connection", b"keep-alive")]
_GONE, _DONE = 1006, 1000
_LAST_SECONDS = 1.0


class EventTransport:
    """The connection below: the request is its only message, and its end that of the client or of the subscription."""

    def __init__(self, receive: Receive, send: Send, options: EventOptions) -> None:
        self._receive = receive
        self._send = send
        self._options = options
        self._is_begun = False
        self._scope = anyio.CancelScope()
        self.ended = (_GONE, "")

    @property
    def line(self) -> Line | None:
        """There is none."""
        return None

    async def receive(self) -> str | bytes | None:
        """Return the request, then nothing more until the end."""
        if not self._is_begun:
            self._is_begun = True
            return ""
        with anyio.move_on_after(self._options.max_duration), self._scope:
            while (await self._receive())["type"] != "http.disconnect":
                pass
        return None

    async def send(self, frame: str | bytes) -> None:
        """Write an event; may wait for the client to read."""
        data = frame.encode() if isinstance(frame, str) else frame
        try:
            await self._send({"type": "http.response.body", "body": data, "more_body": True})
        except (OSError, RuntimeError):
            return  # the client has gone; that is what comes next from `receive`
        if is_last(frame) or (self._options.end_after_first and is_value(frame)):
            self.ended = (_DONE, "")
            self._scope.cancel()

    async def close(self, code: int, reason: str = "") -> None:
        """End; there are no codes."""
        del code, reason


async def stream(mount: Mount, asked: Asked, send: Send) -> None:
    """Answer with the events of a subscription, up to its end.

    Raises:
        Problem: the connection parameters are none, or there is no room for one more connection.
    """
    request, options = asked.request, mount.options
    client = mount.callers.client(request)
    inputs = await inputs_of(mount, asked)
    seat = mount.occupancy.enter(client)
    try:
        seat.begin_anonymous()
        try:
            context, problem = await context_of(mount, asked), None
        except Problem as refusal:
            if refusal.extensions.get("name") == "PARSE_ERROR":
                raise
            context, problem = None, refusal
        known = connection_of(request, TrpcEvents.name, client) if context is None else context.connection
        await send({"type": "http.response.start", "status": 200, "headers": _HEADERS})
        first = connected(options.events.reconnect_after).encode()
        await send({"type": "http.response.body", "body": first, "more_body": True})
        dialect = TrpcEvents(options.wire, asked.paths[0], inputs, asked.since)
        attendant = ProcedureAttendant(mount.backend, known, mount.table, mount.options.own)
        conversation = mount.backend.open(dialect, options.events_policy, options.events_pace, known, attendant)
        principal = None if context is None or context.principal.is_anonymous else context.principal
        await conversation.run(
            EventTransport(request.receive, send, options.events),
            principal,
            lambda acting: seat.count(is_anonymous=acting.is_anonymous),
            problem,
        )
        with anyio.move_on_after(_LAST_SECONDS):  # who was given up for not reading does not read this either
            await send({"type": "http.response.body", "body": b""})
    finally:
        seat.leave()
