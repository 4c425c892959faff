"""The load: two queries over HTTP, and subscribers that a create reaches."""

from __future__ import annotations

import asyncio
import json
import statistics
import time
from typing import TYPE_CHECKING, Any

import httpx
import msgspec

from benchmarks.client import Socket

if TYPE_CHECKING:
    from benchmarks.server import Server

ADMIN = {"Authorization": "Bearer admin-token-0001"}
QUERIES = {
    "flat": "{ articles(limit: 100) { id title slug body status views rating %s } }",
    "nested": "{ authors(limit: 20) { id name articles(limit: 10) { id title slug body status views rating %s } } }",
}
FOLLOW = "subscription { articles_mutated(event: create) { key event data { id title status views } } }"
SEEN = {"title": "a row that is seen", "status": "published"}


class FanOut(msgspec.Struct, frozen=True):
    """What rows that are created cost: `cpu` of the server for one delivery, `last` from the request to the last of
    all deliveries (median); both in seconds.
    """

    cpu: float
    last: float


class Queries:
    """The two queries to one server."""

    def __init__(self, server: Server, token: str | None) -> None:
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        self._server = server
        self._http = httpx.AsyncClient(base_url=f"http://127.0.0.1:{server.port}", headers=headers, timeout=60)
        self._date = "publishedOn" if token is None else "published_on"
        self._path = "/" if token is None else "/graphql"

    async def cost(self, name: str, count: int) -> float:
        """Return the server's CPU seconds for one request, over `count` of them."""
        query = QUERIES[name] % self._date
        for _ in range(5):
            self._check(name, await self._ask(query))
        before = self._server.cpu
        for _ in range(count):
            await self._ask(query)
        return (self._server.cpu - before) / count

    async def close(self) -> None:
        """Let the connection go."""
        await self._http.aclose()

    async def _ask(self, query: str) -> httpx.Response:
        return await self._http.post(self._path, json={"query": query})

    def _check(self, name: str, answer: httpx.Response) -> None:
        data = answer.json().get("data")
        assert data, answer.text[:500]
        rows = data["articles"] if name == "flat" else [each for row in data["authors"] for each in row["articles"]]
        assert len(rows) == (100 if name == "flat" else 200), answer.text[:500]
        assert len(rows[0]) == 8, rows[0]  # noqa: PLR2004 - the fields


class Client(Socket):
    """One connection that speaks `graphql-transport-ws`."""

    path = "/graphql"
    subprotocol = "graphql-transport-ws"

    @classmethod
    async def follow(cls, port: int, token: str) -> Client:
        """Connect, authenticate and subscribe."""
        _, socket = await asyncio.get_running_loop().create_connection(cls, "127.0.0.1", port)
        await socket.upgrade()
        await socket.ask({"type": "connection_init", "payload": {"access_token": token}})
        socket.say({"id": "1", "type": "subscribe", "payload": {"query": FOLLOW}})
        await socket.ask({"type": "ping"})  # answered when the subscription stands
        return socket

    def say(self, message: Any) -> None:
        """Send a message that has no answer."""
        self._send(0x1, json.dumps(message).encode())


class Load:
    """Creates and subscribers at our server."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._http = httpx.AsyncClient(base_url=f"http://127.0.0.1:{server.port}", headers=ADMIN, timeout=60)
        self._sockets: list[Client] = []

    async def reader(self) -> str:
        """Make a user who sees published articles and all authors; return an access token."""
        role = await self._made("/roles", {"name": "reader"})
        policy = await self._made("/policies", {"name": "reader"})
        await self._made("/access", {"role": role, "policy": policy})
        seen = {"status": {"_eq": "published"}}
        for collection, rows in (("articles", seen), ("authors", {})):
            rule = {"collection": collection, "action": "read", "permissions": rows, "fields": ["*"], "policy": policy}
            await self._made("/permissions", rule)
        account = {"email": "reader@example.com", "password": "a-fairly-long-password"}
        await self._made("/users", account | {"role": role})
        return str((await self._http.post("/auth/login", json=account)).json()["data"]["access_token"])

    async def follow(self, token: str, count: int) -> None:
        """Let so many clients follow the articles."""
        self._sockets = [await Client.follow(self._server.port, token) for _ in range(count)]

    async def fan_out(self, rounds: int) -> FanOut:
        """Create rows that everybody sees, one by one, each when all have the one before."""
        times = []
        before = self._server.cpu
        for _ in range(rounds):
            for socket in self._sockets:
                socket.rows = 0
            began = time.perf_counter()
            (await self._http.post("/items/articles", json=SEEN)).raise_for_status()
            for socket in self._sockets:
                await socket.until(1)
            times.append(time.perf_counter() - began)
        cpu = (self._server.cpu - before) / (rounds * len(self._sockets))
        return FanOut(cpu, statistics.median(times))

    async def close(self) -> None:
        """Let every socket and the connection go."""
        for socket in self._sockets:
            socket.close()
        await self._http.aclose()

    async def _made(self, path: str, body: dict[str, Any]) -> Any:
        answer = await self._http.post(path, json=body)
        answer.raise_for_status()
        return answer.json()["data"]["id"]
