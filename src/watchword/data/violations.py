"""Violations: what the database refused, in the words that a client may hear.

Only the caller's own names and values are repeated: what a trigger or a cascade met in another table stays unsaid.
"""

from __future__ import annotations

import re
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from watchword.base.errors import Code, Problem, invalid_payload
from watchword.data.schema import Collection
from watchword.query.types import NUMERIC

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable

    from sqlalchemy.ext.asyncio import AsyncConnection

    from watchword.data.catalogue import Catalogue

_POSTGRESQL = {
    "23505": Code.RECORD_NOT_UNIQUE,
    "23P01": Code.RECORD_NOT_UNIQUE,  # an exclusion constraint
    "23503": Code.INVALID_FOREIGN_KEY,
    "23001": Code.INVALID_FOREIGN_KEY,  # ON DELETE RESTRICT
    "23502": Code.NOT_NULL_VIOLATION,
    "22001": Code.VALUE_TOO_LONG,
    "22003": Code.VALUE_OUT_OF_RANGE,
    "22008": Code.VALUE_OUT_OF_RANGE,
    "23514": None,  # a check constraint
    "44000": None,  # the check option of a view
    "428C9": None,  # a generated column
    "P0001": None,  # RAISE in a trigger
}
_DATA_EXCEPTION = "22"
_SQLITE = {
    "SQLITE_CONSTRAINT_UNIQUE": Code.RECORD_NOT_UNIQUE,
    "SQLITE_CONSTRAINT_PRIMARYKEY": Code.RECORD_NOT_UNIQUE,
    "SQLITE_CONSTRAINT_ROWID": Code.RECORD_NOT_UNIQUE,
    "SQLITE_CONSTRAINT_FOREIGNKEY": Code.INVALID_FOREIGN_KEY,
    "SQLITE_CONSTRAINT_NOTNULL": Code.NOT_NULL_VIOLATION,
    "SQLITE_CONSTRAINT_CHECK": None,
    "SQLITE_CONSTRAINT_TRIGGER": None,  # RAISE in a trigger
    "SQLITE_CONSTRAINT_DATATYPE": None,  # a STRICT table
    "SQLITE_MISMATCH": None,
    "SQLITE_TOOBIG": Code.VALUE_TOO_LONG,
}
_WORDS = {
    Code.RECORD_NOT_UNIQUE: "has to be unique",
    Code.NOT_NULL_VIOLATION: "can't be null",
    Code.VALUE_TOO_LONG: "is too long",
    Code.VALUE_OUT_OF_RANGE: "is out of range",
}
# `Key (slug)=(a) already exists.`: the words depend on the server's language, the parentheses do not.
_KEY = re.compile(r"\((?P<columns>.*?)\)=\((?P<values>.*)\)", re.DOTALL)
_INDEX = re.compile(r"index '(?P<name>.*)'")
_PROBED = 1000  # how many values are looked up to find the one that was refused


class Attempt(msgspec.Struct, frozen=True):
    """What was tried: `rows` of column values were written to a collection; a delete has none.

    `key` is the key of the row that was changed or deleted, where it was one.
    """

    collection: Collection
    rows: tuple[dict[str, Any], ...] = ()
    key: Any = None


class Refusal(msgspec.Struct, frozen=True):
    """What the database said, whichever it is. `code` None: a rule of the database's own.

    `columns` names the columns, or an expression over them. `text` is the refused value as the database writes it.
    `own` tells whether it was the written table that refused.
    """

    code: Code | None
    columns: str | None = None
    text: str | None = None
    own: bool = True


def violation(code: Code, collection: str | None = None, field: str | None = None, value: Any = None) -> Problem:
    """Say which value breaks a constraint; None stands for what is not known."""
    where = "" if field is None else f' for field "{field}"'
    if collection is not None:
        where += f' in collection "{collection}"'
    shown = "" if value is None else f' "{value}"'
    if code is Code.INVALID_FOREIGN_KEY:
        message = f"Invalid foreign key{shown}{where if field is not None else ''}."
    else:
        message = f"Value{shown}{where} {_WORDS[code]}."
    return Problem(code, message, collection=collection, field=field, value=value)


