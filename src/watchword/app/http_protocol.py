"""HTTP protocol: uvicorn's, that waits for a request for so long and no longer, and reads no endless head.

Without it a connection that sends its request, or the upgrade to a socket, byte by byte or never, is kept for ever.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import msgspec
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

if TYPE_CHECKING:
    import asyncio


class Patience(msgspec.Struct, frozen=True):
    """Seconds that a request may take to arrive, its head and what comes after it; and the bytes of its head."""

    head: float = 15.0
    request: float = 300.0
    size: int = 64 * 1024


class HttpProtocol(HttpToolsProtocol):
    """One connection. What is late is closed; what is too large is answered 400 and closed."""

    patience: ClassVar[Patience] = Patience()

    _timer: asyncio.TimerHandle | None = None
    _head_size = 0
    _in_head = True

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn does
        """Begin to wait for the first head."""
        super().connection_made(transport)
        self._wait(self.patience.head)

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no more."""
        self._wait(None)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take bytes, and count them while they belong to a head."""
        super().data_received(data)
        if self._in_head and not self.transport.is_closing():
            self._head_size += len(data)
            if self._head_size > self.patience.size:
                self._wait(None)
                self.send_400_response("The head of the request is too large.")

    def handle_websocket_upgrade(self) -> None:
        """Hand over to the socket, which has timeouts of its own."""
        self._wait(None)
        super().handle_websocket_upgrade()

    def on_message_begin(self) -> None:
        """Begin to wait for a further head."""
        self._in_head = True
        self._head_size = 0
        self._wait(self.patience.head)
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """Begin to wait for the body."""
        self._in_head = False
        self._wait(self.patience.request)
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """Wait for nothing: the answer is ours to give, and between requests uvicorn keeps the time."""
        self._wait(None)
        super().on_message_complete()

    def _wait(self, seconds: float | None) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if seconds is not None:
            self._timer = self.loop.call_later(seconds, self.transport.close)


def http_protocol(patience: Patience) -> type[HttpProtocol]:
    """Return the protocol with these bounds, for uvicorn's `http=`."""
    return type("BoundHttpProtocol", (HttpProtocol,), {"patience": patience})
