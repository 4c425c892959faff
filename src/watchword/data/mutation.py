"""One request's writes: rows of any collection, each under the rights of its own collection, in one transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from msgspec.structs import replace

from watchword.access.permissions import Action
from watchword.base.errors import invalid_payload
from watchword.data.keys import key_in, told_keys
from watchword.data.nested import Nested, out_of_sight
from watchword.data.rows import Rows
from watchword.data.tally import items_written
from watchword.data.validate import Target
from watchword.data.writes import Written
from watchword.query.filters import EVERYTHING, Filter, all_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sqlalchemy.ext.asyncio import AsyncConnection

    from watchword.data.binding import Binder
    from watchword.data.keys import Key
    from watchword.data.schema import Collection
    from watchword.data.validate import Draft
    from watchword.data.writes import WriteLog

DEEPEST = 10
"""How many levels of relations one payload may write."""


class Objection(Protocol):
    """Somebody who is asked before each write, once the caller may do it."""

    async def __call__(self, action: Action, collection: str, keys: Sequence[Any], given: dict[str, Any]) -> None:
        """Change what is `given` of a row, or raise Problem to refuse. `keys` are none yet before a create."""


class PasswordHasher(Protocol):
    """What writing a `hash` field takes."""

    async def hash(self, password: str) -> str:
        """Return what is stored of a password."""


class Mutation:
    """The writes of one request, to any collection that its payloads lead to, and to `most` items together.

    What has been written is noted in `writes`.

    Raises:
        Problem: INVALID_PAYLOAD when these are too many; and what each write may raise.
    """

    def __init__(  # noqa: PLR0913, PLR0917 - who takes part in a write
        self,
        binder: Binder,
        connection: AsyncConnection,
        hasher: PasswordHasher,
        most: int | None = None,
        writes: WriteLog | None = None,
        before: Objection | None = None,
    ) -> None:
        self.binder = binder
        self.connection = connection
        self.rows = Rows(connection, binder.catalogue, binder.scope)
        self.tally = items_written(most)
        self._hasher = hasher
        self._writes = writes
        self._before = before

    def collection(self, name: str, action: Action) -> Collection:
        """Return a collection to which the caller may do this.

        Raises:
            Problem: FORBIDDEN, the same when there is no such collection.
        """
        self.binder.scope.access.rule(name, action)
        return self.binder.catalogue.collection(name)

    async def create(self, collection: Collection, payloads: Sequence[Any], depth: int = 0) -> list[Key]:
        """Create rows, with what their payloads hold for relations, and return their keys in order."""
        _check_depth(depth)
        self.tally.take(len(payloads))
        target = Target(self.binder, collection, Action.CREATE)
        permitted = [target.permitted(payload) for payload in payloads]
        asked = [tuple(given) for given in permitted]
        for given in permitted:
            await self._ask(target, (), given)
        # What the application adds is not the caller's: the caller's rights are held against what the caller asked for.
        drafts = [replace(target.draft(given), given=names) for given, names in zip(permitted, asked, strict=True)]
        nested = Nested(self, collection, depth)
        for draft in drafts:
            await self._complete(target, nested, draft)
        keys = await self.rows.insert(collection, [draft.values for draft in drafts])
        for key, draft in zip(keys, drafts, strict=True):
            await nested.write(key, draft)
        await self._confirm(target, keys, drafts)
        for key, payload in zip(keys, permitted, strict=True):
            self._note(target, [key], payload)
        return keys

    async def update(self, collection: Collection, keys: Sequence[Key], data: Any, depth: int = 0) -> list[Key]:
        """Write data to rows, with what it holds for relations, and return the keys that the rows have then."""
        _check_depth(depth)
        self.tally.take(len(keys))
        target = Target(self.binder, collection, Action.UPDATE)
        given = target.permitted(data)
        if len(keys) == 1:
            given = _without_own_key(collection, keys[0], given)
        await self._claim(target, keys, tuple(given))
        if not given or not keys:
            return list(keys)
        await self._ask(target, keys, given)
        draft = target.draft(given)
        nested = Nested(self, collection, depth)
        await self._complete(target, nested, draft)
        if draft.values:
            await self.rows.update(collection, keys, draft.values)
        moved = [_moved(collection, key, draft.values) for key in keys]
        for key in moved:
            await nested.write(key, draft)
        self._note(target, moved, given)
        return moved

    async def delete(self, collection: Collection, keys: Sequence[Key]) -> None:
        """Delete rows."""
        self.tally.take(len(keys))
        target = Target(self.binder, collection, Action.DELETE)
        await self._claim(target, keys, ())
        if keys:
            await self._ask(target, keys, {})
        await self.rows.delete(collection, keys)
        if keys:
            self._note(target, keys, {})

    async def _ask(self, target: Target, keys: Sequence[Key], given: dict[str, Any]) -> None:
        if self._before is not None:
            await self._before(target.action, target.collection.name, told_keys(target.collection, keys), given)

    def _note(self, target: Target, keys: Sequence[Key], given: dict[str, Any]) -> None:
        if self._writes is not None:
            told = tuple(told_keys(target.collection, keys))
            self._writes.append(Written(target.action, target.collection.name, told, given))

    async def _complete(self, target: Target, nested: Nested, draft: Draft) -> None:
        """Make a draft ready to be stored: to-one objects written, values checked, passwords hashed."""
        await nested.resolve(draft)
        target.check(draft)
        for name, value in draft.values.items():
            if value is not None and "hash" in target.collection.fields[name].special:
                draft.values[name] = await self._hasher.hash(value)

    async def _claim(self, target: Target, keys: Sequence[Key], fields: Iterable[str]) -> None:
        """Lock the rows.

        Raises:
            Problem: FORBIDDEN, unless every row is there and may be written, with each of the fields.
        """
        fields = tuple(fields)
        found = await self.rows.lock(target.collection, keys, _writable(target, fields))
        if any(key not in found for key in keys):
            raise out_of_sight(target.collection.name, target.action, fields)

    async def _confirm(self, target: Target, keys: Sequence[Key], drafts: Sequence[Draft]) -> None:
        """Hold new rows against the rule's filters: a grant that is limited to some rows lets only those be made."""
        if all(grant.filter == EVERYTHING for grant in target.rule.rule.grants):
            return
        by_fields: dict[tuple[str, ...], list[Key]] = {}
        for key, draft in zip(keys, drafts, strict=True):
            by_fields.setdefault(draft.given, []).append(key)
        for fields, made in by_fields.items():
            await self._claim(target, made, fields)


def _writable(target: Target, fields: Iterable[str]) -> Filter:
    """Return the rows on which all of the fields may be written."""
    conditions = [target.rule.filter, *(target.rule.seen_when(field) for field in fields)]
    distinct = [node for index, node in enumerate(conditions) if node not in conditions[:index]]
    return all_of(*distinct)


def _without_own_key(collection: Collection, key: Key, given: dict[str, Any]) -> dict[str, Any]:
    """Leave out the parts of the key that stay as they are."""
    own = dict(zip(collection.key, key, strict=True))
    named = key_in(collection, {**own, **{name: value for name, value in given.items() if name in own}})
    if named is None:
        return given
    unchanged = {name for name, value in zip(collection.key, named, strict=True) if value == own[name]}
    return {name: value for name, value in given.items() if name not in unchanged}


def _moved(collection: Collection, key: Key, values: dict[str, Any]) -> Key:
    return tuple(values.get(name, part) for name, part in zip(collection.key, key, strict=True))


def _check_depth(depth: int) -> None:
    if depth > DEEPEST:
        raise invalid_payload(f"Relations are nested more than {DEEPEST} levels deep")
