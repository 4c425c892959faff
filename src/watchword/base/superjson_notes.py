"""The notes of superjson: what values are, by the paths to them.

Notes are a tree: `[kind]` is what a value is, `{path: notes}` is what there is to say of values within it, and
`[kind, {path: notes}]` is both. A path is the keys and indices down to a value, joined by dots.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from watchword.base.errors import invalid_payload

if TYPE_CHECKING:
    from collections.abc import Iterable

    from watchword.base.errors import Problem
    from watchword.base.superjson_values import Kind

DEEPEST = 200
"""How deep values may be nested, as in all that clients send."""

PROTOTYPE = frozenset({"__proto__", "constructor", "prototype"})
"""Keys that no path leads through, here or at clients."""

_PIECES = re.compile(r"\\[.\\]|[^\\]")
_LEGACY_PIECES = re.compile(r"\\\.|[\s\S]")


class Notes:
    """What is noted on a value, and on those within it by the steps to them."""

    __slots__ = ("inner", "kind")

    def __init__(self) -> None:
        self.kind: Kind | None = None
        self.inner: dict[str, Notes] = {}

    def at(self, path: Iterable[str]) -> Notes:
        """Return the notes on a value within, made where there are none."""
        notes = self
        for step in path:
            notes = notes.inner.setdefault(step, Notes())
        return notes


class Paths:
    """Reads the paths of a version: before 1, a backslash only means something before a dot.

    Raises:
        Problem: INVALID_PAYLOAD, from all methods.
    """

    def __init__(self, version: Any) -> None:
        if version is not None and (type(version) is not int or version not in {0, 1}):
            raise invalid_payload("superjson: unknown version")
        self._pieces = _PIECES if version == 1 else _LEGACY_PIECES

    def steps(self, path: Any) -> list[str]:
        """Return the keys and indices of a path."""
        if not isinstance(path, str):
            raise malformed()
        steps = self._unescaped(path) if "\\" in path else path.split(".")
        if not PROTOTYPE.isdisjoint(steps):
            raise invalid_payload("superjson: a path leads through a prototype")
        if len(steps) > DEEPEST:
            raise nowhere()
        return steps

    def _unescaped(self, path: str) -> list[str]:
        pieces = self._pieces.findall(path)
        if sum(map(len, pieces)) != len(path):
            raise malformed()
        steps: list[list[str]] = [[]]
        for piece in pieces:
            if piece == ".":
                steps.append([])
            else:
                steps[-1].append(piece[-1])
        return list(map("".join, steps))

    def take_down(self, told: Any, notes: Notes, depth: int = 0) -> None:
        """Add what a tree tells of a value at a depth to the notes on it."""
        inner = told
        if isinstance(told, list):
            if notes.kind is not None or len(told) not in {1, 2}:
                raise malformed()
            notes.kind = _kind(told[0])
            inner = told[1] if told[1:] else {}
        if not isinstance(inner, dict):
            raise malformed()
        for path, each in inner.items():
            steps = self.steps(path)
            if depth + len(steps) > DEEPEST:
                raise nowhere()
            self.take_down(each, notes.at(steps), depth + len(steps))


def _kind(told: Any) -> Kind:
    match told:
        case str():
            return told
        case [str(family), str(name)]:
            return family, name
        case _:
            raise malformed()


def within(key: str | int, tree: Any) -> dict[str, Any]:
    """Return the tree of a value as the tree of what it is within.

    Raises:
        ValueError: Clients take no notes on values under such a key.
    """
    if key in PROTOTYPE:
        raise ValueError(f"clients take no values beyond JSON under the key {key!r}")
    step = str(key).replace("\\", "\\\\").replace(".", "\\.")
    return {step: tree} if isinstance(tree, list) else {f"{step}.{path}": inner for path, inner in tree.items()}


def malformed() -> Problem:
    """Say that notes are not as notes are."""
    return invalid_payload('superjson: "meta" is malformed')


def nowhere() -> Problem:
    """Say that a path does not lead to a value."""
    return invalid_payload("superjson: a path leads nowhere")
