"""Queries on the wire: from the parameters of a request or a frame to a Query.

Every parameter may come as raw JSON (frames, SEARCH bodies), as text (JSON or comma-separated) or as what
`parse_query_string` made of brackets. Parameters that are not known are ignored.
"""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from watchword.base import json
from watchword.base.errors import Problem, invalid_query
from watchword.query.brackets import elements, is_list, parse_query_string
from watchword.query.conditions import MOST_RELATIONS, parse_filter, parse_permission_filter
from watchword.query.documents import parse_json_function
from watchword.query.filters import EVERYTHING
from watchword.query.functions import parse_path
from watchword.query.query import Aggregate, Grouping, Order, Query, Selection

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

__all__ = ["DEFAULT_LIMIT", "parse_filter", "parse_permission_filter", "parse_query", "parse_query_string"]

DEFAULT_LIMIT = 100
"""The rows of a page when a query says which page but not how many rows it has."""

MOST_ENTRIES = 1000
MOST_RELATIONS_ASKED = 100

_COUNTS = ("total_count", "filter_count")
_OF_ROWS = frozenset({"count", "countAll"})
_AGGREGATES = _OF_ROWS | {"countDistinct", "sum", "sumDistinct", "avg", "avgDistinct", "min", "max"}
_NUMBER = re.compile(r"\s*[+-]?\d{1,400}(\.\d{1,400})?\s*", re.ASCII)
_LARGEST = 2**53 - 1


def parse_query(collection: str, params: Mapping[str, Any]) -> Query:
    """Return the query that the parameters ask of a collection; `page` wins over `offset`.

    Raises:
        Problem: INVALID_QUERY, in Directus' words where they are known.
    """
    return _level(collection, params, "", _Depth())


class _Depth:
    """How deep the parameters lie, and how many relations they may still ask about, all levels together."""

    __slots__ = ("_left", "level")

    def __init__(self) -> None:
        self.level = 0
        self._left = MOST_RELATIONS_ASKED

    def enter(self, relations: int) -> None:
        """Go one level down to these relations; `leave` must follow.

        Raises:
            Problem: INVALID_QUERY, when it is too deep or there are too many of them.
        """
        self.level += 1
        self._left -= relations
        if self.level > MOST_RELATIONS:
            raise _too_deep()
        if self._left < 0:
            raise invalid_query(f'"deep" has more than {MOST_RELATIONS_ASKED} relations')

    def leave(self) -> None:
        """Come back up."""
        self.level -= 1


def _level(collection: str, params: Mapping[str, Any], prefix: str, depth: _Depth) -> Query:
    """Read the parameters of the root, or those of a relation, whose names start with an underscore."""

    def given(name: str) -> Any:
        value = params.get(prefix + name)
        return None if value == "" else value

    limit, offset = _window(given, prefix)
    condition = given("filter")
    grouping = given("groupBy") if given("group") is None else given("group")
    return Query(
        collection,
        fields=_fields(given("fields"), prefix + "fields"),
        filter=EVERYTHING if condition is None else parse_filter(condition),
        sort=tuple(_order(text) for text in _texts(given("sort"), prefix + "sort")),
        limit=limit,
        offset=offset,
        search=_search(given("search"), prefix + "search"),
        deep=_deep(params if prefix else _object(given("deep"), "deep"), depth),
        aggregate=tuple(_aggregates(given("aggregate"), prefix + "aggregate")),
        group=tuple(_grouping(text) for text in _texts(grouping, prefix + "groupBy")),
        alias=_aliases(given("alias"), prefix + "alias"),
        meta=_meta(given("meta"), prefix + "meta"),
    )


def _deep(params: Mapping[str, Any], depth: _Depth) -> dict[str, Query]:
    """Read the queries of relations; which collection each is of, only the schema knows."""
    relations = {name: value for name, value in params.items() if not name.startswith("_")}
    if not relations:
        return {}
    depth.enter(len(relations))
    queries = {name: _level("", _object(value, f"deep.{name}"), "_", depth) for name, value in relations.items()}
    depth.leave()
    return queries


def _window(given: Callable[[str], Any], prefix: str) -> tuple[int | None, int]:
    limit = _whole(given("limit"), prefix + "limit", -1)
    offset = _whole(given("offset"), prefix + "offset", 0)
    page = _whole(given("page"), prefix + "page", 0)
    if not page:
        return limit, offset or 0
    if limit == -1:
        return (limit, 0) if page == 1 else (0, 0)
    size = DEFAULT_LIMIT if limit is None else limit
    if (page - 1) * size > _LARGEST:
        raise invalid_query(f'"{prefix}page" must be a safe number')
    return size, (page - 1) * size


