"""SocketCluster servers that another program drives: what it would do with the library's own objects, it asks for here.

    python application.py sqlite:///upstream.db

Lines of JSON come on standard input, `[{"do": …}, …]`, and go to standard output, `{"tell": …}`. They are carried out
in the order in which they come. `server`, `socket`, `request` and `action` are names of what has been told of before.
The process ends with its input.
"""

from __future__ import annotations

import asyncio
import json
import sys
from typing import TYPE_CHECKING, Any

import anyio
import uvicorn

from watchword import SocketClusterOptions, Watchword
from watchword.app.http_protocol import Patience, http_protocol
from watchword.app.listening import listen
from watchword.app.settings import load_settings
from watchword.app.socket_protocol import SocketProtocol
from watchword.base.errors import Thrown
from watchword.identity.claims_tokens import TokenKeys

if TYPE_CHECKING:
    import socket
    from collections.abc import Awaitable, Callable

    from anyio.abc import TaskGroup

    from watchword.backend.lines import Action
    from watchword.backend.request import Request
    from watchword.backend.socket import Socket
    from watchword.backend.socketcluster import SocketClusterServer

SETTINGS = {
    "SECRET": "for tests, and long enough to be taken",
    "ADMIN_EMAIL": "admin@example.com",
    "ADMIN_PASSWORD": "a-fairly-long-password",
    "LOG_LEVEL": "error",
}


def tell(what: str, **values: Any) -> None:
    """Let the other program know."""
    sys.stdout.write(f"{json.dumps({'tell': what, **values})}\n")
    sys.stdout.flush()


class Server(uvicorn.Server):
    """Says when it is there."""

    ready: Callable[[], None]

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready()


class Driven:
    """One server, and what the other program knows of it."""

    def __init__(self, number: int, url: str, options: dict[str, Any]) -> None:
        self._number = number
        self._app = Watchword(load_settings(environment={}, flags={"DATABASE_URL": url} | SETTINGS))
        self.endpoint: SocketClusterServer = self._app.socketcluster(options=SocketClusterOptions(**options))
        self.endpoint.connection(self._connected)
        self.sockets: dict[str, Socket] = {}
        self.requests: dict[int, Request] = {}
        self.actions: dict[int, asyncio.Future[Any]] = {}
        self._server: Server | None = None
        self._ended = anyio.Event()

    async def run(self) -> None:
        """Serve until `close`."""
        config = uvicorn.Config(
            self._app,
            http=http_protocol(Patience(head=20.0, request=60.0, size=16_384)),
            ws=SocketProtocol,
            ws_ping_interval=None,
            ws_per_message_deflate=False,
            lifespan="on",
            log_config=None,
            timeout_graceful_shutdown=1,
        )
        self._server = Server(config)
        (listening,) = listen("127.0.0.1", 0)
        about = {"port": listening.getsockname()[1], "pingTimeout": self.endpoint.options.ping_timeout * 1000}
        self._server.ready = lambda: tell("ready", server=self._number, **about)
        await self._server.serve([listening])
        self._ended.set()

    async def close(self) -> None:
        """End it, and whoever is connected."""
        if self._server is not None:
            await self.endpoint.close()
            self._server.should_exit = True
            await self._ended.wait()
        tell("closed", server=self._number)

    async def _connected(self, socket: Socket) -> None:
        self.sockets[socket.id] = socket
        tell("connection", server=self._number, socket=socket.id)

    async def serve_procedure(self, socket: str, name: str) -> None:
        """Tell of the calls of a procedure."""
        async for request in self.sockets[socket].procedure(name):
            number = len(self.requests)
            self.requests[number] = request
            tell("request", server=self._number, socket=socket, request=number, name=name, data=request.data)

    async def serve_receiver(self, socket: str, name: str) -> None:
        """Tell of what is transmitted under a name."""
        async for data in self.sockets[socket].receiver(name):
            tell("transmitted", server=self._number, socket=socket, name=name, data=data)

    async def ask(self, action: Action) -> None:
        """Let the other program decide about an action."""
        number = len(self.actions)
        answer = self.actions[number] = asyncio.get_running_loop().create_future()
        name = action.channel or action.procedure or action.receiver
        data = action.data if isinstance(action.data, str | int | float | list | dict | None) else None
        about = {"server": self._number, "socket": action.socket.id, "action": number, "name": name, "data": data}
        tell("action", type=action.type.value, **about)
        error = await answer
        if error is not None:
            raise Thrown(error)


class Remote:
    """Does what it is asked for."""

    def __init__(self, url: str, group: TaskGroup) -> None:
        self._url = url
        self._group = group
        self._servers: dict[int, Driven] = {}
        self._orders: dict[str, Callable[..., Awaitable[None]]] = {
            name.removeprefix("do_"): getattr(self, name) for name in dir(self) if name.startswith("do_")
        }

    async def obey(self, order: dict[str, Any]) -> None:
        """Carry out one of them."""
        name = order.pop("do")
        if name == "listen" or order["server"] in self._servers:  # a test that is over may still have something to say
            await self._orders[name](**order)

    async def do_listen(self, server: int, options: dict[str, Any]) -> None:
        self._servers[server] = driven = Driven(server, self._url, options)
        self._group.start_soon(driven.run)

    async def do_close(self, server: int) -> None:
        self._group.start_soon(self._servers.pop(server).close)

    async def do_key(self, server: int, key: str) -> None:
        self._servers[server].endpoint.change_keys(TokenKeys(secret=key))

    async def do_ask(self, server: int, line: str) -> None:
        driven = self._servers[server]
        driven.endpoint.set_middleware(line, driven.ask)

    async def do_ask_no_more(self, server: int, line: str) -> None:
        self._servers[server].endpoint.remove_middleware(line)

    async def do_decide(self, server: int, action: int, error: Any = None) -> None:
        answer = self._servers[server].actions.pop(action)
        if not answer.done():  # whoever asked may have gone
            answer.set_result(error)

    async def do_procedure(self, server: int, socket: str, name: str) -> None:
        self._group.start_soon(self._servers[server].serve_procedure, socket, name)

    async def do_receiver(self, server: int, socket: str, name: str) -> None:
        self._group.start_soon(self._servers[server].serve_receiver, socket, name)

    async def do_set_auth_token(self, server: int, socket: str, claims: dict[str, Any]) -> None:
        await self._servers[server].sockets[socket].set_auth_token(claims)

    async def do_end(self, server: int, request: int, **answer: Any) -> None:
        self._servers[server].requests[request].end(**answer)

    async def do_error(self, server: int, request: int, error: Any) -> None:
        self._servers[server].requests[request].error(error)


async def main(url: str) -> None:
    """Obey until there is nothing more to read."""
    async with anyio.create_task_group() as group:
        remote = Remote(url, group)
        async for line in anyio.wrap_file(sys.stdin):
            for order in json.loads(line):
                await remote.obey(order)
        group.cancel_scope.cancel()


if __name__ == "__main__":
    anyio.run(main, sys.argv[1], backend_options={"use_uvloop": True})
