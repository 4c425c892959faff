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
    composite = len(collection.key) > 1
    parts = str(value).split(",") if composite else [value]
    if len(parts) != len(collection.key) or any(isinstance(part, (bool, dict, list)) or part is None for part in parts):
        return None
    try:
        return tuple(
            convert(collection.fields[name].type, part) for name, part in zip(collection.key, parts, strict=True)
        )
    except ValueError:
        return None


def parse_keys(collection: Collection, values: Iterable[Any]) -> list[Key]:
    """Return the keys that values stand for, each once, in their order; what no row can have is left out."""
    parsed = (parse_key(collection, value) for value in values)
    return list({key: None for key in parsed if key is not None})
