"""Structure: `/collections`, `/fields` and `/relations`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import msgspec
from msgspec import UNSET, UnsetType

from watchword.backend.modelling import Modelling, one_key
from watchword.base.errors import invalid_payload
from watchword.data.designs import CollectionDesign, FieldDesign, Members, RelationDesign
from watchword.http.answers import NO_CONTENT, Answer, json_answer
from watchword.http.bodies import read_json, read_object
from watchword.http.payloads import parse_rows

if TYPE_CHECKING:
    from collections.abc import Mapping

    from watchword.backend.backend import Backend
    from watchword.http.endpoint import Call, Handler
    from watchword.http.settings import HttpSettings

Design = TypeVar("Design")


class CollectionChange(msgspec.Struct, frozen=True):
    """What may be changed of a collection; other members of the body are what a read shows, and say nothing."""

    collection: str | None = None
    meta: Members | UnsetType | None = UNSET


class RelationChange(msgspec.Struct, frozen=True):
    """What may be changed of a relation."""

    schema: Members | UnsetType | None = UNSET
    meta: Members | UnsetType | None = UNSET


def structure_routes(backend: Backend, settings: HttpSettings) -> dict[str, Mapping[str, Handler]]:
    """Return the handlers by path and method."""
    modelling = Modelling(backend.structure)
    limit = settings.max_payload_size
    collections, fields = Collections(modelling, limit), Fields(modelling, limit)
    relations = Relations(modelling, limit)
    return {
        "/collections": {"GET": collections.read, "POST": collections.create, "PATCH": collections.change_many},
        "/collections/{collection}": {
            "GET": collections.read_one,
            "PATCH": collections.change,
            "DELETE": collections.delete,
        },
        "/fields": {"GET": fields.read},
        "/fields/{collection}": {"GET": fields.read_of, "POST": fields.create, "PATCH": fields.change_many},
        "/fields/{collection}/{field}": {"GET": fields.read_one, "PATCH": fields.change, "DELETE": fields.delete},
        "/relations": {"GET": relations.read, "POST": relations.create},
        "/relations/{collection}": {"GET": relations.read_of},
        "/relations/{collection}/{field}": {
            "GET": relations.read_one,
            "PATCH": relations.change,
            "DELETE": relations.delete,
        },
    }


class Collections:
    """The handlers under `/collections`."""

    def __init__(self, modelling: Modelling, limit: int) -> None:
        self._modelling = modelling
        self._limit = limit

    async def read(self, call: Call) -> Answer:
        """Answer with all collections."""
        return json_answer({"data": self._modelling.collections(call.context)})

    async def read_one(self, call: Call) -> Answer:
        """Answer with one collection."""
        return json_answer({"data": self._modelling.collection(call.context, call.path("collection"))})

    async def create(self, call: Call) -> Answer:
        """Make one collection, or several."""
        self._modelling.check_administrator(call.context)
        body = await read_json(call.request, self._limit)
        designs = [
            decode_design(row, CollectionDesign) for row in (parse_rows(body) if isinstance(body, list) else [body])
        ]
        await self._modelling.create_collections(call.context, designs)
        made = [self._modelling.collection(call.context, design.collection) for design in designs]
        return json_answer({"data": made if isinstance(body, list) else made[0]})

    async def change(self, call: Call) -> Answer:
        """Say something of a collection."""
        self._modelling.check_administrator(call.context)
        name = call.path("collection")
        change = decode_design(await read_object(call.request, self._limit), CollectionChange)
        one_key(change.collection, name, "collection")
        if not isinstance(change.meta, UnsetType):
            await self._modelling.change_collections(call.context, [(name, change.meta)])
        return await self.read_one(call)

    async def change_many(self, call: Call) -> Answer:
        """Say something of several collections, each of which its object names."""
        self._modelling.check_administrator(call.context)
        changes = [decode_design(row, CollectionChange) for row in _rows(await read_json(call.request, self._limit))]
        given = [(_named(change.collection, "collection"), change.meta) for change in changes]
        said = [(name, meta) for name, meta in given if not isinstance(meta, UnsetType)]
        await self._modelling.change_collections(call.context, said)
        return json_answer({"data": [self._modelling.collection(call.context, name) for name, _ in given]})

    async def delete(self, call: Call) -> Answer:
        """Drop a collection."""
        await self._modelling.delete_collection(call.context, call.path("collection"))
        return NO_CONTENT


class Fields:
    """The handlers under `/fields`."""

    def __init__(self, modelling: Modelling, limit: int) -> None:
        self._modelling = modelling
        self._limit = limit

    async def read(self, call: Call) -> Answer:
        """Answer with all fields."""
        return json_answer({"data": self._modelling.fields(call.context)})

    async def read_of(self, call: Call) -> Answer:
        """Answer with a collection's fields."""
        return json_answer({"data": self._modelling.fields(call.context, call.path("collection"))})

    async def read_one(self, call: Call) -> Answer:
        """Answer with one field."""
        return self._one(call, call.path("field"))

    async def create(self, call: Call) -> Answer:
        """Add a field."""
        self._modelling.check_administrator(call.context)
        design = decode_design(await read_object(call.request, self._limit), FieldDesign)
        await self._modelling.create_field(call.context, call.path("collection"), design)
        return self._one(call, design.field)

    async def change(self, call: Call) -> Answer:
        """Change a field."""
        self._modelling.check_administrator(call.context)
        name = call.path("field")
        body = await read_object(call.request, self._limit)
        one_key(body.get("field"), name, "field")
        await self._modelling.change_fields(
            call.context, call.path("collection"), [decode_design(body | {"field": name}, FieldDesign)]
        )
        return self._one(call, name)

    async def change_many(self, call: Call) -> Answer:
        """Change several fields, each of which its object names."""
        self._modelling.check_administrator(call.context)
        collection = call.path("collection")
        designs = [decode_design(row, FieldDesign) for row in _rows(await read_json(call.request, self._limit))]
        await self._modelling.change_fields(call.context, collection, designs)
        told = [self._modelling.field(call.context, collection, design.field) for design in designs]
        return json_answer({"data": told})

    async def delete(self, call: Call) -> Answer:
        """Drop a field."""
        await self._modelling.delete_field(call.context, call.path("collection"), call.path("field"))
        return NO_CONTENT

    def _one(self, call: Call, name: str) -> Answer:
        return json_answer({"data": self._modelling.field(call.context, call.path("collection"), name)})


