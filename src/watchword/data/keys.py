"""Keys: from what clients and addresses say to canonical values of a collection's key columns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from watchword.query.values import convert

if TYPE_CHECKING:
    from collections.abc import Iterable

    from watchword.data.schema import Collection

Key = tuple[Any, ...]
"""A key as canonical values, in the order of `Collection.key`."""


def parse_key(collection: Collection, value: Any) -> Key | None:
    """Return the key that a value stands for, or None where no row can have it.

    A composite key is its values joined by commas.
    """
    parts = str(value).split(",") if len(collection.key) > 1 else [value]
    return _key(collection, parts) if len(parts) == len(collection.key) else None


def parse_keys(collection: Collection, values: Iterable[Any]) -> list[Key]:
    """Return the keys that values stand for, each once, in their order; what no row can have is left out."""
    parsed = (parse_key(collection, value) for value in values)
    return list({key: None for key in parsed if key is not None})


def key_in(collection: Collection, item: dict[str, Any]) -> Key | None:
    """Return the key that an object holds; None when it does not hold all of one that a row can have."""
    return _key(collection, [item.get(name) for name in collection.key])


def _key(collection: Collection, parts: list[Any]) -> Key | None:
    if any(part is None or isinstance(part, (bool, dict, list)) for part in parts):
        return None
    kinds = (collection.fields[name].type for name in collection.key)
    try:
        return tuple(convert(kind, part) for kind, part in zip(kinds, parts, strict=True))
    except ValueError:
        return None


def told_keys(collection: Collection, keys: Iterable[Key]) -> list[Any]:
    """Return keys as clients are told them: the value itself, composite ones as text."""
    return [collection.key_of(dict(zip(collection.key, key, strict=True))) for key in keys]
