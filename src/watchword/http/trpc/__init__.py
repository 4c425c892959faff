"""tRPC over HTTP: the mounts, calls and batches of calls, streams, server-sent events, and the upgrade to sockets."""
