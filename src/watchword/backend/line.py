"""Line: what a server may offer beside the interface that all servers have, for the many writes of a fan-out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable


class Line(Protocol):
    """One socket's way out, without tasks: a write is a call, and whether the client has read can be asked."""

    @property
    def is_free(self) -> bool:
        """Whether what is written now goes out now, because the client reads."""

    def write(self, frame: str | bytes, read: Callable[[], None] | None = None) -> None:
        """Write a message when the line `is_free`; call `read` when the client has read it."""

    def frame(self, message: str | bytes) -> bytes:
        """Return a message as it goes over the line; the same for every connection of the server."""

    def put(self, framed: bytes) -> None:
        """Write what `frame` has given, when the line `is_free`."""

    def when_read(self, call: Callable[[], None]) -> None:
        """Call `call` when the client has read all that was written; never, when the connection ends before."""
