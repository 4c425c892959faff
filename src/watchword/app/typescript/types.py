"""Types of TypeScript as a tree: what is read from Python, and written as text."""

from __future__ import annotations

from collections.abc import Hashable
from enum import StrEnum
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable

Key = Hashable
"""What a declared type is known by: the class, in the most cases."""

Doc = tuple[str, ...]
"""The lines of a comment."""


class Side(StrEnum):
    """Whether a type is what a client sends or what it gets: what has a default may be left out of the one only."""

    INPUT = "input"
    OUTPUT = "output"


class Unexportable(TypeError):
    """There is no type of TypeScript for one of Python."""


class Word(msgspec.Struct, frozen=True):
    """A type that has a name of its own."""

    text: str


class Literals(msgspec.Struct, frozen=True):
    """One of some values."""

    values: tuple[str | int | float | bool | None, ...]


class ListOf(msgspec.Struct, frozen=True):
    """Any number of values of one type."""

    item: Type


class TupleOf(msgspec.Struct, frozen=True):
    """A value for each place; those from `required` on may be missing."""

    items: tuple[Type, ...]
    required: int


class Applied(msgspec.Struct, frozen=True):
    """A generic type with its arguments: `Map<K, V>`."""

    name: str
    arguments: tuple[Type, ...]


class OneOf(msgspec.Struct, frozen=True):
    """A union."""

    options: tuple[Type, ...]


class AllOf(msgspec.Struct, frozen=True):
    """An intersection."""

    parts: tuple[Type, ...]


class Member(msgspec.Struct, frozen=True):
    """A member of an object."""

    name: str
    type: Type
    optional: bool = False
    doc: Doc = ()


class Members(msgspec.Struct, frozen=True):
    """An object: its members, and of which type others may be; None where there are no others."""

    members: tuple[Member, ...]
    rest: Type | None = None


class Reference(msgspec.Struct, frozen=True):
    """A type that is declared by itself."""

    key: Key


Type = Word | Literals | ListOf | TupleOf | Applied | OneOf | AllOf | Members | Reference


class Declaration(msgspec.Struct, frozen=True):
    """A type that gets a name: the one it would like, where it comes from, and what it is."""

    title: str
    home: tuple[str, ...]
    body: Type
    doc: Doc = ()


STRING, NUMBER, BOOLEAN, NULL = Word("string"), Word("number"), Word("boolean"), Word("null")
UNKNOWN, VOID, UNDEFINED = Word("unknown"), Word("void"), Word("undefined")
DATE, BYTES = Word("Date"), Word("Uint8Array")


def nothing(*, is_native: bool) -> Word:
    """Return the type of what is no result: clients get null, and without a transformer they take void for never."""
    return VOID if is_native else NULL


def one_of(options: Iterable[Type]) -> Type:
    """Return the union of types: each once, and null behind the others."""
    found: dict[Type, None] = {}
    for option in options:
        found |= dict.fromkeys(option.options if isinstance(option, OneOf) else (option,))
    if UNKNOWN in found:
        return UNKNOWN
    ordered = sorted(found, key=lambda each: each == NULL)
    return ordered[0] if len(ordered) == 1 else OneOf(tuple(ordered))


def stream_of(item: Type) -> Type:
    """Return the type of values that come one after another."""
    return Applied("AsyncIterable", (item, VOID, UNKNOWN))


def tracked(item: Type) -> Type:
    """Return the type of a value under an id."""
    return Members((Member("id", STRING), Member("data", item)))


def references(found: Type) -> frozenset[Key]:
    """Return which declared types a type speaks of, itself."""
    match found:
        case Reference(key=key):
            return frozenset({key})
        case Word() | Literals():
            return frozenset()
        case ListOf(item=item):
            return references(item)
        case TupleOf(items=parts) | Applied(arguments=parts) | OneOf(options=parts) | AllOf(parts=parts):
            return frozenset[Key]().union(*map(references, parts))
        case Members(members=members, rest=rest):
            types = [*(member.type for member in members), *(() if rest is None else (rest,))]
            return frozenset[Key]().union(*map(references, types))
