"""Measures: how deep and how large a query is, before anybody works out what it means."""

from __future__ import annotations

from typing import TYPE_CHECKING

from watchword.query.filters import All, Any, Compare, Filter, Not, Related

if TYPE_CHECKING:
    from watchword.query.query import Query


def depth_of(query: Query) -> int:
    """Return how many relations the longest path of a query follows, in fields, sorting, filters and `deep` alike."""
    paths = [*(selection.path for selection in query.fields), *(order.path for order in query.sort)]
    below = (1 + depth_of(inner) for inner in query.deep.values())
    return max(_relations_in(query.filter), *(len(path) - 1 for path in paths), *below, 0)


def conditions_of(query: Query) -> int:
    """Return how many conditions the filters of a query have, those under `deep` included."""
    return _conditions_in(query.filter) + sum(map(conditions_of, query.deep.values()))


def fields_compared(node: Filter) -> frozenset[str]:
    """Return the fields that a filter asks of the row itself, not of related ones."""
    match node:
        case Compare(field=field):
            return frozenset({field})
        case Related():
            return frozenset()
        case Not(part=part):
            return fields_compared(part)
        case All(parts=parts) | Any(parts=parts):
            return frozenset().union(*map(fields_compared, parts))


def _relations_in(node: Filter) -> int:
    match node:
        case Compare():
            return 0
        case Related(filter=inner):
            return 1 + _relations_in(inner)
        case Not(part=part):
            return _relations_in(part)
        case All(parts=parts) | Any(parts=parts):
            return max(map(_relations_in, parts), default=0)


def _conditions_in(node: Filter) -> int:
    match node:
        case Compare():
            return 1
        case Related(filter=inner) | Not(part=inner):
            return _conditions_in(inner)
        case All(parts=parts) | Any(parts=parts):
            return sum(map(_conditions_in, parts))
