"""GraphQL over HTTP: `/graphql` for the user's collections, `/graphql/system` for the server's own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import anyio
import anyio.to_thread
import msgspec
from msgspec.structs import replace

from watchword.base import json
from watchword.base.errors import Code, Problem, invalid_query
from watchword.graphql.options import Area, Options
from watchword.http.answers import NO_CACHE, NO_STORE, Answer, json_answer
from watchword.http.bodies import read_json
from watchword.http.graphql_events import MEDIA_TYPE as EVENTS
from watchword.http.graphql_events import GraphqlEvents
from watchword.http.graphql_system import SystemFields
from watchword.http.problems import problem_answer, route_not_found
from watchword.protocol.documents import parse_execute
from watchword.protocol.operations import Invalid

if TYPE_CHECKING:
    from collections.abc import Mapping

    from watchword.backend.backend import Backend
    from watchword.backend.context import Context
    from watchword.backend.executor import Work
    from watchword.graphql.service import Graphql
    from watchword.http.endpoint import Call, Handler
    from watchword.http.graphql_system import Answering
    from watchword.http.settings import HttpSettings
    from watchword.protocol.operations import Execute, Subscribe

JSON = "application/json"
RESPONSE = "application/graphql-response+json"
_TEXT = "text/plain; charset=utf-8"
_METHODS = ("GET", "POST")
_WHOLE, _PARTIAL, _BAD_REQUEST, _UNFIT = 200, 294, 400, 422
_OTHERS = ("PUT", "PATCH", "DELETE", "SEARCH")


class GraphqlOnDemand:
    """GraphQL, loaded when it is first asked for: who does not use it shall not wait for it at the start."""

    def __init__(self, backend: Backend, options: Options) -> None:
        self._backend = backend
        self._options = options
        self._loaded: Graphql | None = None
        self._turn = anyio.Lock()

    async def loaded(self) -> Graphql:
        """Return it."""
        if self._loaded is None:
            async with self._turn:
                if self._loaded is None:
                    self._loaded = await anyio.to_thread.run_sync(self._load)
        return self._loaded

    async def begin(self, context: Context, operation: Execute) -> Work | Subscribe:
        """Return how to run a query or a mutation about items, or what a subscription wants; or raise Problem."""
        return await (await self.loaded()).begin(context, operation)

    def _load(self) -> Graphql:
        from watchword.graphql.service import Graphql  # noqa: PLC0415 - see above

        return Graphql(self._backend, self._options)


class GraphqlParts(msgspec.Struct, frozen=True):
    """What GraphQL over HTTP is made of."""

    graphql: GraphqlOnDemand
    events: GraphqlEvents


class GraphqlRoutes:
    """The handlers of GraphQL over HTTP."""

    def __init__(self, parts: GraphqlParts, answering: Answering, settings: HttpSettings) -> None:
        self._graphql = parts.graphql
        self._events = parts.events
        self._answering = answering
        self._limit = settings.max_payload_size
        self._strict = settings.strict_graphql

    @property
    def routes(self) -> Mapping[str, Mapping[str, Handler]]:
        """The handlers by path and method."""
        return {
            "/graphql": self._of(Area.ITEMS),
            "/graphql/system": self._of(Area.SYSTEM),
            "/server/specs/graphql": {"GET": self.text},
            "/server/specs/graphql/{scope}": {"GET": self.text},
        }

    async def text(self, call: Call) -> Answer:
        """Answer with a schema in GraphQL's own language, as far as it is in the caller's sight."""
        area = call.request.path_params.get("scope", Area.ITEMS)
        if area not in set(Area):
            raise route_not_found(call.request.scope["path"])
        text = await (await self._graphql.loaded()).text(call.context, area)
        return Answer(200, text.encode(), media_type=_TEXT)

    async def _streamed(self, call: Call, graphql: Graphql, execute: Execute, *, reads_only: bool) -> Answer:
        """Answer with events; what is wrong with a document is one of them."""
        operation: Execute | Invalid = execute
        if reads_only:
            try:
                kind = (await graphql.prepare(call.context, execute, Area.ITEMS)).kind
            except Problem as problem:
                # What is not understood now is not looked at again: its digest may be that of a mutation by then.
                operation = Invalid(problem, "subscribe")
            else:
                if kind == "mutation":
                    raise _wrong_method(call, ("POST",))
        return self._events.answer(call.request, call.context, operation)

    def _of(self, area: Area) -> Mapping[str, Handler]:
        async def answer(call: Call) -> Answer:
            media_type = negotiated(call, area)
            try:
                params = await self._params(call)
            except Problem as problem:
                return told(problem, media_type)
            try:
                return await self._answered(call, area, media_type, params)
            except Problem as problem:
                refusal = told(problem, media_type)
                is_unfit = refusal.status == _BAD_REQUEST and not getattr(problem, "is_syntax", False)
                return replace(refusal, status=_UNFIT) if is_unfit and self._is_strict(media_type) else refusal

        return {"GET": answer, "POST": answer, **dict.fromkeys(_OTHERS, _refuse)}

    async def _params(self, call: Call) -> Any:
        return await read_json(call.request, self._limit) if call.request.method == "POST" else _params(call)

    def _is_strict(self, media_type: str) -> bool:
        """Whether an answer has the statuses of the specification's draft of 2026."""
        return self._strict and media_type == RESPONSE

    async def _answered(self, call: Call, area: Area, media_type: str, params: Any) -> Answer:
        """Run what is asked; a GET changes nothing."""
        reads_only = call.request.method != "POST"
        graphql = await self._graphql.loaded()
        if media_type == EVENTS:
            return await self._streamed(call, graphql, parse_execute(params, "1"), reads_only=reads_only)
        prepared = await graphql.prepare(call.context, parse_execute(params), area)
        if reads_only and prepared.kind != "query":
            raise _wrong_method(call, ("POST",))
        if prepared.kind == "subscription":
            raise Problem(Code.INVALID_PAYLOAD, f"Subscriptions need a WebSocket, or an answer of type {EVENTS}.")
        delegates = SystemFields(self._answering, graphql, call.request).delegates if area is Area.SYSTEM else {}
        result = await graphql.run(call.context, prepared, delegates)
        headers = (NO_CACHE if area is Area.ITEMS else NO_STORE, *result.headers)
        status = _PARTIAL if result.is_partial and self._is_strict(media_type) else _WHOLE
        return Answer(status, result.body, headers, f"{media_type}; charset=utf-8")


