"""Schemas: one for each shape of rights on a state of the database, made when asked for and kept for a while."""

from __future__ import annotations

from collections import OrderedDict, deque
from functools import partial
from itertools import count
from typing import TYPE_CHECKING, Any, Protocol
from weakref import WeakKeyDictionary

import anyio
import anyio.to_thread
from graphql import print_schema

from watchword.graphql.documents import Documents
from watchword.graphql.options import Area
from watchword.graphql.schema import build_schema
from watchword.graphql.sight import sights_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from graphql import GraphQLSchema

    from watchword.access.compile import Access
    from watchword.data.catalogue import Catalogue
    from watchword.graphql.compiled import Operation
    from watchword.graphql.documents import Document
    from watchword.graphql.options import Options
    from watchword.graphql.schema import Fields
    from watchword.graphql.sight import Sights
    from watchword.graphql.types import Types

MOST_SHAPES = 1_000
MOST_TYPES = 10_000
"""Shapes of rights that are told apart, and types of all schemas together; a table has about seven."""

MOST_CHARACTERS = 1_000_000
"""Characters of the documents of all schemas together, of which a parsed one takes a hundred times as much memory."""

MOST_DESCRIPTIONS = 4
"""Descriptions that are kept of one schema: each may be as large as all its types, however short its question is."""


class More(Protocol):
    """Gives the root fields of an endpoint that are about no collection."""

    def __call__(self, types: Types, area: Area, *, admin: bool) -> Mapping[str, Fields]:
        """Return them, under `query` and `mutation`."""


class Schema:
    """A schema with all that is kept for it."""

    def __init__(self, catalogue: Catalogue, built: GraphQLSchema, options: Options) -> None:
        self.catalogue = catalogue
        self.built = built
        self.documents = Documents(built, options.limits, introspection=options.introspection)
        self._described: deque[tuple[Operation, dict[str, Any]]] = deque(maxlen=MOST_DESCRIPTIONS)
        self._text: str | None = None

    async def text(self) -> str:
        """Return the schema in GraphQL's own language."""
        if self._text is None:
            self._text = await anyio.to_thread.run_sync(print_schema, self.built)
        return self._text

    def described(self, operation: Operation) -> dict[str, Any] | None:
        """Return what an operation has told of the schema, where that is kept."""
        return next((told for known, told in self._described if known is operation), None)

    def keep_described(self, operation: Operation, told: dict[str, Any]) -> None:
        """Keep what an operation tells of the schema, in place of the oldest."""
        self._described.append((operation, told))

    @property
    def size(self) -> int:
        """How many types it has."""
        return len(self.built.type_map)


Key = tuple[int, Area, bool]


class Schemas:
    """Finds the schema for a caller's rights. `more` gives the root fields that are about no collection."""

    def __init__(self, options: Options, more: More) -> None:
        self._options = options
        self._more = more
        self._catalogue: Catalogue | None = None
        self._numbers: dict[Sights, int] = {}
        self._shapes: WeakKeyDictionary[Access, tuple[int, Sights]] = WeakKeyDictionary()
        self._count = count()
        self._known: OrderedDict[Key, Schema] = OrderedDict()
        self._turn = anyio.Lock()

    async def of(self, catalogue: Catalogue, access: Access, area: Area) -> Schema:
        """Return the schema of one endpoint for these rights. What was made for another catalogue is forgotten."""
        if catalogue is not self._catalogue:
            self._catalogue = catalogue
            self._forget()
        shape = self._shapes.get(access)
        if shape is None:
            shape = self._shapes[access] = self._shape(sights_of(catalogue, access))
        number, sights = shape
        key = (number, area, access.admin)
        found = self._known.get(key)
        return self._used(key, found) if found is not None else await self._made(catalogue, key, sights)

    def keep(self, schema: Schema, text: str, document: Document) -> Document:
        """Keep a document of a schema, and forget those of the schemas that nobody has asked for longest."""
        kept = schema.documents.keep(text, document)
        size = sum(each.documents.size for each in self._known.values())
        for each in self._known.values():
            if size <= MOST_CHARACTERS:
                break
            size -= each.documents.size
            each.documents.forget()
        return kept

    def _shape(self, sights: Sights) -> tuple[int, Sights]:
        """Number what rights show: who shows the same has one number, which is faster to look up than all that."""
        if len(self._numbers) >= MOST_SHAPES:
            self._forget()
        return self._numbers.setdefault(sights, next(self._count)), sights

    def _forget(self) -> None:
        self._numbers.clear()
        self._shapes.clear()
        self._known.clear()

    async def _made(self, catalogue: Catalogue, key: Key, sights: Sights) -> Schema:
        """Make a schema beside the loop: a hundred tables take a tenth of a second."""
        async with self._turn:
            found = self._known.get(key)
            if found is not None and found.catalogue is catalogue:
                return self._used(key, found)
            _, area, admin = key
            built = await anyio.to_thread.run_sync(
                build_schema, catalogue, sights, area, partial(self._more, admin=admin)
            )
            made = Schema(catalogue, built, self._options)
            if catalogue is self._catalogue:
                self._known[key] = made
                while len(self._known) > 1 and sum(each.size for each in self._known.values()) > MOST_TYPES:
                    self._known.popitem(last=False)
            return made

    def _used(self, key: Key, schema: Schema) -> Schema:
        self._known.move_to_end(key)
        return schema
