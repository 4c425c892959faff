"""Socket protocol: uvicorn's WebSockets, that can also tell when a client has read everything."""

from __future__ import annotations

from typing import TYPE_CHECKING

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.protocol import State

from watchword.http.sockets import WHEN_READ

if TYPE_CHECKING:
    from collections.abc import Callable

    from websockets.frames import Frame

_PAYLOAD = b"read?"


class SocketProtocol(WebSocketsSansIOProtocol):
    """One WebSocket. A client answers a ping when it comes to it, so that it has read what was before it then."""

    _waiting: Callable[[], None] | None = None

    async def run_asgi(self) -> None:
        """Run the application, which has one more thing to call."""
        extensions = self.scope.setdefault("extensions", {})
        extensions[WHEN_READ] = self.when_read  # type: ignore[assignment]  # uvicorn's type knows its own alone
        await super().run_asgi()

    def when_read(self, call: Callable[[], None]) -> None:
        """Call `call` when the client has read all that was written; never, when the connection ends before."""
        if self.conn.state is not State.OPEN or self.transport.is_closing():
            return
        self._waiting = call
        self.conn.send_ping(_PAYLOAD)
        self.transport.write(b"".join(self.conn.data_to_send()))

    def handle_pong(self, event: Frame) -> None:
        """Take the answer to a ping; one that nobody has asked for says nothing (RFC 6455, 5.5.3)."""
        if self._waiting is None or bytes(event.data) != _PAYLOAD:
            super().handle_pong(event)
            return
        waiting, self._waiting = self._waiting, None
        waiting()
