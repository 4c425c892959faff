"""Plans: a read worked out once, to run for any caller with the same rights at any moment.

A plan is a tree of levels. A level is one statement; the levels below it read the related rows of all its rows at once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from watchword.base.errors import invalid_query
from watchword.data.columns import AS_STORED, Foreign, from_stored
from watchword.data.expressions import Expressions
from watchword.data.few import Few
from watchword.data.parameters import Parameters
from watchword.data.schema import Collection, Field, Union
from watchword.data.sorting import Sorting
from watchword.data.system import virtual_column
from watchword.data.wants import DEEPEST, MOST_LEVELS, Nested, Want, Wants
from watchword.query.conditions import MOST_NODES
from watchword.query.filters import Filter, all_of
from watchword.query.measures import conditions_of, depth_of
from watchword.query.rendering import CONCEALED, ColumnRendering, column_renderer
from watchword.query.types import FieldType

if TYPE_CHECKING:
    from collections.abc import Sequence

    from watchword.data.binding import Binder
    from watchword.query.query import Query

KEYS = "keys"
"""The parameter that holds the keys, or the parents' values, of the rows to read."""
UNIT = "\x1f"
"""What stands between the name of a collection and a key of it."""
LIMIT = "limit"
OFFSET = "offset"


class Limits(msgspec.Struct, frozen=True):
    """How many rows a read gives: when it does not say, and at most. And what a query may ask at all.

    `rows` bounds what one read takes from the database, nested rows included; beyond it the read fails, while `maximum`
    cuts it short. `depth` bounds the relations that a path follows, `relations` those that a query follows together,
    `conditions` what its filters hold.
    """

    default: int = 100
    maximum: int | None = None
    rows: int | None = 250_000
    depth: int = DEEPEST
    relations: int = MOST_LEVELS
    conditions: int = MOST_NODES

    def of(self, limit: int | None) -> int | None:
        """Return the number of rows for a query's limit; None is no limit."""
        wanted = self.default if limit is None else limit
        if wanted < 0:
            return self.maximum
        return wanted if self.maximum is None else min(wanted, self.maximum)

    def fetched(self, limit: int | None) -> int | None:
        """Return how many rows are read for a query's limit: one more than there may be is enough to know."""
        given = self.of(limit)
        if self.rows is None:
            return given
        return self.rows + 1 if given is None else min(given, self.rows + 1)

    def within(self, rows: int) -> Limits:
        """Return the same limits for reads that may take fewer rows."""
        return msgspec.structs.replace(self, rows=rows if self.rows is None else min(rows, self.rows))

    def check(self, query: Query) -> None:
        """Let a query pass.

        Raises:
            Problem: INVALID_QUERY when it is too deep or too large.
        """
        if depth_of(query) > self.depth:
            raise invalid_query("Max relational depth exceeded")
        if conditions_of(query) > self.conditions:
            raise invalid_query(f"Filters have more than {self.conditions} conditions")


class Below(msgspec.Struct, frozen=True):
    """A level below another: which member it fills, from which column of the rows above."""

    output: str
    index: int
    level: Level
    many: bool
    keys_only: bool


class Ways(msgspec.Struct, frozen=True):
    """The levels below a union, by collection: which member they fill, from which column of the rows above.

    The column says whose key it holds: the collection, `UNIT` and the key.
    """

    output: str
    index: int
    levels: dict[str, Level]


class Level(msgspec.Struct, frozen=True):
    """One statement. Its columns are the outputs in order; the last ones, if any, link the row to what it is for.

    `renderers` make columns JSON-ready, by their places.
    """

    collection: Collection
    statement: sa.Select[Any]
    parameters: Parameters
    outputs: tuple[str, ...]
    renderers: tuple[tuple[int, ColumnRendering], ...]
    below: tuple[Below, ...]
    unions: tuple[Ways, ...] = ()

    @property
    def leads_on(self) -> bool:
        """Whether there are levels below."""
        return bool(self.below or self.unions)


class Counting(msgspec.Struct, frozen=True):
    """A statement that counts rows, for one member of `meta`."""

    name: str
    statement: sa.Select[Any]
    parameters: Parameters


