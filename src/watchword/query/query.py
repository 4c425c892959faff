"""Query: what a client asks of one collection, decoded and not yet bound to a schema."""

from __future__ import annotations

from typing import Any

import msgspec

from watchword.query.documents import Place, name_of
from watchword.query.filters import EVERYTHING, Filter
from watchword.query.types import Function


class Selection(msgspec.Struct, frozen=True):
    """One entry of `fields`: a path whose last step may be `*`, with an optional function on the last step.

    `author.name` is `("author", "name")`; `*.*` is `("*", "*")`; `year(published_on)` is `("published_on",)` with the
    function YEAR; `json(meta, theme.color)` is `("meta",)` with the place `("theme", "color")` in its value.
    """

    path: tuple[str, ...]
    function: Function | None = None
    place: Place = ()

    @property
    def output(self) -> str:
        """The member of the result that it is told in: `author`, `published_on_year`, `meta_theme_color_json`.

        What is selected of one way of a union is told in the union's.
        """
        name = self.path[0]
        if len(self.path) > 1:
            return name.partition(":")[0]
        if self.place:
            return name_of(name, self.place)
        return name if self.function is None else f"{name}_{self.function.value}"


class Order(msgspec.Struct, frozen=True):
    """One entry of `sort`: a path to a column, through to-one relations, perhaps with a function or into its JSON."""

    path: tuple[str, ...]
    descending: bool = False
    function: Function | None = None
    place: Place = ()


class Aggregate(msgspec.Struct, frozen=True):
    """`function(field)` over the rows or over each group; `field` is `*` only for `count`.

    `function` is one of count, countDistinct, sum, sumDistinct, avg, avgDistinct, min, max, countAll.
    """

    function: str
    field: str


class Grouping(msgspec.Struct, frozen=True):
    """One entry of `groupBy`."""

    field: str
    function: Function | None = None


class Query(msgspec.Struct, frozen=True):
    """A read of one collection. `limit` None means the server's default, -1 means no limit; `offset` is in rows.

    `fields` empty means `*`. `deep` holds the query of each relation by its field name. `alias` maps a new name to the
    field it stands for. `meta` asks for counts: `total_count`, `filter_count`.
    """

    collection: str
    fields: tuple[Selection, ...] = ()
    filter: Filter = EVERYTHING
    sort: tuple[Order, ...] = ()
    limit: int | None = None
    offset: int = 0
    search: str | None = None
    deep: dict[str, Query] = {}
    aggregate: tuple[Aggregate, ...] = ()
    group: tuple[Grouping, ...] = ()
    alias: dict[str, str] = {}
    meta: tuple[str, ...] = ()

    def meant(self, name: str) -> str:
        """Return the field, or the way of a union, that a name in `fields` stands for."""
        output, colon, member = name.partition(":")
        return self.alias[output] + colon + member if output in self.alias else name

    def fingerprint(self) -> str:
        """Return a text that is equal for equal queries: the canonical JSON of this one."""
        return fingerprint(self)


def fingerprint(value: Any) -> str:
    """Return the canonical JSON of a Struct or a tuple of Structs; two values are the same when their texts are."""
    return msgspec.json.encode(value, order="deterministic").decode()
