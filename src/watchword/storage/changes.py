"""What the change log is asked to capture and what it tells."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

ChangeAction = Literal["create", "update", "delete"]

EVERY_ACTION: frozenset[ChangeAction] = frozenset({"create", "update", "delete"})


class Captured(msgspec.Struct, frozen=True):
    """A table whose changes are logged under the name of a collection.

    `columns` are those that images hold; others never enter the log. An update that leaves them all as they were is not
    logged; with `watched`, neither is one that leaves those columns as they were. A change of the key always is.
    """

    collection: str
    table: str
    key: tuple[str, ...]
    columns: tuple[str, ...]
    watched: tuple[str, ...] | None = None
    actions: frozenset[ChangeAction] = EVERY_ACTION


class Logged(msgspec.Struct, frozen=True):
    """One change of one row. An update that changed the key is told as a delete and a create at the same position.

    `key` is the primary key as the database writes it as text, the columns of a composite key joined by commas.
    Images hold what the database said, by column name. From SQLite: the stored values (int, float, str, bytes, None).
    From PostgreSQL: JSON values, numbers with a fraction or exponent as Decimal (also inside `json` columns), `bytea`
    as its hex text `\\x…`, times as ISO 8601 text, timestamps with time zone in UTC.
    `omitted` names the columns that were too large to be logged; they are missing in the images that leave them out.
    """

    collection: str
    action: ChangeAction
    key: str
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    position: int
    omitted: tuple[str, ...] = ()
    origin: str | None = None


class Bulk(msgspec.Struct, frozen=True):
    """Rows of a collection changed that are not told one by one: read the collection again.

    Stands for the positions `first` to `position`. Several collections may share them, if one transaction changed all.
    """

    collection: str
    position: int
    first: int


Entry = Logged | Bulk
