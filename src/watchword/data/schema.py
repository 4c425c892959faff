"""Schema: the collections that are served, their fields, and the relations between them. Immutable."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from watchword.base.errors import forbidden_collection
from watchword.query.types import FieldType

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


class Field(msgspec.Struct, frozen=True):
    """A column. `special` lists what happens to it by itself, in Directus' words.

    `uuid`, `date-created`, `date-updated`, `user-created`, `user-updated` fill it on write; `conceal` shows
    `**********` instead of the value; `hash` stores an argon2 hash; `digest` stores a token's digest; `csv` and `json`
    shape it. `required` means that a create must give it: not null, no default, nothing fills it. `default` is the
    literal default as a JSON value, where it is one.
    """

    name: str
    type: FieldType
    nullable: bool = True
    required: bool = False
    default: Any = None
    unique: bool = False
    max_length: int | None = None
    generated: bool = False
    special: tuple[str, ...] = ()

    @property
    def concealed(self) -> bool:
        """Whether the value is never shown, filtered, sorted or searched by; only that there is one is."""
        return "conceal" in self.special or "hash" in self.special


class Relation(msgspec.Struct, frozen=True):
    """Where a field leads. To-one (m2o): `field` is the column itself. To-many (o2m): `field` is an alias.

    For m2o, `related_field` is the key column in `related`; for o2m it is the foreign-key column in `related`. An m2m
    is an o2m whose `related` is the junction; `junction_field` is the junction's column that leads to the far side.

    With a `discriminator` it is one way of a union, of those rows only whose column `discriminator` names `related`.
    """

    field: str
    related: str
    related_field: str
    many: bool = False
    junction_field: str | None = None
    discriminator: str | None = None


class Union(msgspec.Struct, frozen=True):
    """A to-one relation to an item of any of several collections (Directus' many-to-any, a polymorphic association).

    `field` is the column with the key, as text; the column `discriminator` names the collection that it is a key of.
    Each way is a relation of its own, by the name that clients use: `item:headings`.
    """

    field: str
    discriminator: str
    members: tuple[str, ...]

    def way(self, member: str) -> str:
        """Return the name of the relation to the items of one of the collections."""
        return f"{self.field}:{member}"


class Collection(msgspec.Struct, frozen=True):
    """A table that is served. `name` is what clients say, `table` what the database says.

    `key` holds the primary key's columns: one as a rule. A composite key is written as its values joined by commas.
    `fields` are in the table's order, without aliases. `system` marks our own tables (`directus_users`, …). A
    `singleton` has one row at the most, which is read and written without a key.
    """

    name: str
    table: str
    key: tuple[str, ...]
    fields: dict[str, Field]
    relations: dict[str, Relation] = {}
    system: bool = False
    captured: bool = True
    singleton: bool = False
    unions: dict[str, Union] = {}

    @property
    def names(self) -> Iterator[str]:
        """Every field's name: columns in the table's order, then aliases."""
        yield from self.fields
        yield from (name for name in self.relations if name not in self.fields and self.has(name))

    def has(self, name: str) -> bool:
        """Whether there is a field of this name; the ways of a union are none."""
        relation = self.relations.get(name)
        return name in self.fields or (relation is not None and relation.discriminator is None)

    def shown_by(self, name: str) -> tuple[str, ...]:
        """Return the fields that show what a name leads to: for a way of a union, the key and whose key it is."""
        relation = self.relations.get(name)
        if relation is None or relation.discriminator is None:
            return (name,)
        return (relation.field, relation.discriminator)

    def key_of(self, row: Mapping[str, Any]) -> Any:
        """Return the key of a row: the value itself, or the joined text of a composite key."""
        if len(self.key) == 1:
            return row[self.key[0]]
        return ",".join(str(row[column]) for column in self.key)


class Schema:
    """The collections by name. A new object is made when the database's structure has changed."""

    def __init__(self, collections: Mapping[str, Collection]) -> None:
        self.collections = dict(collections)

    def collection(self, name: str) -> Collection:
        """Return a collection.

        Raises:
            Problem: FORBIDDEN, the same words as for a collection that the caller may not see.
        """
        found = self.collections.get(name)
        if found is None:
            raise forbidden_collection(name)
        return found
