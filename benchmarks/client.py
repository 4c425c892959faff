"""A WebSocket client that costs little, so that thousands of them fit beside the server on two cores.

It answers pings as every client does (RFC 6455, 5.5.2) and counts the rows of the events that it is told.
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
from typing import Any, cast

_TEXT, _PING, _PONG = 0x1, 0x9, 0xA
_NO_MASK = b"\0\0\0\0"  # a mask that changes nothing; a client's frames must have one
_MEDIUM, _LONG = 126, 127


class Socket(asyncio.Protocol):
    """One connection. `rows` is how many rows its events have brought since it was set to 0."""

    path = "/websocket"
    subprotocol: str | None = None

    def __init__(self) -> None:
        self.rows = 0
        self.is_following = False
        self._buffer = b""
        self._is_open = False
        self._transport: asyncio.WriteTransport | None = None
        self._answer: asyncio.Future[Any] | None = None
        self._wanted = 0
        self._reached: asyncio.Future[None] | None = None

    @classmethod
    async def open(cls, port: int, token: str) -> Socket:
        """Connect and authenticate."""
        _, socket = await asyncio.get_running_loop().create_connection(cls, "127.0.0.1", port)
        await socket.upgrade()
        await socket.ask({"type": "auth", "access_token": token})
        return socket

    async def upgrade(self) -> None:
        """Make the connection a WebSocket.

        Raises:
            RuntimeError: the server has refused it.
        """
        key = base64.b64encode(os.urandom(16)).decode()
        head = [f"GET {self.path} HTTP/1.1", "Host: 127.0.0.1", "Connection: Upgrade", "Upgrade: websocket"]
        head += [] if self.subprotocol is None else [f"Sec-WebSocket-Protocol: {self.subprotocol}"]
        head += ["Sec-WebSocket-Version: 13", f"Sec-WebSocket-Key: {key}", "", ""]
        self._answer = asyncio.get_running_loop().create_future()
        self._write("\r\n".join(head).encode())
        if b" 101 " not in (answer := await self._answer):
            raise RuntimeError(answer)

    async def ask(self, message: Any) -> Any:
        """Send a message and return its answer.

        Raises:
            RuntimeError: the answer is an error.
        """
        self._answer = asyncio.get_running_loop().create_future()
        self._send(_TEXT, json.dumps(message).encode())
        answer = json.loads(await self._answer)
        if answer.get("status") == "error":
            raise RuntimeError(answer)
        return answer

    async def until(self, rows: int) -> None:
        """Return when so many rows have come."""
        if self.rows < rows:
            self._wanted, self._reached = rows, asyncio.get_running_loop().create_future()
            await self._reached

    def close(self) -> None:
        """Go away without a word."""
        if self._transport is not None:
            self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.WriteTransport", transport)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if not self._is_open:
            head, end, self._buffer = self._buffer.partition(b"\r\n\r\n")
            self._is_open = bool(end)
            self._reply(head)
        while (frame := self._take()) is not None:
            self._read(*frame)

    def _take(self) -> tuple[int, bytes] | None:
        """Return the opcode and the payload of the next frame, if it is there as a whole."""
        data = self._buffer
        if len(data) < 2:  # noqa: PLR2004 - the shortest frame
            return None
        size, start = data[1], 2
        if size in {_MEDIUM, _LONG}:
            start = 4 if size == _MEDIUM else 10
            size = int.from_bytes(data[2:start])
        if len(data) < start + size:
            return None
        self._buffer = data[start + size :]
        return data[0] & 0xF, data[start : start + size]

    def _read(self, opcode: int, payload: bytes) -> None:
        if opcode == _PING:
            self._send(_PONG, payload)
        elif opcode == _TEXT and self._answer is not None:
            self._reply(payload)
        elif opcode == _TEXT:
            self.rows += payload.count(b'"id":')
            if self._reached is not None and self.rows >= self._wanted:
                self._reached.set_result(None)
                self._reached = None

    def _reply(self, payload: bytes) -> None:
        answer, self._answer = self._answer, None
        if answer is not None:
            answer.set_result(payload)

    def _send(self, opcode: int, payload: bytes) -> None:
        size = len(payload)
        length = bytes([0x80 | size]) if size < _MEDIUM else bytes([0x80 | _MEDIUM]) + size.to_bytes(2)
        self._write(bytes([0x80 | opcode]) + length + _NO_MASK + payload)

    def _write(self, data: bytes) -> None:
        if self._transport is not None:
            self._transport.write(data)
