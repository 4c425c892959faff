"""Utilities: random texts, hashes, sorting by hand, and forgetting what is kept in memory."""

from __future__ import annotations

import secrets
import string
from typing import TYPE_CHECKING, Any

from watchword.access.permissions import Action
from watchword.base.errors import forbidden, invalid_payload, invalid_query
from watchword.http.answers import NO_CONTENT, Answer, json_answer
from watchword.http.bodies import read_object
from watchword.http.items import name_in_path
from watchword.identity.passwords import MAX_BYTES
from watchword.protocol.operations import Read, Update
from watchword.query.query import Order, Query, Selection
from watchword.query.types import FieldType
from watchword.query.wire import parse_query_string

if TYPE_CHECKING:
    from collections.abc import Mapping

    from watchword.backend.backend import Backend
    from watchword.backend.context import Context
    from watchword.data.schema import Collection
    from watchword.http.endpoint import Call, Handler
    from watchword.http.settings import HttpSettings

SORT = "sort"
"""The field that holds the place of an item among the others."""

_LETTERS = string.ascii_letters + string.digits + "_-"
_LENGTH = 32
_LONGEST = 500
_WHOLE = frozenset({FieldType.INTEGER, FieldType.BIG_INTEGER})


class Utilities:
    """The handlers under `/utils`."""

    def __init__(self, backend: Backend, settings: HttpSettings) -> None:
        self._backend = backend
        self._limit = settings.max_payload_size

    @property
    def routes(self) -> Mapping[str, Mapping[str, Handler]]:
        """The handlers by path and method."""
        return {
            "/utils/random/string": {"GET": self.random},
            "/utils/hash/generate": {"POST": self.make_hash},
            "/utils/hash/verify": {"POST": self.verify_hash},
            "/utils/sort/{collection}": {"POST": self.sort},
            "/utils/cache/clear": {"POST": self.clear},
        }

    async def random(self, call: Call) -> Answer:
        """Answer with a text that nobody can guess.

        Raises:
            Problem: INVALID_QUERY for a length that is not a number from 1 to 500.
        """
        given = parse_query_string(call.query_string).get("length")
        return json_answer({"data": random_text(_LENGTH if given in (None, "") else _whole(given))})

    async def make_hash(self, call: Call) -> Answer:
        """Answer with the hash of a text, as passwords are stored.

        Raises:
            Problem: FORBIDDEN for the public, INVALID_PAYLOAD, SERVICE_UNAVAILABLE when there is too much to do.
        """
        [text] = await self._texts(call, "string")
        return json_answer({"data": await self._backend.identity.passwords.hash_given(text)})

    async def verify_hash(self, call: Call) -> Answer:
        """Answer whether a hash was made of a text.

        Raises:
            Problem: as `make_hash`.
        """
        text, hashed = await self._texts(call, "string", "hash")
        return json_answer({"data": await self._backend.identity.passwords.verify_given(hashed, text)})

    async def sort(self, call: Call) -> Answer:
        """Put an item into the place of another one; those between move up. Places are counted in the field `sort`.

        Raises:
            Problem: FORBIDDEN, also when one of the items is out of sight; INVALID_PAYLOAD.
        """
        name = name_in_path(call)
        self._sorted(call.context, name)
        body = await read_object(call.request, self._limit)
        if any(not isinstance(body.get(name), str | int) or body[name] is True for name in ("item", "to")):
            raise invalid_payload('"item" and "to" are required and have to be keys')
        await self.move(call.context, name, str(body["item"]), str(body["to"]))
        return NO_CONTENT

    async def move(self, context: Context, name: str, item: str, to: str) -> None:
        """Put an item into the place of another one; raises as `sort` does."""
        query = self._sorted(context, name)
        rows = (await self._backend.perform(context, Read(query))).data
        moved = _moved(query.fields[0].path[0], rows, item, to)
        if moved:
            await self._backend.perform(context, Update(Query(query.collection, fields=query.fields), moved))

    async def clear(self, call: Call) -> Answer:
        """Forget what is kept in memory of rights, tokens and settings; nothing else is kept.

        Raises:
            Problem: FORBIDDEN for all but administrators.
        """
        if not call.context.principal.admin:
            raise forbidden()
        self._backend.forget()
        return NO_CONTENT

    def _sorted(self, context: Context, name: str) -> Query:
        """Return the query for all items in their order, with their keys and places."""
        context.access.rule(name, Action.UPDATE)
        collection = self._backend.structure.catalogue.collection(name)
        if not is_sorted(collection):
            raise invalid_payload(f'Collection "{name}" doesn\'t have a sort field')
        key = collection.key[0]
        fields = (Selection((key,)), Selection((SORT,)))
        return Query(name, fields=fields, sort=(Order((SORT,)), Order((key,))), limit=-1)

    async def _texts(self, call: Call, *names: str) -> list[str]:
        if call.context.principal.is_anonymous:
            raise forbidden()
        return hashable(call.context, await read_object(call.request, self._limit), *names)


def hashable(context: Context, given: Mapping[str, Any], *names: str) -> list[str]:
    """Return texts to hash. Hashing costs much, so it is not for everybody.

    Raises:
        Problem: FORBIDDEN for the public, INVALID_PAYLOAD.
    """
    if context.principal.is_anonymous:
        raise forbidden()
    texts = []
    for name in names:
        text = given.get(name)
        if not isinstance(text, str) or not text:
            raise invalid_payload(f'"{name}" is required')
        if len(text.encode("utf-8", "surrogatepass")) > MAX_BYTES:
            raise invalid_payload(f'"{name}" must not be longer than {MAX_BYTES} bytes')
        texts.append(text)
    return texts


def random_text(length: int | None = _LENGTH) -> str:
    """Return a text that nobody can guess.

    Raises:
        Problem: INVALID_QUERY for a length that is not a number from 1 to 500.
    """
    if length is None or not 1 <= length <= _LONGEST:
        raise invalid_query(f'"length" must be a number from 1 to {_LONGEST}')
    return "".join(secrets.choice(_LETTERS) for _ in range(length))


def is_sorted(collection: Collection) -> bool:
    """Whether items of the collection have places that can be changed by hand."""
    field = collection.fields.get(SORT)
    return field is not None and field.type in _WHOLE and len(collection.key) == 1


def _moved(key: str, rows: list[dict[str, Any]], item: str, to: str) -> list[dict[str, Any]]:
    """Return the rows whose places change, with their new ones; rows without a place come last."""
    ordered = sorted(rows, key=lambda row: row[SORT] is None)
    keys = [str(row[key]) for row in ordered]
    if item not in keys or to not in keys:
        raise forbidden()
    place = keys.index(to)
    ordered.insert(place, ordered.pop(keys.index(item)))
    return [{key: row[key], SORT: number} for number, row in enumerate(ordered, start=1) if row[SORT] != number]


def _whole(value: Any) -> int | None:
    return int(value) if isinstance(value, str) and value.isdecimal() and len(value) <= len(str(_LONGEST)) else None
