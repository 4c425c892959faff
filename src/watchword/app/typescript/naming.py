"""Naming: what declared types are called, so that no two are called the same.

A type is called as its class. Classes of the same name are told apart by where they come from, both of them, so that
nothing depends on which was found first. What a client sends and what it gets are two types only where they differ.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

import msgspec

from watchword.app.typescript.classes import capitalized
from watchword.app.typescript.types import Declaration, Side, references

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from watchword.app.typescript.types import Key

    Declarations = Mapping[Key, Declaration]

_SUFFIX = "Input"


class Named(msgspec.Struct, frozen=True):
    """A declaration under its name, of what is sent or of what is got; the one of both is the latter."""

    name: str
    side: Side
    declaration: Declaration


class Names:
    """The names of declared types, none of which is one of `taken`."""

    def __init__(self, inputs: Declarations, outputs: Declarations, taken: Iterable[str]) -> None:
        self._inputs = inputs
        self._outputs = outputs
        self._twofold = _differing(inputs, outputs)
        self._names = _named({**inputs, **outputs}, frozenset(taken))
        used = {*taken, *self._names.values()}
        self._of_inputs = {key: _free(f"{self._names[key]}{_SUFFIX}", used) for key in self._order(self._twofold)}

    def of(self, key: Key, side: Side) -> str:
        """Return what a type is called."""
        return self._of_inputs[key] if side is Side.INPUT and key in self._twofold else self._names[key]

    def declared(self) -> list[Named]:
        """Return everything there is to declare, by name."""
        found = [Named(self.of(key, Side.OUTPUT), Side.OUTPUT, each) for key, each in self._outputs.items()]
        found += [
            Named(self.of(key, Side.INPUT), Side.INPUT, each)
            for key, each in self._inputs.items()
            if key in self._twofold or key not in self._outputs
        ]
        return sorted(found, key=lambda each: each.name)

    def _order(self, keys: Iterable[Key]) -> list[Key]:
        return sorted(keys, key=self._names.__getitem__)


def _differing(inputs: Declarations, outputs: Declarations) -> frozenset[Key]:
    """Return what is not the same on both sides, by itself or for what it speaks of."""
    both = [key for key in outputs if key in inputs]
    found = {key for key in both if inputs[key].body != outputs[key].body}
    spoken = {key: references(inputs[key].body) | references(outputs[key].body) for key in both}
    while more := {key for key in both if key not in found and spoken[key] & found}:
        found |= more
    return frozenset(found)


def _named(declarations: Declarations, taken: frozenset[str]) -> dict[Key, str]:
    alike: defaultdict[str, list[Key]] = defaultdict(list)
    for key, declaration in declarations.items():
        alike[declaration.title].append(key)
    names = {keys[0]: title for title, keys in alike.items() if len(keys) == 1 and title not in taken}
    used = {*taken, *names.values()}
    for title in sorted(alike):
        if alike[title][0] in names:
            continue
        keys = sorted(alike[title], key=lambda key: (declarations[key].home, str(key)))
        homes = [declarations[key].home for key in keys]
        for key, name in zip(keys, _told_apart(title, homes, used), strict=True):
            names[key] = _free(name, used)
    return names


def _told_apart(title: str, homes: list[tuple[str, ...]], used: set[str]) -> list[str]:
    """Return a title with as much of each home before it as it takes; all of it where that is not enough."""
    names: list[str] = []
    for length in range(1, max(map(len, homes)) + 1):
        names = ["".join(map(capitalized, home[-length:])) + title for home in homes]
        if len(set(names)) == len(names) and used.isdisjoint(names):
            break
    return names


def _free(name: str, used: set[str]) -> str:
    """Return a name that is not used, with a number where it has to be, and use it."""
    number, found = 1, name
    while found in used:
        number += 1
        found = f"{name}{number}"
    used.add(found)
    return found
