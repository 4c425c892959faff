"""Members: what a field of the schema stands for. Each carries one, so that compiling looks nothing up by name."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import msgspec

from watchword.query.types import Function

if TYPE_CHECKING:
    from graphql import GraphQLField

_MEMBER = "member"

Form = Callable[[Any], Any]
"""Makes what GraphQL shows of a value out of what every other road shows; both are JSON."""


class Column(msgspec.Struct, frozen=True):
    """A column's value."""

    name: str
    form: Form | None = None


class Related(msgspec.Struct, frozen=True):
    """The row, or the rows, that a relation leads to."""

    name: str
    collection: str
    many: bool


class Functions(msgspec.Struct, frozen=True):
    """An object of the functions of a field."""

    name: str


class Computed(msgspec.Struct, frozen=True):
    """One function of a field."""

    function: Function


class Inside(msgspec.Struct, frozen=True):
    """A part of a field's JSON value, by the path that is its argument."""


class Choice(msgspec.Struct, frozen=True):
    """The row that a union leads to, of whichever of the collections."""

    name: str
    discriminator: str
    collections: tuple[str, ...]


class Measure(msgspec.Struct, frozen=True):
    """A function over the rows of a group: an object of the fields that it is taken of, or of all rows one number."""

    function: str
    of_rows: bool = False


class Part(msgspec.Struct, frozen=True):
    """A member of a plain object, by its name there."""

    name: str
    form: Form | None = None


class Kind(StrEnum):
    """What a root field does."""

    READ_MANY = "read many"
    READ_ONE = "read one"
    READ_SINGLETON = "read a singleton"
    READ_GROUPS = "read groups"
    READ_ME = "read the caller's own row"
    READ_MY_ROLES = "read the caller's own roles"
    CREATE_ONE = "create one"
    CREATE_MANY = "create many"
    UPDATE_ONE = "update one"
    UPDATE_MANY = "update many"
    UPDATE_BATCH = "update each by its own values"
    UPDATE_SINGLETON = "update a singleton"
    UPDATE_ME = "update the caller's own row"
    DELETE_ONE = "delete one"
    DELETE_MANY = "delete many"
    FOLLOW = "follow"


class Root(msgspec.Struct, frozen=True):
    """A root field about a collection."""

    kind: Kind
    collection: str


class Delegated(msgspec.Struct, frozen=True):
    """A root field that somebody else answers, by its name. `once`: a document may have it a single time."""

    name: str
    once: bool = False


Member = Column | Related | Choice | Functions | Computed | Inside | Measure | Part | Root | Delegated


def carrying(member: Member) -> dict[str, Any]:
    """Return the extensions of a field that stands for a member."""
    return {_MEMBER: member}


def member_of(field: GraphQLField) -> Member:
    """Return what a field stands for."""
    found: Member = field.extensions[_MEMBER]
    return found


def is_once(field: GraphQLField) -> bool:
    """Whether a document may have a field a single time."""
    found = field.extensions.get(_MEMBER)
    return isinstance(found, Delegated) and found.once
