"""Reads types of Python: what msgspec understands, and whole pydantic models."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, get_args, get_origin

import msgspec
from msgspec import NODEFAULT
from msgspec import inspect as kinds

from watchword.app.typescript import types as ts
from watchword.app.typescript.classes import declaration
from watchword.app.typescript.constraints import doc_of_field
from watchword.app.typescript.models import ModelReader
from watchword.app.typescript.types import Side, Unexportable
from watchword.backend.signatures import PydanticShape, UploadShape, shape_of
from watchword.backend.uploads import FormData

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from enum import Enum

    from watchword.app.typescript.types import Declaration, Key, Type

_Object = kinds.StructType | kinds.DataclassType | kinds.TypedDictType

_WORDS: dict[type[kinds.Type], ts.Word] = {
    kinds.AnyType: ts.UNKNOWN,
    kinds.RawType: ts.UNKNOWN,
    kinds.NoneType: ts.NULL,
    kinds.BoolType: ts.BOOLEAN,
    kinds.IntType: ts.NUMBER,
    kinds.FloatType: ts.NUMBER,
    kinds.StrType: ts.STRING,
    kinds.UUIDType: ts.STRING,
    kinds.DecimalType: ts.STRING,
    kinds.TimeType: ts.STRING,
    kinds.TimeDeltaType: ts.STRING,
}
_NATIVE: dict[type[kinds.Type], ts.Word] = {
    kinds.DateTimeType: ts.DATE,
    kinds.DateType: ts.DATE,
    kinds.BytesType: ts.BYTES,
    kinds.ByteArrayType: ts.BYTES,
    kinds.MemoryViewType: ts.BYTES,
}
_TEXTS = (kinds.StrType, kinds.UUIDType, kinds.DecimalType, kinds.TimeType, kinds.TimeDeltaType)
_FACTORIES = (list, dict, set)
_BINARY = ts.one_of((ts.Word("Blob"), ts.BYTES))


class Reader:
    """Reads what clients send, or what they get, and remembers what has to be declared for it.

    `is_native` says that values may be more than JSON: dates, bytes, sets and maps.
    """

    def __init__(self, side: Side, *, is_native: bool) -> None:
        self.side = side
        self.is_native = is_native
        self.declarations: dict[Key, Declaration] = {}
        self._begun: set[Key] = set()
        self._models = ModelReader(side, self.declare, is_native=is_native)

    def read(self, kind: Any) -> Type:
        """Return the type that an annotation is.

        Raises:
            Unexportable: there is none.
        """
        shape = shape_of(kind)
        if isinstance(shape, UploadShape):
            return ts.Word("FormData") if kind is FormData else _BINARY
        if isinstance(shape, PydanticShape):
            return self._models.read(kind)
        return self._type(_described(kind))

    def read_members(self, kind: type[msgspec.Struct]) -> ts.Members:
        """Return what the members of an object are that nobody has given a name.

        Raises:
            Unexportable: the type of one is none of TypeScript's.
        """
        found = _described(kind)
        if not isinstance(found, kinds.StructType):
            raise Unexportable(f"{kind!r} is no Struct")
        return self._members(found)

    def declare(self, key: Key, cls: Any, body: Callable[[], Type]) -> Type:
        """Return the reference to a type that is declared; its body is looked at once."""
        if key not in self._begun:
            self._begun.add(key)
            self.declarations[key] = declaration(cls, body())
        return ts.Reference(key)

    def _type(self, found: kinds.Type) -> Type:  # noqa: C901 - one line a type
        match found:
            case kinds.Metadata(type=inner):
                return self._type(inner)
            case kinds.LiteralType(values=values):
                return ts.Literals(values)
            case kinds.EnumType(cls=enumeration):
                return self.declare(enumeration, enumeration, lambda: _values_of(enumeration))
            case kinds.UnionType(types=options):
                return ts.one_of(map(self._type, options))
            case kinds.ListType(item_type=item) | kinds.VarTupleType(item_type=item):
                return ts.ListOf(self._type(item))
            case kinds.SetType(item_type=item) | kinds.FrozenSetType(item_type=item):
                return ts.Applied("Set", (self._type(item),)) if self.is_native else ts.ListOf(self._type(item))
            case kinds.TupleType(item_types=items):
                return ts.TupleOf(tuple(map(self._type, items)), len(items))
            case kinds.DictType(key_type=key, value_type=value):
                return self._mapping(key, value)
            case kinds.NamedTupleType(cls=cls):
                return self.declare(cls, cls, lambda: self._places(found))
            case kinds.StructType(cls=cls, array_like=True):
                return self.declare(cls, cls, lambda: self._places(found))
            case kinds.StructType(cls=cls) | kinds.DataclassType(cls=cls) | kinds.TypedDictType(cls=cls):
                return self.declare(cls, cls, lambda: self._members(found))
            case _:
                return self._word(found)

    def _word(self, found: kinds.Type) -> Type:
        kind = type(found)
        if kind in _NATIVE:
            return _NATIVE[kind] if self.is_native else ts.STRING
        if kind in _WORDS:
            return _WORDS[kind]
        if isinstance(found, kinds.CustomType) and found.cls is object:
            return ts.UNKNOWN
        cls = getattr(found, "cls", found)
        if isinstance(shape_of(cls), PydanticShape):
            raise Unexportable(f"{cls!r} is a pydantic model, which has to be the whole of it")
        raise Unexportable(f"there is no type for {cls!r} in TypeScript")

    def _mapping(self, key: kinds.Type, value: kinds.Type) -> Type:
        keys, values = self._type(key), self._type(value)
        if self.is_native and not _is_text(key):
            return ts.Applied("Map", (keys, values))
        if isinstance(keys, (ts.Literals, ts.Reference)):
            return ts.Applied("Partial", (ts.Applied("Record", (keys, values)),))
        return ts.Applied("Record", (ts.STRING, values))

    def _members(self, found: _Object) -> ts.Members:
        tag: list[ts.Member] = []
        if isinstance(found, kinds.StructType) and found.tag_field is not None:
            tag = [ts.Member(found.tag_field, ts.Literals((found.tag,)))]
        absent = self._absent(found)
        members = [
            ts.Member(
                field.encode_name,
                self._type(field.type),
                field.name in absent,
                doc_of_field(field, is_native=self.is_native),
            )
            for field in found.fields
        ]
        return ts.Members((*tag, *members))

    def _places(self, found: kinds.StructType | kinds.NamedTupleType) -> Type:
        tag = [ts.Literals((found.tag,))] if isinstance(found, kinds.StructType) and found.tag is not None else []
        absent = self._absent(found) if self.side is Side.INPUT else frozenset()
        required = sum(1 for field in found.fields if field.name not in absent)
        return ts.TupleOf((*tag, *(self._type(field.type) for field in found.fields)), len(tag) + required)

    def _absent(self, found: _Object | kinds.NamedTupleType) -> frozenset[str]:
        """Return which members may be missing."""
        optional = [field for field in found.fields if not field.required]
        if self.side is Side.INPUT:
            return frozenset(field.name for field in optional)
        absent = [field for field in optional if field.default is NODEFAULT and field.default_factory is NODEFAULT]
        if not isinstance(found, kinds.StructType):
            return frozenset(field.name for field in absent)
        cls: Any = get_origin(found.cls) or found.cls
        if cls.__struct_config__.omit_defaults:
            absent = [field for field in optional if field.default_factory in (NODEFAULT, *_FACTORIES)]
        return frozenset(field.name for field in absent) | _unset(cls)


def _described(kind: Any) -> kinds.Type:
    try:
        return kinds.type_info(kind)
    except (TypeError, NameError) as error:
        raise Unexportable(str(error)) from error
    except RecursionError as error:
        raise Unexportable("it has no end; give what is within itself a class") from error


def _unset(cls: Any) -> frozenset[str]:
    """Return which members of a Struct may be UNSET, which is to be left out."""
    fields: Iterable[msgspec.structs.FieldInfo] = msgspec.structs.fields(cls)
    return frozenset(field.name for field in fields if msgspec.UnsetType in get_args(field.type))


def _values_of(cls: type[Enum]) -> ts.Literals:
    return ts.Literals(tuple(member.value for member in cls))


def _is_text(key: kinds.Type) -> bool:
    """Whether keys are texts also where others could be."""
    match key:
        case kinds.Metadata(type=inner):
            return _is_text(inner)
        case kinds.LiteralType(values=values):
            return all(isinstance(value, str) for value in values)
        case kinds.EnumType(cls=cls):
            return all(isinstance(member.value, str) for member in cls)
        case kinds.UnionType(types=options):
            return all(map(_is_text, options))
        case kinds.AnyType():
            return True
        case _:
            return isinstance(key, _TEXTS)
