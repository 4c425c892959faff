"""A SQLite table's definition as text: taken apart, changed in one place, and put together again.

SQLite keeps the CREATE TABLE statement of each table and can change little of it by itself, so a changed table is made
anew from a changed statement. What is not changed stays as its author wrote it: checks, collations, generated columns.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from watchword.storage.sql_text import name as quoted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_TOKEN = re.compile(
    r"""\s+|--[^\n]*\n?|/\*.*?\*/|'(?:[^']|'')*'|"(?:[^"]|"")*"|`(?:[^`]|``)*`|\[[^\]]*\]|[\w$.]+|.""",
    re.DOTALL,
)
_BLANK = re.compile(r"\s+|--[^\n]*\n?|/\*.*?\*/", re.DOTALL)
_TABLE_WORDS = frozenset({"CONSTRAINT", "PRIMARY", "UNIQUE", "CHECK", "FOREIGN"})
_COLUMN_WORDS = frozenset(
    {"CONSTRAINT", "PRIMARY", "NOT", "NULL", "UNIQUE", "CHECK", "DEFAULT", "COLLATE", "REFERENCES", "GENERATED", "AS"}
)
_QUOTES = {'"': '"', "`": "`", "[": "]"}

Clause = list[str]


class Definition:
    """A CREATE TABLE statement: what its parentheses hold, item by item, and what stands behind them."""

    def __init__(self, statement: str) -> None:
        pieces = _TOKEN.findall(statement)
        start = pieces.index("(")
        depth, items, end = 0, [Clause()], len(pieces)
        for index in range(start, len(pieces)):
            piece = pieces[index]
            depth += (piece == "(") - (piece == ")")
            if depth == 0:
                end = index
                break
            if piece == "," and depth == 1:
                items.append([])
            elif index > start:
                items[-1].append(piece)
        self._items = [_stripped(item) for item in items]
        self._rest = "".join(pieces[end + 1 :])

    def statement(self, table: str) -> str:
        """Return the statement that creates a table of this definition under a name."""
        items = ",\n    ".join("".join(item) for item in self._items)
        return f"CREATE TABLE {quoted(table)} (\n    {items}\n){self._rest}"

    def add_column(self, definition: str) -> None:
        """Add a column behind the others."""
        place = next((index for index, item in enumerate(self._items) if _is_constraint(item)), len(self._items))
        self._items.insert(place, [definition])

    def replace_column(self, name: str, definition: str, kept: frozenset[str]) -> None:
        """Define a column anew; of its clauses stay those that begin with one of the words `kept`."""
        index = self._column(name)
        clauses = [clause for clause in _clauses(self._items[index])[1:] if _word_of(clause) in kept]
        self._items[index] = [" ".join([definition, *("".join(clause) for clause in clauses)])]

    def drop_column(self, name: str) -> None:
        """Drop a column, and every constraint of the table that mentions it."""
        del self._items[self._column(name)]
        self._drop_constraints(lambda item: any(_unquoted(piece) == name.lower() for piece in item))

    def add_constraint(self, constraint: str) -> None:
        """Add a constraint of the table."""
        self._items.append([constraint])

    def drop_reference(self, column: str) -> None:
        """Drop every foreign key of this one column."""
        self._drop_clauses(column, "REFERENCES")
        self._drop_constraints(lambda item: _constrains(item, "FOREIGN", column))

    def drop_unique(self, column: str) -> None:
        """Drop what makes this one column unique."""
        self._drop_clauses(column, "UNIQUE")
        self._drop_constraints(lambda item: _constrains(item, "UNIQUE", column))

    def _column(self, name: str) -> int:
        for index, item in enumerate(self._items):
            if not _is_constraint(item) and item and _unquoted(item[0]) == name.lower():
                return index
        raise LookupError(name)

    def _drop_clauses(self, column: str, word: str) -> None:
        index = self._column(column)
        clauses = [clause for clause in _clauses(self._items[index]) if _word_of(clause) != word]
        self._items[index] = [" ".join("".join(_stripped(clause)) for clause in clauses)]

    def _drop_constraints(self, concerned: Callable[[Clause], bool]) -> None:
        self._items = [item for item in self._items if not (_is_constraint(item) and concerned(item))]


def _stripped(pieces: Clause) -> Clause:
    """Leave out blanks and comments at both ends; a comment to the end of the line would swallow what follows."""
    kept = [" " if _BLANK.fullmatch(piece) else piece for piece in pieces]
    while kept and kept[0] == " ":
        del kept[0]
    while kept and kept[-1] == " ":
        del kept[-1]
    return kept


def _is_constraint(item: Clause) -> bool:
    return bool(item) and item[0].upper() in _TABLE_WORDS


def _constrains(item: Clause, word: str, column: str) -> bool:
    """Whether a constraint of the table is of a kind and over this column alone."""
    words = [piece.upper() for piece in item if piece != " "]
    first = 2 if words[0] == "CONSTRAINT" else 0
    if words[first] != word:
        return False
    start = item.index("(")
    inside = [piece for piece in item[start + 1 : item.index(")", start)] if piece != " "]
    return bool(inside) and "," not in inside and _unquoted(inside[0]) == column.lower()


def _clauses(item: Clause) -> list[Clause]:
    """Split a column's definition: its name and type, then each constraint."""
    # A definition that was put together here may be one piece.
    pieces = _stripped(_TOKEN.findall("".join(item)))
    clauses: list[Clause] = [[pieces[0]]]
    depth, previous = 0, ""
    for piece in pieces[1:]:
        depth += (piece == "(") - (piece == ")")
        if depth == 0 and piece.upper() in _COLUMN_WORDS and not _continues(clauses[-1], previous, piece.upper()):
            clauses.append([])
        clauses[-1].append(piece)
        if piece != " ":
            previous = piece.upper()
    return [_stripped(clause) for clause in clauses]


def _continues(clause: Clause, previous: str, word: str) -> bool:
    """Whether a word that can begin a constraint belongs to the one before."""
    inside = _first_word(clause)
    if previous == "SET":  # ON DELETE SET NULL, SET DEFAULT
        return True
    if word == "NULL":
        return previous in {"NOT", "DEFAULT"}
    if word == "AS":
        return inside == "GENERATED"
    if inside == "CONSTRAINT":  # CONSTRAINT name UNIQUE: the name belongs to what follows it
        return sum(piece != " " for piece in clause) <= 2  # noqa: PLR2004 - the word and the name
    return False


def _first_word(clause: Clause) -> str:
    return clause[0].upper() if clause else ""


def _word_of(clause: Clause) -> str:
    """Return the word that says what a constraint is, behind the name that it may have."""
    words = [piece.upper() for piece in clause if piece != " "]
    if words and words[0] == "CONSTRAINT":
        words = words[2:]
    return words[0] if words else ""


def _unquoted(piece: str) -> str:
    """Return the identifier that a piece is, in small letters: SQLite's names do not tell capitals from others."""
    closing = _QUOTES.get(piece[:1])
    if closing is not None and len(piece) > 1:
        return piece[1:-1].replace(closing * 2, closing).lower()
    return piece.lower()


def referencing(column: str, target: str, key: str, actions: Iterable[tuple[str, str]]) -> str:
    """Return the constraint that lets a column refer to a key; `actions` are pairs such as `("DELETE", "CASCADE")`."""
    done = "".join(f" ON {event} {action}" for event, action in actions)
    return f"FOREIGN KEY ({quoted(column)}) REFERENCES {quoted(target)} ({quoted(key)}){done}"
