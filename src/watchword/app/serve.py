"""Serve: the application under uvicorn with uvloop and httptools, stopped gracefully."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING

import structlog
import uvicorn

from watchword.app.http_protocol import Patience, http_protocol
from watchword.app.lifespan import close_sockets
from watchword.app.listening import BACKLOG, listen
from watchword.app.socket_protocol import SocketProtocol

if TYPE_CHECKING:
    import socket

    from watchword.app.application import Watchword
    from watchword.app.settings import Settings

_log = structlog.get_logger(__name__)


class _Server(uvicorn.Server):
    """Refuses new connections first, then closes sockets in slices, then waits for requests."""

    def __init__(self, config: uvicorn.Config, app: Watchword) -> None:
        super().__init__(config)
        self._app = app

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            settings = self._app.settings
            _log.info("server.ready", url=f"http://{settings['HOST']}:{settings['PORT']}")

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for server in self.servers:
            server.close()
        await close_sockets(self._app.parts)
        await super().shutdown(sockets)
        self._captured_signals.clear()  # they have been heard: the process ends in order, with 0


_GARBAGE = (10_000, 20, 20)
"""After how many new objects garbage is looked for: each socket is hundreds of objects, and next to none is garbage."""


def serve(app: Watchword, sockets: list[socket.socket] | None = None) -> None:
    """Serve until the process is told to stop (SIGINT, SIGTERM), on `sockets` where they are open already.

    Raises:
        SettingsError: nobody can listen on the address that is set.
    """
    settings = app.settings
    gc.set_threshold(*_GARBAGE)
    config = uvicorn.Config(
        app,
        loop="uvloop",
        http=http_protocol(_patience(settings)),
        ws=SocketProtocol,
        ws_max_size=app.max_message,
        ws_ping_interval=None,
        ws_per_message_deflate=False,
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=True,
        proxy_headers=False,
        backlog=BACKLOG,
        timeout_graceful_shutdown=int(settings["SHUTDOWN_TIMEOUT"]),
    )
    _Server(config, app).run(sockets or listen(settings["HOST"], settings["PORT"]))


def _patience(settings: Settings) -> Patience:
    return Patience(
        head=settings["SERVER_HEADERS_TIMEOUT"],
        request=settings["SERVER_REQUEST_TIMEOUT"],
        size=settings["SERVER_MAX_HEADER_SIZE"],
    )
