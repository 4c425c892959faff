"""The database itself: connections and transactions, our own tables, migrations, and the change log."""
