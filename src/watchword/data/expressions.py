"""Expressions: a bound filter as a SQLAlchemy condition on a row of any source that has the collection's columns.

The condition has SQL's three values, and agrees with `query.predicate` on every row whose values parse as their types.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

from watchword.data.comparisons import Comparisons, Condition, Subject, subject_of
from watchword.data.documents import Part, compare_part
from watchword.data.parts import count_of_items, date_part
from watchword.query.filters import EVERYTHING, All, Compare, Filter, Not, Related
from watchword.query.filters import Any as AnyOf
from watchword.query.types import FieldType, Function, Operator

if TYPE_CHECKING:
    from watchword.data.catalogue import Catalogue
    from watchword.data.parameters import Parameters
    from watchword.data.schema import Collection, Relation
    from watchword.query.documents import Place

_NUMBER = sa.BigInteger()


class Expressions:
    """Translates bound filters for one statement; `parameters` collects the values that it needs to run."""

    def __init__(self, catalogue: Catalogue, parameters: Parameters) -> None:
        self._catalogue = catalogue
        self._sqlite = catalogue.kind == "sqlite"
        self._comparisons = Comparisons(parameters, sqlite=self._sqlite)

    def condition(self, node: Filter, collection: Collection, source: sa.FromClause) -> Condition:
        """Return the condition that a filter puts on a row of `source`, which has the collection's columns."""
        match node:
            case Compare() if node.place:
                part = self.part(node.field, node.place, source)
                return compare_part(self._comparisons, part, node)
            case Compare():
                subject = self.subject(collection, node.field, node.function, source, node.within)
                return self._comparisons.compare(Operator(node.operator), subject, node.value)
            case Related():
                return self._related(node, collection, source)
            case All(parts=parts):
                return sa.and_(sa.true(), *(self.condition(part, collection, source) for part in parts))
            case AnyOf(parts=parts):
                return sa.or_(sa.false(), *(self.condition(part, collection, source) for part in parts))
            case Not(part=part):
                return sa.not_(self.condition(part, collection, source))

    def subject(
        self,
        collection: Collection,
        field: str,
        function: Function | None,
        source: sa.FromClause,
        within: Filter | None = None,
    ) -> Subject:
        """Return a field of a row, or a function of it, as something to compare, sort or group by.

        For the count of a to-many relation, `within` says which related rows are counted.
        """
        if field not in collection.fields:
            counted = self.count(collection, field, source, EVERYTHING if within is None else within)
            return Subject(counted, FieldType.INTEGER, _NUMBER)
        column, kind = source.c[field], collection.fields[field].type
        if function is None:
            return subject_of(column, kind)
        if function is Function.COUNT:
            return Subject(count_of_items(column, kind, sqlite=self._sqlite), FieldType.INTEGER, _NUMBER)
        return Subject(date_part(function, column, kind, sqlite=self._sqlite), FieldType.INTEGER, _NUMBER)

    def part(self, field: str, place: Place, source: sa.FromClause) -> Part:
        """Return a part of a field's JSON value."""
        return Part(source.c[field], place, sqlite=self._sqlite)

    def count(self, collection: Collection, field: str, source: sa.FromClause, node: Filter) -> sa.ColumnElement[int]:
        """Return the number of related rows that satisfy a filter."""
        inner, condition = self.related_rows(collection, field, source, node)
        query = sa.select(sa.func.count()).select_from(inner).where(condition)
        return query.correlate_except(inner).scalar_subquery()

    def related_rows(
        self, collection: Collection, field: str, source: sa.FromClause, node: Filter
    ) -> tuple[sa.FromClause, Condition]:
        """Return the related table under a name of its own, and the condition that its row belongs and satisfies."""
        relation = collection.relations[field]
        related = self._catalogue.related(relation)
        inner = self._catalogue.table(related.name).alias()
        return inner, sa.and_(_linked(collection, relation, source, inner), self.condition(node, related, inner))

    def _related(self, node: Related, collection: Collection, source: sa.FromClause) -> Condition:
        inner, condition = self.related_rows(collection, node.field, source, node.filter)
        found = sa.select(sa.literal_column("1")).select_from(inner).where(condition).correlate_except(inner).exists()
        return sa.not_(found) if node.quantifier == "none" else found


def _linked(collection: Collection, relation: Relation, source: sa.FromClause, inner: sa.FromClause) -> Condition:
    """Return the condition that a row of the related table belongs to the row of the source."""
    near, far = source.c[collection.key[0] if relation.many else relation.field], inner.c[relation.related_field]
    if relation.discriminator is None:
        return far == near
    return sa.and_(source.c[relation.discriminator] == relation.related, sa.cast(far, sa.Text()) == near)
