"""The revisions, oldest first: system_tables, change_log. A published revision is never edited."""
