"""Validation: from a client's payload to column values that its rights, its fields' types and its rules allow.

Rights come first (403), then the values (400). No I/O.
"""

from __future__ import annotations

from contextlib import suppress
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import msgspec

from watchword.access.permissions import Action
from watchword.base.errors import Code, Problem, failed_validation, forbidden, forbidden_field, invalid_payload
from watchword.base.ids import uuid7
from watchword.data.columns import is_exact
from watchword.data.storable import is_shown, is_storable, is_too_large
from watchword.data.violations import violation
from watchword.query.dynamic import operand_of, parse_variable
from watchword.query.filters import EVERYTHING, All, Not, Related, Variable
from watchword.query.filters import Any as AnyOf
from watchword.query.predicate import validate
from watchword.query.rendering import CONCEALED
from watchword.query.types import NUMERIC, FieldType
from watchword.query.values import convert

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from watchword.data.binding import Binder
    from watchword.data.rules import BoundRule
    from watchword.data.schema import Collection, Field, Union
    from watchword.query.filters import Filter

_NOW = Variable("NOW")
_USER = Variable("CURRENT_USER")
_MANAGED = {
    "date-created": (Action.CREATE, _NOW),
    "date-updated": (Action.UPDATE, _NOW),
    "user-created": (Action.CREATE, _USER),
    "user-updated": (Action.UPDATE, _USER),
}
_LISTS = frozenset({"CURRENT_ROLES", "CURRENT_POLICIES"})


class Draft(msgspec.Struct):
    """A payload that may be written.

    `values` are the collection's own columns, canonical, passwords still plain. `one` holds the objects given for
    to-one relations, `many` what was given for to-many relations, both by field. `given` names the caller's fields.
    """

    values: dict[str, Any]
    one: dict[str, dict[str, Any]]
    many: dict[str, Any]
    given: tuple[str, ...]


