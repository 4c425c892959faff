"""Document: the whole description, put together for one caller at `/server/specs/oas`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import quote

from watchword.access.permissions import Action
from watchword.backend.modelling import readable
from watchword.data.worked_out import WorkedOut
from watchword.http.answers import Answer, json_answer
from watchword.http.openapi import credentials, fixed, modelling, snapshots
from watchword.http.openapi.items import Described, ItemPaths
from watchword.http.openapi.operations import parameters
from watchword.http.openapi.procedures import described
from watchword.http.system import FAMILIES, WRITTEN_BY_US
from watchword.http.utilities import is_sorted
from watchword.identity.project import COLLECTION as SETTINGS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from watchword.access.compile import Access
    from watchword.backend.backend import Backend
    from watchword.backend.context import Context
    from watchword.data.catalogue import Catalogue
    from watchword.data.schema import Schema
    from watchword.http.endpoint import Call, Handler
    from watchword.http.openapi.schemas import Json
    from watchword.http.settings import HttpSettings

_VERSION = "3.1.0"
_ODD = re.compile(r"[^a-zA-Z0-9_-]")
_PATHS = {name: path for path, name in FAMILIES.items()} | {SETTINGS: "/settings"}


class Description:
    """The handler of `/server/specs/oas`."""

    def __init__(self, backend: Backend, settings: HttpSettings, version: str) -> None:
        self._backend = backend
        self._settings = settings
        self._version = version
        self._described = WorkedOut(_described)

    @property
    def routes(self) -> Mapping[str, Mapping[str, Handler]]:
        """The handlers by path and method."""
        return {"/server/specs/oas": {"GET": self.read}}

    async def read(self, call: Call) -> Answer:
        """Answer with the description of all that the caller may use."""
        return json_answer(await self.document(call.context))

    async def document(self, context: Context) -> Json:
        """Return the description of all that a caller may use."""
        chosen = await self._backend.identity.project.settings()
        paths, components = self._described.of(self._backend.structure.catalogue, context.access)
        names = await self._backend.identity.names()
        own, parts = described(self._backend.application.procedures, context.principal, names)
        return {
            "openapi": _VERSION,
            "info": {"title": chosen.project_name or self._settings.project_name, "version": self._version},
            "servers": [{"url": self._settings.public_url or "/"}],
            "security": [{}, {"bearer": []}, {"session": []}],
            "paths": self._fixed(context) | paths | own,
            "components": {
                "schemas": components | parts,
                "parameters": parameters(),
                "responses": {"Problem": fixed.problem()},
                "securitySchemes": self._schemes(),
            },
        }

    def _fixed(self, context: Context) -> dict[str, Json]:
        principal, access = context.principal, context.access
        paths = fixed.everybodys() | credentials.everybodys() | modelling.readers(readable(context))
        if not principal.is_anonymous:
            paths |= fixed.users(reads_users=access.find("directus_users", Action.READ) is not None)
            paths |= credentials.users()
        if principal.admin:
            paths |= fixed.administrators() | credentials.administrators()
            paths |= modelling.administrators() | snapshots.administrators()
        return paths

    def _schemes(self) -> dict[str, Json]:
        cookie = self._settings.session_cookie.name
        return {
            "bearer": {"type": "http", "scheme": "bearer"},
            "session": {"type": "apiKey", "in": "cookie", "name": cookie},
        }


def _described(catalogue: Catalogue, access: Access) -> tuple[dict[str, Json], dict[str, Json]]:
    """Return the paths and the components of every collection that the caller may use in some way."""
    paths: dict[str, Json] = {}
    components: dict[str, Json] = {}
    for named in _named(catalogue.schema):
        items = ItemPaths(catalogue, access, named)
        paths |= items.as_singleton if named.collection.name == SETTINGS else items.paths
        components |= items.components
        update = access.find(named.collection.name, Action.UPDATE)
        if update is not None and is_sorted(named.collection) and not named.collection.system:
            path = named.path.replace("/items/", "/utils/sort/", 1)
            paths |= fixed.sorting(path, named.collection.name)
    return paths, components


def _named(schema: Schema) -> Iterator[Described]:
    """Give each collection its path, and a name that a component can have; no two the same."""
    taken: set[str] = set()
    for collection in schema.collections.values():
        if "/" in collection.name or (collection.system and collection.name not in _PATHS):
            continue  # there is no path that leads to it
        name = base = _ODD.sub("_", collection.name) or "_"
        number = 1
        while name in taken:
            number += 1
            name = f"{base}-{number}"
        taken.add(name)
        path = _PATHS.get(collection.name, f"/items/{quote(collection.name, safe='')}")
        yield Described(collection, path, name, reads_only=collection.name in WRITTEN_BY_US)
