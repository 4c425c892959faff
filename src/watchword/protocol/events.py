"""Changes, as the database made them, and events, as one subscriber sees them."""

from __future__ import annotations

from typing import Any

import msgspec

from watchword.access.permissions import Action
from watchword.protocol.records import Record


class Change(msgspec.Struct, frozen=True):
    """One row that was changed, in commit order.

    `action` is create, update or delete. `key` is the row's primary key as text (columns of a composite key joined by
    commas). `before` and `after` are the row's images by column name: as JSON values when read from the log, as the
    fields' Python values after `data.images` has decoded them; `omitted` names columns too large to be in the log.
    `position` is the offset in the log; `origin` is what the writer was called in the log, where it was given a name.
    """

    collection: str
    action: Action
    key: str
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    position: int
    omitted: tuple[str, ...] = ()
    origin: str | None = None


class Resync(msgspec.Struct, frozen=True):
    """Too much changed in a collection to be told row by row (TRUNCATE, bulk load): read it again."""

    collection: str
    position: int


class Event:
    """What a subscriber sees of a change: a kind (create, update, delete, init) and its data.

    `data` is one row as a JSON-ready mapping, or the key for a delete, or the rows for an `init`. The same event object
    goes to every subscriber of one view; `cache` holds what dialects have encoded of it, so that it is encoded once.
    `position` is the offset in the log, `mark` the position as a client may come back with it, `size` about how many
    bytes the data take. What `is_logged` can be told again from the log. `key` is that of the row that changed.
    """

    __slots__ = ("cache", "data", "is_logged", "key", "kind", "mark", "position", "size")

    def __init__(  # noqa: PLR0913 - what there is to tell of it
        self,
        kind: str,
        data: Any,
        position: int,
        mark: str | None = None,
        *,
        is_logged: bool = True,
        key: str | None = None,
    ) -> None:
        self.kind = kind
        self.data = data
        self.key = key
        self.position = position
        self.mark = mark
        self.is_logged = is_logged
        self.cache: dict[Any, Any] = {}
        self.size = size_of(data)


_SMALL = 16


def size_of(data: Any) -> int:
    """Estimate the length of what a value is encoded to: texts weigh what they are long, all else is small."""
    match data:
        case str():
            return len(data) + _SMALL
        case dict():
            return _SMALL + sum(map(size_of, data)) + sum(map(size_of, data.values()))
        case list() | tuple():
            return _SMALL + sum(map(size_of, data))
        case Record():
            return _SMALL + len(data.text) + size_of(data.members)
        case _:
            return _SMALL
