"""Executor: what runs documents of a query language, which the backend itself does not know."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Protocol

from watchword.protocol.outcomes import Reply

if TYPE_CHECKING:
    from watchword.backend.context import Context
    from watchword.protocol.operations import Execute, Subscribe

Work = Callable[["Context"], Awaitable[Reply]]
"""Runs a query or a mutation for its caller, as it is when that begins; raises Problem when it cannot be run."""


class Executor(Protocol):
    """Runs documents."""

    async def begin(self, context: Context, operation: Execute) -> Work | Subscribe:
        """Understand a query or a mutation and return how to run it; return what a subscription wants to follow.

        Raises:
            Problem: the document cannot be run.
        """
