"""Changes of SQLite's tables: by ALTER TABLE where it can, else by making the table anew and copying its rows.

They need a transaction in which foreign keys are not enforced (`Database.restructure`): dropping a table would
otherwise delete, by cascade, what refers to its rows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.schema import CreateColumn, CreateIndex, CreateTable

from watchword.base.errors import Code, Problem
from watchword.data.ddl import declared, index_name
from watchword.data.sqlite_definition import Definition, referencing
from watchword.storage.sql_text import name as quoted
from watchword.storage.sqlite_capture import PREFIX

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from watchword.data.ddl import Link
    from watchword.data.designs import Column
    from watchword.data.facts import Reference, TableFacts

_WORKING = "watchword_rebuilt"
_KEPT = frozenset({"PRIMARY", "CHECK", "COLLATE", "REFERENCES", "GENERATED", "AS", "UNIQUE"})
_master = sa.table("sqlite_master", *map(sa.column, ("type", "name", "tbl_name", "sql")))
_sequence = sa.table("sqlite_sequence", sa.column("name"), sa.column("seq"))


class SqliteAlterations:
    """`Alterations` of SQLite."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def create_table(self, table: str, columns: Sequence[Column]) -> None:
        """Create a table with its indexes."""
        numbered = any(column.automatic for column in columns)
        made = sa.Table(
            table,
            sa.MetaData(),
            *(declared(column, sqlite=True) for column in columns),
            sqlite_autoincrement=numbered,
        )
        self._connection.execute(CreateTable(made))
        for column in columns:
            self._index(table, column)

    def drop_table(self, table: str) -> None:
        """Drop a table."""
        self._connection.exec_driver_sql(f"DROP TABLE {quoted(table)}")

    def add_column(self, table: TableFacts, column: Column) -> None:
        """Add a column; in place, where every row can have the same value in it."""
        if column.is_now or (not column.nullable and column.default is None):
            self._rebuild(table.name, lambda definition: definition.add_column(self._text(column)))
        else:
            self._connection.exec_driver_sql(f"ALTER TABLE {quoted(table.name)} ADD COLUMN {self._text(column)}")
        self._index(table.name, column)

    def change_column(self, table: TableFacts, present: Column, column: Column) -> None:
        """Make a column what it shall be; values are converted as SQLite does by itself."""
        self._unindex(table, present, column)
        plain = column.newly_indexed(column)
        if plain != present.newly_indexed(present):
            kept = _KEPT | {"DEFAULT"} if column.default == present.default else _KEPT
            text = self._text(column, with_default="DEFAULT" not in kept)
            self._rebuild(table.name, lambda definition: definition.replace_column(column.name, text, kept))
        self._index(table.name, column.newly_indexed(present))

    def drop_column(self, table: TableFacts, column: str) -> None:
        """Drop a column with the indexes that it is in."""
        for index in self._indexes_with(table.name, column):
            self._connection.exec_driver_sql(f"DROP INDEX {quoted(index)}")
        self._rebuild(table.name, lambda definition: definition.drop_column(column))

    def add_reference(self, table: TableFacts, link: Link) -> None:
        """Add a foreign key, which every row that is there has to satisfy."""
        actions = [
            (event, action)
            for event, action in (("DELETE", link.on_delete), ("UPDATE", link.on_update))
            if action != "NO ACTION"
        ]
        constraint = referencing(link.column, link.target, link.key, actions)
        self._rebuild(table.name, lambda definition: definition.add_constraint(constraint))
        broken = sa.func.pragma_foreign_key_check(table.name).table_valued("parent")
        if self._connection.execute(sa.select(broken.c.parent).where(broken.c.parent == link.target)).first():
            message = f'Values of field "{link.column}" are no keys of the related items.'
            raise Problem(Code.INVALID_FOREIGN_KEY, message, collection=table.name, field=link.column)

    def drop_reference(self, table: TableFacts, reference: Reference) -> None:
        """Drop a foreign key."""
        self._rebuild(table.name, lambda definition: definition.drop_reference(reference.column))

    def _text(self, column: Column, *, with_default: bool = True) -> str:
        """Write the definition of a column."""
        made = declared(column, sqlite=True)
        if not with_default:
            made.server_default = None
        # A key's own clause is the author's, and stays.
        made.primary_key = False
        made.autoincrement = False
        sa.Table("t", sa.MetaData(), made)
        return str(CreateColumn(made).compile(dialect=self._connection.dialect)).strip()

    def _index(self, table: str, column: Column) -> None:
        for wanted, kind in ((column.unique, "unique"), (column.indexed, "index")):
            if wanted:
                of = sa.Table(table, sa.MetaData(), sa.Column(column.name))
                index = sa.Index(index_name(table, column.name, kind), of.c[column.name], unique=kind == "unique")
                self._connection.execute(CreateIndex(index))

    def _unindex(self, table: TableFacts, present: Column, column: Column) -> None:
        own = [index for index in table.indexes if index.column == column.name]
        for index in own:
            gone = present.unique and not column.unique if index.unique else present.indexed and not column.indexed
            if gone and not index.constraint:
                self._connection.exec_driver_sql(f"DROP INDEX {quoted(index.name)}")
        if present.unique and not column.unique and any(index.constraint for index in own):
            self._rebuild(table.name, lambda definition: definition.drop_unique(column.name))

    def _indexes_with(self, table: str, column: str) -> list[str]:
        """Return the indexes that were created by themselves and mention a column."""
        indexes = sa.func.pragma_index_list(table).table_valued("name", "origin", name="indexes")
        members = sa.func.pragma_index_info(indexes.c.name).table_valued("name", name="members")
        found = (
            sa.select(indexes.c.name)
            .distinct()
            .join_from(indexes, members, sa.true())
            .where(indexes.c.origin == "c", members.c.name == column)
        )
        return list(self._connection.execute(found).scalars())

    def _rebuild(self, table: str, change: Callable[[Definition], None]) -> None:
        """Make a table anew from its changed definition, with its rows, indexes and triggers.

        Our own capture triggers are not put back: whoever looks at the structure next makes them as they have to be.
        """
        run = self._connection.exec_driver_sql
        definition = Definition(self._statement(table))
        change(definition)
        belongings = self._belongings(table)
        before = self._columns(table)
        number = self._number(table)
        run(definition.statement(_WORKING))
        kept = [name for name in self._columns(_WORKING) if name in before]
        names = ", ".join(map(quoted, kept))
        # SQLAlchemy would convert values on their way; here they stay as they are stored.
        run(f"INSERT INTO {quoted(_WORKING)} ({names}) SELECT {names} FROM {quoted(table)}")  # noqa: S608 - quoted names
        run(f"DROP TABLE {quoted(table)}")
        # Without this SQLite would look into every view and trigger that mentions the table, which is not there now.
        run("PRAGMA legacy_alter_table = ON")
        try:
            run(f"ALTER TABLE {quoted(_WORKING)} RENAME TO {quoted(table)}")
        finally:
            run("PRAGMA legacy_alter_table = OFF")
        if number is not None:
            self._connection.execute(sa.update(_sequence).where(_sequence.c.name == table).values(seq=number))
        for statement in belongings:
            run(statement)

    def _statement(self, table: str) -> str:
        found = sa.select(_master.c.sql).where(_master.c.type == "table", _master.c.name == table)
        return str(self._connection.execute(found).scalar_one())

    def _belongings(self, table: str) -> list[str]:
        """Return the statements that made a table's indexes and triggers."""
        found = sa.select(_master.c.sql).where(
            _master.c.tbl_name == table,
            _master.c.type.in_(["index", "trigger"]),
            _master.c.sql.is_not(None),
            sa.func.substr(_master.c.name, 1, len(PREFIX)) != PREFIX,
        )
        return list(self._connection.execute(found.order_by(_master.c.type)).scalars())

    def _columns(self, table: str) -> list[str]:
        """Return the columns that can be written."""
        info = sa.func.pragma_table_xinfo(table).table_valued("cid", "name", "hidden")
        return list(self._connection.execute(sa.select(info.c.name).where(info.c.hidden == 0)).scalars())

    def _number(self, table: str) -> Any:
        """Return the number that AUTOINCREMENT gave last, where it is used."""
        exists = self._connection.execute(sa.select(_master.c.name).where(_master.c.name == "sqlite_sequence"))
        if exists.first() is None:
            return None
        return self._connection.execute(sa.select(_sequence.c.seq).where(_sequence.c.name == table)).scalar()