class Relations:
    """The handlers under `/relations`."""

    def __init__(self, modelling: Modelling, limit: int) -> None:
        self._modelling = modelling
        self._limit = limit

    async def read(self, call: Call) -> Answer:
        """Answer with all relations."""
        return json_answer({"data": self._modelling.relations(call.context)})

    async def read_of(self, call: Call) -> Answer:
        """Answer with a collection's relations."""
        return json_answer({"data": self._modelling.relations(call.context, call.path("collection"))})

    async def read_one(self, call: Call) -> Answer:
        """Answer with one relation."""
        return self._one(call, call.path("collection"), call.path("field"))

    async def create(self, call: Call) -> Answer:
        """Make a relation."""
        self._modelling.check_administrator(call.context)
        design = decode_design(await read_object(call.request, self._limit), RelationDesign)
        await self._modelling.create_relation(call.context, design)
        return self._one(call, design.collection, design.field)

    async def change(self, call: Call) -> Answer:
        """Change a relation."""
        self._modelling.check_administrator(call.context)
        collection, name = call.path("collection"), call.path("field")
        change = decode_design(await read_object(call.request, self._limit), RelationChange)
        design = RelationDesign(collection, name, schema=change.schema, meta=change.meta)
        await self._modelling.change_relation(call.context, design)
        return self._one(call, collection, name)

    async def delete(self, call: Call) -> Answer:
        """Drop a relation."""
        await self._modelling.delete_relation(call.context, call.path("collection"), call.path("field"))
        return NO_CONTENT

    def _one(self, call: Call, collection: str, name: str) -> Answer:
        return json_answer({"data": self._modelling.relation(call.context, collection, name)})


def decode_design(body: Any, design: type[Design]) -> Design:
    """Return what a body asks to be made.

    Raises:
        Problem: INVALID_PAYLOAD.
    """
    try:
        return msgspec.convert(body, design)
    except msgspec.ValidationError as error:
        raise invalid_payload(str(error)) from None


def _rows(body: Any) -> list[dict[str, Any]]:
    if not isinstance(body, list):
        raise invalid_payload('"value" must be an array')
    return parse_rows(body)


def _named(name: str | None, member: str) -> str:
    if name is None:
        raise invalid_payload(f'"{member}" is required')
    return name
