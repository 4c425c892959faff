"""Settings of the project: one item that is always there, at `/settings`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from watchword.http.answers import Answer, read_answer, written_answer
from watchword.http.bodies import read_object
from watchword.http.payloads import parse_search
from watchword.identity.project import COLLECTION, KEY
from watchword.protocol.operations import Read, Update
from watchword.query.wire import parse_query, parse_query_string

if TYPE_CHECKING:
    from collections.abc import Mapping

    from watchword.backend.backend import Backend
    from watchword.http.endpoint import Call, Handler
    from watchword.http.settings import HttpSettings
    from watchword.query.query import Query


class ProjectSettings:
    """The handlers of `/settings`."""

    def __init__(self, backend: Backend, settings: HttpSettings) -> None:
        self._backend = backend
        self._limit = settings.max_payload_size

    @property
    def routes(self) -> Mapping[str, Mapping[str, Handler]]:
        """The handlers by path and method."""
        return {"/settings": {"GET": self.read, "SEARCH": self.search, "PATCH": self.update}}

    async def read(self, call: Call) -> Answer:
        """Answer with the settings, as far as the caller may read them."""
        return await self._read(call, self._query(call))

    async def search(self, call: Call) -> Answer:
        """Answer with the settings, shaped by the body."""
        selected = parse_search(COLLECTION, await read_object(call.request, self._limit))
        return await self._read(call, self._query(call) if selected is None else selected.query)

    async def update(self, call: Call) -> Answer:
        """Change settings.

        Raises:
            Problem: FAILED_VALIDATION for a value that cannot work.
        """
        query = self._query(call)
        data = await read_object(call.request, self._limit)
        data.pop("id", None)  # there is one, and it stays that one
        return written_answer(await self._backend.perform(call.context, Update(query, data, KEY)))

    async def _read(self, call: Call, query: Query) -> Answer:
        return read_answer(await self._backend.perform(call.context, Read(query, KEY)))

    def _query(self, call: Call) -> Query:
        return parse_query(COLLECTION, parse_query_string(call.query_string))
