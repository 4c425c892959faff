"""Lifespan: what has to be open while requests are served, and the work that goes on beside them."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import anyio
import structlog

from watchword.base.errors import Problem, invalid_payload
from watchword.base.secret import Secret
from watchword.identity.administrators import has_administrator
from watchword.identity.bootstrap import create_administrator
from watchword.identity.static_tokens import SHORTEST
from watchword.storage.migrations import migrate

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from watchword.app.build import Parts
    from watchword.app.setup_link import SetupLink

_log = structlog.get_logger(__name__)

STRUCTURE_SECONDS = 1.0
SWEEP_SECONDS = 5.0
TRIM_SECONDS = 30.0
PURGE_SECONDS = 3600.0
SLICES = 10
CLOSE_RESTART = 1012


@asynccontextmanager
async def running(parts: Parts, setup: SetupLink) -> AsyncIterator[None]:
    """Open the database, bring it up to date, follow its log; end everything in order.

    Raises:
        Problem: the database cannot be used.
    """
    try:
        await migrate(parts.db)
        await parts.log.open()
        await parts.structure.load()
        await parts.identity.keys.start()
        await _first_administrator(parts, setup)
        await parts.broker.start()
        parts.feed.start()
        async with anyio.create_task_group() as group:
            group.start_soon(parts.hub.run)
            group.start_soon(parts.feed.run)
            await group.start(parts.background.run)
            settings = parts.settings
            age, count = settings["CHANGE_RETENTION"], settings["CHANGE_RETENTION_COUNT"]
            group.start_soon(_every, STRUCTURE_SECONDS, "structure", parts.structure.refresh)
            group.start_soon(_every, SWEEP_SECONDS, "sweep", parts.rights.sweep)
            group.start_soon(_every, TRIM_SECONDS, "trim", lambda: parts.log.trim(age, count))
            group.start_soon(_every, PURGE_SECONDS, "purge", parts.identity.sessions.purge)
            group.start_soon(_every, PURGE_SECONDS, "activity", parts.activity.trim)
            group.start_soon(_every, PURGE_SECONDS, "purge keys", parts.identity.keys.purge)
            group.start_soon(_every, PURGE_SECONDS, "purge revocations", parts.identity.outside.purge)
            yield
            await close_sockets(parts)
            group.cancel_scope.cancel()
    finally:
        with anyio.CancelScope(shield=True):
            await parts.broker.stop()
            await parts.log.close()
            await parts.identity.close()
            await parts.db.close()


async def close_sockets(parts: Parts) -> None:
    """Close every socket with 1012 (service restart), in slices, so that not all clients come back at once."""
    peers = parts.hub.peers
    size = max(1, -(-len(peers) // SLICES))
    for start in range(0, len(peers), size):
        for peer in peers[start : start + size]:
            peer.stop(CLOSE_RESTART)
        await anyio.sleep(0.02)


async def _first_administrator(parts: Parts, setup: SetupLink) -> None:
    if await has_administrator(parts.db):
        return
    email, password = parts.settings["ADMIN_EMAIL"], parts.settings["ADMIN_PASSWORD"]
    if not (email and password):
        setup.offer()
        return
    token = parts.settings["ADMIN_TOKEN"]
    if token and len(token) < SHORTEST:  # before anything is made: the next start would find somebody, and set no token
        raise invalid_payload(f"ADMIN_TOKEN must have at least {SHORTEST} characters")
    user = await create_administrator(parts.db, parts.identity.users, email, Secret(password))
    if token:
        await parts.identity.static_tokens.set(user, token)
    _log.info("administrator.created", email=email)


async def _every(seconds: float, name: str, work: Callable[[], Awaitable[object]]) -> None:
    while True:
        await anyio.sleep(seconds)
        try:
            with anyio.CancelScope(shield=True):
                await work()
        except Problem as problem:
            _log.warning("housekeeping.postponed", work=name, reason=problem.message)
        except Exception:  # noqa: BLE001 - the next round may succeed
            _log.exception("housekeeping.failed", work=name)
