"""Reads pydantic v2 models, by the JSON Schema that they have for what they read and for what they write.

The schema is made by pydantic itself, which is told to note what JSON Schema does not say: the class that an object
is, and the keys of a mapping. Of what a model writes, no member is missing because it has a default.
"""

from __future__ import annotations

import inspect
from enum import Enum
from typing import TYPE_CHECKING, Any

from watchword.app.typescript import types as ts
from watchword.app.typescript.constraints import doc_of_schema
from watchword.app.typescript.types import Side, Unexportable

if TYPE_CHECKING:
    from collections.abc import Callable

    from watchword.app.typescript.types import Key, Type

    Declare = Callable[[Key, Any, Callable[[], Type]], Type]

Json = dict[str, Any]

_CLASS, _KEYS = "x-class", "x-keys"
_DEFINITIONS = "#/$defs/"
_MODES = {Side.INPUT: "validation", Side.OUTPUT: "serialization"}
_NAMED = ("model_schema", "dataclass_schema", "typed_dict_schema", "enum_schema")
_OWN = ("model-field", "dataclass-field")
_WORDS = {"integer": ts.NUMBER, "number": ts.NUMBER, "boolean": ts.BOOLEAN, "null": ts.NULL}
_NATIVE = {"date-time": ts.DATE, "date": ts.DATE, "binary": ts.BYTES, "base64url": ts.BYTES}


class ModelReader:
    """Reads models on one side; what has to be declared for them is told to `declare`."""

    def __init__(self, side: Side, declare: Declare, *, is_native: bool) -> None:
        self._side = side
        self._declare = declare
        self._is_native = is_native
        self._classes: dict[int, Any] = {}

    def read(self, model: Any) -> Type:
        """Return the type of a model.

        Raises:
            Unexportable: pydantic has no schema for it.
        """
        base = inspect.signature(model.model_json_schema).parameters["schema_generator"].default
        try:
            schema: Json = model.model_json_schema(mode=_MODES[self._side], schema_generator=self._generator(base))
        except TypeError as error:  # pydantic's own error is one
            raise Unexportable(str(error)) from error
        return _Schema(self._is_native, schema.get("$defs", {}), self._classes, self._declare).type(schema)

    def _generator(self, base: Any) -> Any:
        """Return pydantic's generator of schemas, with notes; pydantic is not imported here, it need not be there."""
        classes = self._classes

        def noting(name: str) -> Callable[[Any, Any], Json]:
            def describe(self: Any, schema: Any) -> Json:
                made: Json = getattr(base, name)(self, schema)
                classes[id(schema["cls"])] = schema["cls"]
                return made | {_CLASS: id(schema["cls"])}

            return describe

        def dict_schema(self: Any, schema: Any) -> Json:
            made: Json = base.dict_schema(self, schema)
            return made | ({_KEYS: self.generate_inner(schema["keys_schema"])} if "keys_schema" in schema else {})

        def field_is_required(self: Any, field: Any, *rest: Any, **named: Any) -> bool:
            if self.mode == "serialization" and field["type"] in _OWN:
                return not field.get("serialization_exclude")
            return bool(base.field_is_required(self, field, *rest, **named))

        noted = {name: noting(name) for name in _NAMED}
        return type(
            base.__name__, (base,), noted | {"dict_schema": dict_schema, "field_is_required": field_is_required}
        )


class _Schema:
    """Reads one schema."""

    def __init__(self, is_native: bool, definitions: Json, classes: dict[int, Any], declare: Declare) -> None:
        self._is_native = is_native
        self._definitions = definitions
        self._classes = classes
        self._declare = declare

    def type(self, schema: Any) -> Type:
        """Return the type that a schema describes."""
        if not isinstance(schema, dict):
            return ts.UNKNOWN
        if _CLASS in schema:
            cls = self._classes[schema[_CLASS]]
            key = cls if issubclass(cls, Enum) else (cls, "pydantic")
            return self._declare(key, cls, lambda: self._body(schema))
        return self._body(schema)

    def _body(self, schema: Json) -> Type:
        if "$ref" in schema:
            return self.type(self._definitions[schema["$ref"].removeprefix(_DEFINITIONS)])
        if "const" in schema or "enum" in schema:
            return _literals(schema.get("enum", [schema.get("const")]))
        for name in ("anyOf", "oneOf"):
            if name in schema:
                return ts.one_of(map(self.type, schema[name]))
        if "allOf" in schema:
            parts = tuple(map(self.type, schema["allOf"]))
            return parts[0] if len(parts) == 1 else ts.AllOf(parts)
        named = schema.get("type")
        if isinstance(named, list):
            return ts.one_of(self._body(schema | {"type": each}) for each in named)
        return self._of_type(named, schema)

    def _of_type(self, named: Any, schema: Json) -> Type:
        match named:
            case "array":
                return self._array(schema)
            case "object":
                return self._object(schema)
            case "string":
                return _NATIVE.get(schema.get("format", ""), ts.STRING) if self._is_native else ts.STRING
            case str() if named in _WORDS:
                return _WORDS[named]
            case _:
                return ts.UNKNOWN

    def _array(self, schema: Json) -> Type:
        if "prefixItems" in schema:
            items = tuple(map(self.type, schema["prefixItems"]))
            return ts.TupleOf(items, min(schema.get("minItems", len(items)), len(items)))
        item = self.type(schema.get("items"))
        if schema.get("maxItems") == 0 and "items" not in schema:
            return ts.TupleOf((), 0)
        return ts.Applied("Set", (item,)) if self._is_native and schema.get("uniqueItems") else ts.ListOf(item)

    def _object(self, schema: Json) -> Type:
        more = schema.get("additionalProperties")
        if "properties" not in schema:
            return self._mapping(schema.get(_KEYS, {"type": "string"}), more)
        required = set(schema.get("required", ()))
        members = [
            ts.Member(name, self.type(each), name not in required, doc_of_schema(each, is_native=self._is_native))
            for name, each in schema.get("properties", {}).items()
        ]
        return ts.Members(tuple(members), ts.UNKNOWN if more else None)

    def _mapping(self, key: Json, value: Any) -> Type:
        keys, values = self.type(key), self.type(value)
        if self._is_native and not self._is_text(key):
            return ts.Applied("Map", (keys, values))
        if isinstance(keys, (ts.Literals, ts.Reference)):
            return ts.Applied("Partial", (ts.Applied("Record", (keys, values)),))
        return ts.Applied("Record", (ts.STRING, values))

    def _is_text(self, key: Json) -> bool:
        """Whether keys are texts also where others could be."""
        found = self._definitions[key["$ref"].removeprefix(_DEFINITIONS)] if "$ref" in key else key
        values = found.get("enum", [found["const"]] if "const" in found else None)
        if values is not None:
            return all(isinstance(value, str) for value in values)
        return self.type(found) in {ts.STRING, ts.UNKNOWN}


def _literals(values: list[Any]) -> Type:
    plain = all(value is None or isinstance(value, str | int | float) for value in values)
    return ts.Literals(tuple(values)) if plain else ts.UNKNOWN
