"""Changes of PostgreSQL's tables, by Alembic's operations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from watchword.data.ddl import declared, default_text, index_name, postgresql_type
from watchword.query.types import FieldType

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.types import TypeEngine

    from watchword.data.ddl import Link
    from watchword.data.designs import Column
    from watchword.data.facts import Reference, TableFacts


class PostgresqlAlterations:
    """`Alterations` of PostgreSQL."""

    def __init__(self, connection: sa.Connection) -> None:
        # Alembic takes a while to import, and most servers never change a table.
        from alembic.migration import MigrationContext  # noqa: PLC0415
        from alembic.operations import Operations  # noqa: PLC0415

        self._connection = connection
        self._do = Operations(MigrationContext.configure(connection))

    def create_table(self, table: str, columns: Sequence[Column]) -> None:
        """Create a table with its indexes."""
        self._do.create_table(table, *(declared(column, sqlite=False) for column in columns))
        for column in columns:
            self._index(table, column)

    def drop_table(self, table: str) -> None:
        """Drop a table."""
        self._do.drop_table(table)

    def add_column(self, table: TableFacts, column: Column) -> None:
        """Add a column."""
        self._do.add_column(table.name, declared(column, sqlite=False))
        self._index(table.name, column)

    def change_column(self, table: TableFacts, present: Column, column: Column) -> None:
        """Make a column what it shall be; values are converted by way of their text."""
        shape = (column.type, column.length, column.precision, column.scale)
        retyped = shape != (present.type, present.length, present.precision, present.scale)
        redefaulted = column.default != present.default
        if present.default is not None and (retyped or redefaulted):
            self._do.alter_column(table.name, column.name, server_default=None)
        if retyped:
            self._retype(table, column.name, postgresql_type(column))
        if column.default is not None and (retyped or redefaulted):
            default = default_text(column, sqlite=False)
            self._do.alter_column(
                table.name, column.name, server_default=sa.literal_column(default) if default else None
            )
        if column.nullable != present.nullable:
            self._do.alter_column(table.name, column.name, nullable=column.nullable)
        self._reindex(table, present, column)

    def drop_column(self, table: TableFacts, column: str) -> None:
        """Drop a column."""
        self._do.drop_column(table.name, column)

    def add_reference(self, table: TableFacts, link: Link) -> None:
        """Add a foreign key; a UUID that shall refer to a key that is text becomes text."""
        own = next(column for column in table.columns if column.name == link.column)
        if own.type is FieldType.UUID and self._is_text(link):
            self._retype(table, link.column, sa.String(36))
        self._do.create_foreign_key(
            index_name(table.name, link.column, "foreign"),
            table.name,
            link.target,
            [link.column],
            [link.key],
            ondelete=link.on_delete,
            onupdate=link.on_update,
        )

    def drop_reference(self, table: TableFacts, reference: Reference) -> None:
        """Drop a foreign key."""
        if reference.name is not None:
            self._do.drop_constraint(reference.name, table.name, type_="foreignkey")

    def _retype(self, table: TableFacts, column: str, kind: TypeEngine[Any]) -> None:
        as_text = sa.cast(sa.cast(sa.column(column), sa.Text()), kind)
        using = str(as_text.compile(dialect=self._connection.dialect, compile_kwargs={"literal_binds": True}))
        self._do.alter_column(table.name, column, type_=kind, postgresql_using=using)

    def _is_text(self, link: Link) -> bool:
        inspector = sa.inspect(self._connection)
        kinds = {column["name"]: column["type"] for column in inspector.get_columns(link.target)}
        return isinstance(kinds.get(link.key), sa.String)

    def _index(self, table: str, column: Column) -> None:
        if column.unique:
            name = index_name(table, column.name, "unique")
            self._do.create_unique_constraint(name, table, [column.name])
        if column.indexed:
            self._do.create_index(index_name(table, column.name, "index"), table, [column.name])

    def _reindex(self, table: TableFacts, present: Column, column: Column) -> None:
        for index in table.indexes:
            gone = present.unique and not column.unique if index.unique else present.indexed and not column.indexed
            if index.column != column.name or not gone:
                continue
            if index.constraint:
                self._do.drop_constraint(index.name, table.name, type_="unique")
            else:
                self._do.drop_index(index.name, table.name)
        self._index(table.name, column.newly_indexed(present))
