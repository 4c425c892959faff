"""Reflection: every table of the database becomes a collection, without configuration."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import sqlalchemy as sa

from watchword.data import inspect_postgresql, inspect_sqlite, system
from watchword.data.catalogue import Catalogue
from watchword.data.columns import column_type
from watchword.data.defaults import literal_default
from watchword.data.meta import NOTHING_SAID, load_meta
from watchword.data.relations import derive_relations
from watchword.data.schema import Collection, Field, Schema
from watchword.data.unions import derive_unions
from watchword.query.types import TEMPORAL, TEXTUAL, FieldType

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection

    from watchword.data.facts import ColumnFacts, TableFacts
    from watchword.data.meta import Meta
    from watchword.storage.engine import Database, Kind


class ReflectOptions(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What reflection should do otherwise than by itself. Tables go by the names that the database has for them.

    `exclude` tables are not served. `special` replaces a column's specials (an empty list: none). `rename` gives a
    relation's alias another name, and switches a relation off where the new name is empty. `capture` false leaves a
    table's changes out of the log; `capture_all` says what holds for user tables that it does not name.
    """

    exclude: frozenset[str] = frozenset()
    special: dict[str, dict[str, list[str]]] = {}
    rename: dict[str, dict[str, str]] = {}
    capture: dict[str, bool] = {}
    capture_all: bool = True


_DEFAULTS = ReflectOptions()


async def reflect(db: Database, options: ReflectOptions = _DEFAULTS) -> Catalogue:
    """Read the structure of the database and return it as a catalogue.

    Raises:
        Problem: SERVICE_UNAVAILABLE, when the database cannot be reached.
    """
    async with db.read() as connection:
        return await reflect_in(connection, db.kind, options)


async def reflect_in(connection: AsyncConnection, kind: Kind, options: ReflectOptions = _DEFAULTS) -> Catalogue:
    """Read the structure of the database as the transaction of `connection` sees it."""
    inspector = inspect_sqlite if kind == "sqlite" else inspect_postgresql
    found = await inspector.inspect(connection)
    meta = await load_meta(connection, {table.name for table in found})
    tables = [table for table in found if not system.is_hidden(table.name) and table.name not in options.exclude]
    return build(kind, tables, options, meta)


def build(kind: Kind, tables: list[TableFacts], options: ReflectOptions, meta: Meta = NOTHING_SAID) -> Catalogue:
    """Return the catalogue of tables that are known by their facts. The options go before what `meta` says."""
    served = {table.name: table for table in tables if table.key and all(table.key)}
    fields = {
        table.name: _fields(kind, table, _said(table.name, meta) | options.special.get(table.name, {}))
        for table in served.values()
    }
    unions = derive_unions(served, fields, meta)
    relations = derive_relations(served, fields, unions, options.rename, meta)
    collections = {}
    metadata = sa.MetaData()
    saved = {}
    for name, table in served.items():
        collection = Collection(
            name=system.collection_name(name),
            table=name,
            key=table.key,
            fields=fields[name],
            relations=relations[name],
            system=name in system.NAMES,
            captured=_is_captured(name, options),
            singleton=meta.is_singleton(name),
            unions=unions[name],
        )
        collections[collection.name] = collection
        saved[collection.name] = _table(kind, metadata, table, collection)
    skipped = tuple(table.name for table in tables if table.name not in served)
    facts = {system.collection_name(name): table for name, table in served.items()}
    return Catalogue(Schema(collections), kind, saved, skipped, facts, meta)


def _said(table: str, meta: Meta) -> dict[str, list[str]]:
    """Return the specials that were given to a table's fields."""
    said = meta.fields_of(system.collection_name(table))
    return {name: list(field.special) for name, field in said.items() if field.special is not None}


def _is_captured(name: str, options: ReflectOptions) -> bool:
    if name in system.NAMES:
        return name not in system.UNCAPTURED
    return options.capture.get(name, options.capture_all)


def _table(kind: Kind, metadata: sa.MetaData, table: TableFacts, collection: Collection) -> sa.Table:
    columns = [
        sa.Column(
            column.name,
            column_type(kind, collection.fields[column.name].type, column.declared),
            primary_key=column.name in table.key,
            nullable=not column.not_null,
            autoincrement=False,
            server_default=sa.FetchedValue() if column.automatic or column.default or column.generated else None,
        )
        for column in table.columns
    ]
    return sa.Table(table.name, metadata, *columns)


def _fields(kind: Kind, table: TableFacts, special: dict[str, list[str]]) -> dict[str, Field]:
    own = system.FIELDS.get(system.collection_name(table.name), {})
    fields = {}
    for column in table.columns:
        if column.name in own:
            fields[column.name] = _field(kind, table, column, *own[column.name])
            continue
        given = special.get(column.name)
        specials = _automatic_special(table, column) if given is None else tuple(map(_plain, given))
        fields[column.name] = _field(kind, table, column, _shaped(column.type, specials), specials)
    for virtual in system.VIRTUAL.get(system.collection_name(table.name), ()):
        fields[virtual.name] = virtual
    return fields


def _field(
    kind: Kind, table: TableFacts, column: ColumnFacts, field_type: FieldType, special: tuple[str, ...]
) -> Field:
    filled = any(name == "uuid" or name.startswith(("date-", "user-")) for name in special)
    given_by_database = column.automatic or column.generated or column.default is not None
    return Field(
        name=column.name,
        type=field_type,
        nullable=not column.not_null,
        required=column.not_null and not given_by_database and not filled,
        default=literal_default(column.default, field_type),
        unique=column.name in table.unique or table.key == (column.name,),
        max_length=column.length,
        generated=column.generated,
        special=special,
    )


def _plain(name: str) -> str:
    return name.removeprefix("cast-")


def _shaped(field_type: FieldType, special: tuple[str, ...]) -> FieldType:
    """Return the type that a column has once its specials have shaped it."""
    if field_type not in TEXTUAL:
        return field_type
    for name, shape in (
        ("csv", FieldType.CSV),
        ("json", FieldType.JSON),
        ("hash", FieldType.HASH),
        ("uuid", FieldType.UUID),
    ):
        if name in special:
            return shape
    return field_type


def _automatic_special(table: TableFacts, column: ColumnFacts) -> tuple[str, ...]:
    if table.key == (column.name,) and column.type is FieldType.UUID and column.default is None:
        return ("uuid",)
    if column.name in {"date_created", "date_updated"} and column.type in TEMPORAL - {FieldType.TIME}:
        return (column.name.replace("_", "-"),)
    if column.name in {"user_created", "user_updated"} and column.type in TEXTUAL | {FieldType.UUID}:
        return (column.name.replace("_", "-"),)
    return ()
