"""Matching: which subscribers see which change, decided once for all that see the same.

A `Shape` says what a subscription follows and under which rule, with variables still symbolic. Subscriptions with one
shape form a group; a shape that mentions variables splits into one `View` for each set of values they have, so that a
personal rule costs one test for each person and all else one test for everybody.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import msgspec

from watchword.access.compile import Access
from watchword.access.permissions import Action
from watchword.protocol.events import Change, Event
from watchword.query.filters import Filter, Variable, all_of, any_of
from watchword.query.predicate import LOOKUP, Truth, compile_predicate, is_relational, needs_database
from watchword.query.query import Query, fingerprint
from watchword.query.rendering import CONCEALED, renderer
from watchword.query.types import FieldType

if TYPE_CHECKING:
    from collections.abc import Callable

    from watchword.live.peer import Peer
    from watchword.query.variables import Variables


class Member(Protocol):
    """One subscription of one connection, as a view knows it."""

    peer: Peer
    subscription: str | None

    def offer(self, event: Event) -> None:
        """Take an event; must be quick and never wait."""


class Column(msgspec.Struct, frozen=True):
    """One field of the rows that are told: its name, where its value is in an image, and how it is written."""

    name: str
    source: str
    type: FieldType
    concealed: bool = False


class Sight(msgspec.Struct, frozen=True):
    """Fields (None: all) that are in sight on the rows that satisfy the bound `filter`."""

    filter: Filter
    fields: frozenset[str] | None


ViewKey = tuple[str, str]


class Shape(msgspec.Struct, frozen=True):
    """What a subscription follows, bound to the schema and to a rule.

    `where` is the subscription's own filter. `columns` is None when a row cannot be made from an image alone (nested
    fields, functions); such rows are read from the database, once for all subscribers of the view. `key` is equal for
    equal shapes. `item` limits to one key. `personal` are the variables, other than the time, that occur. `query` and
    `access` are what rows are read with.
    """

    key: str
    collection: str
    where: Filter
    sights: tuple[Sight, ...]
    columns: tuple[Column, ...] | None
    query: Query
    access: Access
    event: Action | None = None
    item: str | None = None
    personal: tuple[Variable, ...] = ()

    def view_key(self, variables: Variables) -> ViewKey:
        """Return what is equal for subscriptions that see the same: the shape, and the values of what is personal."""
        return self.key, fingerprint([variables.resolve(variable, 0.0) for variable in self.personal])


Row = dict[str, Any]


class View:
    """All subscriptions on this node that see exactly the same, and what they see.

    It `needs_database` when a change cannot be told from its images alone, `needs_rows` when the row has to be read.
    """

    def __init__(self, shape: Shape, variables: Variables) -> None:
        self.shape = shape
        self.variables = variables
        self.key = shape.view_key(variables)
        self.members: dict[Member, None] = {}
        self.sight = all_of(shape.where, any_of(*(sight.filter for sight in shape.sights)))
        self.is_relational = is_relational(self.sight)
        self._sees = compile_predicate(self.sight)
        self._sights = [(compile_predicate(sight.filter), sight.fields) for sight in shape.sights]
        self._is_uniform = len({sight.fields for sight in shape.sights}) == 1
        # Which fields a row shows may be for the database to say, also where the row itself is in everybody's sight.
        is_shown_by_database = not self._is_uniform and any(needs_database(sight.filter) for sight in shape.sights)
        self.needs_rows = shape.columns is None or is_shown_by_database
        self.needs_database = self.needs_rows or needs_database(self.sight)
        self._columns = [(column.name, column.source, _writer(column)) for column in shape.columns or ()]

    def sees(self, row: Row | None, now: float) -> Truth:
        """Say whether a row is in sight: True, False, None (SQL's unknown) or LOOKUP when memory cannot tell."""
        return False if row is None else self._sees(row, self.variables, now)

    def verdict(self, change: Change, now: float) -> Action | Truth:
        """Say what a change is to this view: an action, False for nothing, or LOOKUP."""
        if self.shape.item is not None and change.key != self.shape.item:
            return False
        saw, sees = self.sees(change.before, now), self.sees(change.after, now)
        if saw is LOOKUP or sees is LOOKUP:
            return LOOKUP
        return self.judge(saw=saw is True, sees=sees is True)

    def judge(self, *, saw: bool, sees: bool) -> Action | Truth:
        """Say what having seen a row before and seeing it now amounts to.

        A row that comes into sight is a create, whatever was done to it; a row that leaves it is a delete.
        """
        if not (saw or sees):
            return False
        action = Action.DELETE if not sees else Action.UPDATE if saw else Action.CREATE
        return action if self.shape.event in {None, action} else False

    def event(self, action: Action, change: Change, now: float) -> Event:
        """Make the event that all members get of a change that is an `action` to them."""
        if action is Action.DELETE:
            return Event(action.value, change.key, change.position, key=change.key)
        return Event(action.value, self.project(change.after or {}, now), change.position, key=change.key)

    def project(self, row: Row, now: float) -> Row:
        """Make the JSON-ready row from an image: the columns asked for, null where this row hides them."""
        visible = None if self._is_uniform else self._visible(row, now)
        return {
            name: write(row.get(source)) if visible is None or source in visible else None
            for name, source, write in self._columns
        }

    def _visible(self, row: Row, now: float) -> frozenset[str] | None:
        names: frozenset[str] = frozenset()
        for test, fields in self._sights:
            if test(row, self.variables, now) is True:
                if fields is None:
                    return None
                names |= fields
        return names


def _writer(column: Column) -> Callable[[Any], Any]:
    if column.concealed:
        return lambda value: None if value is None else CONCEALED
    return renderer(column.type) or (lambda value: value)
