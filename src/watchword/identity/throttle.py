"""Throttle: failed logins make their source wait; they never lock an account."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import anyio

from watchword.base.errors import Code, Problem
from watchword.identity.window import Window

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from limits.aio.storage import Storage

    from watchword.base.clock import Clock
    from watchword.identity.client import Client
    from watchword.identity.settings import IdentitySettings

_MAX_WAITING = 256
_LONGEST_ACCOUNT = 255
_NOT_A_GUESS = frozenset({Code.REQUESTS_EXCEEDED, Code.SERVICE_UNAVAILABLE})


class Throttle:
    """Counts the failures of the last minute: per account and network together, and per network.

    A right password from another network is never held up. Attempts under way count as failures until they end, so
    parallel guesses cannot overrun the limit; while there is room behind them, a further one waits for its turn instead
    of being refused, so many right passwords at once get through.
    """

    def __init__(self, storage: Storage, clock: Clock, settings: IdentitySettings) -> None:
        self._storage = storage
        self._clock = clock
        self._default = self._most = settings.failures_per_account
        self._accounts = self._gate()
        self._networks = _Gate(Window(storage, settings.failures_per_address, "login-network"), clock)

    @asynccontextmanager
    async def attempt(self, account: str, client: Client, most: int | None = None) -> AsyncIterator[None]:
        """Enclose one attempt to log in, before any work is done for it. A block that raises has failed.

        `most` is how many failures an account may have, where that is not what the settings say.

        Success makes the account's failures from this network forgotten; the network's own stay. An attempt that was
        refused for lack of room is not a failure.

        Raises:
            Problem: REQUESTS_EXCEEDED with `limit`, `reset` (ISO 8601) and `retry_after` (seconds).
        """
        if (most or self._default) != self._most:
            self._most = most or self._default
            self._accounts = self._gate()
        network = client.network
        name = account[:_LONGEST_ACCOUNT].strip().casefold()
        async with self._networks.passing(network), self._accounts.passing(f"{network} {name}") as key:
            yield
            await self._accounts.forgive(key)

    def _gate(self) -> _Gate:
        return _Gate(Window(self._storage, self._most, "login-account"), self._clock)


class _Line:
    """Who is inside the gate under one key, and who waits in front of it."""

    __slots__ = ("changed", "inside", "waiting")

    def __init__(self) -> None:
        self.inside = 0
        self.waiting = 0
        self.changed = anyio.Event()


class _Gate:
    def __init__(self, window: Window, clock: Clock) -> None:
        self._window = window
        self._clock = clock
        self._lines: dict[str, _Line] = {}

    @asynccontextmanager
    async def passing(self, key: str) -> AsyncIterator[str]:
        line = self._lines.setdefault(key, _Line())
        line.waiting += 1
        try:
            await self._enter(key, line)
        finally:
            line.waiting -= 1
            self._tidy(key, line)
        try:
            yield key
        except BaseException as error:
            if not (isinstance(error, Problem) and error.code in _NOT_A_GUESS):
                with anyio.CancelScope(shield=True):
                    await self._window.hit(key)
            raise
        finally:
            line.inside -= 1
            line.changed.set()
            line.changed = anyio.Event()
            self._tidy(key, line)

    async def forgive(self, key: str) -> None:
        await self._window.clear(key)

    async def _enter(self, key: str, line: _Line) -> None:
        while True:
            remaining = await self._window.remaining(key)
            if remaining <= 0 or line.waiting > _MAX_WAITING:
                raise await self._window.exceeded(key, self._clock)
            if line.inside < remaining:
                line.inside += 1
                return
            await line.changed.wait()

    def _tidy(self, key: str, line: _Line) -> None:
        if line.inside == 0 and line.waiting == 0:
            self._lines.pop(key, None)
