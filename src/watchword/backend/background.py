"""Background: work of the application's that nobody waits for, ended with the server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import anyio
import structlog

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from anyio.abc import TaskGroup, TaskStatus

_log = structlog.get_logger(__name__)

MOST = 10_000
"""How much may be going on at the same time; what is more is dropped and logged."""


class Background:
    """Runs what it is given beside everything else; what goes wrong is logged."""

    def __init__(self) -> None:
        self._group: TaskGroup | None = None
        self._running = 0

    async def run(self, *, task_status: TaskStatus[None] = anyio.TASK_STATUS_IGNORED) -> None:
        """Take work until cancelled."""
        async with anyio.create_task_group() as group:
            self._group = group
            task_status.started()
            try:
                await anyio.sleep_forever()
            finally:
                self._group = None

    def spawn(self, work: Callable[..., Awaitable[object]], *arguments: Any) -> None:
        """Begin some work; nothing when the server is not running."""
        if self._group is None:
            return
        if self._running >= MOST:
            _log.error("background.full", work=getattr(work, "__name__", repr(work)))
            return
        self._running += 1
        self._group.start_soon(self._do, work, arguments)

    async def _do(self, work: Callable[..., Awaitable[object]], arguments: tuple[Any, ...]) -> None:
        try:
            await work(*arguments)
        except Exception:  # noqa: BLE001 - one piece of work must not end the others
            _log.exception("background.failed", work=getattr(work, "__name__", repr(work)))
        finally:
            self._running -= 1
