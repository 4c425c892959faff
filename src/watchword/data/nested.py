"""Nested writes: the rows that a payload holds for its relations, each written under its own collection's rights.

To-one: a key, an object (created, or updated when it holds the key of a row that exists) or null; the object of a union
is one of the collection that the same payload names. To-many: a list of keys and objects that replaces the rows linked
so far, or an object with lists to `create`, `update` and `delete`. A row that is no longer linked keeps its data: its
reference becomes null, or, where it cannot, the row is deleted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from watchword.access.permissions import Action
from watchword.base.errors import Problem, forbidden, invalid_payload
from watchword.data.keys import Key, key_in, parse_key

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from watchword.data.binding import Binder
    from watchword.data.rows import Rows
    from watchword.data.schema import Collection, Relation, Union
    from watchword.data.validate import Draft

_CHANGES = ("create", "update", "delete")


class Mutations(Protocol):
    """What nested writes are made of: writes to any collection, in the transaction of the whole."""

    @property
    def binder(self) -> Binder:
        """The catalogue and the rights."""

    @property
    def rows(self) -> Rows:
        """The rows, whoever may see them."""

    async def create(self, collection: Collection, payloads: Sequence[Any], depth: int) -> list[Key]:
        """Create rows."""

    async def update(self, collection: Collection, keys: Sequence[Key], data: Any, depth: int) -> list[Key]:
        """Update rows."""

    async def delete(self, collection: Collection, keys: Sequence[Key]) -> None:
        """Delete rows."""


class Nested:
    """The relations of one collection's payloads; `depth` is how deep these payloads lie themselves."""

    def __init__(self, mutations: Mutations, collection: Collection, depth: int) -> None:
        self._mutations = mutations
        self._collection = collection
        self._depth = depth

    async def resolve(self, draft: Draft) -> None:
        """Write the objects of to-one relations and put their keys among the draft's values."""
        for name, item in draft.one.items():
            union = self._collection.unions.get(name)
            relation = self._collection.relations[name if union is None else _way(union, draft)]
            related = self._mutations.binder.catalogue.related(relation)
            key = await self._write_one(related, item)
            value = await self._column(related, key, relation.related_field)
            draft.values[name] = value if union is None else str(value)

    async def _write_one(self, related: Collection, item: dict[str, Any]) -> Key:
        key = key_in(related, item)
        if key is None or not await self._mutations.rows.column(related, [key], related.key[0]):
            return (await self._mutations.create(related, [item], self._depth + 1))[0]
        rest = {name: value for name, value in item.items() if name not in related.key}
        if rest:
            await self._mutations.update(related, [key], rest, self._depth + 1)
        return key

    async def write(self, key: Key, draft: Draft) -> None:
        """Write the rows of to-many relations, now that the row that they refer to is there."""
        for name, value in draft.many.items():
            if value is None:
                continue
            relation = self._collection.relations[name]
            links = await self._links(relation, key)
            match value:
                case list() | tuple():
                    await links.replace(value)
                case dict():
                    await links.change(value)
                case _:
                    raise _misshapen(name)

    async def _links(self, relation: Relation, key: Key) -> Links:
        related = self._mutations.binder.catalogue.related(relation)
        back = related.relations.get(relation.related_field)
        near = self._collection.key[0] if back is None else back.related_field
        parent = await self._column(self._collection, key, near)
        return Links(self._mutations, relation, related, parent, self._depth + 1)

    async def _column(self, collection: Collection, key: Key, name: str) -> Any:
        if name in collection.key:
            return key[collection.key.index(name)]
        return (await self._mutations.rows.column(collection, [key], name))[key]


