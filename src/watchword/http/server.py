"""Server: whether it lives, how it is, and what clients may know of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

import anyio
import structlog

from watchword.base.errors import Problem, forbidden
from watchword.http.answers import HTML, NO_CACHE, Answer, json_answer, send_answer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.types import Receive, Scope, Send

    from watchword.backend.context import Context
    from watchword.backend.limits import Quota
    from watchword.base.clock import Clock
    from watchword.http.endpoint import Call, Handler
    from watchword.http.settings import HttpSettings, WebSocketInfo
    from watchword.identity.project import ProjectSettings

Probe = Callable[[], Awaitable[None]]
"""Returns when the database answers; raises when it does not."""

ReadProject = Callable[[], Awaitable["ProjectSettings"]]
"""Returns what administrators have chosen for the project."""

_log = structlog.get_logger(__name__)

_PATIENCE = 5.0
_SLOW_MILLISECONDS = 1000.0
_HEALTH = "application/health+json; charset=utf-8"

_PROJECT: dict[str, Any] = {
    "project_logo": None,
    "default_appearance": "auto",
    "default_theme_light": None,
    "default_theme_dark": None,
    "theme_light_overrides": None,
    "theme_dark_overrides": None,
    "public_foreground": None,
    "public_background": None,
    "public_favicon": None,
    "custom_css": None,
    "public_registration": False,
    "public_registration_verify_email": True,
}
"""What clients look for in a project; what can be chosen of it is in `/settings`."""


class Server:
    """The handlers under `/server`."""

    def __init__(self, settings: HttpSettings, probe: Probe, version: str, clock: Clock, chosen: ReadProject) -> None:
        self._settings = settings
        self._clock = clock
        self._chosen = chosen
        self._probe = probe
        self._version = version

    @property
    def routes(self) -> Mapping[str, Mapping[str, Handler]]:
        """The handlers by path and method."""
        return {"/server/health": {"GET": self.health}, "/server/info": {"GET": self.info}}

    async def health(self, call: Call) -> Answer:
        """Answer how things are; administrators see what was looked at. 503 when it does not work.

        Raises:
            Problem: FORBIDDEN for the public.
        """
        health = await self.told_health(call.context)
        return json_answer(health, status=503 if health["status"] == "error" else 200, media_type=_HEALTH)

    async def told_health(self, context: Context) -> dict[str, Any]:
        """Return how things are; administrators see what was looked at.

        Raises:
            Problem: FORBIDDEN for the public.
        """
        if context.principal.is_anonymous:
            raise forbidden()
        status, milliseconds = await self._look()
        health: dict[str, Any] = {"status": status}
        if context.principal.admin:
            check = {
                "status": status,
                "componentType": "datastore",
                "observedValue": round(milliseconds, 3),
                "observedUnit": "ms",
                "threshold": _SLOW_MILLISECONDS,
            }
            health |= {"releaseId": self._version, "checks": {"database:responseTime": [check]}}
        return health

    async def info(self, call: Call) -> Answer:
        """Answer what clients may know."""
        return json_answer({"data": await self.told(call.context)})

    async def told(self, context: Context) -> dict[str, Any]:
        """Return what clients may know: the project to everybody, the rest to users."""
        data: dict[str, Any] = {"project": await self._told_project()}
        if context.principal.is_anonymous:
            return data
        if context.principal.admin:
            data["version"] = self._version
        data["websocket"] = _websocket(self._settings.websocket, admin=context.principal.admin)
        limits = (self._settings.query_limit_default, self._settings.query_limit_max)
        data["queryLimit"] = {"default": limits[0], "max": limits[1]}
        data["rateLimit"] = _quota(self._settings.rate_limit)
        data["rateLimitGlobal"] = _quota(self._settings.rate_limit_global)
        return data

    async def _told_project(self) -> dict[str, Any]:
        chosen = await self._chosen()
        return _PROJECT | {
            "project_name": chosen.project_name or self._settings.project_name,
            "project_descriptor": chosen.project_descriptor,
            "project_color": chosen.project_color,
            "default_language": chosen.default_language,
            "public_note": chosen.public_note,
        }

    async def _look(self) -> tuple[str, float]:
        started = self._clock.monotonic()
        status = "ok"
        try:
            with anyio.fail_after(_PATIENCE):
                await self._probe()
        except (Problem, OSError):
            _log.warning("health.database_away")
            status = "error"
        milliseconds = (self._clock.monotonic() - started) * 1000
        return "warn" if status == "ok" and milliseconds > _SLOW_MILLISECONDS else status, milliseconds


async def ping(scope: Scope, receive: Receive, send: Send) -> None:
    """Say that the process answers, to anybody and without looking at anything."""
    await send_answer(Answer(200, b"pong", (NO_CACHE,), HTML), scope, send)


def _quota(quota: Quota | None) -> Any:
    return False if quota is None else {"points": quota.points, "duration": quota.seconds}


def _endpoint(authentication: str | None, path: str) -> Any:
    return False if authentication is None else {"authentication": authentication, "path": path}


def _websocket(info: WebSocketInfo | None, *, admin: bool) -> Any:
    if info is None:
        return False
    return {
        "rest": _endpoint(info.authentication, info.path),
        "graphql": _endpoint(info.graphql_authentication, info.graphql_path),
        "heartbeat": info.heartbeat if info.heartbeat is not None else False,
        "logs": {"allowedLogLevels": info.log_levels} if admin and info.log_levels is not None else False,
    }
