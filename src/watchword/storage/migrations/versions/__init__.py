"""The revisions, oldest first: system_tables, change_log, activity, structure. A published revision is never edited."""
