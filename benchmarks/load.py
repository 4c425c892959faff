"""The load: bounded in count, on loopback."""

from __future__ import annotations

import asyncio
import json
import statistics
import time
from typing import TYPE_CHECKING, Any

import httpx
from websockets.asyncio.client import ClientConnection, connect

if TYPE_CHECKING:
    from benchmarks.server import Server

ADMIN = {"Authorization": "Bearer admin-token-0001"}
RULE = {"status": {"_eq": "published"}}
FIELDS = ["id", "title", "status", "views"]


class Load:
    """Requests and sockets against one server."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.http = httpx.AsyncClient(base_url=f"http://127.0.0.1:{server.port}", headers=ADMIN, timeout=60)

    async def close(self) -> None:
        await self.http.aclose()

    async def reader(self) -> str:
        """Make a user who sees published rows and four of their fields; return an access token."""
        role = await self._create("/roles", {"name": "reader"})
        policy = await self._create("/policies", {"name": "reader"})
        await self._create("/access", {"role": role, "policy": policy})
        rule = {"collection": "articles", "action": "read", "permissions": RULE, "fields": FIELDS, "policy": policy}
        await self._create("/permissions", rule)
        account = {"email": "reader@example.com", "password": "a-fairly-long-password"}
        await self._create("/users", account | {"role": role})
        answer = await self.http.post("/auth/login", json=account)
        return str(answer.json()["data"]["access_token"])

    async def _create(self, path: str, body: dict[str, Any]) -> Any:
        answer = await self.http.post(path, json=body)
        answer.raise_for_status()
        return answer.json()["data"]["id"]

    async def cost_of_requests(self, method: str, path: str, count: int, body: Any = None) -> float:
        """Return the server's CPU seconds for one request, over `count` of them."""
        for _ in range(20):
            await self.http.request(method, path, json=body)
        before = self.server.cpu
        for _ in range(count):
            (await self.http.request(method, path, json=body)).raise_for_status()
        return (self.server.cpu - before) / count

    async def sockets(self, token: str, count: int) -> list[ClientConnection]:
        """Open and authenticate sockets."""
        opened = []
        for _ in range(count):
            socket = await connect(f"ws://127.0.0.1:{self.server.port}/websocket", compression=None, ping_interval=None)
            await _ask(socket, {"type": "auth", "access_token": token})
            opened.append(socket)
        return opened

    async def subscribe(self, sockets: list[ClientConnection]) -> None:
        """Let every socket follow the articles, without initial data."""
        wanted = {"type": "subscribe", "collection": "articles", "event": "create", "uid": "1"}
        for socket in sockets:
            await _ask(socket, wanted)

    async def fan_out(self, sockets: list[ClientConnection], rounds: int) -> tuple[float, float, float]:
        """Create rows one by one, each when all have the one before.

        Returns the server's CPU seconds for one delivered event, creates in a second that all receive, and the median
        seconds from the request to the last delivery.
        """
        times = []
        before, began = self.server.cpu, time.perf_counter()
        for number in range(rounds):
            started = time.perf_counter()
            row = {"title": f"row {number}", "status": "published"}
            (await self.http.post("/items/articles", json=row)).raise_for_status()
            await asyncio.gather(*(socket.recv() for socket in sockets))
            times.append(time.perf_counter() - started)
        spent, elapsed = self.server.cpu - before, time.perf_counter() - began
        return spent / (rounds * len(sockets)), rounds / elapsed, statistics.median(times)


async def _ask(socket: ClientConnection, message: Any) -> Any:
    await socket.send(json.dumps(message))
    answer = json.loads(await socket.recv())
    if answer.get("status") == "error":
        raise RuntimeError(answer)
    return answer
