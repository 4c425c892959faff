"""Triggers that log changes on PostgreSQL: a generated function per table, which no other program's write trips on.

The function runs with its owner's rights, so that a role that may write the table need not know of the log. It pins the
settings that shape text, so that images do not depend on who writes. And if it cannot make an image (a column it knows
was dropped or renamed), the change is logged as "read this collection again" instead of failing the write.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import msgspec
from sqlalchemy import Boolean, Integer, Text, and_, cast, column, false, func, select, table
from sqlalchemy.exc import DBAPIError

from watchword.storage.engine import STRUCTURE_LOCK
from watchword.storage.postgres_trigger import Column, function_body
from watchword.storage.sql_text import name

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sqlalchemy import Connection

    from watchword.storage.changes import Captured

_PREFIX = "watchword_capture_"
_ROWS = "watchword_capture"
_TRUNCATE = "watchword_truncate"
_PINS = {
    "timezone": "'UTC'",
    "datestyle": "'ISO'",
    "intervalstyle": "'iso_8601'",
    "bytea_output": "'hex'",
    "extra_float_digits": "1",
}
_proc = table("pg_proc", column("oid"), column("proname", Text), column("pronamespace"), schema="pg_catalog")
_trigger = table(
    "pg_trigger",
    *(column(each) for each in ("tgrelid", "tgfoid", "tgparentid")),
    column("tgname", Text),
    column("tgenabled"),
    column("tgisinternal", Boolean),
    schema="pg_catalog",
)
_class = table("pg_class", column("oid"), column("relname", Text), column("relnamespace"), schema="pg_catalog")
_attribute = table(
    "pg_attribute",
    column("attname", Text),
    column("attrelid"),
    column("atttypid"),
    column("attnum", Integer),
    column("attisdropped", Boolean),
    schema="pg_catalog",
)
_type = table(
    "pg_type",
    column("oid"),
    column("typname", Text),
    column("typlen", Integer),
    column("typbasetype"),
    schema="pg_catalog",
)
_namespace = table("pg_namespace", column("oid"), column("nspname", Text), schema="pg_catalog")


class _Present(msgspec.Struct):
    """A capture function as the database has it: what it was made of, and where its triggers are."""

    mark: str | None
    triggers: set[tuple[str, str, str]]


def capture(connection: Connection, captured: Sequence[Captured]) -> frozenset[str]:
    """Make the capture triggers those of `captured`; touch only what differs. Nodes take turns."""
    connection.execute(select(func.pg_advisory_xact_lock(STRUCTURE_LOCK)))
    schema = connection.execute(select(func.current_schema())).scalar_one()
    present = _present(connection, schema)
    refused = set()
    wanted: set[str] = set()
    for each in captured:
        try:
            with connection.begin_nested():
                _capture_table(connection, schema, each, present)
        except (DBAPIError, LookupError):  # no right to, or a table that is gone
            refused.add(each.collection)
        else:
            wanted.add(_function_of(each.table))
    for function in present.keys() - wanted:
        connection.exec_driver_sql(f"DROP FUNCTION {name(schema)}.{name(function)}() CASCADE")
    return frozenset(refused)


def differing(connection: Connection, captured: Sequence[Captured]) -> frozenset[str]:
    """Return the collections whose triggers are not what `capture` would make them."""
    schema = connection.execute(select(func.current_schema())).scalar_one()
    present = _present(connection, schema)
    found = set()
    for each in captured:
        try:
            body = function_body(schema, each, _columns(connection, schema, each))
        except LookupError:
            found.add(each.collection)
        else:
            if not _is_current(each, body, present):
                found.add(each.collection)
    return frozenset(found)


def _function_of(table_name: str) -> str:
    return _PREFIX + hashlib.sha256(table_name.encode()).hexdigest()[:16]


def _present(connection: Connection, schema: str) -> dict[str, _Present]:
    on = and_(_trigger.c.tgfoid == _proc.c.oid, _trigger.c.tgisinternal == false(), _trigger.c.tgparentid == 0)
    found = (
        select(
            _proc.c.proname,
            func.obj_description(_proc.c.oid, "pg_proc", type_=Text).label("mark"),
            _trigger.c.tgname,
            cast(_trigger.c.tgenabled, Text).label("enabled"),
            _class.c.relname,
        )
        .select_from(_proc.outerjoin(_trigger, on).outerjoin(_class, _class.c.oid == _trigger.c.tgrelid))
        .join(_namespace, _namespace.c.oid == _proc.c.pronamespace)
        .where(_namespace.c.nspname == schema, func.starts_with(_proc.c.proname, _PREFIX))
    )
    present: dict[str, _Present] = {}
    for row in connection.execute(found):
        function = present.setdefault(row.proname, _Present(row.mark, set()))
        if row.tgname is not None:
            function.triggers.add((row.relname, row.tgname, row.enabled))
    return present


def _columns(connection: Connection, schema: str, captured: Captured) -> list[Column]:
    base = _type.alias("base")
    found = (
        select(_attribute.c.attname, func.coalesce(base.c.typname, _type.c.typname).label("type"), _type.c.typlen)
        .select_from(_attribute.join(_class, _class.c.oid == _attribute.c.attrelid))
        .join(_namespace, _namespace.c.oid == _class.c.relnamespace)
        .join(_type, _type.c.oid == _attribute.c.atttypid)
        .outerjoin(base, base.c.oid == _type.c.typbasetype)
        .where(
            _namespace.c.nspname == schema,
            _class.c.relname == captured.table,
            _attribute.c.attnum > 0,
            _attribute.c.attisdropped == false(),
        )
    )
    existing = {row.attname: Column(row.attname, row.type, row.typlen < 0) for row in connection.execute(found)}
    if not captured.key or not existing.keys() >= set(captured.key):
        raise LookupError(captured.table)
    return [existing[each] for each in captured.columns if each in existing]


def _capture_table(connection: Connection, schema: str, captured: Captured, present: dict[str, _Present]) -> None:
    function = _function_of(captured.table)
    body = function_body(schema, captured, _columns(connection, schema, captured))
    if _is_current(captured, body, present):
        return
    found = present.get(function)
    where = f"{name(schema)}.{name(function)}()"
    run = connection.exec_driver_sql
    run(_function(schema, where, body))
    run(f"REVOKE ALL ON FUNCTION {where} FROM PUBLIC")
    run(f"COMMENT ON FUNCTION {where} IS '{_mark(body)}'")
    if found is None or found.triggers != _triggers(captured):
        for statement in _attach(f"{name(schema)}.{name(captured.table)}", where):
            run(statement)


def _is_current(captured: Captured, body: str, present: dict[str, _Present]) -> bool:
    found = present.get(_function_of(captured.table))
    return found is not None and found.mark == _mark(body) and found.triggers == _triggers(captured)


def _mark(body: str) -> str:
    return f"watchword {hashlib.sha256(body.encode()).hexdigest()}"


def _triggers(captured: Captured) -> set[tuple[str, str, str]]:
    return {(captured.table, _ROWS, "A"), (captured.table, _TRUNCATE, "A")}


def _attach(table_name: str, function: str) -> Iterable[str]:
    for trigger, events, each in (
        (_ROWS, "INSERT OR UPDATE OR DELETE", "ROW"),
        (_TRUNCATE, "TRUNCATE", "STATEMENT"),
    ):
        yield f"DROP TRIGGER IF EXISTS {trigger} ON {table_name}"
        yield f"CREATE TRIGGER {trigger} AFTER {events} ON {table_name} FOR EACH {each} EXECUTE FUNCTION {function}"
        # ALWAYS: also for sessions that replay replicated changes.
        yield f"ALTER TABLE {table_name} ENABLE ALWAYS TRIGGER {trigger}"


def _function(schema: str, where: str, body: str) -> str:
    tag = f"$w{hashlib.sha256(body.encode()).hexdigest()[:12]}$"
    pins = " ".join(f"SET {setting} = {value}" for setting, value in _PINS.items())
    return (
        f"CREATE OR REPLACE FUNCTION {where} RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER "
        f"SET search_path = pg_catalog, {name(schema)}, pg_temp {pins} AS {tag}\n{body}{tag}"
    )
