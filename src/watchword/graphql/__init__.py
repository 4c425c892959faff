"""GraphQL: a schema for each shape of rights, and documents compiled to the queries that every road uses."""
