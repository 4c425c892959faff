"""Raw sockets for tests of a real server: WebSocket clients, and bytes that no client library would send."""

from __future__ import annotations

import json
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import anyio
from websockets.asyncio.client import ClientConnection, connect

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from anyio.abc import SocketStream

    from tests.support.server import Server

PATIENCE = 10.0


@asynccontextmanager
async def socket_to(server: Server, token: str | None = None) -> AsyncIterator[ClientConnection]:
    """Open a socket, and log in on it where there is a token."""
    async with connect(server.socket_url, compression=None, ping_interval=None, max_size=None) as socket:
        if token is not None:
            answer = await ask(socket, {"type": "auth", "access_token": token})
            assert answer["status"] == "ok", answer
        yield socket


async def ask(socket: ClientConnection, message: Any) -> Any:
    """Send a message and return the next one that comes."""
    await socket.send(message if isinstance(message, str) else json.dumps(message))
    return await hear(socket)


async def hear(socket: ClientConnection) -> Any:
    """Return the next message."""
    with anyio.fail_after(PATIENCE):
        return json.loads(await socket.recv())


async def close_code(socket: ClientConnection) -> int | None:
    """Return the code that the server closes with."""
    with anyio.fail_after(PATIENCE):
        await socket.wait_closed()
    return socket.close_code


@asynccontextmanager
async def stream_to(server: Server) -> AsyncIterator[SocketStream]:
    """Open a TCP connection."""
    async with await anyio.connect_tcp("127.0.0.1", server.port) as stream:
        yield stream


async def until_end(stream: SocketStream) -> bytes:
    """Return all that comes until the server closes the connection."""
    received = b""
    with anyio.fail_after(PATIENCE):
        try:
            while True:
                received += await stream.receive()
        except (anyio.EndOfStream, anyio.BrokenResourceError):
            return received
