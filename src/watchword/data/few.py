"""Few: the rows of a to-many relation, of which each parent shows some only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import sqlalchemy as sa

from watchword.query.types import FieldType

if TYPE_CHECKING:
    from collections.abc import Sequence

    from watchword.data.catalogue import Catalogue
    from watchword.data.expressions import Expressions
    from watchword.data.facts import ColumnFacts
    from watchword.data.schema import Collection
    from watchword.data.sorting import Sorting
    from watchword.query.filters import Filter
    from watchword.query.query import Query

_WHOLE = frozenset({FieldType.INTEGER, FieldType.BIG_INTEGER})


class Draft(Protocol):
    """A statement in the making."""

    catalogue: Catalogue
    collection: Collection
    source: sa.FromClause
    expressions: Expressions
    sorting: Sorting

    def beside(self) -> Draft:
        """Begin another select from the same collection within the same statement."""

    def select(self, columns: Sequence[sa.ColumnElement[Any]], taken: Filter) -> sa.Select[Any]:
        """Select columns, by their place, of the rows that a filter takes."""

    def among(self, columns: Sequence[sa.ColumnElement[Any]]) -> sa.ColumnElement[bool]:
        """Return the condition that the columns are among the values that are given when the statement runs."""


class Few:
    """The statement for the rows whose `link` is among the parents, ordered, as many for each as the limit leaves."""

    def __init__(self, draft: Draft, link: sa.ColumnElement[Any], query: Query, limit: int | None) -> None:
        self._draft = draft
        self._link = link
        self._query = query
        self._limit = limit

    def of_each(self, parents: Collection, columns: Sequence[sa.ColumnElement[Any]], taken: Filter) -> sa.Select[Any]:
        """Return the statement; its columns are those that are given, by their place."""
        if self._limit is None and not self._query.offset:
            return self._linked(columns, taken).order_by(*self._order(self._draft))
        if self._is_indexed(parents):
            return self._looked_up(parents, columns, taken)
        return self._numbered(columns, taken)

    def _linked(self, columns: Sequence[sa.ColumnElement[Any]], taken: Filter) -> sa.Select[Any]:
        return self._draft.select(columns, taken).where(self._draft.among((self._link,)))

    def _order(self, draft: Draft) -> list[sa.ColumnElement[Any]]:
        return draft.sorting.clauses(draft.collection, draft.source, self._query.sort, self._query.alias)

    def _numbered(self, columns: Sequence[sa.ColumnElement[Any]], taken: Filter) -> sa.Select[Any]:
        """Number the rows of each parent, and keep the first ones."""
        place = sa.func.row_number().over(partition_by=self._link, order_by=self._order(self._draft)).label("place")
        numbered = self._linked(columns, taken).add_columns(place).subquery()
        *shown, place_of = numbered.c
        offset = self._query.offset
        kept = sa.select(*shown).where(place_of > offset).order_by(place_of)
        return kept if self._limit is None else kept.where(place_of <= offset + self._limit)

    def _is_indexed(self, parents: Collection) -> bool:
        """Whether SQLite finds the rows of each parent by an index, and these by their numbers: then that is faster.

        Without an index it would read the whole table for each parent.
        """
        catalogue, collection = self._draft.catalogue, self._draft.collection
        facts, above = catalogue.facts.get(collection.name), catalogue.facts.get(parents.name)
        if catalogue.kind != "sqlite" or facts is None or above is None or len(parents.key) != 1:
            return False
        columns = {column.name: column for column in facts.columns}
        link, keys = columns.get(self._link.name), [column for column in above.columns if column.name == parents.key[0]]
        if link is None or not keys or not _compare_alike(link, keys[0]):
            return False
        is_numbered = len(collection.key) == 1 and columns[collection.key[0]].automatic
        return is_numbered and any(index.column == link.name for index in facts.indexes)

    def _looked_up(
        self, parents: Collection, columns: Sequence[sa.ColumnElement[Any]], taken: Filter
    ) -> sa.Select[Any]:
        """Select the first keys for each parent, and the rows of these."""
        inner = self._draft.beside()
        above = self._draft.catalogue.table(parents.name).alias()
        parent, key = above.c[parents.key[0]], self._draft.collection.key[0]
        condition = inner.expressions.condition(taken, inner.collection, inner.source)
        first = (
            sa.select(inner.source.c[key])
            .where(inner.source.c[self._link.name] == parent, condition)
            .order_by(*self._order(inner))
            .limit(self._limit)
            .offset(self._query.offset or None)
            .correlate(above)
        )
        source = self._draft.source
        named = (column.label(f"c{index}") for index, column in enumerate(columns))
        joined = above.join(source, source.c[key].in_(first))
        parents_are_given = self._draft.among((parent,))
        return sa.select(*named).select_from(joined).where(parents_are_given).order_by(*self._order(self._draft))


def _compare_alike(one: ColumnFacts, other: ColumnFacts) -> bool:
    """Whether SQLite compares the values of two columns as it does those of one of them."""
    return one.declared.upper() == other.declared.upper() or {one.type, other.type} <= _WHOLE
