"""Router: finds routes without parameters by their path at once, and tries only the others one after the other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.routing import Match, Route, Router

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from starlette.routing import BaseRoute
    from starlette.types import ASGIApp, Receive, Scope, Send


class DirectRouter(Router):
    """Leads where Starlette's own router would. Paths under a prefix, and what is no request, are left to that one."""

    def __init__(self, routes: Sequence[BaseRoute], default: ASGIApp) -> None:
        super().__init__(routes, redirect_slashes=False, default=default)
        self._direct = dict(_direct(routes))

    async def app(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the route answer that a request is for."""
        route = self._direct.get(scope["path"]) if scope["type"] == "http" and not scope.get("root_path") else None
        if route is None:
            await super().app(scope, receive, send)
            return
        scope.setdefault("router", self)
        scope["route"] = route
        scope.update(route.matches(scope)[1])
        await route.handle(scope, receive, send)


def _direct(routes: Sequence[BaseRoute]) -> Iterator[tuple[str, Route]]:
    """Yield the routes that answer every method at one path, and that no route before them takes it from."""
    for route in routes:
        if not isinstance(route, Route) or route.param_convertors or route.methods is not None:
            continue
        scope = {"type": "http", "path": route.path, "root_path": "", "method": "GET", "headers": []}
        first = next(each for each in routes if each.matches(scope)[0] is not Match.NONE)
        if first is route:
            yield route.path, route
