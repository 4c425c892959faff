"""Unsupported: what clients of Directus may ask for and this server has not, told so instead of looking lost."""

from __future__ import annotations

from typing import TYPE_CHECKING

from watchword.base.errors import not_supported

if TYPE_CHECKING:
    from collections.abc import Mapping

    from watchword.http.answers import Answer
    from watchword.http.endpoint import Call, Handler

_METHODS = ("GET", "SEARCH", "POST", "PATCH", "DELETE")

_FAMILIES = {
    "assets": "files",
    "comments": "comments",
    "dashboards": "dashboards",
    "deployments": "deployments",
    "extensions": "extensions",
    "files": "files",
    "flows": "flows",
    "folders": "folders",
    "notifications": "notifications",
    "operations": "flows",
    "panels": "dashboards",
    "presets": "presets",
    "revisions": "revisions",
    "shares": "shares",
    "translations": "translations",
    "versions": "content versions",
}

_PATHS = {
    "/auth/password/request": "password resets",
    "/auth/password/reset": "password resets",
    "/users/invite": "invitations",
    "/users/invite/accept": "invitations",
    "/users/me/tfa/disable": "second factors",
    "/users/me/tfa/enable": "second factors",
    "/users/me/tfa/generate": "second factors",
    "/users/register": "registrations",
    "/users/register/verify-email": "registrations",
    "/users/{key}/tfa/disable": "second factors",
    "/utils/export/{collection}": "exports into files",
    "/utils/import": "imports of files",
    "/utils/import/{collection}": "imports of files",
    "/utils/revert/{key}": "revisions",
}


def unsupported_routes() -> dict[str, Mapping[str, Handler]]:
    """Return the handlers by path and method; they come before the paths of items that look like them."""
    routes = {path: _all(feature) for path, feature in _PATHS.items()}
    for name, feature in _FAMILIES.items():
        routes[f"/{name}"] = routes[f"/{name}/{{rest:path}}"] = _all(feature)
    return routes


def _all(feature: str) -> Mapping[str, Handler]:
    async def refuse(_: Call) -> Answer:
        raise not_supported(feature)

    return dict.fromkeys(_METHODS, refuse)
