"""Arguments: from what a field is given to the query that every other road has, filters by their wire names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from watchword.base.errors import invalid_query
from watchword.graphql.sight import way_name
from watchword.query.conditions import MOST_NODES
from watchword.query.wire import parse_query

if TYPE_CHECKING:
    from watchword.data.catalogue import Catalogue
    from watchword.data.schema import Collection
    from watchword.query.query import Query

_READING = ("sort", "limit", "offset", "page", "search", "groupBy")
_FUNCTION = "_func"
_LOGIC = frozenset({"_and", "_or"})
_QUANTIFIERS = frozenset({"_some", "_none"})
_MOST_OBJECTS = 2 * MOST_NODES
"""A quantifier is two objects here and one condition there, where conditions are counted."""


def query_of(catalogue: Catalogue, collection: Collection, arguments: dict[str, Any]) -> Query:
    """Return the query that arguments ask of a collection; which fields it shows is not theirs to say.

    Raises:
        Problem: INVALID_QUERY.
    """
    params = {name: arguments[name] for name in _READING if arguments.get(name) is not None}
    condition = arguments.get("filter")
    if condition is not None:
        params["filter"] = conditions(catalogue, collection, condition)
    return parse_query(collection.name, params)


def conditions(catalogue: Catalogue, collection: Collection, given: dict[str, Any]) -> dict[str, Any]:
    """Return a filter as REST writes it: `FIELD_func: {year: …}` becomes `year(FIELD): …`.

    Raises:
        Problem: INVALID_QUERY for one that is too large whatever it says.
    """
    return _Writing(catalogue).conditions(collection, given)


class _Writing:
    """Writes one filter. What is too large is not written to its end, as this is done on the loop."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._objects = 0

    def conditions(self, collection: Collection, given: dict[str, Any]) -> dict[str, Any]:
        """Write an object whose members are logic and fields."""
        self._objects += 1
        if self._objects > _MOST_OBJECTS:
            raise invalid_query(f"Filter has more than {MOST_NODES} conditions")
        written: dict[str, Any] = {}
        for name, value in given.items():
            if value is None:
                continue
            if name in _LOGIC:
                written[name] = [self.conditions(collection, each) for each in value if each is not None]
            elif name in _QUANTIFIERS:
                written[name] = self.conditions(collection, value)
            elif name in collection.relations or name in collection.fields:
                written[name] = self._condition(collection, name, value)
            elif name in (ways := _ways(collection)):
                relation = collection.relations[ways[name]]
                related = self._catalogue.schema.collections[relation.related]
                written[ways[name]] = self.conditions(related, value)
            else:
                field = name.removesuffix(_FUNCTION)
                written |= {
                    f"{function}({field})": _present(each) for function, each in value.items() if each is not None
                }
        return written

    def _condition(self, collection: Collection, name: str, value: dict[str, Any]) -> dict[str, Any]:
        relation = collection.relations.get(name)
        # Where the related collection is out of sight, the field is a plain column and has operators.
        related = None if relation is None else self._catalogue.schema.collections.get(relation.related)
        if related is None or _compares(related, value):
            return _present(value)
        return self.conditions(related, value)


def _ways(collection: Collection) -> dict[str, str]:
    """Return the relations of the ways of unions, by what filters call them here."""
    return {
        way_name(union.field, member): union.way(member)
        for union in collection.unions.values()
        for member in union.members
    }


def _compares(related: Collection, value: dict[str, Any]) -> bool:
    """Whether all members are operators: none is a field, logic or a quantifier."""
    known = {*related.fields, *related.relations, *_LOGIC, *_QUANTIFIERS}
    return bool(value) and all(name.startswith("_") and name not in known for name in value)


def _present(operators: dict[str, Any]) -> dict[str, Any]:
    """Leave out the operators that are given null: they are not asked for."""
    return {name: value for name, value in operators.items() if value is not None}
