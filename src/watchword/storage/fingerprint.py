"""Fingerprint: a cheap value that differs when the structure of the database has changed, whoever changed it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from watchword.base.ids import uuid7
from watchword.storage.tables import structure

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection

    from watchword.storage.engine import Kind

_class = sa.table("pg_class", *map(sa.column, ("oid", "relnamespace", "relkind", "xmin")), schema="pg_catalog")
_attribute = sa.table("pg_attribute", *map(sa.column, ("attrelid", "attnum", "xmin")), schema="pg_catalog")
_default = sa.table("pg_attrdef", *map(sa.column, ("adrelid", "xmin")), schema="pg_catalog")
_constraint = sa.table("pg_constraint", *map(sa.column, ("conrelid", "connamespace", "xmin")), schema="pg_catalog")
_index = sa.table("pg_index", *map(sa.column, ("indrelid", "xmin")), schema="pg_catalog")
_namespace = sa.table("pg_namespace", *map(sa.column, ("oid", "nspname")), schema="pg_catalog")


async def fingerprint(connection: AsyncConnection, kind: Kind) -> tuple[Any, ...]:
    """Return a value to compare: equal means that neither a table nor what is said of it has changed."""
    said = await connection.execute(sa.select(structure.c.version))
    if kind == "sqlite":
        version = await connection.exec_driver_sql("PRAGMA schema_version")
        return said.scalar(), version.scalar_one()
    return said.scalar(), *(await connection.execute(_postgresql())).one()


async def note_change(connection: AsyncConnection) -> None:
    """Make the fingerprint another one, because something is said of the structure that no table shows."""
    await connection.execute(sa.delete(structure))
    await connection.execute(sa.insert(structure).values(version=uuid7()))


def _postgresql() -> sa.Select[Any]:
    """Rows of the catalogue carry the transaction that wrote them; maintenance does not rewrite them."""
    here = sa.select(_namespace.c.oid).where(_namespace.c.nspname == sa.func.current_schema()).scalar_subquery()
    ours = sa.select(_class.c.oid).where(_class.c.relnamespace == here, _class.c.relkind.in_(["r", "p"]))
    parts = [
        (_class, [_class.c.oid], sa.and_(_class.c.relnamespace == here, _class.c.relkind.in_(["r", "p"]))),
        (_attribute, [_attribute.c.attrelid, _attribute.c.attnum], _attribute.c.attrelid.in_(ours)),
        (_default, [_default.c.adrelid], _default.c.adrelid.in_(ours)),
        (_constraint, [_constraint.c.conrelid], _constraint.c.connamespace == here),
        (_index, [_index.c.indrelid], _index.c.indrelid.in_(ours)),
    ]
    return sa.select(*(_digest(table, columns, where) for table, columns, where in parts))


def _digest(
    table: sa.TableClause, columns: list[sa.ColumnClause[Any]], where: sa.ColumnElement[bool]
) -> sa.ScalarSelect[Any]:
    written = sa.func.concat_ws(",", *(sa.cast(column, sa.Text) for column in (*columns, table.c.xmin)))
    return sa.select(sa.func.sum(sa.func.hashtextextended(written, 0))).where(where).scalar_subquery()
