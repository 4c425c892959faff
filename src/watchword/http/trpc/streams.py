"""Streams: one subscription as server-sent events, driven as a connection is: it ends with the right to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from watchword.backend.procedure_attendant import ProcedureAttendant
from watchword.base.errors import Problem
from watchword.dialects.trpc.events import TrpcEvents, connected, is_last, is_value
from watchword.http.caller import connection_of
from watchword.http.event_transport import EventTransport, end_stream
from watchword.http.trpc.headers import flowing
from watchword.http.trpc.requests import context_of, inputs_of, is_unreadable

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.types import Send

    from watchword.http.trpc.mount import Mount
    from watchword.http.trpc.options import EventOptions
    from watchword.http.trpc.requests import Asked

_HEADERS = [*flowing("text/event-stream"), (b"connection", b"keep-alive")]


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
            if is_unreadable(refusal):
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
            EventTransport(request.receive, send, _ends(options.events), max_duration=options.events.max_duration),
            principal,
            lambda acting: seat.count(is_anonymous=acting.is_anonymous),
            problem,
        )
        await end_stream(send)
    finally:
        seat.leave()


def _ends(options: EventOptions) -> Callable[[str | bytes], bool]:
    """Return what tells the last event of a stream."""
    return lambda frame: is_last(frame) or (options.end_after_first and is_value(frame))
