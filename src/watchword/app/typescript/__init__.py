"""TypeScript: the types of a mount's procedures for clients of tRPC, read from the Python code."""
