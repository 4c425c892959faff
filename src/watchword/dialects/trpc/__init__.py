"""The tRPC dialect, version 11, as `@trpc/client` speaks it over WebSocket, HTTP and server-sent events."""
