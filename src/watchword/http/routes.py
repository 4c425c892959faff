"""Routes: every path of the REST API, and the application that serves them together with others' routes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.routing import Route

from watchword.base.errors import STATUS, Code
from watchword.http.access_log import AccessLog
from watchword.http.auth import Auth
from watchword.http.caller import Callers
from watchword.http.cors import Cors
from watchword.http.endpoint import Endpoint
from watchword.http.graphql import GraphqlRoutes
from watchword.http.graphql_system import Answering
from watchword.http.items import Items, name_in_path
from watchword.http.mine import Mine
from watchword.http.openapi.document import Description
from watchword.http.procedures import Procedures
from watchword.http.project import ProjectSettings
from watchword.http.rates import Rates
from watchword.http.router import DirectRouter
from watchword.http.server import Server, ping
from watchword.http.sessions import Sessions
from watchword.http.snapshots import snapshot_routes
from watchword.http.structure import structure_routes
from watchword.http.system import system_routes
from watchword.http.tickets import Tickets
from watchword.http.tokens import Tokens
from watchword.http.transport import refuse
from watchword.http.unsupported import unsupported_routes
from watchword.http.utilities import Utilities
from watchword.http.well_known import WellKnown

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from starlette.routing import BaseRoute
    from starlette.types import ASGIApp, Receive, Scope, Send

    from watchword.backend.backend import Backend
    from watchword.http.access_log import Observe
    from watchword.http.endpoint import Handler
    from watchword.http.graphql import GraphqlParts
    from watchword.http.server import Probe
    from watchword.http.settings import CorsSettings, HttpSettings


def build_routes(
    backend: Backend, settings: HttpSettings, probe: Probe, version: str, graphql: GraphqlParts | None = None
) -> list[Route]:
    """Return the routes of the REST API, and of GraphQL where there is some.

    `probe` returns when the database answers, and raises when it does not.
    """
    callers = Callers(backend, settings)
    auth = Auth(backend, callers, settings)
    server = Server(settings, probe, version, backend.clock, backend.identity.project.settings)
    items = Items(backend, settings, name_in_path)
    utilities, description = Utilities(backend, settings), Description(backend, settings, version)
    families: dict[str, Mapping[str, Handler]] = {
        "/items/{collection}": items.of_collection,
        "/items/{collection}/{key}": items.of_item,
        **unsupported_routes(),
        **Mine(backend).routes,
        **Sessions(backend).routes,
        **Tokens(backend, settings).routes,
        **Tickets(backend).routes,
        **WellKnown(backend).routes,
        **system_routes(backend, settings),
        **ProjectSettings(backend, settings).routes,
        **utilities.routes,
        **structure_routes(backend, settings),
        **snapshot_routes(backend, settings, version),
        **server.routes,
        **Procedures(backend, settings).routes,
        **description.routes,
    }
    if graphql is not None:
        answering = Answering(backend, auth, server, utilities, description)
        families |= GraphqlRoutes(graphql, answering, settings).routes
    routes = [Route(path, Endpoint(callers, settings, handlers)) for path, handlers in families.items()]
    # The session cookie is what these are about: a stale one must not keep anybody from logging in or out.
    routes += [Route(path, Endpoint(callers, settings, each, cookies=False)) for path, each in auth.routes.items()]
    return [*routes, Route("/server/ping", _Ping())]


def build_app(
    backend: Backend,
    settings: HttpSettings,
    routes: Sequence[BaseRoute],
    observe: Observe | None = None,
    cors_below: Mapping[str, CorsSettings] | None = None,
) -> ASGIApp:
    """Return the ASGI application: the routes, an answer for every other path, and what all requests have in common.

    The order of `routes` is the order in which they are tried. `observe` is told of every request. `cors_below` has
    settings of their own for what is below some paths.
    """
    app: ASGIApp = _Rest(routes, Endpoint(Callers(backend, settings), settings, {}))
    if settings.rate_limit is not None or settings.rate_limit_global is not None:
        app = Rates(app, settings, backend.clock)
    if settings.cors.enabled or cors_below:
        app = Cors(app, settings.cors, cors_below)
    return AccessLog(app, settings, observe)


class _Ping:
    """Starlette takes an object for an ASGI application, and a function for something else."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await ping(scope, receive, send)


class _Rest:
    """The routes, and what is said where there is none: a socket is refused, a request told.

    A path with a slash at its end is the one without, where nobody has claimed it as it is.
    """

    def __init__(self, routes: Sequence[BaseRoute], missing: Endpoint) -> None:
        self._missing = missing
        self._router = DirectRouter(routes, self._default)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._router(scope, receive, send)

    async def _default(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await receive()  # websocket.connect
            await refuse(scope, send, STATUS[Code.ROUTE_NOT_FOUND])
            return
        path = scope["path"]
        if len(path) > 1 and path.endswith("/"):
            await self._router({**scope, "path": path.rstrip("/") or "/"}, receive, send)
            return
        await self._missing(scope, receive, send)
