"""Failed: how a call of a request ends that has no result."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from watchword.dialects.trpc.errors import Shape


class Failed(Exception):
    """A call has failed, and this is what its client is told."""

    def __init__(self, error: Shape) -> None:
        super().__init__(error["message"])
        self.error = error
