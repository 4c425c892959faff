"""Executor: what runs documents of a query language, which the backend itself does not know."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from watchword.backend.context import Context
    from watchword.protocol.operations import Execute, Subscribe
    from watchword.protocol.outcomes import Reply


class Executor(Protocol):
    """Runs documents."""

    async def execute(self, context: Context, operation: Execute) -> Reply | Subscribe:
        """Run a query or a mutation and return its result; return what a subscription wants to follow.

        Raises:
            Problem: the document cannot be run.
        """
