"""Sorting: the entries of `sort` as SQL, through to-one relations and functions, under the caller's rights."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from msgspec.structs import replace

from watchword.base.errors import forbidden_field, invalid_query
from watchword.data.comparisons import subject_of
from watchword.query.filters import EVERYTHING, Filter
from watchword.query.types import FieldType, Function

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from watchword.data.binding import Binder
    from watchword.data.expressions import Expressions
    from watchword.data.schema import Collection
    from watchword.query.query import Order


class Sorting:
    """Makes ORDER BY for one statement. Nulls are the lowest on both databases."""

    def __init__(self, binder: Binder, expressions: Expressions) -> None:
        self._binder = binder
        self._expressions = expressions

    def clauses(
        self, collection: Collection, source: sa.FromClause, sort: Sequence[Order], alias: Mapping[str, str]
    ) -> list[sa.ColumnElement[Any]]:
        """Return the clauses for a sort; the key comes last, so that the order is always the same.

        Raises:
            Problem: FORBIDDEN for a field out of sight, INVALID_QUERY for one that has no order.
        """
        clauses = []
        for order in sort:
            head, *rest = order.path
            meant = replace(order, path=(alias.get(head, head), *rest))
            expression = self.expression(collection, source, meant)
            computed = order.function is not None or bool(order.place)
            nullable = bool(rest) or computed or self._nullable(collection, meant.path[0])
            clauses.append(self.directed(expression, descending=order.descending, nullable=nullable))
        sorted_by = {order.path for order in sort if order.function is None and not order.place}
        return clauses + [source.c[name].asc() for name in collection.key if (name,) not in sorted_by]

    def directed(
        self, expression: sa.ColumnElement[Any], *, descending: bool, nullable: bool = True
    ) -> sa.ColumnElement[Any]:
        """Return an expression as a clause of ORDER BY."""
        clause = expression.desc() if descending else expression.asc()
        if not nullable or self._binder.catalogue.kind == "sqlite":
            return clause
        return clause.nulls_last() if descending else clause.nulls_first()

    def _nullable(self, collection: Collection, field: str) -> bool:
        return collection.fields[field].nullable or self._binder.sight(collection).seen_when(field) != EVERYTHING

    def expression(
        self,
        collection: Collection,
        source: sa.FromClause,
        order: Order,
        trail: tuple[str, ...] = (),
    ) -> sa.ColumnElement[Any]:
        """Return what the path of an entry leads to as one value of a row, null where a step of it is out of sight.

        Raises:
            Problem: FORBIDDEN for a field out of sight, INVALID_QUERY for one that has no single, ordered value.
        """
        head, *rest = order.path
        where = f'"{".".join(trail)}"' if trail else ""
        relation = collection.relations.get(head)
        guarded = self._binder.relation_guard if rest and relation is not None else self._binder.field_guard
        guard = guarded(collection, head, path=where)
        if relation is not None and relation.many and self._binder.leads_out_of_sight(relation):
            raise forbidden_field(collection.name, head, where)
        if rest:
            if relation is None or relation.many:
                raise invalid_query(f'"{head}" does not lead to one item')
            through = self._through(collection, source, order, trail)
            return self.shown(collection, source, guard, through)
        if order.place:
            self._binder.check_document(collection, head)
            return self.shown(collection, source, guard, self._expressions.part(head, order.place, source).order)
        if order.function is not None:
            self._binder.check_function(collection, head, order.function)
        elif relation is not None and relation.many:
            raise invalid_query(f'"{head}" cannot be sorted or grouped by')
        return self.shown(collection, source, guard, self._value(collection, source, head, order.function))

    def _value(
        self, collection: Collection, source: sa.FromClause, field: str, function: Function | None
    ) -> sa.ColumnElement[Any]:
        if function is not None:
            within = None
            if field not in collection.fields:
                within = self._binder.rows_in_sight(self._binder.catalogue.related(collection.relations[field]))
            return self._expressions.subject(collection, field, function, source, within).expression
        kind = collection.fields[field].type
        if kind is FieldType.JSON:
            raise invalid_query(f'"{field}" cannot be sorted or grouped by')
        column = source.c[field]
        # SQLite's moments sort as the text that they are; only what the program does not know is turned to text.
        return column if self._binder.catalogue.kind == "sqlite" else subject_of(column, kind).expression

    def _through(
        self,
        collection: Collection,
        source: sa.FromClause,
        order: Order,
        trail: tuple[str, ...],
    ) -> sa.ColumnElement[Any]:
        head, *rest = order.path
        related = self._binder.catalogue.related(collection.relations[head])
        seen = self._binder.rows_in_sight(related)
        inner, condition = self._expressions.related_rows(collection, head, source, seen)
        value = self.expression(related, inner, replace(order, path=tuple(rest)), (*trail, head))
        return sa.select(value).select_from(inner).where(condition).correlate_except(inner).limit(1).scalar_subquery()

    def shown(
        self, collection: Collection, source: sa.FromClause, guard: Filter, expression: sa.ColumnElement[Any]
    ) -> sa.ColumnElement[Any]:
        """Return an expression that is null on the rows where its field is out of sight."""
        if guard == EVERYTHING:
            return expression
        return sa.case((self._expressions.condition(guard, collection, source), expression))
