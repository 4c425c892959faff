"""Meta: what is said of collections, fields and relations beside what the database knows, in Directus' words.

Most of it is for people and for administration programs and is kept as it is given. What the server itself goes by:
`singleton`, a field's `special`, and everything about relations.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import msgspec
import sqlalchemy as sa
import structlog

from watchword.base.errors import invalid_payload
from watchword.data.storable import is_storable
from watchword.storage.tables import collections, fields, relations

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy.ext.asyncio import AsyncConnection


log = structlog.get_logger(__name__)


class CollectionMeta(msgspec.Struct, frozen=True, kw_only=True):
    """What is said of a collection."""

    collection: str
    icon: str | None = None
    note: str | None = None
    color: str | None = None
    display_template: str | None = None
    hidden: bool = False
    singleton: bool = False
    translations: Any = None
    archive_field: str | None = None
    archive_app_filter: bool = True
    archive_value: str | None = None
    unarchive_value: str | None = None
    sort_field: str | None = None
    accountability: str | None = "all"
    item_duplication_fields: Any = None
    sort: int | None = None
    group: str | None = None
    collapse: str = "open"
    preview_url: str | None = None
    versioning: bool = False


class FieldMeta(msgspec.Struct, frozen=True, kw_only=True):
    """What is said of a field. `special` None leaves it to what the column looks like."""

    id: int | None = None
    collection: str
    field: str
    special: tuple[str, ...] | None = None
    interface: str | None = None
    options: Any = None
    display: str | None = None
    display_options: Any = None
    readonly: bool = False
    hidden: bool = False
    sort: int | None = None
    width: str | None = "full"
    translations: Any = None
    note: str | None = None
    conditions: Any = None
    required: bool = False
    group: str | None = None
    validation: Any = None
    validation_message: str | None = None
    searchable: bool = True


class RelationMeta(msgspec.Struct, frozen=True, kw_only=True):
    """What is said of a to-one relation; `one_field` is the alias that leads back."""

    id: int | None = None
    many_collection: str
    many_field: str
    one_collection: str | None = None
    one_field: str | None = None
    one_collection_field: str | None = None
    one_allowed_collections: tuple[str, ...] | None = None
    junction_field: str | None = None
    sort_field: str | None = None
    one_deselect_action: str = "nullify"


AnyMeta = TypeVar("AnyMeta", CollectionMeta, FieldMeta, RelationMeta)

_TABLES: dict[type, sa.Table] = {CollectionMeta: collections, FieldMeta: fields, RelationMeta: relations}
_KEYS: dict[type, tuple[str, ...]] = {
    CollectionMeta: ("collection",),
    FieldMeta: ("collection", "field"),
    RelationMeta: ("many_collection", "many_field"),
}
_LARGEST = 2**31 - 1
_IGNORED = frozenset({"system"})
_LISTS = frozenset({"special", "one_allowed_collections"})


class Meta(msgspec.Struct, frozen=True):
    """All that is said: of collections by name, of fields and relations by collection and field."""

    collections: dict[str, CollectionMeta] = {}
    fields: dict[tuple[str, str], FieldMeta] = {}
    relations: dict[tuple[str, str], RelationMeta] = {}

    def is_singleton(self, collection: str) -> bool:
        """Whether a collection has one row at the most."""
        said = self.collections.get(collection)
        return said is not None and said.singleton

    def fields_of(self, collection: str) -> dict[str, FieldMeta]:
        """Return what is said of a collection's fields, by field."""
        return {name: said for (owner, name), said in self.fields.items() if owner == collection}

    def relation(self, collection: str, field: str) -> RelationMeta | None:
        """Return what is said of a to-one relation."""
        return self.relations.get((collection, field))

    def relations_of(self, collection: str) -> list[RelationMeta]:
        """Return what is said of a collection's to-one relations."""
        return [said for said in self.relations.values() if said.many_collection == collection]


NOTHING_SAID = Meta()


async def load_meta(connection: AsyncConnection, present: set[str]) -> Meta:
    """Read what is said; nothing where the tables for it are not among those `present`."""
    if not present >= {table.name for table in _TABLES.values()}:
        return NOTHING_SAID
    return Meta(
        {said.collection: said for said in await _all(connection, CollectionMeta)},
        {(said.collection, said.field): said for said in await _all(connection, FieldMeta)},
        {(said.many_collection, said.many_field): said for said in await _all(connection, RelationMeta)},
    )


