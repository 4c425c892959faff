"""Execution: running the steps of one operation for one caller, through the same operations that every road uses."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any, Protocol

import msgspec
import structlog
from graphql import GraphQLError

from watchword.backend.context import Context
from watchword.base.errors import Code, Problem, invalid_query, not_supported
from watchword.base.ids import short_id
from watchword.base.slices import slices
from watchword.data.forms import Showing
from watchword.data.tally import items_written, rows_read
from watchword.graphql.forms import as_id
from watchword.graphql.members import Delegated, Kind
from watchword.identity.project import COLLECTION as PROJECT
from watchword.identity.project import KEY as PROJECT_KEY
from watchword.protocol.documents import errors_of
from watchword.protocol.operations import Create, Delete, Read, Update
from watchword.query.filters import Compare, all_of
from watchword.query.query import Aggregate, Query

if TYPE_CHECKING:
    from graphql.execution.values import VariableValues

    from watchword.base.clock import Clock
    from watchword.data.catalogue import Catalogue
    from watchword.data.schema import Collection
    from watchword.graphql.assembly import Assembly
    from watchword.graphql.compiled import Step
    from watchword.graphql.levels import Level
    from watchword.graphql.options import Options
    from watchword.protocol.operations import Write
    from watchword.protocol.outcomes import Reply

_log = structlog.get_logger(__name__)

_UNLIMITED = 1_000
"""What a level without a limit counts for where rows are estimated."""

_PRESENT = (None, "", "main")
"""What stands for items as they are where a content version could be named."""

_ASKING = ("filter", "sort", "limit", "offset", "page", "search")
_MEASURES = ("countAll", "count", "countDistinct", "avg", "sum", "avgDistinct", "sumDistinct", "min", "max")
_ROWS = (Aggregate("countAll", "*"),)


class Ask(msgspec.Struct, frozen=True):
    """A root field that is about no collection: who asks, with which arguments; headers for the answer go in here."""

    context: Context
    arguments: dict[str, Any]
    headers: list[tuple[str, str]]


Delegate = Callable[[Ask], Awaitable[Any]]
Delegates = Mapping[str, Delegate]


class Performer(Protocol):
    """What does the reading and writing."""

    @property
    def clock(self) -> Clock:
        """Where it learns the time."""

    @property
    def is_overseen(self) -> bool:
        """Whether somebody looks at what is read, and has to get objects then."""

    async def show(self, context: Context, operation: Read, showing: Showing) -> Reply:
        """Read rows in a form of the document's own, or raise Problem."""

    async def perform(self, context: Context, operation: Read | Write) -> Reply:
        """Read or write, or raise Problem."""


