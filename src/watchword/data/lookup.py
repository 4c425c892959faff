"""Lookups: filters over related rows, asked of rows that are in memory and may be in no table any more."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from watchword.data.expressions import Expressions
from watchword.data.parameters import Parameters

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from watchword.data.catalogue import Catalogue
    from watchword.data.schema import Collection
    from watchword.data.scope import Scope
    from watchword.query.filters import Filter
    from watchword.storage.engine import Database

_PLACE = "watchword_place"
MOST_PARAMETERS = 8_000
"""How many values of rows go into one statement."""
MOST_ROWS = 400
"""How many rows go into one statement: SQLite joins 500 selects at most."""


class Lookup:
    """Asks the database what memory cannot tell."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def match_images(
        self,
        catalogue: Catalogue,
        scope: Scope,
        collection: Collection,
        filters: Sequence[Filter],
        rows: Sequence[Mapping[str, Any]],
    ) -> list[list[bool]]:
        """Return for each row whether each bound filter is true for it, as if the row stood in its table now.

        Rows hold canonical values; a column that a row does not have is null. One statement, unless the rows are many.
        """
        if not rows or not filters:
            return [[] for _ in rows]
        width = len(catalogue.table(collection.name).c) + 1
        size = max(1, min(MOST_ROWS, MOST_PARAMETERS // width))
        found: list[list[bool]] = []
        async with self._db.read() as connection:
            for start in range(0, len(rows), size):
                statement, parameters = _matching(catalogue, collection, filters, rows[start : start + size])
                truths = await connection.execute(statement, parameters.values(scope))
                found += [[bool(truth) for truth in row] for row in truths]
        return found

    async def keys_between(
        self, catalogue: Catalogue, scope: Scope, collection: Collection, filters: tuple[Filter, Filter], most: int
    ) -> list[str]:
        """Return the keys, as text, of at most `most` rows for which the first filter is true and the second not."""
        table = catalogue.table(collection.name)
        parameters = Parameters()
        expressions = Expressions(catalogue, parameters)
        before, after = (
            sa.func.coalesce(expressions.condition(node, collection, table), sa.false()) for node in filters
        )
        keys = [table.c[name] for name in collection.key]
        statement = sa.select(*keys).where(before, sa.not_(after)).order_by(*keys).limit(most)
        async with self._db.read() as connection:
            rows = (await connection.execute(statement, parameters.values(scope))).all()
        return [",".join(map(str, row)) for row in rows]


def _matching(
    catalogue: Catalogue, collection: Collection, filters: Sequence[Filter], rows: Sequence[Mapping[str, Any]]
) -> tuple[sa.Select[Any], Parameters]:
    parameters = Parameters()
    expressions = Expressions(catalogue, parameters)
    source = _literal_rows(catalogue, collection, rows)
    truths: list[sa.ColumnElement[Any]] = [
        sa.func.coalesce(expressions.condition(node, collection, source), sa.false()).label(f"f{index}")
        for index, node in enumerate(filters)
    ]
    return sa.select(*truths).select_from(source).order_by(source.c[_PLACE]), parameters


def _literal_rows(catalogue: Catalogue, collection: Collection, rows: Sequence[Mapping[str, Any]]) -> sa.FromClause:
    """Return the rows as a source that has the columns of the collection, of their types."""
    columns = catalogue.table(collection.name).c
    selects = (
        sa.select(
            sa.bindparam(None, place, type_=sa.Integer(), unique=True).label(_PLACE),
            *(sa.bindparam(None, row.get(c.name), type_=c.type, unique=True).label(c.name) for c in columns),
        )
        for place, row in enumerate(rows)
    )
    return sa.union_all(*selects).subquery()
