"""A WebSocket client that speaks ASGI to an application in the same process."""

from __future__ import annotations

from collections import deque
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import anyio

from watchword.base import json

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence

    from anyio.abc import TaskGroup
    from starlette.types import ASGIApp, Message

PATIENCE = 15.0


class Refused(Exception):
    """The upgrade was answered with an HTTP status."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


class ScriptedSocket:
    """Frames in, frames out. `receive` waits; `silent` says whether nothing comes for a moment."""

    def __init__(self) -> None:
        self._to_app, self._app_receives = anyio.create_memory_object_stream[dict[str, Any]](100)
        self._app_sends, self._from_app = anyio.create_memory_object_stream[dict[str, Any]](10_000)
        self.close_code: int | None = None
        self.close_reason = ""
        self.subprotocol: str | None = None
        self._kept: deque[Any] = deque()

    async def run(
        self, app: ASGIApp, path: str, query: str, headers: Mapping[str, str], subprotocols: Sequence[str] = ()
    ) -> None:
        async def receive() -> Message:
            return await self._app_receives.receive()

        async def send(message: Message) -> None:
            await self._app_sends.send(dict(message))

        await self._to_app.send({"type": "websocket.connect"})
        await app(
            {
                "type": "websocket",
                "asgi": {"version": "3.0"},
                "scheme": "ws",
                "path": path,
                "raw_path": path.encode(),
                "query_string": query.encode(),
                "root_path": "",
                "headers": [(b"host", b"testserver"), *((k.lower().encode(), v.encode()) for k, v in headers.items())],
                "subprotocols": list(subprotocols),
                "client": ("127.0.0.1", 50000),
                "server": ("127.0.0.1", 8055),
                "extensions": {"websocket.http.response": {}},
                "state": {},
            },
            receive,
            send,
        )

    def close(self) -> None:
        for stream in (self._to_app, self._app_receives, self._app_sends, self._from_app):
            stream.close()

    async def opened(self) -> None:
        message = await self._next()
        if message["type"] == "websocket.http.response.start":
            await self._next()
            raise Refused(message["status"])
        assert message["type"] == "websocket.accept", message
        self.subprotocol = message.get("subprotocol")

    async def say(self, message: Any) -> None:
        text = message if isinstance(message, str) else json.encode(message).decode()
        await self._to_app.send({"type": "websocket.receive", "text": text})

    async def receive(self) -> Any:
        if self._kept:
            return self._kept.popleft()
        message = await self._next()
        assert message["type"] == "websocket.send", message
        return json.decode(message["text"])

    async def ask(self, message: Any) -> Any:
        await self.say(message)
        return await self.receive()

    async def closed(self) -> int:
        message = await self._next()
        assert message["type"] == "websocket.close", message
        self.close_reason = message.get("reason") or ""
        return int(message["code"])

    async def next_within(self, seconds: float) -> Any:
        """Return the next frame, or None when none comes in time."""
        with anyio.move_on_after(seconds):
            message = await self._from_app.receive()
            assert message["type"] == "websocket.send", message
            return json.decode(message["text"])
        return None

    async def silent(self, seconds: float = 0.15) -> bool:
        with anyio.move_on_after(seconds):
            message = await self._from_app.receive()
            raise AssertionError(f"not silent: {message}")
        return True

    async def hang_up(self) -> None:
        await self._to_app.send({"type": "websocket.disconnect", "code": 1000})

    def put_back(self, messages: Sequence[Any]) -> None:
        """Let `receive` return these before anything else."""
        self._kept.extend(messages)

    async def _next(self) -> dict[str, Any]:
        with anyio.fail_after(PATIENCE):
            return await self._from_app.receive()


@asynccontextmanager
async def connect(  # noqa: PLR0917 - what an upgrade request says
    group: TaskGroup,
    app: ASGIApp,
    path: str = "/websocket",
    query: str = "",
    headers: Mapping[str, str] | None = None,
    subprotocols: Sequence[str] = (),
) -> AsyncIterator[ScriptedSocket]:
    """Open a socket for the length of a block.

    Raises:
        Refused: the upgrade was refused.
    """
    socket = ScriptedSocket()
    ended = anyio.Event()

    async def run() -> None:
        await socket.run(app, path, query, headers or {}, subprotocols)
        ended.set()

    group.start_soon(run)
    try:
        await socket.opened()
        yield socket
    finally:
        await socket.hang_up()
        with anyio.fail_after(PATIENCE, shield=True):
            await ended.wait()
        socket.close()
