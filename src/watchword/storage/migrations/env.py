"""What Alembic runs: upgrades the connection it is given, inside that connection's transaction."""

from __future__ import annotations

from alembic import context

from watchword.storage.migrations import VERSION_TABLE

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=None,  # revisions are written by hand; nothing is ever compared with the database
    version_table=VERSION_TABLE,
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
