"""Payloads: the bodies that name several items, checked before anything is done with them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from watchword.base.errors import invalid_payload
from watchword.query.query import Query
from watchword.query.wire import parse_query

if TYPE_CHECKING:
    from collections.abc import Iterable

Key = str | int


class Selected(msgspec.Struct, frozen=True):
    """Which items a body is about: those of `keys`, or those that `query` takes."""

    query: Query
    keys: tuple[Key, ...] | None = None


def parse_search(collection: str, body: dict[str, Any]) -> Selected | None:
    """Read the body of a SEARCH: `{query?, keys?}`; None when it selects nothing itself.

    Raises:
        Problem: INVALID_PAYLOAD or INVALID_QUERY.
    """
    _refuse_others(body, ("query", "keys"))
    keys, query = _keys(body.get("keys")), _query(collection, body)
    if keys is None and query is None:
        return None
    return Selected(query if query is not None else Query(collection), keys)


def parse_update(collection: str, body: dict[str, Any]) -> tuple[Selected, dict[str, Any]]:
    """Read the body of an update of several items: `{keys, data}` or `{query, data}`.

    Raises:
        Problem: INVALID_PAYLOAD or INVALID_QUERY.
    """
    if "data" not in body:
        raise invalid_payload('"data" is required')
    data = body["data"]
    if not isinstance(data, dict):
        raise invalid_payload('"data" must be of type object')
    _refuse_others(body, ("query", "keys", "data"))
    return _one_way(collection, body), data


def parse_delete(collection: str, body: dict[str, Any] | list[Any] | None) -> Selected:
    """Read the body of a delete of several items: `[key, …]`, `{keys}` or `{query}`.

    Raises:
        Problem: INVALID_PAYLOAD or INVALID_QUERY.
    """
    if isinstance(body, list):
        return Selected(Query(collection), _keys(body))
    members = body or {}
    _refuse_others(members, ("query", "keys"))
    return _one_way(collection, members)


def parse_rows(body: list[Any]) -> list[dict[str, Any]]:
    """Check that a list holds objects only.

    Raises:
        Problem: INVALID_PAYLOAD.
    """
    for index, row in enumerate(body):
        if not isinstance(row, dict):
            raise invalid_payload(f'"[{index}]" must be of type object')
    return body


def _one_way(collection: str, body: dict[str, Any]) -> Selected:
    keys, query = _keys(body.get("keys")), _query(collection, body)
    if keys is None and query is None:
        raise invalid_payload('"value" must contain at least one of [query, keys]')
    if keys is not None and query is not None:
        raise invalid_payload('"value" contains a conflict between exclusive peers [query, keys]')
    return Selected(query if query is not None else Query(collection), keys)


def _query(collection: str, body: dict[str, Any]) -> Query | None:
    params = body.get("query")
    if params is None:
        return None
    if not isinstance(params, dict):
        raise invalid_payload('"query" must be of type object')
    return parse_query(collection, params)


def _keys(value: Any) -> tuple[Key, ...] | None:
    if value is None:
        return None
    if not isinstance(value, list):
        raise invalid_payload('"keys" must be an array')
    for index, key in enumerate(value):
        if not isinstance(key, str | int) or isinstance(key, bool):
            raise invalid_payload(f'"keys[{index}]" must be one of [string, number]')
    return tuple(value)


def _refuse_others(body: dict[str, Any], known: Iterable[str]) -> None:
    for name in body:
        if name not in known:
            raise invalid_payload(f'"{name}" is not allowed')
