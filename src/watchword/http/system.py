"""System collections by paths of their own: users, roles, policies, access, permissions, activity; `/users/me`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from watchword.base.errors import Code, Problem
from watchword.http.answers import Answer, json_answer, read_answer, written_answer
from watchword.http.bodies import read_object
from watchword.http.items import Items
from watchword.identity.users import USERS
from watchword.protocol.operations import Read, Update
from watchword.query.wire import parse_query, parse_query_string

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from watchword.backend.backend import Backend
    from watchword.http.endpoint import Call, Handler
    from watchword.http.settings import HttpSettings

FAMILIES = {
    "/users": USERS,
    "/roles": "directus_roles",
    "/policies": "directus_policies",
    "/access": "directus_access",
    "/permissions": "directus_permissions",
    "/activity": "directus_activity",
}
WRITTEN_BY_US = frozenset({"directus_activity"})
_READING = ("GET", "SEARCH")
_TOLD_WHOLE = frozenset({"directus_permissions"})


def system_routes(backend: Backend, settings: HttpSettings) -> dict[str, Mapping[str, Handler]]:
    """Return the handlers by path and method; an item's path comes after the fixed ones that look like it."""
    me = Me(backend, settings)
    routes: dict[str, Mapping[str, Handler]] = {"/users/me": {"GET": me.read, "PATCH": me.update}}
    for path, name in FAMILIES.items():
        items = Items(backend, settings, _always(name), unlimited=name in _TOLD_WHOLE)
        methods = _READING if name in WRITTEN_BY_US else (*_READING, "POST", "PATCH", "DELETE")
        routes[path] = {method: each for method, each in items.of_collection.items() if method in methods}
        routes[f"{path}/{{key}}"] = {method: each for method, each in items.of_item.items() if method in methods}
    return routes


class Me:
    """The handlers of `/users/me`."""

    def __init__(self, backend: Backend, settings: HttpSettings) -> None:
        self._backend = backend
        self._limit = settings.max_payload_size

    async def read(self, call: Call) -> Answer:
        """Answer with the caller's own row, as far as they may read it, and with the key at least.

        Raises:
            Problem: INVALID_CREDENTIALS for the public.
        """
        user = _user(call)
        query = parse_query(USERS, parse_query_string(call.query_string))
        try:
            return read_answer(await self._backend.perform(call.context, Read(query, user)))
        except Problem as problem:
            if problem.code is not Code.FORBIDDEN:
                raise
        return json_answer({"data": {"id": user}})

    async def update(self, call: Call) -> Answer:
        """Update the caller's own row.

        Raises:
            Problem: INVALID_CREDENTIALS for the public; FORBIDDEN without the permission to update it.
        """
        user = _user(call)
        query = parse_query(USERS, parse_query_string(call.query_string))
        data = await read_object(call.request, self._limit)
        return written_answer(await self._backend.perform(call.context, Update(query, data, user)))


def _user(call: Call) -> str:
    user = call.context.principal.user
    if user is None:
        raise Problem(Code.INVALID_CREDENTIALS)
    return user


def _always(name: str) -> Callable[[Call], str]:
    return lambda _: name