async def _all(connection: AsyncConnection, kind: type[AnyMeta]) -> list[AnyMeta]:
    table = _TABLES[kind]
    rows = await connection.execute(sa.select(table).order_by(*(table.c[name] for name in _KEYS[kind])))
    said = []
    for row in rows.mappings():
        members = {str(name): value for name, value in row.items()}
        try:
            said.append(msgspec.convert(members, kind))
        except msgspec.ValidationError as error:  # another program wrote it: it says nothing
            log.warning("meta.not_understood", table=table.name, reason=str(error))
    return said


def merged(kind: type[AnyMeta], said: AnyMeta | None, given: Mapping[str, Any], **fixed: str | None) -> AnyMeta:
    """Return what holds when `given` is said beside what was; `fixed` members are not the caller's to choose.

    Raises:
        Problem: INVALID_PAYLOAD, when a member is unknown or none of its kind.
    """
    taken = {name: value for name, value in given.items() if name not in _IGNORED and name != "id"}
    unknown = taken.keys() - set(kind.__struct_fields__)
    if unknown:
        raise invalid_payload(f'"meta.{min(unknown)}" is not allowed')
    before = msgspec.to_builtins(said) if said is not None else {}
    named = {name: value for name, value in taken.items() if name not in fixed}
    try:
        wanted = msgspec.convert(before | _plain(kind, named) | fixed, kind)
    except msgspec.ValidationError as error:
        raise invalid_payload(f'"meta": {error}') from None
    _check_kept(wanted)
    return wanted


def _check_kept(said: msgspec.Struct) -> None:
    """Refuse what our own tables can't hold, on whichever database: what can be said is the same on all."""
    columns = _TABLES[type(said)].c
    for name, value in msgspec.structs.asdict(said).items():
        longest = getattr(columns[name].type, "length", None)
        is_long = isinstance(value, str) and longest is not None and len(value) > longest
        is_large = isinstance(columns[name].type, sa.Integer) and isinstance(value, int) and abs(value) > _LARGEST
        if is_long or is_large:
            raise invalid_payload(f'"meta.{name}" is too {"long" if is_long else "large"}')
        if not is_storable(value):
            raise invalid_payload(f'"meta.{name}" can\'t be stored')


def _plain(kind: type[Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """Let null stand for a member's default where it cannot be null, and a comma-separated text for a list."""
    defaults = {field.name: field.default for field in msgspec.structs.fields(kind)}
    plain = {}
    for name, value in given.items():
        if value is None and isinstance(defaults.get(name), (bool, str)) and name not in {"accountability", "width"}:
            plain[name] = defaults[name]
        elif name in _LISTS and isinstance(value, str):
            plain[name] = [part.strip() for part in value.split(",") if part.strip()]
        else:
            plain[name] = value
    return plain


async def say(connection: AsyncConnection, said: CollectionMeta | FieldMeta | RelationMeta) -> None:
    """Keep what is said, in place of what was."""
    kind = type(said)
    await unsay(connection, kind, **{name: getattr(said, name) for name in _KEYS[kind]})
    values = {name: value for name, value in msgspec.to_builtins(said).items() if name != "id" or value is not None}
    if kind is FieldMeta and values["width"] is None:
        values["width"] = "full"
    await connection.execute(sa.insert(_TABLES[kind]).values(values))


async def unsay(connection: AsyncConnection, kind: type[Any], **which: str) -> None:
    """Forget what is said of all that these members name."""
    table = _TABLES[kind]
    await connection.execute(sa.delete(table).where(*(table.c[name] == value for name, value in which.items())))


async def correct(connection: AsyncConnection, kind: type[Any], which: Mapping[str, Any], **members: Any) -> None:
    """Set members of all that is said about what `which` names."""
    table = _TABLES[kind]
    found: Sequence[sa.ColumnElement[bool]] = [table.c[name] == value for name, value in which.items()]
    await connection.execute(sa.update(table).where(*found).values(members))
