"""Exports: a list of rows as a file, comma-separated or JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from watchword.base import json
from watchword.base.errors import invalid_query
from watchword.http.answers import NO_CACHE, Answer, json_answer

if TYPE_CHECKING:
    from collections.abc import Iterator

FORMATS = ("csv", "csv_utf8", "json")

_BYTE_ORDER_MARK = "\ufeff"  # what makes Excel read UTF-8


def export_format(params: dict[str, Any]) -> str | None:
    """Return the format that a query string asks for, None for the usual answer.

    Raises:
        Problem: INVALID_QUERY for a format that there is not.
    """
    wanted = params.get("export")
    if wanted is None or wanted == "":
        return None
    if wanted not in FORMATS:
        raise invalid_query(f'"export" must be one of [{", ".join(FORMATS)}]')
    return str(wanted)


def export_answer(collection: str, data: Any, kind: str) -> Answer:
    """Answer with rows, or one row, as a file to keep."""
    rows = data if isinstance(data, list) else [data]
    name = "".join(character if character.isascii() and character.isalnum() else "_" for character in collection)
    extension = "json" if kind == "json" else "csv"
    headers = (NO_CACHE, ("content-disposition", f'attachment; filename="{name}.{extension}"'))
    if kind == "json":
        return json_answer(rows, headers=headers)
    text = (_BYTE_ORDER_MARK if kind == "csv_utf8" else "") + to_csv(rows)
    return Answer(200, text.encode("utf-8", "replace"), headers, "text/csv; charset=utf-8")


def to_csv(rows: list[dict[str, Any]]) -> str:
    """Return rows as comma-separated values under a line of names; members of objects are columns of their own."""
    flat = [dict(_flatten(row)) for row in rows]
    names = list(dict.fromkeys(name for row in flat for name in row))
    lines = [[_quoted(name) for name in names], *([_cell(row.get(name)) for name in names] for row in flat)]
    return "\n".join(",".join(line) for line in lines)


def _flatten(row: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in row.items():
        if isinstance(value, dict) and value:
            yield from _flatten(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


def _cell(value: Any) -> str:
    match value:
        case None:
            return ""
        case str():
            return _quoted(value)
        case dict() | list():
            return _quoted(json.encode(value).decode())
        case _:
            return json.encode(value).decode()


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'