class Planner:
    """Makes plans for one caller's rights on one catalogue."""

    def __init__(self, binder: Binder, limits: Limits) -> None:
        self.binder = binder
        self.catalogue = binder.catalogue
        self.limits = limits

    def rows(self, query: Query, *, by_key: bool = False) -> Level:
        """Plan the reading of a query's rows; `by_key`, of those among them whose keys are given.

        Raises:
            Problem: FORBIDDEN for what is out of sight, INVALID_QUERY for what makes no sense.
        """
        collection = self.catalogue.collection(query.collection)
        wants = Wants(self.binder, self.limits.depth, self.limits.relations).resolve(collection, query)
        draft = self.draft(collection)
        # A row of which nothing may be shown is still one row; a statement needs a column to give it.
        link = tuple(draft.source.c[name] for name in collection.key) if by_key or not wants else ()
        columns = [*draft.outputs(wants), *link]
        statement = draft.select(columns, self.taken(collection, query))
        order = draft.sorting.clauses(collection, draft.source, query.sort, query.alias)
        statement = statement.order_by(*order)
        statement = statement.where(draft.among(link)) if by_key else self.window(statement, query)
        return self._level(draft, wants, statement)

    def window(self, statement: sa.Select[Any], query: Query) -> sa.Select[Any]:
        """Return the statement with its limit and its offset, where the query has them, as parameters."""
        if query.offset:
            statement = statement.offset(sa.bindparam(OFFSET, type_=sa.BigInteger()))
        if self.limits.of(query.limit) is None:
            return statement
        return statement.limit(sa.bindparam(LIMIT, type_=sa.BigInteger()))

    def counts(self, query: Query) -> tuple[Counting, ...]:
        """Plan the counts that a query asks for in `meta`."""
        collection = self.catalogue.collection(query.collection)
        return tuple(self._counting(collection, query, name) for name in query.meta)

    def _counting(self, collection: Collection, query: Query, name: str) -> Counting:
        draft = self.draft(collection)
        sight = self.binder.sight(collection).filter
        taken = sight if name == "total_count" else self.taken(collection, query)
        return Counting(name, draft.select([sa.func.count()], taken), draft.parameters)

    def taken(self, collection: Collection, query: Query) -> Filter:
        """Return which rows a query takes: those in sight that satisfy its filter and its search."""
        parts = [self.binder.sight(collection).filter, self.binder.bind_filter(collection, query.filter)]
        if query.search:
            parts.append(self.binder.bind_search(collection, query.search))
        return all_of(*parts)

    def draft(self, collection: Collection) -> Draft:
        """Begin a statement on a collection."""
        return Draft(self.binder, collection)

    def _level(self, draft: Draft, wants: Sequence[Want], statement: sa.Select[Any]) -> Level:
        forms = []
        below = []
        unions = []
        for index, want in enumerate(wants):
            if want.nested is not None:
                below.append(self._below(draft.collection, index, want, want.nested))
                continue
            if want.ways:
                unions.append(Ways(want.output, index, {way.collection.name: self._way(way) for way in want.ways}))
                continue
            form = draft.rendering(want)
            if form is not None:
                forms.append((index, form))
        outputs = tuple(want.output for want in wants)
        return Level(draft.collection, statement, draft.parameters, outputs, tuple(forms), tuple(below), tuple(unions))

    def _below(self, collection: Collection, index: int, want: Want, nested: Nested) -> Below:
        relation = collection.relations[want.field]
        level = self._linked(nested, relation.related_field, parent=collection if relation.many else None)
        return Below(want.output, index, level, relation.many, nested.keys_only)

    def _way(self, nested: Nested) -> Level:
        return self._linked(nested, nested.collection.key[0])

    def _linked(self, nested: Nested, field: str, *, parent: Collection | None = None) -> Level:
        """Plan the reading of the rows that a field links to those above; of `parent`, where these are many to each."""
        draft = self.draft(nested.collection)
        link = draft.source.c[field]
        columns = [*draft.outputs(nested.wants), link]
        taken = self.taken(nested.collection, nested.query)
        if parent is not None:
            few = Few(draft, link, nested.query, self.limits.of(nested.query.limit))
            statement = few.of_each(parent, columns, taken)
        else:
            statement = draft.select(columns, taken).where(draft.among((link,)))
        if self.limits.rows is not None:
            statement = statement.limit(self.limits.rows + 1)  # one more is enough to know that these are too many
        return self._level(draft, nested.wants, statement)


