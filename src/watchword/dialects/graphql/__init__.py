"""The GraphQL dialects: both subprotocols of WebSockets, the newer and the older one, and server-sent events."""
