"""Parameters: the values of a statement. Those of stored rules travel with it; others are given when it runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import sqlalchemy as sa

from watchword.data.operands import convert_item, items_of
from watchword.data.shapes import place_of
from watchword.query.dynamic import operand_of, operands_of
from watchword.query.filters import Variable
from watchword.query.types import FieldType

if TYPE_CHECKING:
    from watchword.data.scope import Scope


class _Named(msgspec.Struct, frozen=True):
    name: str
    value: Any
    type: FieldType
    many: bool


class Parameters:
    """Collects what a statement needs to run for one caller, at one moment, with the constants of one query."""

    def __init__(self) -> None:
        self._named: list[_Named] = []

    def one(self, value: Any, kind: FieldType, operand: sa.types.TypeEngine[Any]) -> sa.BindParameter[Any]:
        """Return the parameter for a canonical value of a field type, or for a variable."""
        if isinstance(value, Variable):
            return sa.bindparam(self._name(value, kind, many=False), type_=operand, required=True)
        return sa.bindparam(None, _flat(value), type_=operand, unique=True)

    def many(
        self, values: Any, kind: FieldType, operand: sa.types.TypeEngine[Any], *, expanding: bool
    ) -> sa.BindParameter[Any]:
        """Return the parameter for a list of canonical values and variables, or for a variable that is a list."""
        items = values if isinstance(values, (list, tuple)) else (values,)
        if any(isinstance(item, Variable) for item in items):
            name = self._name(tuple(items), kind, many=True)
            return sa.bindparam(name, type_=operand, required=True, expanding=expanding)
        return sa.bindparam(None, list(map(_flat, items)), type_=operand, unique=True, expanding=expanding)

    def _name(self, value: Any, kind: FieldType, *, many: bool) -> str:
        name = f"variable_{len(self._named)}"
        self._named.append(_Named(name, value, kind, many))
        return name

    def values(self, scope: Scope, given: tuple[Any, ...] = ()) -> dict[str, Any]:
        """Return the values of the named parameters. A variable that does not fit its type is NULL: it equals nothing.

        Raises:
            Problem: INVALID_QUERY, when a constant does not fit its type.
        """
        return {
            named.name: _members(named, scope, given) if named.many else _value(named, scope, given)
            for named in self._named
        }


def _value(named: _Named, scope: Scope, given: tuple[Any, ...]) -> Any:
    place = place_of(named.value)
    if place is not None:
        return convert_item(named.type, given[place])
    return _flat(operand_of(named.value, named.type, scope.variables, scope.now))


def _members(named: _Named, scope: Scope, given: tuple[Any, ...]) -> list[Any]:
    place = place_of(named.value[0])
    if place is not None:
        return [convert_item(named.type, item) for item in items_of(given[place]) if item is not None]
    return list(map(_flat, operands_of(named.value, named.type, scope.variables, scope.now)))


def _flat(value: Any) -> Any:
    """Return a list of texts as the one text that is stored."""
    return ",".join(value) if isinstance(value, (list, tuple)) else value
