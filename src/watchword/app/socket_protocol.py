"""Socket protocol: uvicorn's WebSockets, that can also be written to at once and tell when a client has read."""

from __future__ import annotations

from struct import Struct
from typing import TYPE_CHECKING

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.protocol import State

from watchword.http.transport import LINE

if TYPE_CHECKING:
    from collections.abc import Callable

    from websockets.frames import Frame

_PAYLOAD = b"read"  # as long as a mask, which makes the answer easy to read
_PING = b"\x89\x04" + _PAYLOAD
_PONG = Struct("!2sII")  # its head, then the mask, and the payload under it (RFC 6455, 5.3)
_PONG_HEAD = b"\x8a\x84"
_NUMBER = int.from_bytes(_PAYLOAD)
_TEXT = b"\x81"
_BINARY = b"\x82"
_SHORT = 125
_MEDIUM = 0xFFFF
_MASKED = 0x80
_LENGTHS = {126: 2, 127: 8}  # bytes that the length of a longer frame takes


class SocketProtocol(WebSocketsSansIOProtocol):
    """One WebSocket. A client answers a ping when it comes to it, so that it has read what was before it then.

    What is written directly is framed here: whole messages, never compressed. Such frames change nothing in the state
    of the library's connection, and need not pass through it. Nor does the answer to our ping, when it comes alone: it
    is most of what a client sends that is told much.
    """

    _waiting: Callable[[], None] | None = None
    _missing: int | None = None
    """How many bytes of the last frame are still to come; None where that is not known."""
    _is_begun = False

    def data_received(self, data: bytes) -> None:
        """Take what the client has sent."""
        if self._missing == 0 and self._waiting is not None and is_pong(data):
            self._tell_read()
            return
        if self._is_begun:
            self._missing = missing(self._missing, data)
        else:  # the request; a client may not send frames before it has its answer (RFC 6455, 4.1)
            self._is_begun, self._missing = True, 0 if data.endswith(b"\r\n\r\n") else None
        super().data_received(data)

    async def run_asgi(self) -> None:
        """Run the application, which has a few more things to call."""
        extensions = self.scope.setdefault("extensions", {})
        extensions[LINE] = self  # type: ignore[assignment]  # uvicorn's type knows its own alone
        await super().run_asgi()

    @property
    def is_free(self) -> bool:
        """Whether what is written now goes out now."""
        return self.conn.state is State.OPEN and self.writable.is_set() and not self.transport.is_closing()

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
        if self.conn.state is State.OPEN and not self.transport.is_closing():
            self._waiting = call
            self.transport.write(_PING)

    def handle_pong(self, event: Frame) -> None:
        """Take the answer to a ping; one that nobody has asked for says nothing (RFC 6455, 5.5.3)."""
        if self._waiting is None or bytes(event.data) != _PAYLOAD:
            super().handle_pong(event)
            return
        self._tell_read()

    def _tell_read(self) -> None:
        waiting, self._waiting = self._waiting, None
        if waiting is not None:
            waiting()


def is_pong(data: bytes) -> bool:
    """Whether what has come is the answer to our ping and nothing else."""
    if len(data) != _PONG.size:
        return False
    head, mask, payload = _PONG.unpack(data)
    return bool(head == _PONG_HEAD and mask ^ payload == _NUMBER)


def missing(before: int | None, data: bytes) -> int | None:
    """Return how many bytes of the last frame are to come after `data`, when `before` were to come (RFC 6455, 5.2).

    None where a frame's head is cut: it is not kept, so that nobody knows any more where frames begin.
    """
    if before is None:
        return None
    at, size = before, len(data)
    while at < size:
        if size - at < 2:  # noqa: PLR2004 - what every frame begins with
            return None
        length = data[at + 1] & ~_MASKED
        more = _LENGTHS.get(length, 0)
        if size < at + 2 + more:
            return None
        if more:
            length = int.from_bytes(data[at + 2 : at + 2 + more])
        at += 2 + more + (4 if data[at + 1] & _MASKED else 0) + length
    return at - size


def message_frame(message: str | bytes) -> bytes:
    """Frame a whole message of the server's, which has no mask (RFC 6455, 5.2)."""
    payload, kind = (message.encode(), _TEXT) if isinstance(message, str) else (message, _BINARY)
    size = len(payload)
    if size <= _SHORT:
        return kind + size.to_bytes(1) + payload
    if size <= _MEDIUM:
        return kind + b"\x7e" + size.to_bytes(2) + payload
    return kind + b"\x7f" + size.to_bytes(8) + payload