class Target:
    """A collection to write to, and what one caller may write there by one action."""

    def __init__(self, binder: Binder, collection: Collection, action: Action) -> None:
        """Raise FORBIDDEN when the caller may not do this to any row."""
        self.binder = binder
        self.collection = collection
        self.action = action
        self.rule: BoundRule = binder.bind_rule(collection, binder.scope.access.rule(collection.name, action))

    def permitted(self, payload: Any) -> dict[str, Any]:
        """Return what the payload asks to write, without what the server keeps to itself.

        A caller who may write every field may also name fields that do not exist: they are ignored, as Directus does.
        Concealed values that come back unchanged are left out, and so are the fields that record who wrote and when,
        unless the caller's rights name them.

        Raises:
            Problem: INVALID_PAYLOAD, when it is not an object; FORBIDDEN, naming every field that is out of reach.
        """
        if not isinstance(payload, dict):
            raise invalid_payload("An item has to be an object")
        refused = [name for name, value in payload.items() if not self._may_name(name, value)]
        if refused:
            raise _fields_forbidden(self.collection.name, refused)
        return {name: value for name, value in payload.items() if self._is_writable(name, value)}

    def draft(self, given: dict[str, Any]) -> Draft:
        """Return the column values and the relations of a permitted payload, presets and automatic values included.

        Raises:
            Problem: INVALID_PAYLOAD, FAILED_VALIDATION, VALUE_TOO_LONG, VALUE_OUT_OF_RANGE or INVALID_FOREIGN_KEY;
                the first, with the others of the same payload.
        """
        draft = Draft({}, {}, {}, tuple(given))
        asked = self._presets(given) | given
        problems: list[Problem] = []
        for name, value in asked.items():
            if self._is_kept_elsewhere(name):
                continue
            try:
                self._take(draft, name, value)
            except Problem as problem:
                problems.append(problem)
        if self.action is Action.CREATE:
            problems += self._missing(asked)
        _raise_all(problems)
        self._fill(draft)
        return draft

    def check(self, draft: Draft) -> None:
        """Test the values against the rule's check; on a create, literal defaults count as given.

        Raises:
            Problem: FAILED_VALIDATION, the first, with the others.
        """
        check = self.rule.rule.check
        if check == EVERYTHING:
            return
        creating = self.action is Action.CREATE
        payload = (self._defaults() if creating else {}) | draft.values | draft.many
        ways = {way: item for union in self.collection.unions.values() for way, item in _led(union, draft)}
        payload |= {name: item for name, item in (draft.one | ways).items() if _looks_into(check, name)}
        scope = self.binder.scope
        _raise_all(validate(check, payload, creating, scope.variables, scope.now))

    def _may_name(self, name: str, value: Any) -> bool:
        if self._is_kept_elsewhere(name) and value != CONCEALED:
            return False
        if self.rule.fields is None:
            return True
        return self.collection.has(name) and name in self.rule.fields

    def _is_writable(self, name: str, value: Any) -> bool:
        field = self.collection.fields.get(name)
        if field is None:
            return self.collection.has(name)
        if self._is_kept_elsewhere(name):
            return True  # whoever makes the digest says by it that there is one; the right to it is judged by row, here
        if field.concealed and value == CONCEALED:
            return False
        if value is None and (field.generated or (name in self.collection.key and self.action is Action.CREATE)):
            return False
        return self._may_manage(name) or not any(special in _MANAGED for special in field.special)

    def _is_kept_elsewhere(self, name: str) -> bool:
        """Whether a field is no column of the row: a token, of which a digest is kept in a table of its own."""
        field = self.collection.fields.get(name)
        return field is not None and "digest" in field.special

    def _may_manage(self, name: str) -> bool:
        return self.binder.scope.access.admin or (self.rule.fields is not None and name in self.rule.fields)

    def _presets(self, given: dict[str, Any]) -> dict[str, Any]:
        """Return the rule's presets for the fields that exist and were not given, their variables resolved."""
        presets = {}
        for name, value in self.rule.rule.presets.items():
            field = self.collection.fields.get(name)
            if name in given or (field is None and not self.collection.has(name)):
                continue
            presets[name] = self._resolve(value, FieldType.STRING if field is None else field.type)
        return presets

    def _resolve(self, value: Any, kind: FieldType) -> Any:
        match value:
            case dict():
                return {name: self._resolve(item, kind) for name, item in value.items()}
            case list():
                return [self._resolve(item, kind) for item in value]
            case str():
                variable = parse_variable(value)
                return value if variable is None else self._value_of(variable, kind)
            case Variable():
                return self._value_of(value, kind)
            case _:
                return value

    def _value_of(self, variable: Variable, kind: FieldType) -> Any:
        scope = self.binder.scope
        if variable.name in _LISTS:
            return list(scope.variables.resolve(variable, scope.now))
        plain = FieldType.STRING if kind is FieldType.JSON else kind
        return operand_of(variable, plain, scope.variables, scope.now)

    def _take(self, draft: Draft, name: str, value: Any) -> None:
        relation = self.collection.relations.get(name)
        if relation is not None and relation.many:
            draft.many[name] = value
        elif (relation is not None or name in self.collection.unions) and isinstance(value, dict):
            draft.one[name] = value
        else:
            draft.values[name] = self._column_value(self.collection.fields[name], value)

    def _column_value(self, field: Field, value: Any) -> Any:
        if field.generated:
            raise invalid_payload(f'The field "{field.name}" cannot be written')
        if value is None or (field.type is FieldType.HASH and value == ""):
            if field.nullable:
                return None
            raise failed_validation(field.name, "nnull", "Value can't be null.")
        try:
            converted = convert(field.type, value)
        except ValueError:
            raise self._misfit(field, value) from None
        return self._limited(field, converted)

    def _limited(self, field: Field, value: Any) -> Any:
        """Return the value as it fits the column."""
        if field.type is FieldType.DATE_TIME:
            return value.replace(microsecond=0)
        if isinstance(value, Decimal) and self.binder.catalogue.kind == "sqlite" and not is_exact(value):
            raise violation(Code.VALUE_OUT_OF_RANGE, self.collection.name, field.name)
        if field.type is FieldType.JSON and not is_storable(value):
            raise self._misfit(field, None)
        too_long = field.max_length is not None and isinstance(value, str) and len(value) > field.max_length
        if too_long and "hash" not in field.special:
            shown = None if field.concealed else value
            raise violation(Code.VALUE_TOO_LONG, self.collection.name, field.name, shown)
        return value

    def _misfit(self, field: Field, value: Any) -> Problem:
        """Say that a value is none of its field's type."""
        shown = value if is_shown(value) and not field.concealed else None
        if field.name in self.collection.relations:
            return violation(Code.INVALID_FOREIGN_KEY, self.collection.name, field.name, shown)
        if field.type in NUMERIC and is_too_large(field.type, value):
            return violation(Code.VALUE_OUT_OF_RANGE, self.collection.name, field.name, shown)
        name = field.type.value
        return invalid_payload(f'Invalid {name[0].upper()}{name[1:]} format in field "{field.name}"')

    def _missing(self, asked: dict[str, Any]) -> Iterator[Problem]:
        table = self.binder.catalogue.table(self.collection.name)
        for name, field in self.collection.fields.items():
            if name in asked:
                continue
            keyless = (
                name in self.collection.key and "uuid" not in field.special and table.c[name].server_default is None
            )
            if field.required or keyless:
                yield failed_validation(name, "required", "Value is required.")

    def _fill(self, draft: Draft) -> None:
        """Give the fields that fill themselves their values; an update that writes nothing else leaves them alone."""
        if self.action is Action.UPDATE and not draft.values and not draft.one:
            return
        for name, field in self.collection.fields.items():
            if name in draft.values or name in draft.one:
                continue
            if "uuid" in field.special and self.action is Action.CREATE:
                draft.values[name] = uuid7()
                continue
            for action, variable in map(_MANAGED.__getitem__, filter(_MANAGED.__contains__, field.special)):
                if action is self.action or (self.action is Action.CREATE and not field.nullable):
                    self._fill_from(draft, field, variable)

    def _fill_from(self, draft: Draft, field: Field, variable: Variable) -> None:
        value = self._value_of(variable, field.type)
        if value is not None:
            draft.values[field.name] = self._limited(field, value)
        elif field.nullable:
            draft.values[field.name] = None

    def _defaults(self) -> dict[str, Any]:
        defaults = {}
        for name, field in self.collection.fields.items():
            with suppress(ValueError):  # the database's own idea of a value, such as 'now'
                if field.default is not None:
                    defaults[name] = convert(field.type, field.default)
        return defaults