class Links:
    """The rows that one row's to-many relation leads to."""

    def __init__(self, mutations: Mutations, relation: Relation, related: Collection, parent: Any, depth: int) -> None:
        self._mutations = mutations
        self._relation = relation
        self._related = related
        self._reference = relation.related_field
        self._parent = parent
        self._depth = depth

    async def replace(self, items: Sequence[Any]) -> None:
        """Make the items all that is linked; rows that the caller may not read stay as they are."""
        listed = [self._listed(item) for item in items]
        known = await self._known(key for key, _ in listed)
        await self._unlink([key for key in await self._in_sight() if key not in known])
        created = []
        for (key, item), given in zip(listed, items, strict=True):
            if key in known:
                await self._put(key, item, known)
            elif isinstance(given, dict):
                created.append(item)
            else:
                raise self._out_of_sight()
        await self._create(created)

    async def change(self, changes: dict[str, Any]) -> None:
        """Create, update and unlink, and leave the other rows alone."""
        if any(name not in _CHANGES for name in changes) or any(not _is_list(items) for items in changes.values()):
            raise _misshapen(self._relation.field)
        lists = {name: list(changes.get(name) or ()) for name in _CHANGES}
        await self._unlink(await self._linked(lists["delete"]))
        await self._update([self._object(item) for item in lists["update"]])
        await self._create([self._object(item) for item in lists["create"]])

    def _listed(self, item: Any) -> tuple[Key | None, dict[str, Any]]:
        """Return the key that an entry of a list names, and the entry as an object."""
        if isinstance(item, dict):
            linked = self._object(item)
            return key_in(self._related, linked), linked
        return parse_key(self._related, item), {}

    def _object(self, item: Any) -> dict[str, Any]:
        if not isinstance(item, dict):
            raise _misshapen(self._relation.field)
        return item | {self._reference: self._parent}

    async def _known(self, keys: Iterable[Key | None]) -> dict[Key, Any]:
        """Return what the rows that exist refer to now, by key."""
        wanted = [key for key in dict.fromkeys(keys) if key is not None]
        return await self._mutations.rows.column(self._related, wanted, self._reference)

    async def _in_sight(self) -> list[Key]:
        """Return the linked rows that the caller may read: those that leaving them out of a list can be about."""
        binder = self._mutations.binder
        rule = binder.scope.access.find(self._related.name, Action.READ)
        if rule is None:
            return []
        sight = binder.bind_rule(self._related, rule).filter
        return await self._mutations.rows.linked(self._related, self._reference, self._parent, sight)

    async def _linked(self, values: list[Any]) -> list[Key]:
        """Return the keys that are meant, all of rows that are linked."""
        keys = [parse_key(self._related, value) for value in values]
        known = await self._known(keys)
        if any(key is None or known.get(key) != self._parent for key in keys):
            raise self._out_of_sight()
        return [key for key in dict.fromkeys(keys) if key is not None]

    async def _update(self, items: list[dict[str, Any]]) -> None:
        keys = [key_in(self._related, item) for item in items]
        known = await self._known(keys)
        for key, item in zip(keys, items, strict=True):
            if key is None:
                raise misses_key()
            if key not in known:
                raise self._out_of_sight()
            await self._put(key, item, known)

    async def _put(self, key: Key | None, item: dict[str, Any], known: dict[Key, Any]) -> None:
        """Write an entry to the row that it names, and the reference only where it is new."""
        if key is None:
            return
        data = {name: value for name, value in item.items() if name not in {*self._related.key, self._reference}}
        if known[key] != self._parent:
            data[self._reference] = self._parent
        if data:
            await self._mutations.update(self._related, [key], data, self._depth)

    async def _create(self, items: list[dict[str, Any]]) -> None:
        if items:
            await self._mutations.create(self._related, items, self._depth)

    async def _unlink(self, keys: list[Key]) -> None:
        if not keys:
            return
        if self._related.fields[self._reference].nullable and self._reference not in self._related.key:
            await self._mutations.update(self._related, keys, {self._reference: None}, self._depth)
        else:
            await self._mutations.delete(self._related, keys)

    def _out_of_sight(self) -> Problem:
        return out_of_sight(self._related.name, Action.UPDATE, [self._reference])


def _way(union: Union, draft: Draft) -> str:
    """Return the name of the relation that an item of a union is for; the same payload says whose item it is."""
    member = draft.values.get(union.discriminator)
    if member not in union.members:
        named = ", ".join(f'"{each}"' for each in union.members)
        raise invalid_payload(f'An item in "{union.field}" needs "{union.discriminator}" to be one of {named}')
    return union.way(member)


def out_of_sight(collection: str, action: Action, fields: Iterable[str] = ()) -> Problem:
    """Refuse rows that the caller may not write, or that do not exist, which look the same."""
    named = ", ".join(f'"{field}"' for field in fields)
    act = (
        f'permissions to perform "{action.value}" for the field(s) {named} in'
        if named
        else (f'permission to perform "{action.value}" for')
    )
    return forbidden(f'You don\'t have {act} collection "{collection}" or it does not exist.')


def misses_key() -> Problem:
    """Refuse an item that has to say which row it is about."""
    return invalid_payload("Item in update misses primary key")


def _misshapen(field: str) -> Problem:
    return invalid_payload(f'"{field}" has to be a list, or an object with the lists "create", "update" and "delete"')


def _is_list(value: Any) -> bool:
    return value is None or isinstance(value, (list, tuple))