def negotiated(call: Call, area: Area) -> str:
    """Return the media type to answer with (GraphQL over HTTP, 6.1): the newer one where the client takes it.

    Events are for items, and for who takes nothing else.

    Raises:
        Problem: NOT_ACCEPTABLE, when it takes neither.
    """
    header = call.request.headers.get("accept")
    if header is None or not header.strip():
        return JSON
    taken = {part.partition(";")[0].strip().lower() for part in header.split(",")}
    if RESPONSE in taken:
        return RESPONSE
    if taken & {JSON, "*/*", "application/*"}:
        return JSON
    if EVENTS in taken and area is Area.ITEMS and call.request.method in _METHODS:
        return EVENTS
    raise Problem(Code.NOT_ACCEPTABLE)


def told(problem: Problem, media_type: str) -> Answer:
    """Say why a request was not run: as Directus does, or as the specification does where the client takes that."""
    errors = problem.extensions.get("errors")
    is_plain = getattr(problem, "is_plain", False)
    if errors is not None and is_plain:
        return json_answer({"errors": errors}, media_type=f"{media_type}; charset=utf-8")
    answer = problem_answer(problem)
    if media_type in {JSON, EVENTS}:
        return answer
    shown = {"errors": errors} if errors is not None else json.decode(answer.body)
    return json_answer(shown, status=answer.status, headers=answer.headers, media_type=f"{media_type}; charset=utf-8")


def _params(call: Call) -> dict[str, Any]:
    """Return the parameters of a query string, of which some are JSON."""
    given = call.request.query_params
    params: dict[str, Any] = {name: given[name] for name in ("query", "operationName", "documentId") if given.get(name)}
    for name in ("variables", "extensions"):
        text = given.get(name)
        if not text:
            continue
        try:
            params[name] = json.decode(text)
        except Problem as problem:
            raise invalid_query(f'"{name}" is not JSON') from problem
    return params


def _wrong_method(call: Call, allowed: tuple[str, ...]) -> Problem:
    method = call.request.method
    text = f'Invalid method "{method}" used. Should be one of {", ".join(map(_quoted, allowed))}.'
    return Problem(Code.METHOD_NOT_ALLOWED, text, allowed=list(allowed), current=method)


def _quoted(text: str) -> str:
    return f'"{text}"'


async def _refuse(call: Call) -> Answer:
    raise _wrong_method(call, _METHODS)
