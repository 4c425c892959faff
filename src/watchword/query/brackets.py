"""Query strings in the bracket form: `filter[status][_eq]=draft&fields[]=id&sort[0]=-id`, as Node's `qs` reads them."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import unquote_plus

from watchword.base.errors import invalid_query

MOST_PARAMETERS = 1000
MOST_ELEMENTS = 500
DEEPEST = 10

_SEGMENT = re.compile(r"\[([^\[\]]*)\]")
_ESCAPED_OPEN = re.compile("%5b", re.IGNORECASE)
_ESCAPED_CLOSE = re.compile("%5d", re.IGNORECASE)
_LONGEST_INDEX = 9

Node = dict[str, Any]


def parse_query_string(raw: str | bytes) -> dict[str, Any]:
    """Return the parameters of a query string: texts, and dicts and lists of them.

    A name that occurs twice, `[]`, and numbers as names make a list, in order and without gaps. Undecodable bytes
    become U+FFFD.

    Raises:
        Problem: INVALID_QUERY for too many parameters, elements or levels.
    """
    text = raw.decode("utf-8", "replace") if isinstance(raw, bytes) else raw
    pairs = [pair for pair in text.removeprefix("?").split("&") if pair]
    if len(pairs) > MOST_PARAMETERS:
        raise invalid_query(f"There are more than {MOST_PARAMETERS} parameters")
    tree: Node = {}
    for pair in pairs:
        name, value = _split(pair)
        path = _path(name)
        if path:
            _insert(tree, path, value)
    return {name: _settled(node) for name, node in tree.items()}


def _split(pair: str) -> tuple[str, str]:
    """Split at the first `=` that is outside of brackets."""
    pair = _ESCAPED_CLOSE.sub("]", _ESCAPED_OPEN.sub("[", pair))
    depth = 0
    for index, character in enumerate(pair):
        depth += (character == "[") - (character == "]")
        if character == "=" and depth <= 0:
            return unquote_plus(pair[:index]), unquote_plus(pair[index + 1 :])
    name, _, value = pair.partition("=")
    return unquote_plus(name), unquote_plus(value)


def _path(name: str) -> list[str]:
    first = _SEGMENT.search(name)
    if first is None:
        return [name] if name else []
    segments = _SEGMENT.findall(name)
    if len(segments) > DEEPEST:
        raise invalid_query(f"Parameters are nested more than {DEEPEST} levels deep")
    path = [name[: first.start()], *segments]
    return path if path[0] else path[1:] if path[1] else []


def _insert(tree: Node, path: list[str], value: str) -> None:
    node = tree
    for step in path[:-1]:
        name = step or _next_index(node)
        inner = node.setdefault(name, {})
        if isinstance(inner, str):
            inner = node[name] = {"0": inner}
        node = inner
    name = path[-1] or _next_index(node)
    present = node.get(name)
    if present is None:
        node[name] = value
    elif isinstance(present, str):
        node[name] = {"0": present, "1": value}
    else:
        present[_next_index(present)] = value


def _next_index(node: Node) -> str:
    index = len(node)
    while str(index) in node:
        index += 1
    return str(index)


def _settled(node: Any) -> Any:
    if isinstance(node, str):
        return node
    members = {name: _settled(member) for name, member in node.items()}
    return elements(members) if is_list(members) else members


def is_list(node: dict[str, Any]) -> bool:
    """Whether the names are numbers only: a list that was written with its indices."""
    return bool(node) and all(name.isdecimal() and name.isascii() and len(name) <= _LONGEST_INDEX for name in node)


def elements(node: dict[str, Any]) -> list[Any]:
    """Return the members of such a list, in the order of their indices.

    Raises:
        Problem: INVALID_QUERY when there are too many.
    """
    if len(node) > MOST_ELEMENTS:
        raise invalid_query(f"A list has more than {MOST_ELEMENTS} elements")
    return [node[name] for name in sorted(node, key=int)]