class Execution:
    """One operation, for one caller. Every step is an operation of its own; one that fails leaves the others be."""

    def __init__(
        self, performer: Performer, context: Context, catalogue: Catalogue, delegates: Delegates, options: Options
    ) -> None:
        self._performer = performer
        self._context = context
        self._catalogue = catalogue
        self._delegates = delegates
        self._options = options
        self._tally = rows_read(options.rows)
        self._written = items_written(options.writes)
        self._until = performer.clock.monotonic() + options.seconds
        self._estimate = 0
        self._done: list[tuple[Read, Assembly | None, Reply]] = []
        self.errors: list[Any] = []
        self.headers: list[tuple[str, str]] = []

    async def run(
        self, steps: tuple[Step, ...], variables: VariableValues, ready: Mapping[str, Any]
    ) -> dict[str, Any] | None:
        """Return the data of all steps, in order; None when one has failed that must have a value."""
        data: dict[str, Any] = {}
        for step in steps:
            if step.key in ready:
                data[step.key] = ready[step.key]
                continue
            try:
                data[step.key] = await self._step(step, variables)
            except Problem as problem:
                self.errors += explained(problem, step)
                data[step.key] = None
            except Exception as error:  # noqa: BLE001 - a bug is logged, and shown with its reference
                self.errors += explained(_unexpected(error), step)
                data[step.key] = None
            if step.is_needed and data[step.key] is None:
                return None
        return data

    async def _step(self, step: Step, variables: VariableValues) -> Any:
        assert step.given is not None  # noqa: S101 - fields of the specification's own are ready
        try:
            arguments = step.given.values(variables)
        except GraphQLError as error:
            raise invalid_query(error.message.rstrip(".")) from None
        if isinstance(step.member, Delegated):
            ask = Ask(self._context, arguments, self.headers)
            answer = None if step.member.name == "_empty" else await self._delegates[step.member.name](ask)
            return answer if step.plain is None else step.plain(answer)
        return await _Run(self, step, arguments, variables).result()

    async def read(self, operation: Read, level: Level | None = None) -> Reply:
        """Read rows by name, or groups; what a document asks for twice is read once."""
        if level is not None:
            self._count(level, operation.query)
        return await self._once(operation, None)

    async def shown(self, operation: Read, level: Level) -> Any:
        """Read, and return what a document shows of it."""
        self._count(level, operation.query)
        if self._performer.is_overseen:
            return self.shown_of(level, (await self._once(operation, None)).data)
        return (await self._once(operation, level.assembly)).data

    async def _once(self, operation: Read, form: Assembly | None) -> Reply:
        for known, shown, reply in self._done:
            if known == operation and shown == form:
                return reply
        if form is None:
            reply = await self._performer.perform(self._context, operation)
        else:
            reply = await self._performer.show(self._context, operation, Showing(form, self._tally))
        self._done.append((operation, form, reply))
        return reply

    def check_time(self) -> None:
        """Let one more field read. A document may keep the database no busier than a request for one field does.

        Raises:
            Problem: SERVICE_UNAVAILABLE.
        """
        if self._performer.clock.monotonic() > self._until:
            raise Problem(Code.SERVICE_UNAVAILABLE)

    def _count(self, level: Level, query: Query) -> None:
        self._estimate += _estimated(level, query, self._options.default_limit)
        if self._estimate > self._options.limits.rows:
            raise invalid_query("The limits of the document come to too many rows")

    async def write(self, operation: Write) -> Reply:
        """Write; all that a document writes is bounded as one request is.

        Raises:
            Problem: INVALID_PAYLOAD when it is too much, and whatever comes of the write.
        """
        self._written.take(_items_of(operation))
        self._done.clear()
        return await self._performer.perform(self._context, operation)

    @property
    def context(self) -> Context:
        """Who asks."""
        return self._context

    @property
    def catalogue(self) -> Catalogue:
        """The structure that the document was understood by."""
        return self._catalogue

    def shown_of(self, level: Level, data: Any) -> Any:
        """Return what a document shows of rows by name, or of one, or of none."""
        if isinstance(data, list):
            return level.assembly.rows(data, self._tally)
        return None if data is None else level.assembly.row(data, self._tally)

    async def shown_groups(self, step: Step, query: Query, rows: list[dict[str, Any]]) -> list[Any]:
        """Return what a document shows of groups."""
        assert step.assembly is not None  # noqa: S101 - steps about groups have it
        names = [each.field if each.function is None else f"{each.field}_{each.function.value}" for each in query.group]
        nothing = dict.fromkeys(_MEASURES, None)
        shown: list[Any] = []
        async for some in slices(rows):
            grouped = [{**nothing, **row, "group": {name: row.get(name) for name in names} or None} for row in some]
            shown += step.assembly.rows(grouped, self._tally)
        return shown


