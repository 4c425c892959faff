"""Procedures: those of the application, called by `POST /procedures/<path>`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from watchword.base import json
from watchword.base.errors import Code, Problem
from watchword.http.answers import NO_STORE, Answer, json_answer
from watchword.http.bodies import read_value
from watchword.http.caller import connection_of
from watchword.protocol.operations import ABSENT, Invoke

if TYPE_CHECKING:
    from collections.abc import Mapping

    from watchword.backend.backend import Backend
    from watchword.http.endpoint import Call, Handler
    from watchword.http.settings import HttpSettings

DIALECT = "http"


class Procedures:
    """The handler of `/procedures/<path>`: the body is the input as JSON, the answer `{"data": …}`."""

    def __init__(self, backend: Backend, settings: HttpSettings) -> None:
        self._backend = backend
        self._limit = settings.max_payload_size

    @property
    def routes(self) -> Mapping[str, Mapping[str, Handler]]:
        """The handlers by path and method."""
        return {"/procedures/{path}": {"POST": self.call}}

    async def call(self, call: Call) -> Answer:
        """Call a procedure. Without a body there is no input."""
        body = await read_value(call.request, self._limit)
        operation = Invoke(call.path("path"), ABSENT if body is None else json.decode(body))
        connection = connection_of(call.request, DIALECT, call.context.client)
        try:
            reply = await self._backend.invoke(replace(call.context, connection=connection), operation)
        except Problem as problem:
            if problem.silent:
                raise Problem(Code.FORBIDDEN) from problem
            raise
        data = None if reply.data is ABSENT else reply.data
        return json_answer({"data": data}, headers=(NO_STORE,))
