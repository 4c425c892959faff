"""Triggers that log changes on SQLite. They use built-in functions only: other programs' writes run them too."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from sqlalchemy import Text, column, func, select, table
from sqlalchemy.exc import DBAPIError

from watchword.storage.images import LARGE, OMITTED
from watchword.storage.sql_text import literal, name

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from sqlalchemy import Connection

    from watchword.storage.changes import Captured

PREFIX = "watchword_capture_"
"""How the names of our triggers begin."""
_CHUNK = 60  # columns a json_object: SQLite takes 127 arguments as a rule, two a column

_schema = table("sqlite_master", column("type", Text), column("name", Text), column("sql", Text))


def capture(connection: Connection, captured: Sequence[Captured]) -> frozenset[str]:
    """Make the triggers of the database those of `captured`; touch only what differs."""
    present = _present(connection)
    refused = set()
    wanted: set[str] = set()
    for each in captured:
        try:
            with connection.begin_nested():
                wanted |= _capture_table(connection, each, present)
        except (DBAPIError, LookupError):  # a view, or a table that is gone
            refused.add(each.collection)
    for trigger in present.keys() - wanted:
        connection.exec_driver_sql(f"DROP TRIGGER IF EXISTS {name(trigger)}")
    return frozenset(refused)


def differing(connection: Connection, captured: Sequence[Captured]) -> frozenset[str]:
    """Return the collections whose triggers are not what `capture` would make them."""
    present = _present(connection)
    found = set()
    for each in captured:
        try:
            wanted = _wanted(connection, each)
        except LookupError:
            found.add(each.collection)
        else:
            if any(present.get(trigger) != statement for trigger, statement in wanted.items()):
                found.add(each.collection)
    return frozenset(found)


def _present(connection: Connection) -> dict[str, str]:
    triggers = select(_schema.c.name, _schema.c.sql).where(
        _schema.c.type == "trigger", func.substr(_schema.c.name, 1, len(PREFIX)) == PREFIX
    )
    return {row.name: row.sql for row in connection.execute(triggers)}


def _capture_table(connection: Connection, captured: Captured, present: dict[str, str]) -> set[str]:
    wanted = _wanted(connection, captured)
    for trigger, statement in wanted.items():
        if present.get(trigger) == statement:
            continue
        connection.exec_driver_sql(f"DROP TRIGGER IF EXISTS {name(trigger)}")
        connection.exec_driver_sql(statement)
    return set(wanted)


def _wanted(connection: Connection, captured: Captured) -> dict[str, str]:
    # A trigger over a column that does not exist can be created, and then breaks every write.
    info = func.pragma_table_xinfo(captured.table).table_valued(column("name", Text))
    existing = set(connection.execute(select(info.c.name)).scalars())
    if not captured.key or not existing.issuperset(captured.key):
        raise LookupError(captured.table)
    columns = [each for each in captured.columns if each in existing]
    wanted = {}
    for event, statement in _Triggers(captured, columns).statements():
        wanted[f"{PREFIX}{event}_{captured.table}"] = statement
    return wanted


class _Triggers:
    """Writes the triggers of one table."""

    def __init__(self, captured: Captured, columns: Sequence[str]) -> None:
        self._captured = captured
        self._columns = columns
        self._collection = literal(captured.collection)

    def statements(self) -> Iterator[tuple[str, str]]:
        """Yield an event and the statement that creates its trigger."""
        actions = self._captured.actions
        if {"create", "delete"} <= actions:
            yield "replace", self._create("replace", "BEFORE INSERT", self._remember(), "")
        if "create" in actions:
            told = self._tell_replaced() if "delete" in actions else []
            yield "insert", self._create("insert", "AFTER INSERT", [*told, self._log("c", "NEW", after=True)], "")
        if "update" in actions:
            body = [self._forget("OLD"), self._log("u", "NEW", before=True, after=True)]
            yield "update", self._create("update", "AFTER UPDATE", body, f" WHEN {self._differs()}")
        if "delete" in actions:
            body = [self._forget("OLD"), self._log("d", "OLD", before=True)]
            yield "delete", self._create("delete", "AFTER DELETE", body, "")

    def _create(self, event: str, when: str, body: Iterable[str], condition: str) -> str:
        trigger = name(f"{PREFIX}{event}_{self._captured.table}")
        lines = "".join(f"  {statement};\n" for statement in body)
        return (
            f"CREATE TRIGGER {trigger} {when} ON {name(self._captured.table)} FOR EACH ROW{condition} BEGIN\n{lines}END"
        )

    def _log(self, action: str, row: str, *, before: bool = False, after: bool = False) -> str:
        former = "NULL"
        if action == "u":
            former = f"CASE WHEN {_any_differs(self._captured.key)} THEN {self._key('OLD')} END"
        values = (
            self._collection,
            literal(action),
            self._key(row),
            former,
            _image("OLD", self._columns) if before else "NULL",
            _image("NEW", self._columns) if after else "NULL",
            "(SELECT origin FROM watchword_context)",
        )
        columns = "(collection, action, key, former, before, after, origin)"
        return " ".join(("INSERT INTO watchword_change", columns, "VALUES (", ", ".join(values), ")"))

    # INSERT OR REPLACE deletes rows without firing delete triggers, unless the connection asked for it. A trigger
    # before the insert remembers the row with the same key; if the insert then happens, that row was replaced. It may
    # also not happen (OR IGNORE, an upsert), so what is remembered is forgotten at the next sign that the row lives.
    def _remember(self) -> list[str]:
        same = " AND ".join(f"stored.{name(each)} = NEW.{name(each)}" for each in self._captured.key)
        values = (self._collection, self._key("NEW"), self._key("stored"), _image("stored", self._columns))
        source = f"FROM {name(self._captured.table)} AS stored WHERE {same}"
        columns = "(collection, replacing, key, before)"
        return [
            self._forget("NEW", "replacing"),
            " ".join(("INSERT INTO watchword_replaced", columns, "SELECT", ", ".join(values), source)),
        ]

    def _tell_replaced(self) -> list[str]:
        values = "collection, 'd', key, before, (SELECT origin FROM watchword_context)"
        source = f"FROM watchword_replaced WHERE {self._remembered('NEW', 'replacing')}"
        columns = "(collection, action, key, before, origin)"
        return [
            " ".join(("INSERT INTO watchword_change", columns, "SELECT", values, source)),
            self._forget("NEW", "replacing"),
        ]

    def _forget(self, row: str, by: str = "key") -> str:
        return " ".join(("DELETE FROM watchword_replaced WHERE", self._remembered(row, by)))

    def _remembered(self, row: str, by: str) -> str:
        return f"collection = {self._collection} AND {by} = {self._key(row)}"

    def _differs(self) -> str:
        if self._captured.watched is None:
            return _any_differs([*self._captured.key, *self._columns])
        watched = [each for each in self._captured.watched if each in self._columns]
        return _any_differs([*self._captured.key, *watched])

    def _key(self, row: str) -> str:
        return " || ',' || ".join(_key_text(f"{row}.{name(each)}") for each in self._captured.key)


def _any_differs(columns: Iterable[str]) -> str:
    """Compares bytes: under a column's own collation, a change of case alone may be none."""
    unique = dict.fromkeys(columns)
    return "(" + " OR ".join(f"OLD.{name(each)} IS NOT NEW.{name(each)} COLLATE BINARY" for each in unique) + ")"


