"""Snapshots: the structure as one document, how one differs from another, and what that difference asks for.

A difference is a list of entries for each part: `N` for new, `D` for dropped, `E` for a member that becomes another
one, with its path. What each database says in its own way (`data_type`, names of constraints) is no difference.
"""

from __future__ import annotations

import hashlib
from copy import deepcopy
from typing import TYPE_CHECKING, Any

import msgspec

from watchword.access.compile import FULL_ACCESS
from watchword.base import json
from watchword.base.errors import invalid_payload
from watchword.data.describe import Description
from watchword.data.meta import CollectionMeta, FieldMeta, RelationMeta

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from watchword.data.catalogue import Catalogue

VERSION = 1

_SYSTEM = "directus_"
_VENDORS = {"sqlite": "sqlite", "postgresql": "postgres"}
_META: dict[str, type[msgspec.Struct]] = {
    "collections": CollectionMeta,
    "fields": FieldMeta,
    "relations": RelationMeta,
}
_OWN = frozenset({"id", "system"})
_SCHEMA: dict[str, frozenset[str]] = {
    "collections": frozenset(),
    "fields": frozenset(
        {
            "default_value",
            "max_length",
            "numeric_precision",
            "numeric_scale",
            "is_nullable",
            "is_unique",
            "is_indexed",
            "is_primary_key",
            "has_auto_increment",
        }
    ),
    "relations": frozenset({"on_delete", "on_update"}),
}
_KEYS = {"collections": ("collection",), "fields": ("collection", "field"), "relations": ("collection", "field")}


class Part(msgspec.Struct, frozen=True):
    """A collection, a field or a relation in a snapshot, as far as each has these members."""

    collection: str
    field: str | None = None
    type: str | None = None
    related_collection: str | None = None
    schema: dict[str, Any] | None = None
    meta: dict[str, Any] | None = None


class Snapshot(msgspec.Struct, frozen=True):
    """A structure as a document."""

    collections: list[Part] = []
    fields: list[Part] = []
    relations: list[Part] = []
    version: int | None = None
    directus: str | None = None
    vendor: str | None = None


class Change(msgspec.Struct, frozen=True):
    """One entry of a difference."""

    kind: str
    path: list[str] = []
    rhs: Any = None


class Changed(msgspec.Struct, frozen=True):
    """What becomes of one part."""

    collection: str
    diff: list[Change]
    field: str | None = None


class Difference(msgspec.Struct, frozen=True):
    """What has to become of the structure."""

    collections: list[Changed] = []
    fields: list[Changed] = []
    relations: list[Changed] = []


class Diff(msgspec.Struct, frozen=True):
    """A difference, and the structure that it is a difference to."""

    hash: str
    diff: Difference = Difference()


def snapshot(catalogue: Catalogue, release: str) -> dict[str, Any]:
    """Return the structure without the system's own parts."""
    told = Description(catalogue, FULL_ACCESS)
    document: dict[str, Any] = {
        "version": VERSION,
        "directus": release,
        "vendor": _VENDORS[catalogue.kind],
        "collections": _without_own(told.collections()),
        "fields": _without_own(told.fields()),
        "systemFields": [],
        "relations": _without_own(told.relations()),
    }
    plain: dict[str, Any] = json.decode(json.encode(document))  # as it comes back to be compared
    return plain


def fingerprint(document: dict[str, Any]) -> str:
    """Return a text that is another one for every other structure."""
    return hashlib.sha256(json.encode(document)).hexdigest()


def check_comparable(document: dict[str, Any], wanted: Snapshot) -> None:
    """Refuse to compare what comes from another database or version.

    Raises:
        Problem: INVALID_PAYLOAD.
    """
    for member in ("version", "vendor"):
        given = getattr(wanted, member)
        if given is not None and given != document[member]:
            raise invalid_payload(
                f'The snapshot\'s {member} "{given}" is not "{document[member]}"; "force" compares all the same'
            )


def differences(document: dict[str, Any], wanted: Snapshot) -> dict[str, list[dict[str, Any]]] | None:
    """Return what has to become of the structure to be as wanted; None where it is already."""
    found: dict[str, list[dict[str, Any]]] = {"collections": [], "fields": [], "systemFields": [], "relations": []}
    for kind, names in _KEYS.items():
        parts: Sequence[Part] = getattr(wanted, kind)
        ours = [part for part in parts if not part.collection.startswith(_SYSTEM)]
        there = {_key(kind, each): each for each in map(msgspec.to_builtins, ours)}
        here = {_key(kind, each): each for each in document[kind]}
        for key in [*here, *(key for key in there if key not in here)]:
            entries = list(_compare(kind, here.get(key), there.get(key)))
            if entries:
                found[kind].append(dict(zip(names, key, strict=True)) | _related(here, there, key, kind, entries))
    return found if any(found.values()) else None


