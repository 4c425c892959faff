"""What callers may ask of themselves: their roles, the switches of their policies, and their permissions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from watchword.base.errors import Code, Problem, forbidden, forbidden_collection
from watchword.http.answers import Answer, json_answer, read_answer
from watchword.protocol.operations import Read
from watchword.query.wire import parse_query, parse_query_string

if TYPE_CHECKING:
    from collections.abc import Mapping

    from watchword.backend.backend import Backend
    from watchword.backend.context import Context
    from watchword.http.endpoint import Call, Handler

_ROLES = "directus_roles"


class Mine:
    """The handlers of `/roles/me`, `/policies/me/globals` and `/permissions/me`."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    @property
    def routes(self) -> Mapping[str, Mapping[str, Handler]]:
        """The handlers by path and method."""
        return {
            "/roles/me": {"GET": self.roles},
            "/policies/me/globals": {"GET": self.globals},
            "/permissions/me": {"GET": self.permissions},
            "/permissions/me/{collection}": {"GET": self.item_permissions},
            "/permissions/me/{collection}/{key}": {"GET": self.item_permissions},
        }

    async def roles(self, call: Call) -> Answer:
        """Answer with the caller's role and its ancestors, as far as they may read them, and with the keys at least.

        Raises:
            Problem: FORBIDDEN for the public.
        """
        _require_user(call)
        roles = call.context.principal.roles
        query = parse_query(_ROLES, parse_query_string(call.query_string))
        try:
            return read_answer(await self._backend.perform(call.context, Read(query, keys=roles)))
        except Problem as problem:
            if problem.code is not Code.FORBIDDEN:
                raise
        return json_answer({"data": [{"id": role} for role in roles]})

    async def globals(self, call: Call) -> Answer:
        """Answer with what the caller's policies switch on."""
        return json_answer({"data": await told_globals(self._backend, call.context)})

    async def permissions(self, call: Call) -> Answer:
        """Answer with what the caller may do, by collection and action.

        Raises:
            Problem: FORBIDDEN for the public.
        """
        _require_user(call)
        return json_answer({"data": self._backend.entitlements.of_collections(call.context)})

    async def item_permissions(self, call: Call) -> Answer:
        """Answer with what the caller may do to an item, or to items of a collection.

        Raises:
            Problem: FORBIDDEN for the public, and to administrators for a collection that does not exist.
        """
        _require_user(call)
        collection = call.path("collection")
        if call.context.access.admin and collection not in self._backend.structure.catalogue.schema.collections:
            raise forbidden_collection(collection)
        key = call.request.path_params.get("key")
        return json_answer({"data": await self._backend.entitlements.of_item(call.context, collection, key)})


async def told_globals(backend: Backend, context: Context) -> dict[str, Any]:
    """Return what a caller's policies switch on."""
    principal = context.principal
    if principal.is_anonymous:
        return {"app_access": False}
    enforces = await backend.identity.grants.enforces_tfa(principal.policies)
    return {"app_access": principal.app, "admin_access": principal.admin, "enforce_tfa": enforces}


def _require_user(call: Call) -> None:
    if call.context.principal.is_anonymous:
        raise forbidden()
