"""Service: from a request to its result, for every road that brings GraphQL."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import anyio
import anyio.to_thread
import msgspec
from graphql import DocumentNode, GraphQLError, SelectionSetNode, execute_sync
from graphql.execution.values import VariableValues
from graphql.language import OperationDefinitionNode
from msgspec.structs import replace

from watchword.access.permissions import Action
from watchword.base import json
from watchword.base.errors import Problem, forbidden, invalid_query
from watchword.base.slices import SLICE, slices
from watchword.graphql.compiled import Operation, compiled
from watchword.graphql.documents import Document, Refused
from watchword.graphql.execution import Execution, explained, rows_below
from watchword.graphql.options import Area, Options
from watchword.graphql.persisted import PersistedDocuments
from watchword.graphql.schemas import Schema, Schemas
from watchword.graphql.selection import TYPENAME
from watchword.graphql.system import system_fields
from watchword.graphql.variables import are_few, fitted
from watchword.protocol.operations import Subscribe
from watchword.protocol.outcomes import Reply

if TYPE_CHECKING:
    from watchword.backend.backend import Backend
    from watchword.backend.context import Context
    from watchword.backend.executor import Work
    from watchword.graphql.compiled import Step
    from watchword.graphql.execution import Delegates
    from watchword.protocol.operations import Execute
    from watchword.query.query import Query

_SHORT = 1_000
"""Longer texts are understood beside the loop, so that nobody else waits for them."""

_BESIDE = 2
"""Threads for what takes long: the loop waits for its turn with each of them, and more would not be faster."""


class Prepared(msgspec.Struct, frozen=True):
    """An operation that can be run: understood, compiled, its variables fit."""

    schema: Schema
    document: Document
    operation: Operation
    variables: VariableValues
    given: dict[str, Any]

    @property
    def kind(self) -> str:
        """What it is: `query`, `mutation` or `subscription`."""
        return self.operation.kind


class Result(msgspec.Struct, frozen=True):
    """What has come of an operation: JSON, and headers for where there are such.

    It `is_partial` when some of it has failed.
    """

    body: bytes
    headers: tuple[tuple[str, str], ...] = ()
    is_partial: bool = False


class Graphql:
    """GraphQL over the backend."""

    def __init__(self, backend: Backend, options: Options) -> None:
        self._backend = backend
        self._options = options
        self._schemas = Schemas(options, system_fields)
        self._persisted = PersistedDocuments(options.documents, only=options.only_documents)
        self._beside = anyio.CapacityLimiter(_BESIDE)

    async def schema(self, context: Context, area: Area) -> Schema:
        """Return the schema of one endpoint for a caller."""
        return await self._schemas.of(self._backend.structure.catalogue, context.access, area)

    async def prepare(self, context: Context, request: Execute, area: Area) -> Prepared:
        """Understand a request under the rights of its caller.

        Raises:
            Refused: it cannot be run.
        """
        text = self._persisted.text(request)
        schema = await self.schema(context, area)
        document = schema.documents.known(text)
        if document is None:
            document = self._schemas.keep(schema, text, await self._understood(schema, text))
        node = document.operation(request.operation)
        values = await self._fitted(schema, node, request.variables)
        try:
            operation = compiled(document, node, schema.built, schema.catalogue, values)
        except GraphQLError as error:  # a condition is given null in place of its default
            raise Refused([error.formatted]) from None
        return Prepared(schema, document, operation, values, request.variables)

    async def text(self, context: Context, area: str | None) -> str:
        """Return a schema in GraphQL's own language.

        Raises:
            Problem: FORBIDDEN where clients may not ask what there is.
        """
        if not self._options.introspection:
            raise forbidden()
        return await (await self.schema(context, Area(area or Area.ITEMS))).text()

    async def begin(self, context: Context, operation: Execute) -> Work | Subscribe:
        """Return how to run a query or a mutation about items, or what a subscription wants to follow.

        Raises:
            Problem: it cannot be run.
        """
        prepared = await self.prepare(context, operation, Area.ITEMS)
        if prepared.kind == "subscription":
            return self.subscription(prepared, operation)

        async def work(caller: Context) -> Reply:
            result = await self.run(caller, prepared)
            return Reply(msgspec.Raw(result.body), id=operation.id)

        return work

    async def run(self, context: Context, prepared: Prepared, delegates: Delegates | None = None) -> Result:
        """Run a query or a mutation. `delegates` answer the root fields that are about no collection."""
        catalogue = prepared.schema.catalogue
        execution = Execution(self._backend, context, catalogue, delegates or {}, self._options)
        ready = await self._ready(prepared)
        data = await execution.run(prepared.operation.steps, prepared.variables, ready)
        result: dict[str, Any] = {"data": data}
        if execution.errors:
            result["errors"] = execution.errors
        return Result(await _written(result), tuple(execution.headers), bool(execution.errors))

    def subscription(self, prepared: Prepared, request: Execute) -> Subscribe:
        """Return the operation that a subscription comes to.

        Raises:
            Refused: its arguments do not fit.
        """
        [step] = prepared.operation.steps
        if step.given is None:  # the name of the type, which is no field to follow
            raise Refused([GraphQLError("There is nothing to follow.", step.node).formatted])
        try:
            arguments = step.given.values(prepared.variables)
            query = step.query(prepared.schema.catalogue, arguments, prepared.variables)
            self._check_below(step, query)
        except GraphQLError as error:
            raise Refused([error.formatted]) from None
        except Problem as problem:
            raise Refused(explained(problem, step)) from None
        event, since = arguments.get("event"), arguments.get("since")
        action = None if event is None else Action(event)
        following = Subscribe(request.subscription, query, action, None, since, request.id)
        return replace(following, must_resume=True, initial=False, projection=step.projection)

    def _check_below(self, step: Step, query: Query) -> None:
        """Let a subscription pass; what is below a row is read for each of its events, and others wait meanwhile.

        A list without a limit counts for as much as may be read: more of it ends the subscription when it is read.

        Raises:
            Problem: INVALID_QUERY.
        """
        most = self._options.limits.event_rows
        if step.level is not None and rows_below(step.level, query, self._options.default_limit, most) > most:
            raise invalid_query(f"The limits of the subscription come to more than {most} rows for one event")

    async def _ready(self, prepared: Prepared) -> dict[str, Any]:
        """Return the values of the fields that GraphQL has itself: names of types, and descriptions of them."""
        ready: dict[str, Any] = {}
        for step in prepared.operation.steps:
            if step.node.name.value == TYPENAME:
                ready[step.key] = prepared.kind.title()
        if prepared.operation.described:
            ready |= await self._described(prepared)
        return ready

    async def _described(self, prepared: Prepared) -> dict[str, Any]:
        """Describe the schema by the general executor, beside the loop; without variables the same as the last time."""
        known = prepared.schema.described(prepared.operation)
        if known is not None:
            return known
        described = await anyio.to_thread.run_sync(_describe, prepared, limiter=self._beside)
        if not prepared.operation.node.variable_definitions:
            prepared.schema.keep_described(prepared.operation, described)
        return described

    async def _understood(self, schema: Schema, text: str) -> Document:
        if len(text) <= _SHORT:
            return schema.documents.understand(text)
        return await anyio.to_thread.run_sync(schema.documents.understand, text, limiter=self._beside)

    async def _fitted(self, schema: Schema, node: OperationDefinitionNode, given: dict[str, Any]) -> VariableValues:
        fit = partial(fitted, schema.built, node, given, hidden=not self._options.introspection)
        return fit() if are_few(given) else await anyio.to_thread.run_sync(fit, limiter=self._beside)


async def _written(result: dict[str, Any]) -> bytes:
    """Return a result as JSON; where it has many rows, others have their turns while these are written."""
    data: dict[str, Any] = result["data"] or {}
    if not any(_are_many(value) for value in data.values()):
        return json.encode(result)
    # Each by itself: what has to be written in another way than usual is not written again with all the others.
    written = {key: msgspec.Raw(await _rows_written(value)) for key, value in data.items()}
    others = {key: msgspec.Raw(json.encode(value)) for key, value in result.items() if key != "data"}
    return json.encode({"data": written} | others)


async def _rows_written(value: Any) -> bytes:
    if not _are_many(value):
        return json.encode(value)
    parts = [json.encode(some)[1:-1] async for some in slices(value)]
    return b"[%b]" % b",".join(parts)


def _are_many(value: Any) -> bool:
    return isinstance(value, list) and len(value) > SLICE


def _describe(prepared: Prepared) -> dict[str, Any]:
    node = prepared.operation.node
    alone = OperationDefinitionNode(
        operation=node.operation,
        name=node.name,
        variable_definitions=node.variable_definitions,
        selection_set=SelectionSetNode(selections=tuple(prepared.operation.described)),
    )
    document = DocumentNode(definitions=(alone, *prepared.document.fragments.values()))
    result = execute_sync(prepared.schema.built, document, variable_values=prepared.given)
    if result.errors or result.data is None:
        raise Refused([error.formatted for error in result.errors or ()])
    return {key: msgspec.Raw(json.encode(value)) for key, value in result.data.items()}
