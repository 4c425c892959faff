"""Reading: an answer that comes bit by bit, which is only for its reader for as long as a socket would be.

It ends with the credential of who asked, with the right to what was asked for, and with a client that does not read.
"""

from __future__ import annotations

import secrets
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import anyio

from watchword.base.errors import Problem

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence

    from watchword.access.principal import Principal
    from watchword.backend.backend import Backend
    from watchword.backend.context import Context
    from watchword.backend.procedures import Procedure
    from watchword.protocol.events import Event


class Reading:
    """One answer, as a peer that follows nothing; `end` ends it, and may be called several times."""

    def __init__(
        self, backend: Backend, context: Context, procedures: Sequence[Procedure], stall: float, end: Callable[[], None]
    ) -> None:
        self.id = secrets.token_urlsafe()
        self.principal: Principal = context.principal
        self._backend = backend
        self._context = context
        self._procedures = procedures
        self._stall = stall
        self._end = end
        self._expires_at = context.principal.expires_at
        self._since: float | None = None

    @asynccontextmanager
    async def lasting(self) -> AsyncIterator[None]:
        """Let it be read meanwhile, unless what it was asked for with has been withdrawn by now."""
        hub = self._backend.hub
        hub.enter(self)
        try:
            async with anyio.create_task_group() as group:
                group.start_soon(self._expire)
                await self.refile()
                yield
                group.cancel_scope.cancel()
        finally:
            hub.leave(self)

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[None]:
        """Note how long one write takes."""
        self._since = self._backend.clock.monotonic()
        yield
        self._since = None

    def deliver(self, subscription: str | None, event: Event) -> None:
        """Hear nothing: it follows nothing."""

    def withdraw(self, subscription: str | None, reach: int) -> int | None:
        """Return that there is nothing to drop."""
        return reach

    def fail(self, subscription: str | None, problem: Problem) -> None:
        """Hear nothing, as above."""

    def revoke(self, problem: Problem) -> None:
        """End: the identity was withdrawn."""
        self._end()

    def extend(self, session: str, expires_at: float) -> None:
        """Last as long as the session does now."""
        if session == self.principal.session:
            self._expires_at = expires_at

    def doubt(self) -> None:
        """Go on: `refile` ends it where the right is gone."""

    async def refile(self) -> None:
        """End, unless the rights of now allow what was asked for."""
        try:
            context = await self._backend.context(self.principal, self._context.client)
            names = await self._backend.identity.names()
            for procedure in self._procedures:
                procedure.require(context.principal, names)
        except Problem:
            self._end()

    def check(self) -> None:
        """End when one write has taken too long."""
        if self._since is not None and self._backend.clock.monotonic() - self._since > self._stall:
            self._end()

    def stop(self, code: int, text: str = "") -> None:
        """End: the server stops."""
        self._end()

    async def _expire(self) -> None:
        clock = self._backend.clock
        while self._expires_at is not None:
            left = self._expires_at - clock.now()
            if left <= 0:
                self._end()
                return
            await clock.sleep_until(clock.monotonic() + left)