@asynccontextmanager
async def explained(connection: AsyncConnection, catalogue: Catalogue, attempt: Attempt) -> AsyncIterator[None]:
    """Turn a refusal of the statement inside into a Problem; other errors of the database pass through.

    SQLite says little and leaves the transaction usable: the rows are looked at once more to find the field. On
    PostgreSQL the transaction is over, and what the error says is all there is.

    Raises:
        Problem: RECORD_NOT_UNIQUE, INVALID_FOREIGN_KEY, NOT_NULL_VIOLATION, VALUE_TOO_LONG, VALUE_OUT_OF_RANGE or
            INVALID_PAYLOAD.
    """
    try:
        yield
    except DBAPIError as error:
        refusal = _read(error, attempt.collection.table)
        if refusal is None:
            raise
        if catalogue.kind == "sqlite":
            raise await _Search(connection, catalogue, attempt).explain(refusal) from error
        raise _explain(refusal, attempt) from error


def at_commit(error: DBAPIError) -> Problem | None:
    """Return what to say when a deferred constraint refused the commit; None when it failed for another reason."""
    refusal = _read(error, "")
    if refusal is None:
        return None
    return _rule_broken(None) if refusal.code is None else violation(refusal.code)


def _rule_broken(collection: str | None) -> Problem:
    where = "" if collection is None else f' of collection "{collection}"'
    return invalid_payload(f"The values break a rule{where}")


def _read(error: DBAPIError, table: str) -> Refusal | None:
    state = getattr(error.orig, "sqlstate", None)
    if state is not None:
        return _read_postgresql(error, state, table)
    name = getattr(error.orig, "sqlite_errorname", None)
    if name not in _SQLITE:
        return None
    message = str(error.orig)
    if _INDEX.search(message):
        return Refusal(_SQLITE[name], message)
    columns = message.partition(": ")[2]
    own = columns.startswith(f"{table}.") or _SQLITE[name] is not Code.RECORD_NOT_UNIQUE
    return Refusal(_SQLITE[name], columns.replace(f"{table}.", "") if own and columns else None, own=own)


def _read_postgresql(error: DBAPIError, state: str, table: str) -> Refusal | None:
    if state not in _POSTGRESQL and not state.startswith(_DATA_EXCEPTION):
        return None
    code = _POSTGRESQL.get(state)
    if code is None and "out of range" in str(error.orig):
        code = Code.VALUE_OUT_OF_RANGE  # the driver found it before the server could
    said = getattr(error.orig, "__cause__", None)
    own = (getattr(said, "table_name", None) or table) == table
    column = getattr(said, "column_name", None)
    found = _KEY.search(getattr(said, "detail", None) or "")
    if column is not None or found is None or not own:
        return Refusal(code, column if own else None, own=own)
    return Refusal(code, found["columns"], found["values"], own)


def _explain(refusal: Refusal, attempt: Attempt) -> Problem:
    collection = attempt.collection
    if refusal.code is None:
        return _rule_broken(collection.name)
    if refusal.code is Code.INVALID_FOREIGN_KEY and (not refusal.own or not attempt.rows):
        return _still_referenced(attempt)
    if not refusal.own:
        return violation(refusal.code)
    field = _field_in(refusal.columns, collection) or _only_field(refusal.code, attempt)
    null = refusal.code is Code.NOT_NULL_VIOLATION
    return _about(refusal.code, attempt, field, None if null else _value_of(field, attempt.rows, refusal.text))


def _still_referenced(attempt: Attempt) -> Problem:
    """Other rows refer to the row: its own key is all that may be said."""
    collection = attempt.collection
    if attempt.key is None or len(collection.key) > 1:
        return violation(Code.INVALID_FOREIGN_KEY, collection.name)
    return violation(Code.INVALID_FOREIGN_KEY, collection.name, collection.key[0], attempt.key)


def _about(code: Code, attempt: Attempt, field: str | None, value: Any) -> Problem:
    concealed = field is not None and attempt.collection.fields[field].concealed
    return violation(code, attempt.collection.name, field, None if concealed else value)