class Draft:
    """A statement in the making: the table, and what collects its parameters."""

    def __init__(self, binder: Binder, collection: Collection, beside: Draft | None = None) -> None:
        table = binder.catalogue.table(collection.name)
        self.collection = collection
        self.parameters: Parameters = Parameters() if beside is None else beside.parameters
        self.source: sa.FromClause = table if beside is None else table.alias()
        self.expressions = Expressions(binder.catalogue, self.parameters)
        self.sorting = Sorting(binder, self.expressions)
        self.catalogue = binder.catalogue
        self._binder = binder

    def beside(self) -> Draft:
        """Begin another select from the same collection within the same statement."""
        return Draft(self._binder, self.collection, self)

    def select(self, columns: Sequence[sa.ColumnElement[Any]], taken: Filter) -> sa.Select[Any]:
        """Select columns, by their place, of the rows that a filter takes."""
        condition = self.expressions.condition(taken, self.collection, self.source)
        named = (column.label(f"c{index}") for index, column in enumerate(columns))
        return sa.select(*named).select_from(self.source).where(condition)

    def among(self, columns: Sequence[sa.ColumnElement[Any]]) -> sa.ColumnElement[bool]:
        """Return the condition that the columns are among the values given as `KEYS` when the statement runs."""
        if len(columns) > 1:
            types = sa.types.TupleType(*(column.type for column in columns))
            return sa.tuple_(*columns).in_(sa.bindparam(KEYS, expanding=True, required=True, type_=types))
        if self._binder.catalogue.kind == "sqlite":
            return columns[0].in_(sa.bindparam(KEYS, expanding=True, required=True, type_=columns[0].type))
        column = columns[0] if not isinstance(columns[0].type, Foreign) else sa.cast(columns[0], sa.Text())
        # One parameter for all of them keeps one prepared statement, whatever their number.
        return column == sa.any_(sa.bindparam(KEYS, required=True, type_=postgresql.ARRAY(column.type)))

    def outputs(self, wants: Sequence[Want]) -> list[sa.ColumnElement[Any]]:
        """Return the column for each want; for a nested one, what links the related rows to this one."""
        return [self._output(want) for want in wants]

    def rendering(self, want: Want) -> ColumnRendering | None:
        """Return what makes the column of a want JSON-ready; None where it is."""
        field = self.collection.fields.get(want.field)
        if want.function is not None or field is None:
            return column_renderer(FieldType.INTEGER)
        return None if field.concealed else self._from_stored(field) or column_renderer(field.type)

    def _from_stored(self, field: Field) -> ColumnRendering | None:
        """Return what renders a field as the database holds it, where that is faster."""
        return from_stored(field.type) if self.catalogue.kind == "sqlite" and field.name in self.source.c else None

    def _output(self, want: Want) -> sa.ColumnElement[Any]:
        sight = self._binder.sight(self.collection)
        guard = sight.seen_when(want.field)
        if want.ways:
            union = self.collection.unions[want.field]
            guard = all_of(guard, sight.seen_when(union.discriminator))
            return self.sorting.shown(self.collection, self.source, guard, self._way_and_key(union))
        return self.sorting.shown(self.collection, self.source, guard, self._plain(want))

    def _way_and_key(self, union: Union) -> sa.ColumnElement[Any]:
        way, key = self.source.c[union.discriminator], self.source.c[union.field]
        return sa.type_coerce(way, sa.Text()) + UNIT + sa.type_coerce(key, sa.Text())

    def _plain(self, want: Want) -> sa.ColumnElement[Any]:
        collection, source = self.collection, self.source
        field = collection.fields.get(want.field)
        if want.function is not None:
            within = None
            if field is None:
                related = self._binder.catalogue.related(collection.relations[want.field])
                within = self._binder.rows_in_sight(related)
            return self.expressions.subject(collection, want.field, want.function, source, within).expression
        if field is None:
            return source.c[collection.key[0]]
        if want.place:
            return self.expressions.part(field.name, want.place, source).value
        if field.name not in source.c:
            return virtual_column(source)
        column = source.c[field.name]
        if not field.concealed:
            stored = want.nested is None and self._from_stored(field) is not None
            return sa.type_coerce(column, AS_STORED) if stored else column
        return sa.case((column.is_not(None), sa.literal(CONCEALED, sa.Text())))