def _key_text(value: str) -> str:
    return (
        f"CASE typeof({value}) WHEN 'real' THEN printf('%!.17g', {value}) WHEN 'blob' THEN hex({value}) "
        f"ELSE CAST({value} AS TEXT) END"
    )


def _image(row: str, columns: Sequence[str]) -> str:
    """A JSON object of a row's columns; with large values, one that is null there and lists their names."""
    pairs = [(literal(each), _exact(f"{row}.{name(each)}")) for each in columns]
    if not columns:
        return "'{}'"
    large = {each: f"length(CAST({row}.{name(each)} AS BLOB)) > {LARGE}" for each in columns}
    names = " || ".join(
        f"CASE WHEN {test} THEN {literal(json.dumps(each) + ',')} ELSE '' END" for each, test in large.items()
    )
    masked = [
        (literal(each), f"CASE WHEN {large[each]} THEN NULL ELSE {_exact(f'{row}.{name(each)}')} END")
        for each in columns
    ]
    masked.append((literal(OMITTED), f"json('[' || rtrim({names}, ',') || ']')"))
    return f"CASE WHEN {' OR '.join(large.values())} THEN {_object(masked)} ELSE {_object(pairs)} END"


def _exact(value: str) -> str:
    """A value that loses nothing in JSON: a real is an array of its digits, a blob one of a mark and its hex."""
    return (
        f"CASE typeof({value}) WHEN 'real' THEN json_array(printf('%!.17g', {value})) "
        f"WHEN 'blob' THEN json_array('x', hex({value})) ELSE {value} END"
    )


def _object(pairs: Sequence[tuple[str, str]]) -> str:
    """One JSON object, put together from several where a row has more columns than a function takes arguments."""
    parts = [
        "json_object(" + ", ".join(f"{key}, {value}" for key, value in pairs[start : start + _CHUNK]) + ")"
        for start in range(0, len(pairs), _CHUNK)
    ]
    if len(parts) == 1:
        return parts[0]
    inner = [f"ltrim(rtrim({part}, '}}'), '{{')" for part in parts]
    return "'{' || " + " || ',' || ".join(inner) + " || '}'"
