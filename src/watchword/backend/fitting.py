"""Makes values of JavaScript fit the types of Python, where those tell apart what JavaScript does not.

A Date stands for a date too, `undefined` for a member that is left out or for null, and -0 for an integer.
"""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import repeat
from typing import TYPE_CHECKING, Any

from msgspec import UNSET
from msgspec import inspect as kinds

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date

_UNTYPED = (kinds.AnyType, kinds.CustomType)
_OBJECTS = (kinds.StructType, kinds.DataclassType, kinds.TypedDictType)
_HOMOGENEOUS = (kinds.ListType, kinds.SetType, kinds.FrozenSetType, kinds.VarTupleType)
_POSITIONAL = (kinds.TupleType, kinds.NamedTupleType)


def fitted(value: Any, kind: kinds.Type) -> Any:
    """Return a value as its type wants it; what does not fit at all stays as it is."""
    kind = _without_metadata(kind)
    if isinstance(kind, _UNTYPED):
        return value
    if value is UNSET:
        return None
    if isinstance(kind, kinds.UnionType):
        kind = _chosen(value, kind.types)
    if isinstance(value, dict):
        return _with_members(value, kind)
    if isinstance(value, list | tuple | set | frozenset):
        return _with_items(value, kind)
    if isinstance(value, datetime) and isinstance(kind, kinds.DateType):
        return utc_date(value)
    return 0 if isinstance(kind, kinds.IntType) and isinstance(value, float) and value == 0 else value


def _without_metadata(kind: kinds.Type) -> kinds.Type:
    while isinstance(kind, kinds.Metadata):
        kind = kind.type
    return kind


def utc_date(value: datetime) -> date:
    """Return the date of a moment in UTC."""
    return (value if value.tzinfo is None else value.astimezone(UTC)).date()


def _with_members(value: dict[Any, Any], kind: kinds.Type) -> dict[Any, Any]:
    given = {key: each for key, each in value.items() if each is not UNSET}
    if isinstance(kind, kinds.DictType):
        return {fitted(key, kind.key_type): fitted(each, kind.value_type) for key, each in given.items()}
    if isinstance(kind, _OBJECTS):
        types = {field.encode_name: field.type for field in kind.fields}
        return {key: fitted(each, types[key]) if key in types else each for key, each in given.items()}
    return given


def _with_items(value: Any, kind: kinds.Type) -> Any:
    items = [fitted(each, inner) for each, inner in zip(value, _item_types(kind), strict=False)]
    if len(items) < len(value):
        return value
    return items if isinstance(value, list) else type(value)(items)


def _item_types(kind: kinds.Type) -> Iterable[kinds.Type]:
    if isinstance(kind, _HOMOGENEOUS):
        return repeat(kind.item_type)
    if isinstance(kind, kinds.TupleType):
        return kind.item_types
    if isinstance(kind, kinds.NamedTupleType):
        return [field.type for field in kind.fields]
    if isinstance(kind, kinds.StructType) and kind.array_like:
        tag = [] if kind.tag is None else [kinds.AnyType()]
        return [*tag, *(field.type for field in kind.fields)]
    return ()


def _chosen(value: Any, types: Iterable[kinds.Type]) -> kinds.Type:
    """Return which type of a union a value is to fit: msgspec only has unions that can be told apart."""
    plain = [_without_metadata(each) for each in types]
    if isinstance(value, float) and any(isinstance(each, kinds.FloatType) for each in plain):
        return kinds.FloatType()
    return next((each for each in plain if _may_be(value, each)), kinds.AnyType())


def _may_be(value: Any, kind: kinds.Type) -> bool:
    if isinstance(kind, kinds.StructType):
        return isinstance(value, list if kind.array_like else dict) and _has_tag(value, kind)
    if isinstance(value, dict):
        return isinstance(kind, (*_OBJECTS, kinds.DictType))
    if isinstance(value, list | tuple | set | frozenset):
        return isinstance(kind, (*_HOMOGENEOUS, *_POSITIONAL))
    return isinstance(kind, kinds.DateType if isinstance(value, datetime) else kinds.IntType)


def _has_tag(value: Any, kind: kinds.StructType) -> bool:
    if kind.tag_field is None:
        return True
    found = value.get(kind.tag_field) if isinstance(value, dict) else next(iter(value), None)
    return bool(found == kind.tag)