def becoming(kind: str, document: dict[str, Any], difference: Sequence[Changed]) -> list[tuple[Changed, Part | None]]:
    """Return the parts of a difference with what each shall be; None where it shall not be.

    Raises:
        Problem: INVALID_PAYLOAD for entries that make no sense.
    """
    here = {_key(kind, each): each for each in document[kind]}
    return [(each, _become(kind, here.get(_named(kind, each)), each)) for each in difference]


def _become(kind: str, present: Any, changed: Changed) -> Part | None:
    wanted = deepcopy(present)
    for change in changed.diff:
        if change.kind == "D" and not change.path:
            return None
        if change.kind == "N" and not change.path:
            wanted = change.rhs
        elif change.path and isinstance(wanted, dict):
            _set(wanted, change)
        else:
            raise invalid_payload(f'"diff" of "{changed.collection}" changes what there is not')
    try:
        return msgspec.convert(_known(kind, wanted), Part)
    except msgspec.ValidationError as error:
        raise invalid_payload(str(error)) from None


def _without_own(parts: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Leave out the system's parts, and numbers that mean nothing elsewhere."""
    kept = []
    for part in parts:
        if part["collection"].startswith(_SYSTEM):
            continue
        meta = part["meta"]
        plain = None if meta is None else {name: value for name, value in meta.items() if name not in _OWN}
        kept.append(part | {"meta": plain})
    return kept


def _key(kind: str, part: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(part.get(name) for name in _KEYS[kind])


def _named(kind: str, changed: Changed) -> tuple[Any, ...]:
    return tuple(getattr(changed, name) for name in _KEYS[kind])


def _related(
    here: dict[Any, dict[str, Any]], there: dict[Any, dict[str, Any]], key: Any, kind: str, entries: list[Any]
) -> dict[str, Any]:
    if kind != "relations":
        return {"diff": entries}
    return {"related_collection": (there.get(key) or here[key])["related_collection"], "diff": entries}


def _compare(kind: str, here: dict[str, Any] | None, there: dict[str, Any] | None) -> Iterator[dict[str, Any]]:
    if here is None:
        yield {"kind": "N", "rhs": there}
    elif there is None:
        yield {"kind": "D", "lhs": here}
    else:
        yield from _members(_known(kind, here), _known(kind, there), [])


def _members(here: dict[str, Any], there: dict[str, Any], path: list[str]) -> Iterator[dict[str, Any]]:
    """Yield the members that become other ones; what the other side does not mention stays."""
    for name, value in there.items():
        before = here.get(name)
        if isinstance(before, dict) and isinstance(value, dict) and not path:
            yield from _members(before, value, [name])
        elif before != value:
            yield {"kind": "E", "path": [*path, name], "lhs": before, "rhs": value}


def _known(kind: str, part: Any) -> dict[str, Any]:
    """Return the members of a part that can be compared and made."""
    if not isinstance(part, dict):
        raise invalid_payload('"rhs" must be of type object')
    known = {name: part[name] for name in ("collection", "field", "type", "related_collection") if name in part}
    schema, meta = part.get("schema"), part.get("meta")
    if not isinstance(schema, dict | None) or not isinstance(meta, dict | None):
        raise invalid_payload('"schema" and "meta" must be of type object')
    names = _META[kind].__struct_fields__
    known["schema"] = None if schema is None else {name: schema[name] for name in _SCHEMA[kind] if name in schema}
    known["meta"] = None if meta is None else {name: meta[name] for name in names if name in meta and name not in _OWN}
    if schema is not None and schema.get("has_auto_increment"):
        known["schema"]["default_value"] = None  # a sequence of this or that name
    return known


def _set(part: dict[str, Any], change: Change) -> None:
    *way, last = change.path
    inner: Any = part
    for name in way:
        inner = inner.get(name) if isinstance(inner, dict) else None
    if not isinstance(inner, dict):
        raise invalid_payload(f'"path" {change.path} leads nowhere')
    inner[last] = None if change.kind == "D" else change.rhs
