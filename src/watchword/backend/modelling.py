"""Modelling: the structure read by whoever may know it, and changed by administrators."""

from __future__ import annotations

from typing import TYPE_CHECKING

from watchword.access.permissions import Action
from watchword.base.errors import forbidden, forbidden_collection, invalid_payload
from watchword.data.describe import Description
from watchword.data.worked_out import WorkedOut

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from watchword.backend.context import Context
    from watchword.backend.structure import Structure
    from watchword.data.catalogue import Catalogue
    from watchword.data.describe import Told
    from watchword.data.designs import CollectionDesign, FieldDesign, Members, RelationDesign
    from watchword.data.remodel import Remodel

COLLECTIONS = "directus_collections"
FIELDS = "directus_fields"
RELATIONS = "directus_relations"


class Modelling:
    """Collections, fields and relations as things to read, make, change and drop. A call is one transaction.

    Reading takes the administration app's access, or a permission to read the system collection that holds what is
    read; what is told is what the caller may read items of. Changing takes every right.

    Raises:
        Problem: FORBIDDEN; for changes also what `data.remodel` raises.
    """

    def __init__(self, structure: Structure) -> None:
        self._structure = structure
        self._fields = WorkedOut(lambda catalogue, access: Description(catalogue, access).fields())

    @property
    def catalogue(self) -> Catalogue:
        """The structure as it is now."""
        return self._structure.catalogue

    def collections(self, context: Context) -> list[Told]:
        """Return the collections that the caller may know."""
        return self._description(context, COLLECTIONS).collections()

    def collection(self, context: Context, name: str) -> Told:
        """Return one collection."""
        return _found(self._description(context, COLLECTIONS).collection(name), name)

    def fields(self, context: Context, collection: str | None = None) -> list[Told]:
        """Return the fields that the caller may know, of one collection or of all."""
        self._described(context, FIELDS, collection)
        told = self._fields.of(self.catalogue, context.access)
        return told if collection is None else [each for each in told if each["collection"] == collection]

    def field(self, context: Context, collection: str, name: str) -> Told:
        """Return one field."""
        return _found(self._described(context, FIELDS, collection).field(collection, name), collection)

    def relations(self, context: Context, collection: str | None = None) -> list[Told]:
        """Return the to-one relations that the caller may know, of one collection or of all."""
        return self._described(context, RELATIONS, collection).relations(collection)

    def relation(self, context: Context, collection: str, name: str) -> Told:
        """Return one relation."""
        return _found(self._described(context, RELATIONS, collection).relation(collection, name), collection)

    async def create_collections(self, context: Context, designs: Sequence[CollectionDesign]) -> None:
        """Make collections, in order."""
        await self.change(context, lambda remodel: remodel.create_collections(designs))

    async def change_collections(self, context: Context, given: Sequence[tuple[str, Members | None]]) -> None:
        """Say something of collections."""

        async def work(remodel: Remodel) -> None:
            for name, meta in given:
                await remodel.change_collection(name, meta)

        await self.change(context, work)

    async def delete_collection(self, context: Context, name: str) -> None:
        """Drop a collection with its items."""
        await self.change(context, lambda remodel: remodel.delete_collection(name))

    async def create_field(self, context: Context, collection: str, design: FieldDesign) -> None:
        """Add a field."""
        await self.change(context, lambda remodel: remodel.create_field(collection, design))

    async def change_fields(self, context: Context, collection: str, designs: Sequence[FieldDesign]) -> None:
        """Change fields of a collection."""

        async def work(remodel: Remodel) -> None:
            for design in designs:
                await remodel.change_field(collection, design)

        await self.change(context, work)

    async def delete_field(self, context: Context, collection: str, name: str) -> None:
        """Drop a field with its values."""
        await self.change(context, lambda remodel: remodel.delete_field(collection, name))

    async def create_relation(self, context: Context, design: RelationDesign) -> None:
        """Make a relation."""
        await self.change(context, lambda remodel: remodel.create_relation(design))

    async def change_relation(self, context: Context, design: RelationDesign) -> None:
        """Change a relation."""
        await self.change(context, lambda remodel: remodel.change_relation(design))

    async def delete_relation(self, context: Context, collection: str, name: str) -> None:
        """Drop a relation; the column stays."""
        await self.change(context, lambda remodel: remodel.delete_relation(collection, name))

    async def change(self, context: Context, work: Callable[[Remodel], Awaitable[None]]) -> None:
        """Do the work in one transaction."""
        self.check_administrator(context)
        await self._structure.change(work)

    def check_administrator(self, context: Context) -> None:
        """Raise FORBIDDEN for anybody who does not have every right."""
        if not context.access.admin:
            raise forbidden()

    def _description(self, context: Context, resource: str) -> Description:
        if resource not in readable(context):
            raise _refusal(resource)
        return Description(self._structure.catalogue, context.access)

    def _described(self, context: Context, resource: str, collection: str | None) -> Description:
        description = self._description(context, resource)
        if collection is not None and not description.sees(collection):
            raise forbidden_collection(collection)
        return description


def readable(context: Context) -> frozenset[str]:
    """Return which parts of the structure a caller may read, by the names of the collections that hold them."""
    parts = (COLLECTIONS, FIELDS, RELATIONS)
    access = context.access
    if access.admin or context.principal.app:
        return frozenset(parts)
    return frozenset(each for each in parts if access.find(each, Action.READ) is not None)


def one_key(given: str | None, wanted: str, what: str) -> None:
    """Check that a body which names what it changes names what the path does.

    Raises:
        Problem: INVALID_PAYLOAD.
    """
    if given is not None and given != wanted:
        raise invalid_payload(f'"{what}" can\'t be changed')


def _found(told: Told | None, collection: str) -> Told:
    if told is None:
        raise forbidden_collection(collection)
    return told


def _refusal(resource: str) -> Exception:
    if resource == COLLECTIONS:
        return forbidden_collection(resource)
    return forbidden(f'You don\'t have permission to perform "read" for collection "{resource}" or it does not exist.')
