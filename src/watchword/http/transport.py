"""Transport: a WebSocket over the ASGI interface, from the answer to its upgrade to its close."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

if TYPE_CHECKING:
    from starlette.types import Message, Receive, Scope, Send

    from watchword.backend.line import Line

_log = structlog.get_logger(__name__)

LINE = "watchword.line"
"""The extension by which the server below offers `Transport.line`; no server has to have it."""

ABNORMAL = 1006
_NO_CODE = 1005
_LONGEST_REASON = 123  # RFC 6455, 5.5.1: a control frame has 125 bytes, two of them the code
_RETRY_SECONDS = b"1"
_LATER = frozenset({429, 503})


class AsgiTransport:
    """Messages over the ASGI interface."""

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._receive = receive
        self._send = send
        self.line: Line | None = scope.get("extensions", {}).get(LINE)
        self.ended = (ABNORMAL, "")

    async def receive(self) -> str | bytes | None:
        """Return the next message, or None when the other end has gone."""
        message: Message = await self._receive()
        if message["type"] == "websocket.disconnect":
            self.ended = (message.get("code") or _NO_CODE, message.get("reason") or "")
            return None
        text: str | None = message.get("text")
        return text if text is not None else bytes(message.get("bytes") or b"")

    async def send(self, frame: str | bytes) -> None:
        """Write a message; may wait for the client to read."""
        told = {"text": frame} if isinstance(frame, str) else {"bytes": frame}
        try:
            await self._send({"type": "websocket.send", **told})
        except (OSError, RuntimeError):
            # The other end has gone between two reads; the disconnect is what comes next from `receive`.
            return

    async def close(self, code: int, reason: str = "") -> None:
        """Close with a code and a reason, which is cut to what a frame can hold."""
        text = reason.encode()[:_LONGEST_REASON].decode(errors="ignore")
        try:
            await self._send({"type": "websocket.close", "code": code, "reason": text})
        except (OSError, RuntimeError):
            return


async def refuse(scope: Scope, send: Send, status: int, body: bytes = b"", media_type: bytes = b"text/html") -> None:
    """Answer an upgrade with an HTTP status; a server without that extension can only say 403."""
    _log.info("socket.refused", path=scope["path"], status=status)
    if "websocket.http.response" not in scope.get("extensions", {}):
        await send({"type": "websocket.close", "code": 1008})
        return
    headers = [(b"content-length", str(len(body)).encode()), (b"connection", b"close")]
    if body:
        headers.append((b"content-type", media_type + b"; charset=utf-8"))
    if status in _LATER:
        headers.append((b"retry-after", _RETRY_SECONDS))
    await send({"type": "websocket.http.response.start", "status": status, "headers": headers})
    await send({"type": "websocket.http.response.body", "body": body})


async def accept_and_close(scope: Scope, send: Send, subprotocol: str | None, code: int, reason: str) -> None:
    """Accept an upgrade only to say why it is of no use: a refused one tells a browser nothing."""
    _log.info("socket.refused", path=scope["path"], code=code)
    await send({"type": "websocket.accept", "subprotocol": subprotocol})
    await send({"type": "websocket.close", "code": code, "reason": reason})
