"""Items: reading and writing a collection, the same for `/items/C` and for the system collections."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from watchword.base.errors import forbidden, not_supported
from watchword.http.answers import NO_CONTENT, Answer, read_answer, written_answer
from watchword.http.bodies import read_json, read_object
from watchword.http.exports import export_answer, export_format
from watchword.http.payloads import parse_delete, parse_rows, parse_search, parse_update
from watchword.http.problems import route_not_found
from watchword.protocol.operations import Create, Delete, Read, Update
from watchword.query.query import Query
from watchword.query.wire import parse_query, parse_query_string

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from watchword.backend.backend import Backend
    from watchword.http.endpoint import Call, Handler
    from watchword.http.settings import HttpSettings

_SYSTEM = "directus_"
_PRESENT = (None, "", "main")
"""What stands for items as they are where a content version could be named."""


class Items:
    """The handlers of one family of paths. `name` says which collection a request is about.

    `unlimited` collections are always told whole.
    """

    def __init__(
        self, backend: Backend, settings: HttpSettings, name: Callable[[Call], str], *, unlimited: bool = False
    ) -> None:
        self._backend = backend
        self._limit = settings.max_payload_size
        self._name = name
        self._unlimited = unlimited

    @property
    def of_collection(self) -> Mapping[str, Handler]:
        """What can be done at the path of the collection."""
        return {
            "GET": self.read_many,
            "SEARCH": self.search,
            "POST": self.create,
            "PATCH": self.update_many,
            "DELETE": self.delete_many,
        }

    @property
    def of_item(self) -> Mapping[str, Handler]:
        """What can be done at the path of one item."""
        return {"GET": self.read_one, "PATCH": self.update_one, "DELETE": self.delete_one}

    async def read_many(self, call: Call) -> Answer:
        """Answer with the items that the query string takes."""
        return await self._read(call, None)

    async def read_one(self, call: Call) -> Answer:
        """Answer with one item."""
        return await self._read(call, call.path("key"))

    async def search(self, call: Call) -> Answer:
        """Answer with the items that the body takes; what the query string says counts where the body says nothing."""
        name = self._name(call)
        selected = parse_search(name, await read_object(call.request, self._limit))
        if selected is None:
            return await self._read(call, None)
        operation = Read(self._bounded(selected.query), keys=selected.keys)
        return read_answer(await self._backend.perform(call.context, operation))

    async def create(self, call: Call) -> Answer:
        """Create the object or the objects of the body."""
        query = self._query(call)
        if self._backend.is_singleton(query.collection):
            raise route_not_found(call.request.url.path)
        body = await read_json(call.request, self._limit)
        data = parse_rows(body) if isinstance(body, list) else body or {}
        return written_answer(await self._backend.perform(call.context, Create(query, data)))

    async def update_one(self, call: Call) -> Answer:
        """Update one item with the object of the body."""
        query = self._query(call)
        data = await read_object(call.request, self._limit)
        return written_answer(await self._backend.perform(call.context, Update(query, data, call.path("key"))))

    async def update_many(self, call: Call) -> Answer:
        """Update items by keys, by a query, or each by the key that its object holds; a singleton by the object."""
        query = self._query(call)
        body = await read_json(call.request, self._limit)
        if self._backend.is_singleton(query.collection) and not isinstance(body, list):
            operation = Update(query, body or {})
        elif isinstance(body, list):
            operation = Update(query, parse_rows(body))
        else:
            selected, data = parse_update(query.collection, body or {})
            # The body's query says which items, the query string how they are shown.
            shown = replace(selected.query, fields=query.fields, deep=query.deep, alias=query.alias)
            operation = Update(shown, data, keys=selected.keys)
        return written_answer(await self._backend.perform(call.context, operation))

    async def delete_one(self, call: Call) -> Answer:
        """Delete one item."""
        await self._backend.perform(call.context, Delete(Query(self._name(call)), call.path("key")))
        return NO_CONTENT

    async def delete_many(self, call: Call) -> Answer:
        """Delete items by keys or by a query."""
        name = self._name(call)
        selected = parse_delete(name, await read_json(call.request, self._limit))
        await self._backend.perform(call.context, Delete(selected.query, keys=selected.keys))
        return NO_CONTENT

    async def _read(self, call: Call, key: str | None) -> Answer:
        params = parse_query_string(call.query_string)
        query = self._bounded(parse_query(self._name(call), params))
        if params.get("version") not in _PRESENT:
            raise not_supported("content versions")
        wanted = export_format(params)
        reply = await self._backend.perform(call.context, Read(query, key))
        return read_answer(reply) if wanted is None else export_answer(query.collection, reply.data, wanted)

    def _query(self, call: Call) -> Query:
        return parse_query(self._name(call), parse_query_string(call.query_string))

    def _bounded(self, query: Query) -> Query:
        return replace(query, limit=-1) if self._unlimited else query


def name_in_path(call: Call) -> str:
    """Return the collection that the path names; our own have paths of their own.

    Raises:
        Problem: FORBIDDEN for one of ours.
    """
    name = call.path("collection")
    if name.startswith(_SYSTEM):
        raise forbidden()
    return name
