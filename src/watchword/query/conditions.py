"""Conditions: from filters as clients and stored rules write them to the filter tree.

A filter is an object. A key is `_and`, `_or` or a field; a field's value is an object of operators, a related row's
conditions, or a plain value, which means `_eq`. Several keys are joined by AND. Conditions on several fields of a
to-many relation hold for one and the same related row, as under `_some`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from watchword.base import json
from watchword.base.errors import Problem, invalid_query
from watchword.query.brackets import elements, is_list
from watchword.query.documents import kind_of, parse_place
from watchword.query.dynamic import parse_variable
from watchword.query.filters import EVERYTHING, Compare, Filter, Related, all_of, any_of
from watchword.query.functions import parse_path
from watchword.query.types import LISTS, RANGES, FieldType, Operator

if TYPE_CHECKING:
    from collections.abc import Iterable

    from watchword.query.documents import Place
    from watchword.query.types import Function

DEEPEST = 32
MOST_RELATIONS = 10
MOST_NODES = 1000
MOST_VALUES = 10_000

_LOGIC = frozenset({"_and", "_or"})
_QUANTIFIERS = frozenset({"_some", "_none"})
_JSON = "_json"
_OPERATORS = frozenset(f"_{operator.value}" for operator in Operator)
_LISTS = LISTS | RANGES
_FLAGS = frozenset({Operator.NULL, Operator.NNULL, Operator.EMPTY, Operator.NEMPTY, Operator.SUBMITTED})
_NULLABLE = frozenset({Operator.EQ, Operator.NEQ})
_FALSE = frozenset({"false", "0"})
_BOUNDS = 2


def parse_filter(value: Any) -> Filter:
    """Return the filter that an object, or its JSON text, stands for; None and `{}` take everything.

    Raises:
        Problem: INVALID_QUERY for anything that is no filter, is too deep or too large, or compares with an empty text.
    """
    return _parse(value, stored=False)


def parse_permission_filter(value: Any) -> Filter:
    """Return the filter of a stored rule; like `parse_filter`, but an empty text is a value like any other.

    Raises:
        Problem: INVALID_QUERY; the rule must then allow nothing.
    """
    return _parse(value, stored=True)


def _parse(value: Any, *, stored: bool) -> Filter:
    if isinstance(value, str):
        value = _decoded(value)
    return EVERYTHING if value is None else _Parser(stored=stored).conditions(value, _Place())


def _decoded(text: str) -> Any:
    try:
        return json.decode(text)
    except Problem as problem:
        raise invalid_query("Invalid JSON for filter object") from problem


class _Place:
    """How deep in the filter the parser is: levels of objects, and relations among them."""

    __slots__ = ("depth", "relations")

    def __init__(self, depth: int = 0, relations: int = 0) -> None:
        self.depth = depth
        self.relations = relations
        if depth > DEEPEST:
            raise invalid_query(f"Filter is nested more than {DEEPEST} levels deep")
        if relations > MOST_RELATIONS:
            raise invalid_query("Max relational depth exceeded")

    def inside(self) -> _Place:
        return _Place(self.depth + 1, self.relations)

    def related(self) -> _Place:
        return _Place(self.depth + 1, self.relations + 1)


class _Parser:
    """Parses one filter and counts what is in it, so that a small text cannot cost much."""

    def __init__(self, *, stored: bool) -> None:
        self._stored = stored
        self._nodes = 0
        self._values = 0

    def conditions(self, value: Any, place: _Place) -> Filter:
        """Parse an object whose keys are logic and fields."""
        self._count()
        parts = [self._condition(key, part, place.inside()) for key, part in _object(value).items()]
        return all_of(*parts)

    def _condition(self, key: str, value: Any, place: _Place) -> Filter:
        if key in _LOGIC:
            return _joined(key, [self.conditions(member, place) for member in _members(value)])
        path, function = parse_path(key) if "(" in key else ((key,), None)
        return self._through(path[:-1], path[-1], function, value, place)

    def _through(
        self, relations: tuple[str, ...], field: str, function: Function | None, value: Any, place: _Place
    ) -> Filter:
        if relations:
            inner = self._through(relations[1:], field, function, value, place.related())
            return Related(relations[0], inner)
        if isinstance(value, dict) and not is_list(value):
            return self._field(field, function, value, place)
        return self._compare(field, function, "_eq", value)

    def _field(self, field: str, function: Function | None, body: dict[str, Any], place: _Place) -> Filter:
        """Parse the object under a field: operators are its own, all else belongs to the related row."""
        parts: list[Filter] = []
        related: dict[str, Any] = {}
        for key, value in body.items():
            if key in _LOGIC and _is_about_field(_members(value), place.depth):
                inner = [self._field(field, function, _object(member), place.inside()) for member in _members(value)]
                parts.append(_joined(key, inner))
            elif key == _JSON and isinstance(value, dict) and function is None:
                parts.append(self._inside(field, value, place.inside()))
            elif key in _QUANTIFIERS:
                parts.append(self._related(field, key, value, place))
            elif _is_operator(key, value):
                parts.append(self._compare(field, function, key, value))
            else:
                related[key] = value
        if related:
            if function is not None:
                raise invalid_query("Invalid filter object")
            parts.append(self._related(field, "_some", related, place))
        return all_of(*parts)

    def _related(self, field: str, quantifier: str, value: Any, place: _Place) -> Filter:
        return Related(field, self.conditions(value, place.related()), quantifier.removeprefix("_"))

    def _inside(self, field: str, body: dict[str, Any], place: _Place) -> Filter:
        """Parse conditions on parts of a JSON value: paths, each with operators, and logic between them."""
        self._count()
        parts: list[Filter] = []
        for key, value in body.items():
            if key in _LOGIC:
                inner = [self._inside(field, _object(each), place.inside()) for each in _members(value)]
                parts.append(_joined(key, inner))
                continue
            where = parse_place(key)
            operators = value if isinstance(value, dict) and not is_list(value) else {"_eq": value}
            if not all(name.startswith("_") for name in operators):
                raise invalid_query("Invalid filter object")
            parts += [_placed(self._compare(field, None, name, each), where) for name, each in operators.items()]
        return all_of(*parts)

    def _compare(self, field: str, function: Function | None, key: str, value: Any) -> Compare:
        self._count()
        operator = key.removeprefix("_")
        return Compare(field, operator, self._operand(operator, value), function)

    def _operand(self, operator: str, value: Any) -> Any:
        if operator in _LISTS:
            return self._list(operator, value)
        if operator in _FLAGS:
            return _flag(operator, value)
        if f"_{operator}" in _OPERATORS:
            return self._scalar(operator, value)
        return value

    def _list(self, operator: str, value: Any) -> list[Any]:
        items = [self._scalar(operator, item) for item in _items(value)]
        self._values += len(items)
        if self._values > MOST_VALUES:
            raise invalid_query(f"Filter has more than {MOST_VALUES} values")
        if operator in RANGES and (len(items) != _BOUNDS or None in items):
            raise invalid_query(f'"_{operator}" must have two values')
        return items

    def _scalar(self, operator: str, value: Any) -> Any:
        if isinstance(value, dict | list | tuple):
            raise invalid_query(f'"_{operator}" must be a string, a number or a boolean')
        if not isinstance(value, str):
            return value
        if not value and operator not in _LISTS and not self._stored:
            raise invalid_query(f'"_{operator}" must not be empty, use "_empty" or "_nempty"')
        if value == "null" and operator in _NULLABLE:
            return None
        return parse_variable(value) or value

    def _count(self) -> None:
        self._nodes += 1
        if self._nodes > MOST_NODES:
            raise invalid_query(f"Filter has more than {MOST_NODES} conditions")


def _placed(node: Compare, place: Place) -> Filter:
    """Return the comparison of a part of a JSON value; members of a list are compared kind by kind."""
    if node.operator not in _LISTS:
        kind = FieldType.TEXT if node.operator in _FLAGS else kind_of(node.value)
        return replace(node, place=place, type=kind)
    kinds = list(dict.fromkeys(map(kind_of, node.value))) or [FieldType.TEXT]
    if node.operator in RANGES and len(kinds) > 1:
        raise invalid_query(f'"_{node.operator}" must have two values of one kind')
    parts = [
        replace(node, place=place, type=kind, value=[each for each in node.value if kind_of(each) is kind])
        for kind in kinds
    ]
    return all_of(*parts) if node.operator == Operator.NIN else any_of(*parts)


def _joined(key: str, parts: Iterable[Filter]) -> Filter:
    return all_of(*parts) if key == "_and" else any_of(*parts)


def _object(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict) or is_list(value):
        raise invalid_query("Invalid filter object")
    return value


def _members(value: Any) -> list[Any]:
    """Return the filters that `_and` or `_or` join."""
    if isinstance(value, dict) and is_list(value):
        value = elements(value)
    if not isinstance(value, list | tuple):
        raise invalid_query("Invalid filter object")
    return list(value)


def _items(value: Any) -> list[Any]:
    """Return the values of a list operator: a list, comma-separated or JSON text, or one value."""
    if isinstance(value, dict) and is_list(value):
        return elements(value)
    if isinstance(value, list | tuple):
        return list(value)
    if not isinstance(value, str):
        return [value]
    if value.startswith("["):
        decoded = _decoded(value)
        return decoded if isinstance(decoded, list) else [decoded]
    return value.split(",") if value else []


def _flag(operator: str, value: Any) -> bool:
    if isinstance(value, dict | list | tuple):
        raise invalid_query(f'"_{operator}" must be a boolean')
    return value.strip().lower() not in _FALSE if isinstance(value, str) else value is None or bool(value)


def _is_operator(key: str, value: Any) -> bool:
    """An operator never takes an object, so `{"author": {"_id": {"_eq": 1}}}` reaches a column that is named so."""
    return key in _OPERATORS or (key.startswith("_") and key not in _LOGIC and not isinstance(value, dict))


def _is_about_field(members: list[Any], depth: int) -> bool:
    """Whether logic under a field joins comparisons of that field, rather than conditions on related rows."""
    return not members or any(_compares(member, depth) for member in members)


def _compares(member: Any, depth: int) -> bool:
    if not isinstance(member, dict) or depth > DEEPEST:
        return False
    return any(
        _is_about_field(_members(value), depth + 1) if key in _LOGIC else key == _JSON or _is_operator(key, value)
        for key, value in member.items()
    )