def _field_in(columns: str | None, collection: Collection) -> str | None:
    """Return the first field that a list of columns or an expression over them mentions."""
    if columns is None:
        return None
    if columns in collection.fields:
        return columns
    return next((word for word in re.findall(r"\w+", columns) if word in collection.fields), None)


def _only_field(code: Code, attempt: Attempt) -> str | None:
    """Return the field that must be meant when the database names none: the only one of its kind."""
    numeric = code is Code.VALUE_OUT_OF_RANGE
    fields = attempt.collection.fields
    written = {name for row in attempt.rows for name, value in row.items() if value is not None and name in fields}
    fitting = [name for name in written if (fields[name].type in NUMERIC) == numeric]
    return fitting[0] if len(fitting) == 1 else None


def _value_of(field: str | None, rows: tuple[dict[str, Any], ...], text: str | None) -> Any:
    """Return the caller's own value that was refused, if it is clear which one it was."""
    if field is None:
        return None
    if len(rows) == 1:
        return rows[0].get(field)
    return next((row[field] for row in rows if field in row and str(row[field]) == text), None)


class _Search:
    """Finds out what SQLite does not say, by looking at the rows again."""

    def __init__(self, connection: AsyncConnection, catalogue: Catalogue, attempt: Attempt) -> None:
        self._connection = connection
        self._catalogue = catalogue
        self._attempt = attempt

    async def explain(self, refusal: Refusal) -> Problem:
        if refusal.code is Code.INVALID_FOREIGN_KEY:
            return await self._lost_reference() or self._other_reference()
        if refusal.code is Code.RECORD_NOT_UNIQUE and refusal.own:
            return await self._taken(refusal)
        return _explain(refusal, self._attempt)

    async def _lost_reference(self) -> Problem | None:
        for name, relation in self._attempt.collection.relations.items():
            values = self._values(name)
            if relation.many or relation.discriminator is not None or not values:
                continue
            target = self._catalogue.table(relation.related).c[relation.related_field]
            found = await self._present(target, values)
            lost = next((value for value in values if value not in found), None)
            if lost is not None:
                return _about(Code.INVALID_FOREIGN_KEY, self._attempt, name, lost)
        return None

    def _other_reference(self) -> Problem:
        rows, key = self._attempt.rows, self._attempt.collection.key
        stays = rows and not (self._attempt.key is not None and any(name in rows[0] for name in key))
        return violation(Code.INVALID_FOREIGN_KEY) if stays else _still_referenced(self._attempt)

    async def _taken(self, refusal: Refusal) -> Problem:
        columns = await self._indexed(refusal.columns or "")
        field = _field_in(columns, self._attempt.collection)
        value = _value_of(field, self._attempt.rows, None)
        if value is None and field is not None and field == columns:
            value = await self._duplicate(field)
        return _about(Code.RECORD_NOT_UNIQUE, self._attempt, field, value)

    async def _indexed(self, columns: str) -> str:
        """Return what an index is over, when SQLite names the index and not the columns."""
        found = _INDEX.search(columns)
        if found is None:
            return columns
        master = sa.table("sqlite_master", sa.column("name"), sa.column("sql"))
        query = sa.select(master.c.sql).where(master.c.name == found["name"])
        definition: str | None = (await self._connection.execute(query)).scalar()
        return (definition or "").partition("(")[2]

    async def _duplicate(self, field: str) -> Any:
        values = self._values(field)
        seen: set[Any] = set()
        for value in values:
            if value in seen:
                return value
            seen.add(value)
        found = await self._present(self._catalogue.table(self._attempt.collection.name).c[field], values)
        return next((value for value in values if value in found), None)

    def _values(self, field: str) -> list[Any]:
        values = [row[field] for row in self._attempt.rows if row.get(field) is not None]
        return [value for value in values if not isinstance(value, (dict, list))][:_PROBED]

    async def _present(self, column: sa.Column[Any], values: Iterable[Any]) -> set[Any]:
        query = sa.select(column).where(column.in_(list(values)))
        return set((await self._connection.execute(query)).scalars())
