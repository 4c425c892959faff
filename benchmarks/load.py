"""The load: bounded in count, on loopback."""

from __future__ import annotations

import asyncio
import statistics
import time
from typing import TYPE_CHECKING, Any

import httpx
import msgspec

from benchmarks.client import Socket

if TYPE_CHECKING:
    from benchmarks.server import Server

ADMIN = {"Authorization": "Bearer admin-token-0001"}
FIELDS = ["id", "title", "status", "views"]
SEEN = {"title": "a row that is seen", "status": "published"}
UNSEEN = {"title": "a row that is not", "status": "draft"}
WRITERS = 4


class FanOut(msgspec.Struct, frozen=True):
    """What rows that are created cost: `cpu` of the server for one delivery, `last` from the request to the last of
    all deliveries (median); both in seconds.
    """

    cpu: float
    last: float


class Load:
    """Requests and sockets against one server."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.http = httpx.AsyncClient(base_url=f"http://127.0.0.1:{server.port}", headers=ADMIN, timeout=60)
        self.sockets: list[Socket] = []

    async def close(self) -> None:
        """Let every socket and every connection go."""
        for socket in self.sockets:
            socket.close()
        await self.http.aclose()

    async def readers(self, rules: int) -> list[str]:
        """Make users who see published rows and four of their fields, each by another rule; return access tokens."""
        return [await self._reader(number) for number in range(rules)]

    async def _reader(self, number: int) -> str:
        role = await self._create("/roles", {"name": f"reader {number}"})
        policy = await self._create("/policies", {"name": f"reader {number}"})
        await self._create("/access", {"role": role, "policy": policy})
        seen = {"_and": [{"status": {"_eq": "published"}}, {"views": {"_gte": -number}}]}
        rule = {"collection": "articles", "action": "read", "permissions": seen, "fields": FIELDS, "policy": policy}
        await self._create("/permissions", rule)
        account = {"email": f"reader{number}@example.com", "password": "a-fairly-long-password"}
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

    async def connect(self, tokens: list[str], count: int) -> tuple[float, float]:
        """Open and authenticate so many more sockets, with each token in turn.

        Returns the server's CPU seconds and bytes of memory for one of them.
        """
        before, held = self.server.cpu, self.server.memory
        for number in range(count):
            self.sockets.append(await Socket.open(self.server.port, tokens[number % len(tokens)]))
        return (self.server.cpu - before) / count, (self.server.memory - held) / count

    async def subscribe(self) -> None:
        """Let the sockets that do not do so yet follow the articles, without initial data."""
        for socket in self.sockets:
            if not socket.is_following:
                await socket.ask({"type": "subscribe", "collection": "articles", "event": "create", "uid": "1"})
                socket.is_following = True

    async def fan_out(self, rounds: int) -> FanOut:
        """Create rows that everybody sees, one by one, each when all have the one before."""
        times = []
        before = self.server.cpu
        for _ in range(rounds):
            started = time.perf_counter()
            (await self.http.post("/items/articles", json=SEEN)).raise_for_status()
            await self._all_have(1)
            times.append(time.perf_counter() - started)
        cpu = (self.server.cpu - before) / (rounds * len(self.sockets))
        return FanOut(cpu, statistics.median(times))

    async def rate(self, creates: int) -> float:
        """Create rows that everybody sees, a few at a time; return how many a second have come to everybody."""
        began = time.perf_counter()

        async def write() -> None:
            for _ in range(creates // WRITERS):
                (await self.http.post("/items/articles", json=SEEN)).raise_for_status()

        await asyncio.gather(*(write() for _ in range(WRITERS)))
        await self._all_have(creates // WRITERS * WRITERS)
        return creates / (time.perf_counter() - began)

    async def _all_have(self, rows: int) -> None:
        """Wait until everybody has got so many more rows."""
        async with asyncio.timeout(60):
            for socket in self.sockets:
                await socket.until(rows)
        for socket in self.sockets:
            socket.rows = 0
