"""superjson 2: JSON, and beside it notes that say which of the values are more than JSON can tell.

What clients of tRPC agree on with `transformer`. An envelope is `{"json": …, "meta"?: {"values"?: …,
"referentialEqualities"?: …, "v"?: 1}}`. JavaScript's `undefined` is `msgspec.UNSET`, a Map is a dict, of which those
with other keys than texts become Maps, and a Date is an aware datetime in UTC.
"""

from __future__ import annotations

import re
from enum import Enum
from typing import TYPE_CHECKING, Any

from watchword.base.errors import invalid_payload
from watchword.base.superjson_notes import DEEPEST, Notes, Paths, malformed, nowhere, within
from watchword.base.superjson_patterns import RegularExpression
from watchword.base.superjson_values import ErrorValue, SetOf, Url, leaf, restored

if TYPE_CHECKING:
    from collections.abc import Iterable

    from watchword.base.superjson_values import Kind

__all__ = ["DEEPEST", "ErrorValue", "RegularExpression", "SetOf", "Url", "deserialize", "serialize"]

MOST_REPEATED = 100_000
"""How many values may be added by saying that a value is the same as another one."""
MOST_NUMBERS = 10_000
"""How many members of Sets and keys of Maps may be no texts: one can choose numbers that are all compared with all.

Among big integers there are most of those, so each counts as many; so does a key that is a list, by what it holds.
"""

_NEVER_ALIKE = (str, bytes)
_WORD = 2**64
_MANY = 10
_INDEX = re.compile(r"0|[1-9]\d{0,8}", re.ASCII)


def serialize(value: Any) -> dict[str, Any]:
    """Return the envelope of a value.

    Raises:
        TypeError: There is no form for a value of such a type.
        ValueError: There is none for this value, or it is nested too deeply.
    """
    json, tree = _told(value, 0)
    return {"json": json} if tree is None else {"json": json, "meta": {"values": tree, "v": 1}}


def deserialize(envelope: Any) -> Any:
    """Return the value of a decoded envelope, which is left as it is.

    Patterns are not compiled, and URLs not looked at. Of the kinds that applications make up the JSON is returned.

    Raises:
        Problem: INVALID_PAYLOAD.
    """
    if not isinstance(envelope, dict) or "json" not in envelope:
        raise invalid_payload('superjson: expected an object with "json"')
    json, meta = envelope["json"], envelope.get("meta")
    size = _measure(json)
    if meta is None:
        return json
    if not isinstance(meta, dict):
        raise malformed()
    paths, notes = Paths(meta.get("v")), Notes()
    if meta.get("values") is not None:
        paths.take_down(meta["values"], notes)
    if meta.get("referentialEqualities") is not None:
        json = _copied(json)
        _repeat(json, notes, meta["referentialEqualities"], paths)
        _measure(json, size + MOST_REPEATED)
    return _Restoring().restored(json, notes)


def _told(value: Any, depth: int) -> tuple[Any, Any]:
    """Return the JSON of a value and the tree of notes on it; None for no notes."""
    if isinstance(value, Enum):
        return _told(value.value, depth)
    opened, kind = _opened(value)
    if opened is None:
        json, kind = leaf(value)
        return json, None if kind is None else [list(kind) if isinstance(kind, tuple) else kind]
    if depth == DEEPEST:
        raise ValueError(f"a value is nested deeper than {DEEPEST} levels, or within itself")
    notes: dict[str, Any] = {}
    for key, each in opened.items() if isinstance(opened, dict) else enumerate(opened):
        opened[key], inner = _told(each, depth + 1)
        if inner is not None:
            notes |= within(key, inner)
    if kind is not None:
        return opened, [kind, notes] if notes else [kind]
    return opened, notes or None


def _opened(value: Any) -> tuple[Any, Kind | None]:
    """Return a new list or dict of the values within a value, and the value's kind; None where it holds none."""
    match value:
        case dict():
            members = {key.value if isinstance(key, Enum) else key: each for key, each in value.items()}
            if all(isinstance(key, str) for key in members):
                return members, None
            return [[key, each] for key, each in members.items()], "map"
        case set() | frozenset() | SetOf():
            return list(value), "set"
        case list() | tuple():
            return list(value), None
        case _:
            return None, None


def _repeat(json: Any, notes: Notes, same: Any, paths: Paths) -> None:
    """Put values in the place of nulls that are said to be the same; elsewhere they have been written out already."""
    if not isinstance(same, dict):  # A list says that the whole is within itself.
        raise invalid_payload("superjson: a value is within itself")
    for path, places in same.items():
        steps = paths.steps(path)
        source, noted = _at(json, steps), notes.at(steps)
        if not isinstance(places, list):
            raise malformed()
        for place in places:
            *outer, last = paths.steps(place)
            holder = _at(json, outer)
            key = _key(holder, last)
            if holder[key] is None:
                holder[key] = source
                notes.at(outer).inner[last] = noted


def _at(json: Any, path: Iterable[str]) -> Any:
    for step in path:
        json = json[_key(json, step)]
    return json


def _key(json: Any, step: str) -> Any:
    if isinstance(json, dict) and step in json:
        return step
    if isinstance(json, list) and _INDEX.fullmatch(step) and int(step) < len(json):
        return int(step)
    raise nowhere()


class _Restoring:
    """Builds the values of one envelope."""

    def __init__(self) -> None:
        self._numbers = 0

    def restored(self, json: Any, notes: Notes) -> Any:
        """Return a value by its JSON and the notes on it."""
        value = json
        if notes.inner:
            value = json.copy() if isinstance(json, dict | list) else json
            for step, inner in notes.inner.items():
                key = _key(value, step)
                value[key] = self.restored(value[key], inner)
        if notes.kind is None:
            return value
        if notes.kind in {"set", "map"} and isinstance(value, list):
            self._count(value, notes.kind)
        return restored(notes.kind, value)

    def _count(self, members: list[Any], kind: Kind) -> None:
        keys = members if kind == "set" else [pair[0] for pair in members if isinstance(pair, list) and pair]
        # A Set with lists in it is kept as a list.
        self._numbers += sum(1 if kind == "set" and isinstance(key, list) else _weight(key) for key in keys)
        if self._numbers > MOST_NUMBERS:
            raise invalid_payload(f"superjson: Sets and Maps have more than {MOST_NUMBERS} members that are not texts")


def _weight(key: Any) -> int:
    """Return how much a member of a Set, or a key of a Map, adds to what may have to be compared."""
    if isinstance(key, _NEVER_ALIKE):
        return 0
    if isinstance(key, list | set):
        return 1 + sum(1 + _weight(each) for each in key)
    return _MANY if isinstance(key, int) and abs(key) >= _WORD else 1


def _measure(json: Any, most: int | None = None) -> int:
    """Return how many values there are within one, counted wherever they are; level by level, for it may be deep."""
    size, level = 0, [json]
    for _ in range(DEEPEST + 1):
        level = [outer for outer in level if isinstance(outer, dict | list)]
        size += sum(map(len, level))
        if most is not None and size > most:
            raise invalid_payload(
                f"superjson: more than {MOST_REPEATED} values are repeated, or some within themselves"
            )
        level = [inner for outer in level for inner in (outer.values() if isinstance(outer, dict) else outer)]
        if not level:
            return size
    raise invalid_payload(f"Values are nested deeper than {DEEPEST} levels, or within themselves")


def _copied(json: Any) -> Any:
    if isinstance(json, dict):
        return {key: _copied(each) for key, each in json.items()}
    return [_copied(each) for each in json] if isinstance(json, list) else json
