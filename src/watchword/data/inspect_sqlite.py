"""What SQLite says about its tables, by the names that programs give to their types."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from watchword.data.facts import ColumnFacts, Index, Reference, TableFacts
from watchword.query.types import FieldType

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy.ext.asyncio import AsyncConnection

_LENGTH = re.compile(r"\(\s*(\d+)\s*\)")
_PRECISION = re.compile(r"\(\s*(\d+)\s*(?:,\s*(\d+)\s*)?\)")
_TYPES: tuple[tuple[str, FieldType], ...] = (
    (r"BIGINT|BIG INT|INT8|UNSIGNED BIG", FieldType.BIG_INTEGER),
    (r"INT\b|INT\d|INTEGER|(TINY|SMALL|MEDIUM)INT", FieldType.INTEGER),
    (r"BOOL", FieldType.BOOLEAN),
    (r"REAL|FLOAT|DOUBLE", FieldType.FLOAT),
    (r"NUMERIC|DECIMAL", FieldType.DECIMAL),
    (r"DATETIME", FieldType.DATE_TIME),
    (r"TIMESTAMP", FieldType.TIMESTAMP),
    (r"DATE", FieldType.DATE),
    (r"TIME", FieldType.TIME),
    (r"JSON", FieldType.JSON),
    (r"UUID|UNIQUEIDENTIFIER|CHAR\s*\(\s*36\s*\)", FieldType.UUID),
    (r"TEXT|CLOB", FieldType.TEXT),
    (r"(VAR|NATIVE )?CHAR|NVARCHAR|NCHAR|STRING|VARYING", FieldType.STRING),
    (r"BLOB", FieldType.BINARY),
)
_PATTERNS = tuple((re.compile(pattern), kind) for pattern, kind in _TYPES)


def field_type(declared: str) -> FieldType:
    """Return the field type of a declared type, by the names that programs give to it."""
    name = declared.strip().upper()
    return next((kind for pattern, kind in _PATTERNS if pattern.match(name)), FieldType.UNKNOWN)


async def inspect(connection: AsyncConnection) -> list[TableFacts]:
    """Return every ordinary table of the main database, by name."""
    listed = sa.func.pragma_table_list().table_valued("schema", "name", "type", "wr", name="listed")
    ordinary = sa.and_(
        listed.c.schema == "main", listed.c.type == "table", ~listed.c.name.startswith("sqlite_", autoescape=True)
    )
    columns = sa.func.pragma_table_xinfo(listed.c.name).table_valued(
        "cid", "name", "type", "notnull", "dflt_value", "pk", "hidden", name="columns"
    )
    told = columns.c
    facts = await connection.execute(
        sa.select(listed.c.name, listed.c.wr, told.name, told.type, told.notnull, told.dflt_value, told.pk, told.hidden)
        .join_from(listed, columns, sa.true())
        .where(ordinary)
        .order_by(listed.c.name, told.cid)
    )
    references = await _references(connection, listed, ordinary)
    indexes = await _indexes(connection, listed, ordinary)
    tables: dict[str, list[Any]] = {}
    for row in facts:
        tables.setdefault(row[0], []).append(row)
    keys = {
        name: tuple(row[2] for row in sorted(rows, key=lambda row: row[6]) if row[6]) for name, rows in tables.items()
    }
    return [
        TableFacts(
            name,
            tuple(_column(row, keys[name]) for row in rows if row[7] != 1),
            keys[name],
            tuple(
                Reference(column, table, target or (keys.get(table) or ("",))[0], None, on_delete, on_update)
                for column, table, target, on_delete, on_update in references.get(name, ())
            ),
            frozenset(index.column for index in indexes.get(name, ()) if index.unique),
            tuple(index for index in indexes.get(name, ()) if (index.column,) != keys[name] or not index.constraint),
        )
        for name, rows in tables.items()
    ]


def _column(row: Any, key: tuple[str, ...]) -> ColumnFacts:
    _, without_rowid, name, declared, not_null, default, in_key, hidden = row
    length = _LENGTH.search(declared)
    kind = field_type(declared)
    precision = _PRECISION.search(declared) if kind is FieldType.DECIMAL else None
    return ColumnFacts(
        name,
        kind,
        declared,
        int(length[1]) if length and kind is FieldType.STRING else None,
        bool(not_null or in_key),
        default,
        # A column declared exactly INTEGER that is the whole key is the row's number (SQLite: "ROWIDs and the
        # INTEGER PRIMARY KEY").
        automatic=key == (name,) and declared.upper() == "INTEGER" and not without_rowid,
        generated=hidden in (2, 3),
        precision=int(precision[1]) if precision else None,
        scale=int(precision[2] or 0) if precision else None,
    )


async def _references(
    connection: AsyncConnection, listed: sa.TableValuedAlias, ordinary: sa.ColumnElement[bool]
) -> dict[str, list[tuple[str, str, str | None, str, str]]]:
    keys = sa.func.pragma_foreign_key_list(listed.c.name).table_valued(
        "id", "seq", "table", "from", "to", "on_delete", "on_update", name="keys"
    )
    rows = await connection.execute(
        sa.select(listed.c.name, keys.c.id, keys.c["from"], keys.c.table, keys.c.to, keys.c.on_delete, keys.c.on_update)
        .join_from(listed, keys, sa.true())
        .where(ordinary)
        .order_by(listed.c.name, keys.c.id.desc(), keys.c.seq)
    )
    found: dict[tuple[str, int], list[tuple[str, str, str | None, str, str]]] = {}
    for table, number, *reference in rows:
        found.setdefault((table, number), []).append(tuple(reference))
    return _of_one_column((table, members) for (table, _), members in found.items())


async def _indexes(
    connection: AsyncConnection, listed: sa.TableValuedAlias, ordinary: sa.ColumnElement[bool]
) -> dict[str, list[Index]]:
    indexes = sa.func.pragma_index_list(listed.c.name).table_valued(
        "name", "unique", "origin", "partial", name="indexes"
    )
    members = sa.func.pragma_index_info(indexes.c.name).table_valued("name", name="members")
    rows = await connection.execute(
        sa.select(listed.c.name, indexes.c.name, indexes.c.unique, indexes.c.origin, members.c.name)
        .join_from(listed, indexes, sa.true())
        .join(members, sa.true())
        .where(ordinary, indexes.c.partial == 0)
        .order_by(listed.c.name, indexes.c.name)
    )
    found: dict[tuple[str, str], list[Index]] = {}
    for table, index, unique, origin, column in rows:
        found.setdefault((table, index), []).append(Index(index, column or "", bool(unique), origin != "c"))
    single = _of_one_column((table, columns) for (table, _), columns in found.items())
    return {table: [index for index in indexes if index.column] for table, indexes in single.items()}


def _of_one_column(groups: Iterable[tuple[str, list[Any]]]) -> dict[str, list[Any]]:
    """Keep the groups that have one member, by table."""
    kept: dict[str, list[Any]] = {}
    for table, members in groups:
        if len(members) == 1:
            kept.setdefault(table, []).append(members[0])
    return kept
