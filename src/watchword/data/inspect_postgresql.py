"""What PostgreSQL says about the tables of its current schema."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from watchword.data.facts import ColumnFacts, Index, Reference, TableFacts
from watchword.query.types import FieldType

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection

_TYPES = {
    "smallint": FieldType.INTEGER,
    "integer": FieldType.INTEGER,
    "bigint": FieldType.BIG_INTEGER,
    "real": FieldType.FLOAT,
    "double precision": FieldType.FLOAT,
    "numeric": FieldType.DECIMAL,
    "boolean": FieldType.BOOLEAN,
    "date": FieldType.DATE,
    "time without time zone": FieldType.TIME,
    "timestamp without time zone": FieldType.DATE_TIME,
    "timestamp with time zone": FieldType.TIMESTAMP,
    "json": FieldType.JSON,
    "jsonb": FieldType.JSON,
    "uuid": FieldType.UUID,
    "text": FieldType.TEXT,
    "character varying": FieldType.STRING,
    "character": FieldType.STRING,
    "bytea": FieldType.BINARY,
}
_HEADER = 4  # atttypmod of varchar(n) and char(n) is n plus the length of a header

_class = sa.table("pg_class", *map(sa.column, ("oid", "relname", "relkind", "relnamespace", "relispartition")))
_namespace = sa.table("pg_namespace", sa.column("oid"), sa.column("nspname"))
_attribute = sa.table(
    "pg_attribute",
    *map(
        sa.column,
        (
            "attrelid",
            "attname",
            "attnum",
            "atttypid",
            "atttypmod",
            "attnotnull",
            "attidentity",
            "attgenerated",
            "attisdropped",
        ),
    ),
)
_type = sa.table("pg_type", *map(sa.column, ("oid", "typtype", "typcategory", "typbasetype", "typtypmod")))
_default = sa.table("pg_attrdef", *map(sa.column, ("adrelid", "adnum", "adbin")))
_index = sa.table(
    "pg_index",
    *map(sa.column, ("indexrelid", "indrelid", "indisprimary", "indisunique", "indpred", "indkey", "indnkeyatts")),
)
_constraint = sa.table(
    "pg_constraint",
    *map(
        sa.column,
        (
            "conname",
            "conrelid",
            "conindid",
            "contype",
            "confrelid",
            "conkey",
            "confkey",
            "confdeltype",
            "confupdtype",
        ),
    ),
)
_ACTIONS = {"a": "NO ACTION", "r": "RESTRICT", "c": "CASCADE", "n": "SET NULL", "d": "SET DEFAULT"}

_ordinary = sa.and_(
    _namespace.c.oid == _class.c.relnamespace,
    _namespace.c.nspname == sa.func.current_schema(),
    _class.c.relkind.in_(["r", "p"]),
    _class.c.relispartition.is_(sa.false()),
)


def _text(column: sa.ColumnElement[Any]) -> sa.ColumnElement[str]:
    return sa.cast(column, sa.Text)


async def inspect(connection: AsyncConnection) -> list[TableFacts]:
    """Return every ordinary table of the current schema, by name; partitions only as their parent."""
    base = sa.func.coalesce(sa.func.nullif(_type.c.typbasetype, sa.literal_column("0")), _type.c.oid)
    numbered: dict[str, list[Any]] = {}
    rows = await connection.execute(
        sa.select(
            _class.c.relname,
            _attribute.c.attnum,
            _attribute.c.attname,
            sa.func.format_type(base, None),
            sa.func.greatest(_attribute.c.atttypmod, _type.c.typtypmod),
            _attribute.c.attnotnull,
            _text(_attribute.c.attidentity),
            _text(_attribute.c.attgenerated),
            sa.func.pg_get_expr(_default.c.adbin, _default.c.adrelid),
            _text(_type.c.typtype),
            _text(_type.c.typcategory),
        )
        .select_from(_namespace)
        .join(_class, _ordinary)
        .join(_attribute, sa.and_(_attribute.c.attrelid == _class.c.oid, _attribute.c.attnum > 0))
        .join(_type, _type.c.oid == _attribute.c.atttypid)
        .outerjoin(_default, sa.and_(_default.c.adrelid == _class.c.oid, _default.c.adnum == _attribute.c.attnum))
        .where(_attribute.c.attisdropped.is_(sa.false()))
        .order_by(_class.c.relname, _attribute.c.attnum)
    )
    for row in rows:
        numbered.setdefault(row[0], []).append(row)
    names = {table: {row[1]: row[2] for row in rows} for table, rows in numbered.items()}
    keys, indexes = await _indexes(connection, names)
    references = await _references(connection, names)
    return [
        TableFacts(
            name,
            tuple(_column(row) for row in rows),
            keys.get(name, ()),
            tuple(references.get(name, ())),
            frozenset(index.column for index in indexes.get(name, ()) if index.unique).union(
                keys.get(name, ()) if len(keys.get(name, ())) == 1 else ()
            ),
            tuple(indexes.get(name, ())),
        )
        for name, rows in numbered.items()
    ]


def _column(row: Any) -> ColumnFacts:
    _, _, name, declared, modifier, not_null, identity, generated, default, form, category = row
    kind = _TYPES.get(declared, FieldType.UNKNOWN)
    if form == "e":
        kind = FieldType.STRING
    elif category == "A":
        kind = FieldType.JSON
    sized = declared in {"character varying", "character"} and modifier > _HEADER
    measured = declared == "numeric" and modifier > _HEADER
    return ColumnFacts(
        name,
        kind,
        declared,
        modifier - _HEADER if sized else None,
        not_null,
        None if generated else default,
        automatic=bool(identity) or (default or "").startswith("nextval("),
        # Arrays are shown and not written.
        generated=bool(generated) or identity == "a" or category == "A",
        # numeric(p, s): p in the upper half, s in the lowest eleven bits
        precision=(modifier - _HEADER) >> 16 if measured else None,
        scale=(modifier - _HEADER) & 0x7FF if measured else None,
    )


async def _indexes(
    connection: AsyncConnection, names: dict[str, dict[int, str]]
) -> tuple[dict[str, tuple[str, ...]], dict[str, list[Index]]]:
    """Return the primary keys, and the other indexes of one column, by table."""
    own = _class.alias("own")
    constrained = sa.exists().where(_constraint.c.conindid == _index.c.indexrelid, _constraint.c.contype != "f")
    rows = await connection.execute(
        sa.select(
            _class.c.relname,
            own.c.relname,
            _index.c.indisprimary,
            _index.c.indisunique,
            constrained,
            _text(_index.c.indkey),
            _index.c.indnkeyatts,
        )
        .select_from(_namespace)
        .join(_class, _ordinary)
        .join(_index, _index.c.indrelid == _class.c.oid)
        .join(own, own.c.oid == _index.c.indexrelid)
        .where(_index.c.indpred.is_(None))
        .order_by(_class.c.relname, own.c.relname)
    )
    keys: dict[str, tuple[str, ...]] = {}
    indexes: dict[str, list[Index]] = {}
    for table, name, primary, unique, constraint, numbers, count in rows:
        columns = tuple(names[table].get(int(number), "") for number in numbers.split()[:count])
        if primary:
            keys[table] = columns
        elif len(columns) == 1 and columns[0]:
            indexes.setdefault(table, []).append(Index(name, columns[0], unique, constraint))
    return keys, indexes


async def _references(connection: AsyncConnection, names: dict[str, dict[int, str]]) -> dict[str, list[Reference]]:
    target = _class.alias("target")
    rows = await connection.execute(
        sa.select(
            _class.c.relname,
            target.c.relname,
            _constraint.c.conkey,
            _constraint.c.confkey,
            _constraint.c.conname,
            _text(_constraint.c.confdeltype),
            _text(_constraint.c.confupdtype),
        )
        .select_from(_namespace)
        .join(_class, _ordinary)
        .join(_constraint, sa.and_(_constraint.c.conrelid == _class.c.oid, _constraint.c.contype == "f"))
        .join(target, sa.and_(target.c.oid == _constraint.c.confrelid, target.c.relnamespace == _namespace.c.oid))
        .order_by(_class.c.relname, _constraint.c.conkey)
    )
    found: dict[str, list[Reference]] = {}
    for table, other, columns, targets, name, deleting, updating in rows:
        if len(columns) == 1 and other in names:
            actions = _ACTIONS[deleting], _ACTIONS[updating]
            reference = Reference(names[table][columns[0]], other, names[other][targets[0]], name, *actions)
            found.setdefault(table, []).append(reference)
    return found
