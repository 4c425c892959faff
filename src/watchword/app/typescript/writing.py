"""Writes types as text, always in the same way: two spaces a level, double quotes, semicolons."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from watchword.app.typescript import types as ts
from watchword.base import json

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from watchword.app.typescript.types import Doc, Key, Type

    NameOf = Callable[[Key], str]
    Nested = Mapping[str, "str | Nested"]

_LONGEST = 88
_STEP = "  "
_NAME = re.compile(r"[A-Za-z_$][\w$]*", re.ASCII)


def written(found: Type, name_of: NameOf) -> str:
    """Return a type as text; objects may take several lines."""
    match found:
        case ts.Word(text=text):
            return text
        case ts.Literals(values=values):
            ordered = sorted(values, key=lambda each: each is None)
            return " | ".join(dict.fromkeys(map(_literal, ordered))) or "never"
        case ts.ListOf(item=item):
            return f"{_grouped(item, name_of)}[]"
        case ts.TupleOf(items=items, required=required):
            places = [_grouped(each, name_of) for each in items]
            return f"[{', '.join([*places[:required], *(f'{place}?' for place in places[required:])])}]"
        case ts.Applied(name=name, arguments=arguments):
            return f"{name}<{', '.join(written(each, name_of) for each in arguments)}>"
        case ts.OneOf(options=options):
            return " | ".join(written(each, name_of) for each in options)
        case ts.AllOf(parts=parts):
            return " & ".join(_grouped(each, name_of) for each in parts)
        case ts.Reference(key=key):
            return name_of(key)
        case ts.Members():
            return _object(found, name_of)


def declared(name: str, declaration: ts.Declaration, name_of: NameOf) -> str:
    """Return a declaration: an interface for an object, an alias for anything else."""
    comment, body = documented(declaration.doc), declaration.body
    if isinstance(body, ts.Members):
        return f"{comment}export interface {name} {_block(_lines(body, name_of))}"
    return f"{comment}export type {name} = {written(body, name_of)};"


def documented(doc: Doc) -> str:
    """Return a comment, with the end of its line; nothing for nothing."""
    lines = [line.rstrip().replace("*/", "*\\/") for line in doc]
    while lines and not lines[-1]:
        lines.pop()
    if not lines:
        return ""
    if len(lines) == 1:
        return f"/** {lines[0]} */\n"
    return "\n".join(["/**", *(f" * {line}".rstrip() for line in lines), " */"]) + "\n"


def nested(members: Nested) -> str:
    """Return objects within objects, whose leaves are texts: `key: type`, and what stands before the key."""
    lines = []
    for name, member in members.items():
        lines.append(member if isinstance(member, str) else f"{key(name)}: {nested(member)};")
    return _block(lines)


def key(name: str) -> str:
    """Return the key of an object."""
    return name if _NAME.fullmatch(name) else json.encode(name).decode()


def _grouped(found: Type, name_of: NameOf) -> str:
    """Return a type as a part of another one."""
    text = written(found, name_of)
    several = isinstance(found, (ts.OneOf, ts.AllOf)) or (isinstance(found, ts.Literals) and len(found.values) > 1)
    return f"({text})" if several else text


def _object(found: ts.Members, name_of: NameOf) -> str:
    lines = _lines(found, name_of)
    if not lines:
        return "Record<string, never>"
    line = f"{{ {' '.join(lines)[:-1]} }}"
    return line if "\n" not in line and len(line) <= _LONGEST else _block(lines)


def _lines(found: ts.Members, name_of: NameOf) -> list[str]:
    lines = []
    for member in found.members:
        mark = "?" if member.optional else ""
        lines.append(f"{documented(member.doc)}{key(member.name)}{mark}: {written(member.type, name_of)};")
    return [*lines, *(() if found.rest is None else (f"[key: string]: {written(found.rest, name_of)};",))]


def _block(lines: list[str]) -> str:
    if not lines:
        return "{\n}"
    text = "\n".join(lines)  # of which each may be several; other ends of lines than this one may be in a literal
    return "{\n" + "".join(f"{_STEP if line else ''}{line}\n" for line in text.split("\n")) + "}"


def _literal(value: str | float | bool | None) -> str:
    return json.encode(value).decode()
