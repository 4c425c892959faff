"""The body of a table's capture function on PostgreSQL."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import msgspec

from watchword.storage.images import LARGE, OMITTED
from watchword.storage.sql_text import escaped, name

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from watchword.storage.changes import Captured

# Types whose text has the bytes of the stored value, so that its size is known without reading it.
_TEXTUAL = frozenset({"text", "varchar", "bpchar", "json", "xml", "citext"})

_ORIGIN = "CASE WHEN session_user = current_user THEN nullif(current_setting('watchword.origin', true), '') END"

# The inner block catches what making the images may raise. Nothing is written in it, so it costs no subtransaction id.
_BODY = """DECLARE
  w_action "char";
  w_key text;
  w_former text;
  w_before json;
  w_after json;
BEGIN
  IF TG_OP = 'TRUNCATE' THEN
    w_action := 'r';
  ELSE
    BEGIN
      IF TG_OP = 'INSERT' THEN
        @create@
      ELSIF TG_OP = 'UPDATE' THEN
        @update@
      ELSE
        @delete@
      END IF;
    EXCEPTION WHEN OTHERS THEN
      w_action := 'r';
      w_key := NULL;
      w_former := NULL;
      w_before := NULL;
      w_after := NULL;
    END;
  END IF;
  INSERT INTO @schema@.watchword_change (collection, action, key, former, before, after, origin)
    VALUES (@collection@, w_action, w_key, w_former, w_before, w_after, @origin@);
  RETURN NULL;
END"""

_MARK = re.compile("@[a-z]+@")
_IGNORED = ("RETURN NULL;",)


class Column(msgspec.Struct, frozen=True):
    """A column: its type's name (of a domain, the base type's), and whether a value can be large at all."""

    name: str
    type: str
    may_be_large: bool


def function_body(schema: str, captured: Captured, columns: Sequence[Column]) -> str:
    """Write what runs for each changed row of the table, and once for a TRUNCATE."""
    created = _key(captured, "NEW", "w_key"), *_image("NEW", "w_after", columns), "w_action := 'c';"
    deleted = _key(captured, "OLD", "w_key"), *_image("OLD", "w_before", columns), "w_action := 'd';"
    parts = {
        "@create@": created if "create" in captured.actions else _IGNORED,
        "@update@": _updated(captured, columns) if "update" in captured.actions else _IGNORED,
        "@delete@": deleted if "delete" in captured.actions else _IGNORED,
    }
    words = {mark: "\n        ".join(lines) for mark, lines in parts.items()}
    words |= {"@schema@": name(schema), "@origin@": _ORIGIN, "@collection@": escaped(captured.collection)}
    # All at once: a column may be named like a mark.
    return _MARK.sub(lambda mark: words[mark.group()], _BODY)


def _updated(captured: Captured, columns: Sequence[Column]) -> Iterable[str]:
    names = [each.name for each in columns]
    watched = names if captured.watched is None else [each for each in captured.watched if each in names]
    compared = list(dict.fromkeys([*captured.key, *watched]))
    # Compares stored bytes: that works for every type, and no collation calls two texts the same.
    yield f"IF record_image_eq({_row('OLD', compared)}, {_row('NEW', compared)}) THEN RETURN NULL; END IF;"
    yield _key(captured, "NEW", "w_key")
    yield _key(captured, "OLD", "w_former")
    yield "IF w_former = w_key THEN w_former := NULL; END IF;"
    yield from _image("OLD", "w_before", columns)
    yield from _image("NEW", "w_after", columns)
    yield "w_action := 'u';"


def _key(captured: Captured, row: str, variable: str) -> str:
    parts = " || ',' || ".join(f"{row}.{name(each)}::text" for each in captured.key)
    return f"{variable} := {parts};"


def _row(row: str, columns: Iterable[str]) -> str:
    return "ROW(" + ", ".join(f"{row}.{name(each)}" for each in columns) + ")"


def _image(row: str, variable: str, columns: Sequence[Column]) -> Iterable[str]:
    """Assign the row as JSON; with large values, one that is null there and lists their names."""
    whole = [f"{row}.{name(each.name)} AS {name(each.name)}" for each in columns]
    tests = {each.name: _is_large(row, each) for each in columns if each.may_be_large}
    if not tests:
        yield _assign(variable, whole)
        return
    masked = [_masked(row, each.name, tests.get(each.name)) for each in columns]
    names = ", ".join(f"CASE WHEN {test} THEN {escaped(each)} END" for each, test in tests.items())
    masked.append(f"array_remove(ARRAY[{names}]::text[], NULL) AS {name(OMITTED)}")
    yield f"IF {' OR '.join(tests.values())} THEN"
    yield "  " + _assign(variable, masked)
    yield "ELSE"
    yield "  " + _assign(variable, whole)
    yield "END IF;"


def _assign(variable: str, columns: Iterable[str]) -> str:
    row = ", ".join(columns)
    return f"{variable} := (SELECT row_to_json(w) FROM (SELECT {row}) w);"  # noqa: S608 # names are quoted


def _masked(row: str, column: str, test: str | None) -> str:
    value = f"{row}.{name(column)}"
    return f"{value if test is None else f'CASE WHEN {test} THEN NULL ELSE {value} END'} AS {name(column)}"


def _is_large(row: str, column: Column) -> str:
    """A test that is true or false, never null, and reads no more of the value than it has to."""
    value = f"{row}.{name(column.name)}"
    if column.type == "bytea":
        return f"coalesce(octet_length({value}), 0) > {LARGE // 2}"  # its text is twice as long
    size = f"coalesce(octet_length({value}::text), 0) > {LARGE}"
    if column.type in _TEXTUAL:
        return size
    return f"(coalesce(pg_column_size({value}), 0) > {LARGE} OR {size})"