class _Run:
    """One step about a collection."""

    def __init__(self, execution: Execution, step: Step, arguments: dict[str, Any], variables: VariableValues) -> None:
        self._execution = execution
        self._step = step
        self._arguments = arguments
        self._variables = variables
        member = step.member
        assert member is not None and not isinstance(member, Delegated)  # noqa: S101, PT018 - see the caller
        self._kind = member.kind
        self._collection: Collection = execution.catalogue.schema.collections[member.collection]

    async def result(self) -> Any:
        """Read or write, and return what is shown of it."""
        if self._arguments.get("version") not in _PRESENT:
            raise not_supported("content versions")
        match self._kind:
            case Kind.READ_GROUPS:
                self._execution.check_time()
                query = self._step.query(self._execution.catalogue, self._arguments, self._variables)
                rows = (await self._execution.read(Read(self._grouping(query)))).data
                return await self._execution.shown_groups(self._step, query, rows)
            case Kind.DELETE_ONE | Kind.DELETE_MANY:
                return await self._delete()
            case Kind.READ_MANY | Kind.READ_ONE | Kind.READ_SINGLETON | Kind.READ_ME | Kind.READ_MY_ROLES:
                self._execution.check_time()
                return await self._read()
            case _:
                return await self._write()

    def _grouping(self, query: Query) -> Query:
        """Return a query that gives groups, also where nothing is asked of them: all rows are one then."""
        if query.aggregate or query.group:
            return query
        return msgspec.structs.replace(query, aggregate=_ROWS)

    async def _read(self) -> Any:
        level = self._step.level
        assert level is not None  # noqa: S101 - what is read is rows
        query = self._step.query(self._execution.catalogue, self._arguments, self._variables)
        principal = self._execution.context.principal
        match self._kind:
            case Kind.READ_ONE:
                operation = Read(query, self._arguments["id"])
            case Kind.READ_ME:
                if principal.user is None:
                    raise Problem(Code.INVALID_CREDENTIALS)
                operation = Read(query, principal.user)
            case Kind.READ_MY_ROLES:
                operation = Read(query, keys=principal.roles)
            case _:
                operation = Read(query, *_own_key(self._collection) if self._kind is Kind.READ_SINGLETON else ())
        if self._kind is not Kind.READ_SINGLETON:
            return await self._execution.shown(operation, level)
        data = (await self._execution.read(operation, level)).data
        if isinstance(data, dict):
            # Where there is no row yet, only what it would begin with is given.
            data = dict.fromkeys(_outputs(level)) | data
        return self._execution.shown_of(level, data)

    async def _write(self) -> Any:
        data = self._arguments.get("data")
        if data is None or data == []:
            return [] if self._step.level is not None else True
        asks = self._step.level is not None and any(self._arguments.get(name) is not None for name in _ASKING)
        if asks:
            await self._chosen([])  # what may not be asked is refused before anything is written
        shaped = Query(self._collection.name) if self._step.level is None or asks else self._shaped()
        reply = await self._execution.write(self._written(shaped, data))
        if self._step.level is None:
            return True
        rows = await self._chosen(reply.data) if asks else reply.data
        return self._execution.shown_of(self._step.level, rows)

    def _written(self, query: Query, data: Any) -> Write:
        match self._kind:
            case Kind.CREATE_ONE | Kind.CREATE_MANY:
                return Create(query, data)
            case Kind.UPDATE_ONE:
                return Update(query, data, self._arguments["id"])
            case Kind.UPDATE_MANY:
                return Update(query, data, keys=_ids(self._arguments))
            case Kind.UPDATE_ME:
                user = self._execution.context.principal.user
                if user is None:
                    raise Problem(Code.INVALID_CREDENTIALS)
                return Update(query, data, user)
            case _:
                return Update(query, data, *_own_key(self._collection))

    def _shaped(self) -> Query:
        assert self._step.level is not None  # noqa: S101 - see the callers
        return self._step.level.shaping(self._execution.catalogue, Query(self._collection.name), self._variables)

    async def _chosen(self, written: list[dict[str, Any]] | None) -> Any:
        """Return those rows of a write that its arguments take, in their order."""
        query = self._step.query(self._execution.catalogue, self._arguments, self._variables)
        key = self._collection.key[0]
        among = Compare(key, "in", [row[key] for row in written or () if row.get(key) is not None])
        chosen = msgspec.structs.replace(query, filter=all_of(query.filter, among))
        return (await self._execution.read(Read(chosen), self._step.level)).data

    async def _delete(self) -> Any:
        assert self._step.plain is not None  # noqa: S101 - deletes show keys
        query = Query(self._collection.name)
        if self._kind is Kind.DELETE_ONE:
            await self._execution.write(Delete(query, self._arguments["id"]))
            return self._step.plain({"id": self._arguments["id"]})
        ids = _ids(self._arguments)
        if ids:
            await self._execution.write(Delete(query, keys=ids))
        return self._step.plain({"ids": [as_id(each) for each in ids]})


def _items_of(operation: Write) -> int:
    """Return how many items a write is about, without those within them."""
    keys = None if isinstance(operation, Create) else operation.keys
    if keys is not None:
        return len(keys)
    return len(operation.data) if not isinstance(operation, Delete) and isinstance(operation.data, list) else 1


def _own_key(collection: Collection) -> tuple[Any, ...]:
    """Return the key of the project's settings, which are a singleton whose row has one; others are found by none."""
    return (PROJECT_KEY,) if collection.name == PROJECT else ()


def _outputs(level: Level) -> list[str]:
    """Return the names of what a level's rows have."""
    return [each.output for each in level.selections]


def _ids(arguments: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(each for each in arguments["ids"] if each is not None)


def _estimated(level: Level, query: Query, default: int, unlimited: int = _UNLIMITED) -> int:
    """Return about how many rows a read comes to when every list is full."""
    limit = default if query.limit is None else query.limit if query.limit >= 0 else unlimited
    return limit * (1 + rows_below(level, query, default, unlimited))


def rows_below(level: Level, query: Query, default: int, unlimited: int) -> int:
    """Return about how many rows are read below each row when every list is full; what has no limit is `unlimited`."""
    total = 0
    for name, each in level.below.items():
        deep = query.deep[name]
        below = rows_below(each.level, deep, default, unlimited)
        total += _estimated(each.level, deep, default, unlimited) if each.many else 1 + below
    return total


def explained(problem: Problem, step: Step) -> list[Any]:
    """Return a problem, and all that came with it, as errors of one root field."""
    return [_explained(each, step) for each in problem.each()]


def _explained(problem: Problem, step: Step) -> Any:
    [told] = errors_of(problem)
    return GraphQLError(problem.message, step.node, path=[step.key], extensions=told["extensions"]).formatted


def _unexpected(error: Exception) -> Problem:
    reference = short_id()
    _log.error("graphql.failed", exc_info=error, reference=reference)
    return Problem(Code.INTERNAL, f"An unexpected error occurred. Reference: {reference}.", id=reference)