def _whole(value: Any, name: str, least: int) -> int | None:
    if value is None:
        return None
    if isinstance(value, str) and _NUMBER.fullmatch(value):
        value = float(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise invalid_query(f'"{name}" must be a number')
    if value < least:
        raise invalid_query(f'"{name}" must be greater than or equal to {least}')
    if not value <= _LARGEST:
        raise invalid_query(f'"{name}" must be a safe number')
    if value != int(value):
        raise invalid_query(f'"{name}" must be an integer')
    return int(value)


def _search(value: Any, name: str) -> str | None:
    if value is not None and not isinstance(value, str):
        raise invalid_query(f'"{name}" must be a string')
    return value


def _fields(value: Any, name: str) -> tuple[Selection, ...]:
    selected: dict[Selection, None] = {}
    left = MOST_ENTRIES
    for index, item in enumerate(_items(value, name)):
        for text in _selected(item, f"{name}[{index}]", "", 0):
            left -= 1
            if left < 0:
                raise invalid_query(f'"{name}" has more than {MOST_ENTRIES} entries')
            selected[_selection(text)] = None
    return tuple(selected)


def _selected(item: Any, name: str, prefix: str, depth: int) -> Iterator[str]:
    """Yield the dotted paths of one entry: text, or `{"author": ["name"]}`, or `{"item": {"posts": ["title"]}}`."""
    if depth > MOST_RELATIONS:
        raise _too_deep()
    match item:
        case str():
            yield from (prefix + text for text in _split(item))
        case dict():
            for relation, members in item.items():
                yield from _selected_of(relation, members, name, prefix, depth)
        case _:
            raise invalid_query(f'"{name}" must be a string')


def _selected_of(relation: str, members: Any, name: str, prefix: str, depth: int) -> Iterator[str]:
    if isinstance(members, dict) and not is_list(members):
        for scope, inner in members.items():
            for member in _items(inner, name):
                yield from _selected(member, name, f"{prefix}{relation}:{scope}.", depth + 1)
        return
    for member in _items(members, name):
        yield from _selected(member, name, f"{prefix}{relation}.", depth + 1)


def _selection(text: str) -> Selection:
    inside = parse_json_function(text)
    if inside is not None:
        return Selection(_bounded(inside[0]), place=inside[1])
    path, function = parse_path(text)
    return Selection(_bounded(path), function)


def _order(text: str) -> Order:
    name, descending = text.removeprefix("-"), text.startswith("-")
    inside = parse_json_function(name)
    if inside is not None:
        return Order(_bounded(inside[0]), descending, place=inside[1])
    path, function = parse_path(name)
    return Order(_bounded(path), descending, function)


def _grouping(text: str) -> Grouping:
    path, function = parse_path(text)
    return Grouping(".".join(path), function)


def _aggregates(value: Any, name: str) -> Iterator[Aggregate]:
    for function, fields in _object(value, name).items():
        if function not in _AGGREGATES:
            raise invalid_query(f'"{name}.{function}" is not allowed')
        for field in _texts(fields, f"{name}.{function}"):
            if field == "*" and function not in _OF_ROWS:
                raise invalid_query(f'"{name}.{function}" must name a field')
            yield Aggregate(function, field)


def _aliases(value: Any, name: str) -> dict[str, str]:
    aliases = _object(value, name)
    for alias, field in aliases.items():
        if not isinstance(field, str):
            raise invalid_query(f'"{name}.{alias}" must be a string')
        if "." in alias or "." in field:
            raise invalid_query(f'"{name}.{alias}" must not contain a period')
    return dict(aliases)


def _meta(value: Any, name: str) -> tuple[str, ...]:
    texts = _texts(value, name)
    if "*" in texts:
        return _COUNTS
    for index, text in enumerate(texts):
        if text not in _COUNTS:
            raise invalid_query(f'"{name}[{index}]" must be one of [{", ".join(_COUNTS)}]')
    return tuple(dict.fromkeys(texts))


def _texts(value: Any, name: str) -> list[str]:
    """Return the entries of a list of texts, each of which may be comma-separated."""
    texts: list[str] = []
    for index, item in enumerate(_items(value, name)):
        if not isinstance(item, str):
            raise invalid_query(f'"{name}[{index}]" must be a string')
        texts.extend(_split(item))
    if len(texts) > MOST_ENTRIES:
        raise invalid_query(f'"{name}" has more than {MOST_ENTRIES} entries')
    return texts


def _items(value: Any, name: str) -> list[Any]:
    if value is None:
        return []
    if isinstance(value, str):
        value = _decoded(value, name) if value.startswith("[") else [value]
    if isinstance(value, dict) and is_list(value):
        value = elements(value)
    if not isinstance(value, list | tuple):
        raise invalid_query(f'"{name}" must be an array')
    return list(value)


def _split(text: str) -> list[str]:
    """Split at the commas outside of parentheses; nothing between two of them is nothing."""
    if "(" not in text:
        return [part.strip() for part in text.split(",") if part.strip()]
    cuts = [-1]
    depth = 0
    for index, character in enumerate(text):
        depth += (character == "(") - (character == ")")
        if character == "," and depth <= 0:
            cuts.append(index)
    parts = (text[start + 1 : end].strip() for start, end in pairwise([*cuts, len(text)]))
    return [part for part in parts if part]


def _object(value: Any, name: str) -> dict[str, Any]:
    if value is None:
        return {}
    if isinstance(value, str):
        value = _decoded(value, name)
    if not isinstance(value, dict):
        raise invalid_query(f'"{name}" must be an object')
    return value


def _decoded(text: str, name: str) -> Any:
    try:
        return json.decode(text)
    except Problem as problem:
        raise invalid_query(f"Invalid JSON for {name} object") from problem


def _bounded(path: tuple[str, ...]) -> tuple[str, ...]:
    if len(path) > MOST_RELATIONS + 1:
        raise _too_deep()
    return path


def _too_deep() -> Problem:
    return invalid_query("Max relational depth exceeded")
