"""Paths of the structure: collections, fields and relations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from watchword.backend.modelling import COLLECTIONS, FIELDS, RELATIONS
from watchword.data.designs import ACTIONS
from watchword.data.meta import CollectionMeta, FieldMeta, RelationMeta
from watchword.http.openapi.operations import in_path, operation
from watchword.http.openapi.schemas import ANYTHING, FLAG, OBJECT, TEXT, data_of, nullable, part, several, whole

if TYPE_CHECKING:
    from collections.abc import Collection

    from watchword.http.openapi.schemas import Json

_COUNT: Json = {"type": "integer", "minimum": 0}
_PERHAPS = nullable(TEXT)
_COUNT_PERHAPS = nullable(_COUNT)
_ACTION: Json = {"type": ["string", "null"], "enum": [*ACTIONS, None]}


def readers(resources: Collection[str]) -> dict[str, Json]:
    """The paths that read the structure, for those who may read these of its parts."""
    found = {
        "/fields": (FIELDS, "Read the fields of all collections", data_of(several(_FIELD))),
        "/fields/{collection}": (FIELDS, "Read the fields of a collection", data_of(several(_FIELD))),
        "/fields/{collection}/{field}": (FIELDS, "Read a field", data_of(_FIELD)),
        "/relations": (RELATIONS, "Read the relations of all collections", data_of(several(_RELATION))),
        "/relations/{collection}": (RELATIONS, "Read the relations of a collection", data_of(several(_RELATION))),
        "/relations/{collection}/{field}": (RELATIONS, "Read a relation", data_of(_RELATION)),
        "/collections": (COLLECTIONS, "Read the collections", data_of(several(_COLLECTION))),
        "/collections/{collection}": (COLLECTIONS, "Read a collection", data_of(_COLLECTION)),
    }
    return {
        path: _at(path, get=operation(summary, "structure", answer=answer))
        for path, (resource, summary, answer) in found.items()
        if resource in resources
    }


def administrators() -> dict[str, Json]:
    """The paths that read and change the structure."""
    found = readers((COLLECTIONS, FIELDS, RELATIONS))
    for path, methods in _CHANGES.items():
        found[path] = found[path] | methods
    return found


def _at(path: str, **methods: Json) -> Json:
    """Put the names in a path before its methods."""
    known = {"collection": "The name of the collection.", "field": "The name of the field."}
    named = [in_path(name, text) for name, text in known.items() if f"{{{name}}}" in path]
    return ({"parameters": named} if named else {}) | methods


def _members(kind: type[msgspec.Struct]) -> dict[str, Json]:
    """Describe the members of what is said of something, as they are told."""
    described: dict[str, Any] = msgspec.json.schema(kind)["$defs"][kind.__name__]["properties"]
    return {name: {key: value for key, value in each.items() if key != "default"} for name, each in described.items()}


def _said(kind: type[msgspec.Struct]) -> Json:
    """Describe what is said of something: null where nothing is; the system's own says so."""
    told = whole(**_members(kind))
    return nullable(told | {"properties": told["properties"] | {"system": FLAG}})


def _saying(kind: type[msgspec.Struct]) -> Json:
    """Describe what a caller may say; null leaves a member at its default."""
    members = {
        name: ANYTHING if not each else {"anyOf": [each, {"type": "null"}]} for name, each in _members(kind).items()
    }
    return {"type": ["object", "null"], "properties": members | {"system": FLAG}, "additionalProperties": False}


_COLLECTION = whole(collection=TEXT, meta=_said(CollectionMeta), schema=nullable(whole(name=TEXT)))
_FIELD = whole(
    collection=TEXT,
    field=TEXT,
    type=TEXT,
    schema=nullable(
        whole(
            name=TEXT,
            table=TEXT,
            data_type=TEXT,
            default_value=ANYTHING,
            generation_expression=_PERHAPS,
            max_length=_COUNT_PERHAPS,
            numeric_precision=_COUNT_PERHAPS,
            numeric_scale=nullable({"type": "integer"}),
            is_generated=FLAG,
            is_nullable=FLAG,
            is_unique=FLAG,
            is_indexed=FLAG,
            is_primary_key=FLAG,
            has_auto_increment=FLAG,
            foreign_key_schema=_PERHAPS,
            foreign_key_table=_PERHAPS,
            foreign_key_column=_PERHAPS,
            comment=_PERHAPS,
        )
    ),
    meta=_said(FieldMeta),
)
_RELATION = whole(
    collection=TEXT,
    field=TEXT,
    related_collection=TEXT,
    schema=nullable(
        whole(
            constraint_name=_PERHAPS,
            table=TEXT,
            column=TEXT,
            foreign_key_schema=_PERHAPS,
            foreign_key_table=TEXT,
            foreign_key_column=TEXT,
            on_update=TEXT,
            on_delete=TEXT,
        )
    ),
    meta=_said(RelationMeta),
)

_COLUMN = nullable(
    part(
        max_length=_COUNT_PERHAPS,
        numeric_precision=_COUNT_PERHAPS,
        numeric_scale=_COUNT_PERHAPS,
        default_value=ANYTHING,
        is_nullable=nullable(FLAG),
        is_unique=nullable(FLAG),
        is_indexed=nullable(FLAG),
        is_primary_key=nullable(FLAG),
        has_auto_increment=nullable(FLAG),
    )
)
_KEY = nullable(part(on_delete=_ACTION, on_update=_ACTION))
_NEW_FIELD = part("field", field=TEXT, type=_PERHAPS, schema=_COLUMN, meta=_saying(FieldMeta))
_NEW_COLLECTION = part(
    "collection",
    collection=TEXT,
    schema=nullable(OBJECT),
    meta=_saying(CollectionMeta),
    fields={"type": ["array", "null"], "items": _NEW_FIELD},
)
_NEW_RELATION = part(
    "collection",
    "field",
    collection=TEXT,
    field=TEXT,
    related_collection=_PERHAPS,
    schema=_KEY,
    meta=_saying(RelationMeta),
)
_OLD_COLLECTION = part("collection", collection=TEXT, meta=_saying(CollectionMeta))


def _writing(summary: str, body: Json, answer: Json) -> Json:
    return operation(summary, "structure", answer=data_of(answer), body=body)


def _either(of: Json) -> Json:
    return {"anyOf": [of, several(of)]}


_CHANGES: dict[str, Json] = {
    "/collections": {
        "post": _writing("Make one or several collections", _either(_NEW_COLLECTION), _either(_COLLECTION)),
        "patch": _writing("Change several collections", several(_OLD_COLLECTION), several(_COLLECTION)),
    },
    "/collections/{collection}": {
        "patch": _writing("Change a collection", part(meta=_saying(CollectionMeta)), _COLLECTION),
        "delete": operation("Drop a collection with its items", "structure"),
    },
    "/fields/{collection}": {
        "post": _writing("Add a field", _NEW_FIELD, _FIELD),
        "patch": _writing("Change several fields", several(_NEW_FIELD), several(_FIELD)),
    },
    "/fields/{collection}/{field}": {
        "patch": _writing("Change a field", part(type=TEXT, schema=_COLUMN, meta=_saying(FieldMeta)), _FIELD),
        "delete": operation("Drop a field with its values", "structure"),
    },
    "/relations": {"post": _writing("Make a relation", _NEW_RELATION, _RELATION)},
    "/relations/{collection}/{field}": {
        "patch": _writing("Change a relation", part(schema=_KEY, meta=_saying(RelationMeta)), _RELATION),
        "delete": operation("Drop a relation; its field stays", "structure"),
    },
}