def _fields_forbidden(collection: str, fields: list[str]) -> Problem:
    if len(fields) == 1:
        return forbidden_field(collection, fields[0])
    named = ", ".join(f'"{field}"' for field in fields)
    return forbidden(
        f'You don\'t have permission to access fields {named} in collection "{collection}" or they do not exist. '
        "Queried in root."
    )


def _led(union: Union, draft: Draft) -> Iterator[tuple[str, Any]]:
    """Yield each way of a union, and the object that is written for it; of a mere key nothing is seen.

    Both columns say where a row leads: who writes one of them makes the other's value lead elsewhere.
    """
    if not draft.values.keys().isdisjoint((union.field, union.discriminator)):
        for member in union.members:
            is_meant = draft.values.get(union.discriminator) == member
            yield union.way(member), draft.one.get(union.field) if is_meant else None


def _raise_all(problems: Sequence[Problem]) -> None:
    if problems:
        first, *others = problems
        raise Problem(first.code, first.message, others=others, **first.extensions)


def _looks_into(node: Filter, field: str) -> bool:
    """Whether a filter asks for more of a to-one relation than its key."""
    match node:
        case Related():
            return node.field == field
        case Not(part=part):
            return _looks_into(part, field)
        case All(parts=parts) | AnyOf(parts=parts):
            return any(_looks_into(part, field) for part in parts)
        case _:
            return False
