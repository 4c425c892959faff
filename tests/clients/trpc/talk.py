"""Sockets of the tRPC dialect as they are: messages in, messages out."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count
from typing import Any

import anyio
import httpx
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from tests.support.server import PATIENCE, Server

_keys = count(1)


def key(name: str) -> str:
    """Return a name that nothing else has."""
    return f"{name}-raw-{next(_keys)}"


def ask(server: Server, path: str, data: Any) -> Any:
    """Call a mutation of the application's by the side."""
    response = httpx.post(f"{server.url}/trpc/{path}", json=data, timeout=PATIENCE)
    assert response.status_code == 200, response.text
    return response.json()["result"].get("data")


def query(server: Server, path: str, data: Any) -> Any:
    """Call a query of the application's by the side."""
    response = httpx.get(f"{server.url}/trpc/{path}", params={"input": json.dumps(data)}, timeout=PATIENCE)
    assert response.status_code == 200, response.text
    return response.json()["result"].get("data")


class Talk:
    """One socket."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket

    async def send(self, message: Any) -> None:
        """Send a message: text and bytes as they are, anything else as JSON."""
        await self.socket.send(message if isinstance(message, str | bytes) else json.dumps(message))

    async def hear(self) -> Any:
        """Return the next message, decoded unless it is a sign of life."""
        with anyio.fail_after(PATIENCE):
            frame = await self.socket.recv()
        assert isinstance(frame, str)
        return frame if frame in {"PING", "PONG"} else json.loads(frame)

    async def say(self, message: Any) -> Any:
        """Send a message and return the next one that comes."""
        await self.send(message)
        return await self.hear()

    async def settle(self) -> list[Any]:
        """Return all that comes before the answer to a sign of life that is asked for now."""
        await self.send("PING")
        heard: list[Any] = []
        while (message := await self.hear()) != "PONG":
            heard.append(message)
        return heard

    async def rest(self) -> tuple[list[Any], int | None]:
        """Return all that comes until the server closes, and its code."""
        heard: list[Any] = []
        try:
            while True:
                heard.append(await self.hear())
        except ConnectionClosed:
            return heard, self.socket.close_code


@asynccontextmanager
async def talk(server: Server, mount: str = "/trpc", params: Any = ..., **options: Any) -> AsyncIterator[Talk]:
    """Open a socket of a mount; `params` are said first, `options` are those of the client."""
    url = f"ws://127.0.0.1:{server.port}{mount}"
    if params is not ...:
        url += "&connectionParams=1" if "?" in url else "?connectionParams=1"
    async with connect(url, compression=None, ping_interval=None, max_size=None, **options) as socket:
        found = Talk(socket)
        if params is not ...:
            await found.send({"method": "connectionParams", "data": params})
        yield found


def call(number: Any, path: str, data: Any = ..., method: str = "query", **more: Any) -> dict[str, Any]:
    """Return the message of a call."""
    params = {"path": path} if data is ... else {"path": path, "input": data}
    return {"id": number, "method": method, "params": params | more.pop("params", {}), **more}


def subscribe(number: Any, path: str, data: Any = ..., **more: Any) -> dict[str, Any]:
    """Return the message that begins a subscription."""
    return call(number, path, data, "subscription", **more)


def stop(number: Any) -> dict[str, Any]:
    """Return the message that ends a subscription."""
    return {"id": number, "method": "subscription.stop"}


def result(number: Any, data: Any) -> dict[str, Any]:
    """Return the answer to a call, or a value of a subscription."""
    return {"id": number, "result": {"type": "data", "data": data}}


def about(number: Any, kind: str) -> dict[str, Any]:
    """Return what is told of a subscription."""
    return {"id": number, "result": {"type": kind}}


def keys_of(messages: list[Any]) -> list[tuple[Any, str]]:
    """Return the ids of errors and what they are called."""
    return [(each["id"], each["error"]["data"]["code"]) for each in messages if "error" in each]
