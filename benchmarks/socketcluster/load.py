"""The load: subscribers of one channel, and one publisher that waits until all have what it has said."""

from __future__ import annotations

import asyncio
import json
import statistics
import time
from typing import TYPE_CHECKING, Any

import msgspec

from benchmarks.client import Socket

if TYPE_CHECKING:
    from benchmarks.server import Server

CHANNEL = "news"
MESSAGE = {"title": "a message of the usual size", "author": "somebody", "number": 1, "text": "Lorem ipsum " * 8}
_TEXT = 0x1
_RESPONSE = b'{"rid"'


class FanOut(msgspec.Struct, frozen=True):
    """What publications cost: `cpu` of the server for one delivery, `last` from the publisher's write until the last
    subscriber has it (median); both in seconds.
    """

    cpu: float
    last: float


class Crowd:
    """All subscribers together: `until` so many messages have come to them."""

    def __init__(self) -> None:
        self._missing = 0
        self._all: asyncio.Future[float] | None = None

    def expect(self, count: int) -> asyncio.Future[float]:
        """Return when that many have come, as `time.perf_counter` says."""
        self._missing, self._all = count, asyncio.get_running_loop().create_future()
        return self._all

    def has(self, count: int) -> None:
        """Count what has come."""
        self._missing -= count
        if self._missing == 0 and self._all is not None:
            self._all.set_result(time.perf_counter())


class Client(Socket):
    """One connection that speaks SocketCluster 2."""

    path = "/socketcluster/"
    crowd: Crowd | None = None

    @classmethod
    async def join(cls, port: int) -> Client:
        """Connect and complete the handshake."""
        _, socket = await asyncio.get_running_loop().create_connection(cls, "127.0.0.1", port)
        await socket.upgrade()
        await socket.call("#handshake", {"authToken": None})
        return socket

    async def call(self, event: str, data: Any) -> None:
        """Send a packet and wait for its answer.

        Raises:
            RuntimeError: the answer is an error.
        """
        self._answer = asyncio.get_running_loop().create_future()
        self._send(_TEXT, json.dumps({"event": event, "data": data, "cid": 1}).encode())
        answer = json.loads(await self._answer)
        if "error" in answer:
            raise RuntimeError(answer)

    def publish(self) -> None:
        """Say something, and want no answer."""
        self._send(_TEXT, json.dumps({"event": "#publish", "data": {"channel": CHANNEL, "data": MESSAGE}}).encode())

    def _read(self, opcode: int, payload: bytes) -> None:
        if opcode != _TEXT or not payload:
            self._send(opcode, b"")  # a sign of life is answered by the same
        elif self.crowd is not None and payload.startswith(b'{"event":"#publish"'):
            self.crowd.has(1)
        elif payload.startswith(_RESPONSE):
            self._reply(payload)


class Load:
    """The sockets on one server."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._crowd = Crowd()
        self._clients: list[Client] = []
        self._publisher: Client | None = None

    async def grow(self, count: int) -> None:
        """Let there be so many subscribers, and the publisher beside them."""
        if self._publisher is None:
            self._publisher = await Client.join(self._server.port)
        while len(self._clients) < count:
            client = await Client.join(self._server.port)
            await client.call("#subscribe", {"channel": CHANNEL})
            client.crowd = self._crowd
            self._clients.append(client)

    async def fan_out(self, rounds: int) -> FanOut:
        """Publish, one message after the other, each when everybody has the one before."""
        assert self._publisher is not None
        times = []
        before = self._server.cpu
        for _ in range(rounds):
            all_have = self._crowd.expect(len(self._clients))
            started = time.perf_counter()
            self._publisher.publish()
            times.append(await all_have - started)
        cpu = (self._server.cpu - before) / (rounds * len(self._clients))
        return FanOut(cpu, statistics.median(times))

    def close(self) -> None:
        """Let every socket go."""
        for client in (self._publisher, *self._clients):
            if client is not None:
                client.close()
