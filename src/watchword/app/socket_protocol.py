"""Socket protocol: uvicorn's WebSockets, that can also be written to at once and tell when a client has read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.protocol import State

from watchword.http.transport import LINE

if TYPE_CHECKING:
    from collections.abc import Callable

    from websockets.frames import Frame

_PAYLOAD = b"read?"
_PING = b"\x89" + bytes([len(_PAYLOAD)]) + _PAYLOAD
_TEXT = b"\x81"
_BINARY = b"\x82"
_SHORT = 125
_MEDIUM = 0xFFFF


class SocketProtocol(WebSocketsSansIOProtocol):
    """One WebSocket. A client answers a ping when it comes to it, so that it has read what was before it then.

    What is written directly is framed here: whole messages, never compressed. Such frames change nothing in the state
    of the library's connection, and need not pass through it.
    """

    _waiting: Callable[[], None] | None = None

    async def run_asgi(self) -> None:
        """Run the application, which has a few more things to call."""
        extensions = self.scope.setdefault("extensions", {})
        extensions[LINE] = self  # type: ignore[assignment]  # uvicorn's type knows its own alone
        await super().run_asgi()

    @property
    def is_free(self) -> bool:
        """Whether what is written now goes out now."""
        return self._is_open and self.writable.is_set()

    @property
    def _is_open(self) -> bool:
        return self.conn.state is State.OPEN and not self.transport.is_closing()

    def frame(self, message: str | bytes) -> bytes:
        """Return a message as it goes over the line; the same for every connection of the server."""
        return message_frame(message)

    def put(self, framed: bytes) -> None:
        """Write what `frame` has given, when the line `is_free`."""
        self.transport.write(framed)

    def write(self, frame: str | bytes, read: Callable[[], None] | None = None) -> None:
        """Write a message when the line `is_free`; call `read` when the client has read it."""
        data = message_frame(frame)
        if read is not None:
            self._waiting = read
            data += _PING
        self.transport.write(data)

    def when_read(self, call: Callable[[], None]) -> None:
        """Call `call` when the client has read all that was written; never, when the connection ends before."""
        if self._is_open:
            self._waiting = call
            self.transport.write(_PING)

    def handle_pong(self, event: Frame) -> None:
        """Take the answer to a ping; one that nobody has asked for says nothing (RFC 6455, 5.5.3)."""
        if self._waiting is None or bytes(event.data) != _PAYLOAD:
            super().handle_pong(event)
            return
        waiting, self._waiting = self._waiting, None
        waiting()


def message_frame(message: str | bytes) -> bytes:
    """Frame a whole message of the server's, which has no mask (RFC 6455, 5.2)."""
    payload, kind = (message.encode(), _TEXT) if isinstance(message, str) else (message, _BINARY)
    size = len(payload)
    if size <= _SHORT:
        return kind + size.to_bytes(1) + payload
    if size <= _MEDIUM:
        return kind + b"\x7e" + size.to_bytes(2) + payload
    return kind + b"\x7f" + size.to_bytes(8) + payload
