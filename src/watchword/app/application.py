"""Watchword: the server as an ASGI application, to be run by itself or mounted in another one."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import structlog
from msgspec.structs import replace
from starlette.routing import Route, WebSocketRoute

from watchword import __version__
from watchword.app.build import (
    build,
    graphql_limits,
    graphql_options,
    graphql_pace,
    graphql_policy,
    graphql_rejection,
    http_settings,
    logs_limits,
    logs_pace,
    logs_policy,
    socket_limits,
    socket_pace,
    socket_policy,
)
from watchword.app.lifespan import running
from watchword.app.log_stream import streaming
from watchword.app.logs import adopt_logs
from watchword.app.program import Program
from watchword.app.settings import Settings, load_settings
from watchword.app.setup_link import SetupLink
from watchword.base.errors import Problem
from watchword.dialects.directus import Directus
from watchword.dialects.directus_logs import DirectusLogs
from watchword.dialects.socketcluster import SocketCluster
from watchword.http.demo_page import demo_routes
from watchword.http.graphql import GraphqlOnDemand, GraphqlParts
from watchword.http.graphql_events import GraphqlEvents
from watchword.http.graphql_sockets import GraphqlSockets
from watchword.http.metrics import metrics_route
from watchword.http.origins import Origins
from watchword.http.routes import build_app, build_routes
from watchword.http.setup import setup_routes
from watchword.http.socketcluster import SocketClusterEndpoint
from watchword.http.sockets import SocketEndpoint, SocketOptions

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.routing import BaseRoute
    from starlette.types import ASGIApp, Receive, Scope, Send

    from watchword.base.secret import Secret
    from watchword.http.settings import CorsSettings, HttpSettings

_log = structlog.get_logger(__name__)

ALIAS = "/websockets"
"""The path of Likha ERP Realtime, which speaks the same dialect."""


class Watchword(Program):
    """An ASGI 3 application: `uvicorn module:app` runs it, `Starlette().mount("/api", app)` mounts it.

    A mounted application does not hear of start and stop; give the outer one `lifespan=app.lifespan`, or enter
    `app.lifespan()` in its own.

    Args:
        settings: what `load_settings` gives; without it, `watchword.toml` and the environment are read.
        demo: serve the demonstration page at `/`.
        values: settings by name in small letters, which go before those that are read.

    Raises:
        SettingsError: the settings are not fit.
    """

    def __init__(self, settings: Settings | None = None, *, demo: bool = False, **values: Any) -> None:
        super().__init__()
        adopt_logs()
        self.settings = settings or load_settings(flags={name.upper(): value for name, value in values.items()})
        self.parts = build(self.settings, application=self._application)
        self._setup = SetupLink(self.parts.db, self.parts.identity.users, self._show_link)
        self._http = http_settings(self.settings)  # what is wrong there is told at once
        self._graphql = GraphqlOnDemand(self.parts.backend, graphql_options(self.settings))
        self.parts.backend.executor = self._graphql
        self._demo = demo
        self._app: ASGIApp | None = None

    @asynccontextmanager
    async def lifespan(self, app: Any = None) -> AsyncIterator[None]:
        """Run everything that requests need, until the block ends."""
        if self._mounts:
            self._app = self._composed  # what cannot be mounted is told at the start
        with streaming(self.parts.journal):
            async with running(self.parts, self._setup):
                for work in self._tasks:
                    self.parts.background.spawn(work)
                yield

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, one socket, or the life of the server."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        else:
            await self._composed(scope, receive, send)

    @property
    def _composed(self) -> ASGIApp:
        """What serves requests, put together when the first one comes: by then everything has been registered."""
        if self._app is None:
            self._app = self._compose(demo=self._demo)
        return self._app

    @property
    def max_message(self) -> int:
        """How many bytes the largest message of any socket may have."""
        own: int = self.settings["WEBSOCKETS_REST_MAX_MESSAGE"]
        sizes = [endpoint.options.max_payload for endpoint in self._endpoints.values()]
        return max(own, *sizes, *(options.frame for _, options in self._mounts.values()), 0)

    def _compose(self, *, demo: bool) -> ASGIApp:
        http = self._http
        backend = self.parts.backend
        routes: list[BaseRoute] = [  # tried in this order: a socket does not look through all of REST first
            *self._sockets(http),
            *self._log_sockets(http),
            *self._graphql_sockets(http),
            *self._socketcluster_sockets(http),
            *build_routes(backend, http, self.parts.db.probe, __version__, self._graphql_parts),
            *setup_routes(self._setup, backend, http),
        ]
        cors = self._serve_mounts(routes, http)
        if demo:
            routes += demo_routes()
        if not self.settings["METRICS_ENABLED"]:
            return build_app(backend, http, routes, cors_below=cors)
        from watchword.app.metrics import Metrics, metrics_tokens  # noqa: PLC0415 - nobody else needs what it imports

        extended = [*([SocketCluster.name] if self._endpoints else ()), *(["trpc"] if self._mounts else ())]
        spoken = (Directus.name, DirectusLogs.name, *extended)
        metrics = Metrics(self.parts, __version__, spoken)
        routes.append(metrics_route(metrics.render, metrics_tokens(self.settings), backend, http))
        metrics.name_routes(routes)
        return build_app(backend, http, routes, metrics.observe, cors)

    def _sockets(self, http: HttpSettings) -> list[BaseRoute]:
        if http.websocket is None or http.websocket.authentication is None:
            return []
        options = SocketOptions(
            policy=socket_policy(self.settings),
            pace=socket_pace(self.settings),
            origins=Origins(http),
            session_cookie=http.session_cookie.name,
            trusted_proxies=http.trusted_proxies,
            limits=socket_limits(self.settings),
        )
        endpoint = SocketEndpoint(self.parts.backend, Directus, options)
        return [WebSocketRoute(path, endpoint) for path in dict.fromkeys((http.websocket.path, ALIAS))]

    @property
    def _graphql_parts(self) -> GraphqlParts:
        events = GraphqlEvents(self.parts.backend, graphql_pace(self.settings), graphql_limits(self.settings))
        return GraphqlParts(self._graphql, events)

    def _graphql_sockets(self, http: HttpSettings) -> list[BaseRoute]:
        if http.websocket is None or http.websocket.graphql_authentication is None:
            return []
        options = SocketOptions(
            policy=graphql_policy(self.settings),
            pace=graphql_pace(self.settings),
            origins=Origins(http),
            session_cookie=http.session_cookie.name,
            trusted_proxies=http.trusted_proxies,
            limits=graphql_limits(self.settings),
            rejection=graphql_rejection(self.settings),
        )
        return [WebSocketRoute(http.websocket.graphql_path, GraphqlSockets(self.parts.backend, options))]

    def _log_sockets(self, http: HttpSettings) -> list[BaseRoute]:
        if http.websocket is None or http.websocket.log_levels is None:
            return []
        options = SocketOptions(
            policy=logs_policy(self.settings),
            pace=logs_pace(self.settings),
            origins=Origins(http),
            session_cookie=http.session_cookie.name,
            trusted_proxies=http.trusted_proxies,
            limits=logs_limits(self.settings),
            admins=True,
        )
        raw = self.settings["WEBSOCKETS_LOGS_STYLE"] == "raw"
        endpoint = SocketEndpoint(self.parts.backend, lambda: DirectusLogs(Directus(), raw=raw), options)
        return [WebSocketRoute(self.settings["WEBSOCKETS_LOGS_PATH"], endpoint)]

    def _socketcluster_sockets(self, http: HttpSettings) -> list[BaseRoute]:
        routes: list[BaseRoute] = []
        for path, server in self._endpoints.items():
            limits = replace(socket_limits(self.settings), unauthenticated=server.options.anonymous_limit)
            endpoint = SocketClusterEndpoint(self.parts.backend, server, limits, http.trusted_proxies)
            routes.append(WebSocketRoute(path, endpoint))
        return routes

    def _serve_mounts(self, routes: list[BaseRoute], http: HttpSettings) -> dict[str, CorsSettings]:
        """Add what serves the mounts of tRPC; return which pages of other origins may call there."""
        if not self._mounts:
            return {}
        from watchword.http.trpc.endpoint import TrpcEndpoint  # noqa: PLC0415 - few ask for it, and all would wait
        from watchword.http.trpc.mount import Mount  # noqa: PLC0415
        from watchword.http.trpc.sockets import TrpcSockets  # noqa: PLC0415

        backend = self.parts.backend
        cors: dict[str, CorsSettings] = {}
        for path, (table, options) in self._mounts.items():
            mount = Mount(path, backend, table, options, http)
            routes += [WebSocketRoute(path, TrpcSockets(mount)), Route(mount.below, TrpcEndpoint(mount))]
            cors[path] = mount.cors
        return cors

    def _show_link(self, token: Secret) -> None:
        """Print the link where only who starts the server sees it: never through the log."""
        base = self.settings["PUBLIC_URL"] or f"http://{self.settings['HOST']}:{self.settings['PORT']}"
        print(f"\nThere is no administrator yet. Make one at\n\n    {base}/setup#{token.reveal()}\n", flush=True)  # noqa: T201

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()  # lifespan.startup
        try:
            async with self.lifespan():
                await send({"type": "lifespan.startup.complete"})
                await receive()  # lifespan.shutdown
        except Exception as error:  # noqa: BLE001 - whatever it is, the server must hear of it
            if isinstance(error, Problem):
                _log.error("server.start_failed", reason=error.message, cause=str(error.__cause__))
            else:
                _log.exception("server.start_failed")
            await send({"type": "lifespan.startup.failed", "message": str(error)})
            return
        await send({"type": "lifespan.shutdown.complete"})
