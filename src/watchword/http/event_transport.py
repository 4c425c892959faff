"""EventTransport: server-sent events as the connection below a conversation, in every dialect that has them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.types import Receive, Send

    from watchword.backend.line import Line

_GONE, _DONE = 1006, 1000
_LAST_SECONDS = 1.0


class EventTransport:
    """The request is the only message, and the end is that of the client or of what it has asked for.

    `is_last` tells an event that nothing comes after.
    `max_duration`: seconds after which it ends in any case; None sets no bound.
    """

    def __init__(
        self,
        receive: Receive,
        send: Send,
        is_last: Callable[[str | bytes], bool],
        *,
        max_duration: float | None = None,
    ) -> None:
        self._receive = receive
        self._send = send
        self._is_last = is_last
        self._max_duration = max_duration
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
        with anyio.move_on_after(self._max_duration), self._scope:
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
        if self._is_last(frame):
            self.ended = (_DONE, "")
            self._scope.cancel()

    async def close(self, code: int, reason: str = "") -> None:
        """Say nothing: there are no codes, and a stream that ends without its last event is begun anew by clients."""
        del code, reason


async def end_stream(send: Send) -> None:
    """Write the end of a stream; who was given up for not reading does not read this either, and is not waited for."""
    with anyio.move_on_after(_LAST_SECONDS):
        await send({"type": "http.response.body", "body": b""})
