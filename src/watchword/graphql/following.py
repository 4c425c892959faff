"""Following: what a subscription is told of an event, written once for all who want to be told the same."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from graphql import GraphQLObjectType, get_named_type

from watchword.base import json
from watchword.data.tally import rows_read
from watchword.graphql.selection import TYPENAME, sets_of

if TYPE_CHECKING:
    from graphql import FieldNode

    from watchword.data.schema import Collection
    from watchword.graphql.assembly import Assembly
    from watchword.graphql.levels import Level
    from watchword.graphql.selection import Selector
    from watchword.protocol.events import Event

_DATA = "data"


class Projection:
    """The members of an event that one selection set asks for, under the key of its root field."""

    def __init__(self, key: str, parts: list[tuple[str, str]], shown: dict[str, Assembly], typename: str) -> None:
        self._key = key
        self._parts = parts
        self._shown = shown
        self._typename = typename

    def written(self, event: Event) -> str:
        """Return the result of an event as JSON; worked out once for each event and projection."""
        body: str | None = event.cache.get(self)
        if body is None:
            result: dict[str, Any] = {"data": {self._key: self._told(event)}}
            if event.mark is not None:
                result["extensions"] = {"position": event.mark}
            body = event.cache[self] = json.encode(result).decode()
        return body

    def _told(self, event: Event) -> dict[str, Any]:
        told: dict[str, Any] = {}
        for key, name in self._parts:
            if name == _DATA:
                row = event.data if isinstance(event.data, dict) else None
                told[key] = None if row is None else self._shown[key].row(row, rows_read())
            else:
                told[key] = {"key": event.key, "event": event.kind, TYPENAME: self._typename}[name]
        return told


def followed(
    key: str, shown: GraphQLObjectType, nodes: list[FieldNode], collection: Collection, selector: Selector
) -> tuple[Level, Projection]:
    """Return what is read of the rows that are told, and how they are told."""
    fields = selector.collect(shown, sets_of(nodes))
    rows = {name: each for name, each in fields.items() if each[0].name.value == _DATA}
    row = get_named_type(shown.fields[_DATA].type)
    assert isinstance(row, GraphQLObjectType)  # noqa: S101 - it is the type of a collection
    level, assemblies = selector.levels(row, collection, list(rows.values()))
    parts = [(name, each[0].name.value) for name, each in fields.items()]
    return level, Projection(key, parts, dict(zip(rows, assemblies, strict=True)), shown.name)
