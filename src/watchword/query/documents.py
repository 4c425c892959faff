"""Documents: paths into JSON values, `settings.theme` and `items[0].name`, and what they lead to."""

from __future__ import annotations

import re
from typing import Any

from watchword.base.errors import invalid_query
from watchword.query.types import FieldType

Place = tuple[str | int, ...]
"""A path into a JSON value: names of members and indexes of items."""

DEEPEST = 10
"""How many steps a path takes at the most (Directus: `MAX_JSON_QUERY_DEPTH`)."""

_STEP = re.compile(r"""(?:^|(?<=.)\.)([^.\[\]*?@$(){}"'\\,\s\x00-\x1f\ud800-\udfff]{1,200})|\[(\d{1,9})\]""")


def parse_place(text: str) -> Place:
    """Return the path that a text stands for.

    Raises:
        Problem: INVALID_QUERY for wildcards, predicates, and whatever else is no path of names and indexes.
    """
    steps: list[str | int] = []
    end = 0
    while end < len(text):
        found = _STEP.match(text, end)
        if found is None or len(steps) >= DEEPEST:
            raise invalid_query(f'"{text[:200]}" is no path into a JSON value of at most {DEEPEST} steps')
        name, index = found.groups()
        steps.append(int(index) if name is None else name)
        end = found.end()
    if not steps:
        raise invalid_query("A path into a JSON value names something")
    return tuple(steps)


def parse_json_function(text: str) -> tuple[tuple[str, ...], Place] | None:
    """Return the path to a field and the path into its value for `json(author.meta, settings.theme)`, else None.

    Raises:
        Problem: INVALID_QUERY, where the second path is none.
    """
    head, bracket, inner = text.partition("json(")
    field, comma, place = inner.rpartition(",")
    if not bracket or not inner.endswith(")") or not comma or (head and not head.endswith(".")):
        return None
    path = (*head.split(".")[:-1], *field.strip().split("."))
    return path, parse_place(place[:-1].strip())


def name_of(field: str, place: Place) -> str:
    """Return the name under which a part of a field is told: `metadata_settings_theme_json`."""
    return "_".join((field, *map(str, place), "json"))


def value_at(document: Any, place: Place) -> Any:
    """Return what a path leads to in a JSON value; None where that is null or nothing."""
    for step in place:
        if isinstance(step, int):
            document = document[step] if isinstance(document, list) and step < len(document) else None
        else:
            document = document.get(step) if isinstance(document, dict) else None
    return document


def kind_of(value: Any) -> FieldType:
    """Return as what a part of a JSON value is compared with a value: as a text, a number or a boolean."""
    if isinstance(value, bool):
        return FieldType.BOOLEAN
    return FieldType.DECIMAL if isinstance(value, int | float) else FieldType.TEXT


def is_of_kind(value: Any, kind: FieldType) -> bool:
    """Whether a part of a JSON value is a scalar of that kind."""
    return isinstance(value, str | int | float) and kind_of(value) is kind
