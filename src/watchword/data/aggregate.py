"""Aggregates: counts, sums and their relatives over the rows in sight, or over groups of them."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import msgspec
import sqlalchemy as sa

from watchword.base.errors import invalid_query
from watchword.base.slices import SLICE
from watchword.data.loading import fetch
from watchword.data.parameters import Parameters
from watchword.query.documents import name_of
from watchword.query.query import Order
from watchword.query.rendering import render
from watchword.query.types import NUMERIC, TEMPORAL, TEXTUAL, FieldType
from watchword.storage.engine import pause

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from watchword.data.loading import Call
    from watchword.data.plan import Draft, Planner
    from watchword.data.schema import Collection
    from watchword.query.query import Aggregate, Grouping, Query
    from watchword.query.types import Function

Path = tuple[str, ...]

_ROWS = frozenset({"count", "countAll"})
_COUNTS = frozenset({"count", "countDistinct", "countAll"})
_EXTREMES = frozenset({"min", "max"})
_DISTINCT = "Distinct"


class Aggregation(msgspec.Struct, frozen=True):
    """A statement whose rows are groups. `outputs` says where in the result each column goes, and its type."""

    statement: sa.Select[Any]
    parameters: Parameters
    outputs: tuple[tuple[Path, FieldType], ...]


def load_groups(connection: sa.Connection, plan: Aggregation, call: Call) -> list[dict[str, Any]]:
    """Return the groups, JSON-ready: `{"status": "draft", "count": 2, "sum": {"price": 3}}`."""
    rows = fetch(connection, call, plan.statement, call.values(plan.parameters))
    items: list[dict[str, Any]] = []
    for start in range(0, len(rows), SLICE):
        if start:
            pause()
        items += [_item(plan.outputs, row) for row in rows[start : start + SLICE]]
    return items


def _item(outputs: Iterable[tuple[Path, FieldType]], row: Sequence[Any]) -> dict[str, Any]:
    item: dict[str, Any] = {}
    for (path, kind), value in zip(outputs, row, strict=True):
        whole = isinstance(value, Decimal) and kind in {FieldType.INTEGER, FieldType.BIG_INTEGER}
        shown = float(value) if kind is FieldType.FLOAT and value is not None else value
        rendered = render(kind, int(value) if whole else shown)
        if len(path) == 1:
            item[path[0]] = rendered
        else:
            item.setdefault(path[0], {})[path[1]] = rendered
    return item


def plan_groups(planner: Planner, query: Query) -> Aggregation:
    """Plan a query that aggregates or groups.

    Raises:
        Problem: FORBIDDEN for a field out of sight, INVALID_QUERY for a function that does not apply to a field.
    """
    return _Grouping(planner, query).plan()


class _Grouping:
    """One aggregation in the making: an inner statement shows the values, an outer one puts them together."""

    def __init__(self, planner: Planner, query: Query) -> None:
        self._planner = planner
        self._query = query
        self._collection: Collection = planner.catalogue.collection(query.collection)
        self._draft: Draft = planner.draft(self._collection)
        self._shown: list[sa.ColumnElement[Any]] = []

    def plan(self) -> Aggregation:
        query = self._query
        grouped = [(self._group_name(group), *self._show(group.field, group.function)) for group in query.group]
        measured = [(aggregate, self._measured(aggregate)) for aggregate in query.aggregate]
        taken = self._planner.taken(self._collection, query)
        inner = self._draft.select(self._shown or [sa.literal_column("1")], taken).subquery()
        columns = list(inner.c)
        groups = [columns[index] for _, index, _ in grouped]
        outputs: list[tuple[Path, FieldType]] = [((name,), kind) for name, _, kind in grouped]
        selected: list[sa.ColumnElement[Any]] = list(groups)
        for aggregate, index in measured:
            column = None if index is None else columns[index]
            selected.append(_function(aggregate, column))
            path = (aggregate.function,) if aggregate.field == "*" else (aggregate.function, aggregate.field)
            outputs.append((path, self._kind(aggregate)))
        named = [column.label(f"a{index}") for index, column in enumerate(selected)]
        statement = sa.select(*named).select_from(inner).group_by(*groups)
        statement = statement.order_by(*self._order(selected, outputs, len(groups)))
        return Aggregation(self._planner.window(statement, query), self._draft.parameters, tuple(outputs))

    def _show(self, field: str, function: Function | None) -> tuple[int, FieldType]:
        """Add a value to the inner statement; return its place and its type."""
        field = self._query.alias.get(field, field)
        expression = self._draft.sorting.expression(
            self._collection, self._draft.source, Order((field,), function=function)
        )
        self._shown.append(expression)
        kind = FieldType.INTEGER if function is not None else self._collection.fields[field].type
        return len(self._shown) - 1, kind

    def _group_name(self, group: Grouping) -> str:
        return group.field if group.function is None else f"{group.field}_{group.function.value}"

    def _measured(self, aggregate: Aggregate) -> int | None:
        if aggregate.field == "*":
            if aggregate.function not in _ROWS:
                raise invalid_query(f'"{aggregate.function}" needs a field')
            return None
        index, kind = self._show(aggregate.field, None)
        if not _applies(aggregate.function, kind):
            raise invalid_query(f'"{kind.value}" field type does not support the "{aggregate.function}" function')
        return index

    def _kind(self, aggregate: Aggregate) -> FieldType:
        if aggregate.function in _COUNTS:
            return FieldType.INTEGER
        if aggregate.function.startswith("avg"):
            return FieldType.FLOAT
        return self._collection.fields[self._query.alias.get(aggregate.field, aggregate.field)].type

    def _order(
        self, selected: Sequence[sa.ColumnElement[Any]], outputs: Sequence[tuple[Path, FieldType]], groups: int
    ) -> list[sa.ColumnElement[Any]]:
        """Return the order: by the groups' own columns, unless the query sorts by them or by its aggregates."""
        places = {path: index for index, (path, _) in enumerate(outputs)}
        clauses = []
        for order in self._query.sort:
            index = places.get(_sorted_path(order))
            if index is None:
                self._planner.binder.field_guard(self._collection, order.path[0])
                raise invalid_query(f'"{".".join(order.path)}" is not among the groups and aggregates')
            clauses.append(self._draft.sorting.directed(selected[index], descending=order.descending))
        return clauses + [self._draft.sorting.directed(column, descending=False) for column in selected[:groups]]


def _sorted_path(order: Order) -> Path:
    if order.place:
        return (*order.path[:-1], name_of(order.path[-1], order.place))
    if order.function is None:
        return order.path
    return (f"{'.'.join(order.path)}_{order.function.value}",)


def _applies(function: str, kind: FieldType) -> bool:
    if function in _COUNTS:
        return True
    if function in _EXTREMES:
        return kind in NUMERIC or kind in TEMPORAL or kind in TEXTUAL
    return kind in NUMERIC


def _function(aggregate: Aggregate, column: sa.ColumnElement[Any] | None) -> sa.ColumnElement[Any]:
    if column is None:
        return sa.func.count()
    if aggregate.function in _EXTREMES:
        return sa.func.min(column) if aggregate.function == "min" else sa.func.max(column)
    argument = column.distinct() if aggregate.function.endswith(_DISTINCT) else column
    name = aggregate.function.removesuffix(_DISTINCT)
    if name == "count":
        return sa.func.count(argument)
    return sa.func.sum(argument) if name == "sum" else sa.func.avg(argument)
