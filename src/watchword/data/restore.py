"""Restore: what a difference asks for, done in an order in which each step can be."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from watchword.data.designs import CollectionDesign, FieldDesign, RelationDesign
from watchword.data.snapshot import Part, becoming

if TYPE_CHECKING:
    from watchword.data.designs import Members
    from watchword.data.remodel import Remodel
    from watchword.data.snapshot import Changed, Difference

Parts = list[tuple["Changed", Part | None]]


class Restore:
    """One difference, worked out against the structure that it is a difference to."""

    def __init__(self, document: dict[str, Any], difference: Difference) -> None:
        """Raise INVALID_PAYLOAD for entries that make no sense."""
        self._collections = becoming("collections", document, difference.collections)
        self._fields = becoming("fields", document, difference.fields)
        self._relations = becoming("relations", document, difference.relations)

    async def run(self, remodel: Remodel) -> None:
        """Drop what shall go, make what is new, then change the rest; relations come last."""
        await self._drop(remodel)
        made = await self._create_collections(remodel)
        for _, part in self._fields:
            if part is not None and part.collection not in made:
                await _put_field(remodel, part)
        for _, part in self._relations:
            if part is not None:
                await _put_relation(remodel, part)

    async def _drop(self, remodel: Remodel) -> None:
        for changed, part in self._relations:
            if part is None and changed.field is not None and _relates(remodel, changed.collection, changed.field):
                await remodel.delete_relation(changed.collection, changed.field)
        going = {changed.collection for changed, part in self._collections if part is None}
        for changed, part in self._fields:
            if part is not None or changed.collection in going or changed.field is None:
                continue
            if _has_field(remodel, changed.collection, changed.field):  # an alias goes with its relation
                await remodel.delete_field(changed.collection, changed.field)
        for name in going:
            await remodel.delete_collection(name)

    async def _create_collections(self, remodel: Remodel) -> set[str]:
        new: list[CollectionDesign] = []
        fields: dict[str, list[Part]] = {}
        for _, field in self._fields:
            if field is not None:
                fields.setdefault(field.collection, []).append(field)
        for _, part in self._collections:
            if part is None:
                continue
            name = part.collection
            if name in remodel.catalogue.schema.collections or name in remodel.catalogue.meta.collections:
                await remodel.change_collection(name, part.meta)
                continue
            own = [_field(field) for field in fields.get(name, ())]
            schema: Members | None = None if part.schema is None else {}
            new.append(CollectionDesign(name, schema, part.meta, own))
        await remodel.create_collections(new)
        return {design.collection for design in new}


def _field(part: Part) -> FieldDesign:
    return FieldDesign(part.field or "", part.type, part.schema, part.meta)


async def _put_field(remodel: Remodel, part: Part) -> None:
    design = _field(part)
    known = _has_field(remodel, part.collection, design.field)
    await (remodel.change_field if known else remodel.create_field)(part.collection, design)


async def _put_relation(remodel: Remodel, part: Part) -> None:
    design = RelationDesign(part.collection, part.field or "", part.related_collection, part.schema, part.meta)
    known = _relates(remodel, part.collection, design.field)
    await (remodel.change_relation if known else remodel.create_relation)(design)


def _relates(remodel: Remodel, collection: str, field: str) -> bool:
    found = remodel.catalogue.schema.collections.get(collection)
    if found is None:
        return False
    relation = found.relations.get(field)
    return field in found.unions or (relation is not None and not relation.many)


def _has_field(remodel: Remodel, collection: str, field: str) -> bool:
    found = remodel.catalogue.schema.collections.get(collection)
    return (found is not None and field in found.names) or (collection, field) in remodel.catalogue.meta.fields
