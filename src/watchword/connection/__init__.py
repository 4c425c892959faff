"""The authentication state machine of a connection and its heartbeat, without I/O."""
