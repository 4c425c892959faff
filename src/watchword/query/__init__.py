"""The query language, once for REST, sockets, GraphQL and stored permission rules. No I/O, no schema."""
