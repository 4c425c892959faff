"""Hooks: what an application wants to know of, and may object to, beside the operations themselves."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import structlog

from watchword.backend.finishing import finish
from watchword.base.errors import Problem

if TYPE_CHECKING:
    from collections.abc import Sequence

    from watchword.access.permissions import Action
    from watchword.backend.call import Call
    from watchword.data.writes import WriteLog

_log = structlog.get_logger(__name__)

EVERY = "*"


class Occasion(StrEnum):
    """What can happen to a connection."""

    CONNECT = "connect"
    AUTHENTICATE = "authenticate"
    AUTH_FAILURE = "auth_failure"
    CLOSE = "close"


class ItemsEvent:
    """A write to a collection. `payload` is what is written of each row, and may be changed before it is.

    `keys` are the rows' keys: none yet before a create. One event before a write may be about one row of several.
    """

    __slots__ = ("action", "collection", "keys", "payload")

    def __init__(self, action: Action, collection: str, keys: Sequence[Any], payload: dict[str, Any]) -> None:
        self.action = action
        self.collection = collection
        self.keys = tuple(keys)
        self.payload = payload


ItemsHook = Callable[["Call", ItemsEvent], Any]
ConnectionHook = Callable[..., Any]


class Hooks:
    """The hooks of an application, called in the order in which they were registered."""

    def __init__(self) -> None:
        self._before: list[tuple[str, Action | None, ItemsHook]] = []
        self._after: list[tuple[str, Action | None, ItemsHook]] = []
        self._occasions: dict[Occasion, list[ConnectionHook]] = {}

    def add_before(self, collection: str, action: Action | None, hook: ItemsHook) -> None:
        """Call before a write, within its transaction, after the caller's rights to it have been checked."""
        self._before.append((collection, action, hook))

    def add_after(self, collection: str, action: Action | None, hook: ItemsHook) -> None:
        """Call after the commit, before the answer."""
        self._after.append((collection, action, hook))

    def add(self, occasion: Occasion, hook: ConnectionHook) -> None:
        """Call when something has happened to a connection."""
        self._occasions.setdefault(occasion, []).append(hook)

    @property
    def has_before(self) -> bool:
        """Whether anything is called before writes."""
        return bool(self._before)

    @property
    def has_after(self) -> bool:
        """Whether anything is called after writes."""
        return bool(self._after)

    def hears(self, occasion: Occasion) -> bool:
        """Whether anything is called then."""
        return bool(self._occasions.get(occasion))

    async def before(self, call: Call, event: ItemsEvent) -> None:
        """Ask about a write.

        Raises:
            Problem: it is refused.
        """
        for hook in _of(self._before, event):
            await finish(hook(call, event))

    async def after(self, call: Call, writes: WriteLog) -> None:
        """Tell of writes that have been committed; what goes wrong is logged, and undoes nothing."""
        for written in writes:
            event = ItemsEvent(written.action, written.collection, written.keys, written.given)
            for hook in _of(self._after, event):
                try:
                    await finish(hook(call, event))
                except Exception as error:  # noqa: BLE001 - what is committed is committed
                    reason = error.message if isinstance(error, Problem) else None
                    _log.error("hook.failed", exc_info=error, collection=event.collection, reason=reason)

    async def tell(self, occasion: Occasion, *told: Any) -> None:
        """Tell of something that has happened to a connection; what goes wrong is logged."""
        for hook in self._occasions.get(occasion, ()):
            try:
                await finish(hook(*told))
            except Exception as error:  # noqa: BLE001 - a hook cannot take the connection down
                _log.error("hook.failed", exc_info=error, occasion=occasion.value)


def _of(hooks: Sequence[tuple[str, Action | None, ItemsHook]], event: ItemsEvent) -> list[ItemsHook]:
    return [
        hook
        for collection, action, hook in hooks
        if collection in {EVERY, event.collection} and action in {None, event.action}
    ]
