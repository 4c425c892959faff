"""Wants: what the `fields` of a query come to, once wildcards, aliases and rights have been worked out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from watchword.base.errors import forbidden_field, invalid_query
from watchword.data.schema import Collection, Union
from watchword.query.documents import Place
from watchword.query.query import Query, Selection
from watchword.query.types import Function

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from watchword.data.binding import Binder
    from watchword.data.rules import BoundRule

DEEPEST = 10
"""How many relations a path of fields may follow."""
MOST_LEVELS = 100
"""How many statements one read may come to."""


class Nested(msgspec.Struct, frozen=True):
    """What is wanted of the rows that a relation leads to. `keys_only`: their keys, not objects."""

    collection: Collection
    query: Query
    wants: tuple[Want, ...]
    keys_only: bool = False


class Want(msgspec.Struct, frozen=True):
    """One member of the result: its name, the field it comes from, and what is made of the field or which part it is.

    Of a union, `ways` are those whose items are wanted; the items of the others are told by their keys.
    """

    output: str
    field: str
    function: Function | None = None
    nested: Nested | None = None
    ways: tuple[Nested, ...] = ()
    place: Place = ()


class _Draft(msgspec.Struct):
    """What the selections say of one output; `scoped` holds those of one way of a union, by its collection."""

    field: str
    function: Function | None = None
    below: list[Selection] = []
    explicit: bool = False
    scoped: dict[str, list[Selection]] = {}
    place: Place = ()

    def join(self, other: _Draft) -> None:
        self.below = [*self.below, *other.below]
        self.explicit |= other.explicit
        for member, selections in other.scoped.items():
            self.scoped[member] = [*self.scoped.get(member, ()), *selections]


class Wants:
    """Works out the fields of one query; counts the relations that it follows."""

    def __init__(self, binder: Binder, depth: int = DEEPEST, levels: int = MOST_LEVELS) -> None:
        self._binder = binder
        self._depth = depth
        self._most_levels = levels
        self._levels = 0

    def resolve(self, collection: Collection, query: Query) -> tuple[Want, ...]:
        """Return what the query wants of each row.

        A relation into a collection of which the caller may read nothing is left out, or stays a plain key.

        Raises:
            Problem: FORBIDDEN for a field out of sight, INVALID_QUERY when too many relations are followed.
        """
        return self._resolve(collection, query, query.fields or (Selection(("*",)),), ())

    def _resolve(
        self, collection: Collection, query: Query, selections: Iterable[Selection], trail: tuple[str, ...]
    ) -> tuple[Want, ...]:
        self._levels += 1
        if len(trail) > self._depth or self._levels > self._most_levels:
            raise invalid_query("The fields follow too many relations")
        sight = self._binder.sight(collection)
        drafts: dict[str, _Draft] = {}
        for selection in selections:
            for output, draft in self._drafts(collection, sight, query, selection, trail):
                known = drafts.setdefault(output, draft)
                if known.place != draft.place:
                    raise invalid_query(f'Two parts would be told as "{output}"')
                if known is not draft:
                    known.join(draft)
        self._check_deep(collection, sight, query, trail)
        wants = (self._want(collection, query, output, draft, trail) for output, draft in drafts.items())
        return tuple(want for want in wants if want is not None)

    def _drafts(
        self, collection: Collection, sight: BoundRule, query: Query, selection: Selection, trail: tuple[str, ...]
    ) -> Iterator[tuple[str, _Draft]]:
        head, *rest = selection.path
        below = [Selection(tuple(rest), selection.function, selection.place)] if rest else []
        if head == "*":
            for name in collection.names:
                if sight.allows(name):
                    yield name, _Draft(name, below=below if _leads_on(collection, name) else [])
            return
        output, member = _scope(collection, head)
        field = query.alias.get(output, output)
        self._check(collection, sight, field if member is None else f"{field}:{member}", trail)
        if member is not None:
            if not below and (selection.place or selection.function is not None):
                raise invalid_query(f'"{head}" leads to items, of which nothing can be computed')
            yield output, _Draft(field, explicit=True, scoped={member: below})
            return
        if not collection.has(field):  # an alias stands for a union, of which a way is chosen by its own name
            raise forbidden_field(collection.name, field, _quoted(trail))
        if below and not _leads_on(collection, field):
            raise forbidden_field(collection.name, ".".join(selection.path), _quoted(trail))
        if selection.place and not below:
            self._check_shown(collection, field, trail)
            self._binder.check_document(collection, field)
            yield selection.output, _Draft(field, explicit=True, place=selection.place)
            return
        if below or selection.function is None:
            yield head, _Draft(field, below=below, explicit=True)
            return
        self._check_shown(collection, field, trail)
        self._binder.check_function(collection, field, selection.function)
        yield selection.output, _Draft(field, selection.function, explicit=True)

    def _check_shown(self, collection: Collection, field: str, trail: tuple[str, ...]) -> None:
        if field in collection.fields and collection.fields[field].concealed:
            raise forbidden_field(collection.name, field, _quoted(trail))  # a part of it would be shown

    def _check(self, collection: Collection, sight: BoundRule, field: str, trail: tuple[str, ...]) -> None:
        known = field in collection.fields or field in collection.relations
        is_way = known and not collection.has(field)
        out_of_sight = not all(map(sight.allows, collection.shown_by(field)))
        if not known or out_of_sight or (is_way and self._binder.leads_out_of_sight(collection.relations[field])):
            raise forbidden_field(collection.name, field, _quoted(trail))

    def _check_deep(self, collection: Collection, sight: BoundRule, query: Query, trail: tuple[str, ...]) -> None:
        for name in query.deep:
            field = query.meant(name)
            self._check(collection, sight, field, trail)
            if field not in collection.relations:
                raise invalid_query(f'"deep" needs a relation, and "{name}" is none')

    def _want(
        self, collection: Collection, query: Query, output: str, draft: _Draft, trail: tuple[str, ...]
    ) -> Want | None:
        union = collection.unions.get(draft.field)
        if union is not None and draft.function is None:
            ways = self._ways(collection, query, output, union, draft, trail)
            return Want(output, draft.field, ways=tuple(ways))
        relation = collection.relations.get(draft.field)
        if relation is None or (not relation.many and not draft.below):
            return Want(output, draft.field, draft.function, place=draft.place)
        if self._binder.leads_out_of_sight(relation):
            return Want(output, draft.field) if not relation.many and not draft.explicit else None
        if draft.function is not None:
            return Want(output, draft.field, draft.function)
        related = self._binder.catalogue.related(relation)
        deep = _deep(query, related, output, draft.field)
        trail = (*trail, output)
        below = [*draft.below, *deep.fields]
        if below:
            return Want(output, draft.field, nested=Nested(related, deep, self._resolve(related, deep, below, trail)))
        self._levels += 1
        keys = tuple(Want(name, name) for name in related.key)
        return Want(output, draft.field, nested=Nested(related, deep, keys, keys_only=True))

    def _ways(  # noqa: PLR0913, PLR0917 - the want that they belong to
        self,
        collection: Collection,
        query: Query,
        output: str,
        union: Union,
        draft: _Draft,
        trail: tuple[str, ...],
    ) -> Iterator[Nested]:
        """Yield the ways of a union whose items are wanted, and may be read."""
        sight = self._binder.sight(collection)
        if not sight.allows(union.discriminator):
            if draft.below and draft.explicit:
                raise forbidden_field(collection.name, union.discriminator, _quoted(trail))
            return
        for member in union.members:
            related = self._binder.catalogue.collection(member)
            deep = _deep(query, related, f"{output}:{member}", union.way(member))
            below = [*draft.below, *draft.scoped.get(member, ()), *deep.fields]
            if below and not self._binder.leads_out_of_sight(collection.relations[union.way(member)]):
                wants = self._resolve(related, deep, below, (*trail, f"{output}:{member}"))
                yield Nested(related, deep, wants)


def _deep(query: Query, related: Collection, *names: str) -> Query:
    """Return what `deep` asks of the rows that a relation leads to, under the first of its names that it has."""
    deep = next(filter(None, map(query.deep.get, names)), None) or Query(related.name)
    if deep.aggregate or deep.group:
        raise invalid_query('"deep" does not aggregate')
    return deep


def _scope(collection: Collection, name: str) -> tuple[str, str | None]:
    """Split the name of a way of a union, `item:headings`; other names have no second part."""
    output, colon, member = name.partition(":")
    return (name, None) if name in collection.fields or not colon else (output, member)


def _leads_on(collection: Collection, name: str) -> bool:
    return name in collection.relations or name in collection.unions


def _quoted(trail: tuple[str, ...]) -> str:
    return f'"{".".join(trail)}"' if trail else ""
