"""Schemas: what items look like, in answers and in bodies, as JSON Schema."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from watchword.access.permissions import Action
from watchword.query.types import FieldType

if TYPE_CHECKING:
    from collections.abc import Iterator

    from watchword.access.compile import Access, Rule
    from watchword.data.schema import Collection, Field, Relation, Schema

Json = dict[str, Any]

ANYTHING: Json = {}
NULL: Json = {"type": "null"}
OBJECT: Json = {"type": "object"}
TEXT: Json = {"type": "string"}
FLAG: Json = {"type": "boolean"}
KEY: Json = {"type": ["string", "integer"]}

_TYPES: dict[FieldType, Json] = {
    FieldType.STRING: TEXT,
    FieldType.TEXT: TEXT,
    FieldType.HASH: TEXT,
    FieldType.UUID: {"type": "string", "format": "uuid"},
    FieldType.INTEGER: {"type": "integer"},
    FieldType.BIG_INTEGER: {"type": ["integer", "string"], "description": "A text beyond 2^53."},
    FieldType.FLOAT: {"type": "number"},
    FieldType.DECIMAL: {"type": ["string", "number"], "description": "A text where no digit may be lost."},
    FieldType.BOOLEAN: FLAG,
    FieldType.DATE: {"type": "string", "format": "date"},
    FieldType.TIME: {"type": "string", "description": "`HH:MM:SS`"},
    FieldType.DATE_TIME: {"type": "string", "description": "`YYYY-MM-DDTHH:MM:SS`, without a time zone"},
    FieldType.TIMESTAMP: {"type": "string", "format": "date-time"},
    FieldType.JSON: ANYTHING,
    FieldType.CSV: {"type": "array", "items": TEXT},
    FieldType.BINARY: {"type": "string", "contentEncoding": "base64"},
    FieldType.ALIAS: ANYTHING,
    FieldType.UNKNOWN: ANYTHING,
}


def data_of(schema: Json) -> Json:
    """Return the envelope of an answer."""
    return {"type": "object", "properties": {"data": schema}, "required": ["data"]}


def whole(**properties: Json) -> Json:
    """Describe an object that always has all of these."""
    return {"type": "object", "properties": properties, "required": list(properties)}


def part(*required: str, **properties: Json) -> Json:
    """Describe an object that may have these, and has those that are required."""
    told: Json = {"type": "object", "properties": properties}
    return told | {"required": list(required)} if required else told


def several(of: Json) -> Json:
    """Describe a list."""
    return {"type": "array", "items": of}


def shown_row(schema: Schema, collection: Collection, access: Access, *, wide: bool) -> Json:
    """Return what a row looks like to a caller. `fields` chooses among the properties, so none is required.

    What leads into collections out of sight is left out, as it is from rows. With `wide`, every integer may be one of
    64 bits, as in SQLite.
    """
    rule = access.rule(collection.name, Action.READ)
    properties = {
        field.name: _shown(collection, field, rule, wide=wide)
        for field in collection.fields.values()
        if rule.allows(field.name)
    }
    properties |= {
        name: _many(schema, relation)
        for name, relation in _aliases(collection)
        if rule.allows(name) and access.find(relation.related, Action.READ) is not None
    }
    return {"type": "object", "properties": properties}


def written_row(schema: Schema, collection: Collection, access: Access, action: Action) -> Json:
    """Return what a caller may write of a row; a create has to give what nothing else fills."""
    rule = access.rule(collection.name, action)
    writable = {name: field for name, field in collection.fields.items() if rule.allows(name) and not field.generated}
    properties = {name: _written(collection, field) for name, field in writable.items()}
    properties |= {
        name: _changes(schema, relation)
        for name, relation in _aliases(collection)
        if rule.allows(name) and any(access.find(relation.related, each) is not None for each in Action)
    }
    row: Json = {"type": "object", "properties": properties}
    if action is Action.CREATE:
        required = [name for name, field in writable.items() if field.required and name not in rule.presets]
        return row | {"required": required} if required else row
    return row


def key_of(collection: Collection) -> Json:
    """Return what the key of an item looks like; a composite one is a text."""
    if len(collection.key) > 1:
        return TEXT
    kind = collection.fields[collection.key[0]].type
    return _TYPES[kind] if kind is FieldType.UUID else KEY


def nullable(schema: Json) -> Json:
    """Return the same schema, null allowed."""
    kind = schema.get("type")
    if kind is None:
        return {"anyOf": [*schema["anyOf"], NULL]} if "anyOf" in schema else schema
    kinds = kind if isinstance(kind, list) else [kind]
    return schema | {"type": [*kinds, "null"]}


def _aliases(collection: Collection) -> Iterator[tuple[str, Relation]]:
    return ((name, each) for name, each in collection.relations.items() if each.many)


def _related_key(schema: Schema, relation: Relation) -> Json:
    return key_of(schema.collections[relation.related])


def _shown(collection: Collection, field: Field, rule: Rule, *, wide: bool) -> Json:
    kind = FieldType.BIG_INTEGER if wide and field.type is FieldType.INTEGER else field.type
    if field.name in collection.relations or field.name in collection.unions:
        return {"anyOf": [_TYPES[kind], OBJECT, NULL]}
    shown = TEXT if field.concealed else _TYPES[kind]
    # A singleton without a row is told with its defaults, and null where there is none.
    never_null = rule.is_uniform and not field.nullable and not collection.singleton
    return shown if never_null else nullable(shown)


def _many(schema: Schema, relation: Relation) -> Json:
    return {"type": ["array", "null"], "items": {"anyOf": [_related_key(schema, relation), OBJECT]}}


def _written(collection: Collection, field: Field) -> Json:
    written = _TYPES[field.type]
    if field.max_length is not None and written == TEXT and not field.concealed:
        written = written | {"maxLength": field.max_length}
    if field.name in collection.unions:
        return {"anyOf": [KEY, OBJECT, *([NULL] if field.nullable else [])]}
    if field.name in collection.relations:
        return {"anyOf": [_TYPES[field.type], OBJECT, *([NULL] if field.nullable else [])]}
    return nullable(written) if field.nullable else written


def _changes(schema: Schema, relation: Relation) -> Json:
    rows = {"type": "array", "items": OBJECT}
    key = _related_key(schema, relation)
    changes = {"create": rows, "update": rows, "delete": {"type": "array", "items": key}}
    return {
        "anyOf": [
            {"type": "array", "items": {"anyOf": [key, OBJECT]}},
            {"type": "object", "properties": changes, "additionalProperties": False},
            NULL,
        ]
    }
