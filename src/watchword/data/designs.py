"""Designs: what a client asks of the structure, as it was decoded; and a column as it shall be."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import UNSET, UnsetType

from watchword.base.errors import Problem, invalid_payload
from watchword.data.storable import is_storable
from watchword.query.types import FieldType
from watchword.query.values import convert

if TYPE_CHECKING:
    from watchword.data.facts import ColumnFacts, TableFacts

Members = dict[str, Any]

ALIASES = frozenset({"alias", "o2m", "m2o", "m2m", "m2a", "o2a", "files", "translations", "presentation", "group"})
ACTIONS = ("NO ACTION", "RESTRICT", "CASCADE", "SET NULL", "SET DEFAULT")
_TYPES = {kind.value: kind for kind in FieldType if kind not in {FieldType.ALIAS, FieldType.UNKNOWN}}
_LENGTH = 255
_PRECISION, _SCALE = 10, 5
_NOW = frozenset({"now", "now()", "current_timestamp", "current_timestamp()"})
_MOMENTS = frozenset({FieldType.DATE, FieldType.TIME, FieldType.DATE_TIME, FieldType.TIMESTAMP})
_TEXTS = frozenset({FieldType.STRING, FieldType.TEXT})
_WHOLE = frozenset({FieldType.INTEGER, FieldType.BIG_INTEGER})
_LARGEST = 1_000_000

NOW = "CURRENT_TIMESTAMP"
"""The one default that is computed: the moment of the insert."""


class FieldDesign(msgspec.Struct, frozen=True):
    """A field to make or to change. `type` None, or one of an alias, stands for a field without a column."""

    field: str
    type: str | UnsetType | None = UNSET
    schema: Members | UnsetType | None = UNSET
    meta: Members | UnsetType | None = UNSET

    @property
    def is_alias(self) -> bool:
        """Whether the field has no column."""
        return not isinstance(self.type, str) or self.type in ALIASES


class CollectionDesign(msgspec.Struct, frozen=True):
    """A collection to make: with `schema` null a folder that holds others, without a table."""

    collection: str
    schema: Members | UnsetType | None = UNSET
    meta: Members | UnsetType | None = UNSET
    fields: list[FieldDesign] | None = None


class RelationDesign(msgspec.Struct, frozen=True):
    """A to-one relation to make or to change: with `schema` null one that the database does not hold."""

    collection: str
    field: str
    related_collection: str | None = None
    schema: Members | UnsetType | None = UNSET
    meta: Members | UnsetType | None = UNSET


class Computed(msgspec.Struct, frozen=True):
    """A default that the database computes: the expression as it says it."""

    expression: str


class Column(msgspec.Struct, frozen=True):
    """A column as it shall be. `default` is a canonical value, `NOW` or one that is `Computed`; None for none."""

    name: str
    type: FieldType
    length: int | None = None
    precision: int | None = None
    scale: int | None = None
    nullable: bool = True
    default: Any = None
    unique: bool = False
    indexed: bool = False
    key: bool = False
    automatic: bool = False

    @property
    def is_now(self) -> bool:
        """Whether the default is the moment of the insert."""
        return self.type in _MOMENTS and self.default == NOW

    def newly_indexed(self, present: Column) -> Column:
        """Return the column with those indexes only that it does not have yet."""
        return msgspec.structs.replace(
            self, unique=self.unique and not present.unique, indexed=self.indexed and not present.indexed
        )


def new_column(design: FieldDesign) -> Column:
    """Return the column that a design asks for.

    Raises:
        Problem: INVALID_PAYLOAD, saying which member is wrong.
    """
    kind = _type(design.type)
    given = design.schema if isinstance(design.schema, dict) else {}
    key = _flag(given, "is_primary_key", default=False)
    automatic = key and _flag(given, "has_auto_increment", default=False)
    if automatic and kind not in _WHOLE:
        raise invalid_payload('Only fields of type "integer" or "bigInteger" number themselves')
    return Column(
        name=design.field,
        type=kind,
        length=_length(kind, given),
        precision=_number(given, "numeric_precision", _PRECISION) if kind is FieldType.DECIMAL else None,
        scale=_number(given, "numeric_scale", _SCALE) if kind is FieldType.DECIMAL else None,
        nullable=not key and _flag(given, "is_nullable", default=True),
        default=None if automatic else _default(kind, given.get("default_value")),
        unique=not key and _flag(given, "is_unique", default=False),
        indexed=not key and _flag(given, "is_indexed", default=False),
        key=key,
        automatic=automatic,
    )


def present_column(table: TableFacts, facts: ColumnFacts, kind: FieldType, default: Any) -> Column:
    """Return a column as it is; `default` is the value that it gives, None where that is computed."""
    key = facts.name in table.key
    return Column(
        name=facts.name,
        type=kind,
        length=facts.length,
        precision=facts.precision,
        scale=facts.scale,
        nullable=not facts.not_null,
        default=None if facts.automatic else _present_default(kind, facts.default, default),
        unique=not key and facts.name in table.unique,
        indexed=any(index.column == facts.name and not index.unique for index in table.indexes),
        key=key,
        automatic=facts.automatic,
    )


def changed_column(present: Column, design: FieldDesign) -> Column:
    """Return a column as it shall be after a change; what the design does not name stays as it is.

    Raises:
        Problem: INVALID_PAYLOAD.
    """
    given = design.schema if isinstance(design.schema, dict) else {}
    kind = _type(design.type) if isinstance(design.type, str) else present.type
    same = kind is present.type
    column = msgspec.structs.replace(
        present,
        type=kind,
        length=_length(kind, given, present.length if same else None),
        precision=_measure(kind, given, "numeric_precision", present.precision if same else _PRECISION),
        scale=_measure(kind, given, "numeric_scale", present.scale if same else _SCALE),
        nullable=present.nullable if present.key else _flag(given, "is_nullable", default=present.nullable),
        unique=present.unique if present.key else _flag(given, "is_unique", default=present.unique),
        indexed=present.indexed if present.key else _flag(given, "is_indexed", default=present.indexed),
    )
    return msgspec.structs.replace(column, default=_changed_default(present, kind, given))


def _changed_default(present: Column, kind: FieldType, given: Members) -> Any:
    """Return the default after a change; one that is not named stays, as far as it is one for a new type, too."""
    known = present.default
    computed = known.expression if isinstance(known, Computed) else None
    wanted = given.get("default_value", known)
    stays = wanted == known or (computed is not None and wanted == computed)
    if present.automatic or (kind is present.type and stays):
        return known
    if computed is not None and stays:
        return known if {kind, present.type} <= _TEXTS else None
    if "default_value" in given:
        return _default(kind, wanted)
    try:
        return _default(kind, known)
    except Problem:
        return None


def action(given: Members, name: str, default: str = "NO ACTION") -> str:
    """Return what a foreign key does, in SQL's words.

    Raises:
        Problem: INVALID_PAYLOAD for an action that there is not.
    """
    value = given.get(name)
    if value is None:
        return default
    if not isinstance(value, str) or value.upper() not in ACTIONS:
        raise invalid_payload(f'"schema.{name}" must be one of [{", ".join(ACTIONS)}]')
    return value.upper()


def _type(name: str | UnsetType | None) -> FieldType:
    kind = _TYPES.get(name) if isinstance(name, str) else None
    if kind is None:
        raise invalid_payload(f'"type" must be one of [{", ".join([*_TYPES, "alias"])}]')
    return kind


def _flag(given: Members, name: str, *, default: bool) -> bool:
    value = given.get(name)
    if value is None:
        return default
    if not isinstance(value, bool):
        raise invalid_payload(f'"schema.{name}" must be a boolean')
    return value


def _number(given: Members, name: str, default: int | None) -> int | None:
    value = given.get(name)
    if value is None:
        return default
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= _LARGEST:
        raise invalid_payload(f'"schema.{name}" must be a positive number')
    return value


def _length(kind: FieldType, given: Members, present: int | None = None) -> int | None:
    if kind not in {FieldType.STRING, FieldType.HASH}:
        return None
    return _number(given, "max_length", present or _LENGTH) or _LENGTH


def _measure(kind: FieldType, given: Members, name: str, present: int | None) -> int | None:
    return _number(given, name, present) if kind is FieldType.DECIMAL else None


def _default(kind: FieldType, value: Any) -> Any:
    if value is None:
        return None
    if kind in _MOMENTS and isinstance(value, str) and value.strip().lower() in _NOW:
        return NOW
    try:
        wanted = convert(kind, value)
    except ValueError:
        wanted = None
    if wanted is None or (kind is FieldType.JSON and not is_storable(value)):
        raise invalid_payload(f'"schema.default_value" is none for a field of type "{kind.value}"')
    return wanted


def _present_default(kind: FieldType, expression: str | None, default: Any) -> Any:
    if expression is None:
        return None
    if default is None and not (kind in _MOMENTS and expression.strip().lower() in _NOW):
        return Computed(expression)
    try:
        return _default(kind, expression if default is None else default)
    except Problem:  # no value of the type: only the database knows what it makes of it
        return Computed(expression)
