"""The query language, once for REST, sockets and stored permission rules. No I/O, no schema."""
