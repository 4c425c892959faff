"""Documents: parts of JSON values in each database's own words, and what a filter asks of them.

A part is compared with values of its own kind: a text is never equal to a number. Null and nothing are the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from watchword.data.columns import Foreign, Named, SqliteColumn
from watchword.data.comparisons import Subject
from watchword.query.types import FieldType, Operator

if TYPE_CHECKING:
    from watchword.data.comparisons import Comparisons, Condition
    from watchword.query.documents import Place
    from watchword.query.filters import Compare

_TEXT = sa.Text()
_NUMBER: sa.Numeric[Any] = sa.Numeric()
_NULL: sa.ColumnElement[str] = sa.literal_column("'null'")
_NO_VARIABLES: sa.ColumnElement[Any] = sa.literal_column("'{}'::jsonb")
_ITSELF: sa.ColumnElement[Any] = sa.literal_column("'{}'::text[]")
_NAMES = {
    FieldType.TEXT: ("text", "string"),
    FieldType.DECIMAL: ("integer", "real", "number"),
    FieldType.BOOLEAN: ("true", "false", "boolean"),
}
"""What the databases call the kinds of parts that a filter compares."""
_UNREADABLE = (
    r"'\\u(0000|[dD][89abAB]..(?!\\u[dD][c-fC-F])|(?<!\\u[dD][89abAB]..\\u)[dD][c-fC-F])"
    r"|(^|[:,[])\s*-?[0-9.]+[eE][-+]?[0-9]{5,}'"
)
"""What PostgreSQL's `json` may hold, being a text, and a look into it fails on: NULs, half characters, huge numbers."""
_PRESENCE = frozenset({Operator.NULL, Operator.NNULL, Operator.EMPTY, Operator.NEMPTY})


class Part:
    """What a path leads to in a column with JSON values."""

    def __init__(self, column: sa.ColumnElement[Any], place: Place, *, sqlite: bool) -> None:
        self._sqlite = sqlite
        self._document = _sqlite_document(column) if sqlite else _postgres_document(column)
        self._path = sa.literal(_path(place), _TEXT) if sqlite else _postgres_path(place)

    @property
    def value(self) -> sa.ColumnElement[Any]:
        """The part as a JSON value."""
        if self._sqlite:
            return sa.type_coerce(self._document.op("->")(self._path), SqliteColumn(FieldType.JSON))
        silent = (_NO_VARIABLES, sa.true())
        return sa.func.jsonb_path_query_first(self._document, self._path, *silent, type_=postgresql.JSONB())

    @property
    def kind(self) -> sa.ColumnElement[str]:
        """The kind of the part, by the database's name for it; NULL where there is none."""
        if self._sqlite:
            return sa.func.json_type(self._document, self._path, type_=_TEXT)
        return sa.func.jsonb_typeof(self.value, type_=_TEXT)

    @property
    def text(self) -> sa.ColumnElement[str]:
        """The part as a text: itself where it is one."""
        if self._sqlite:
            return sa.func.json_extract(self._document, self._path, type_=_TEXT)
        return sa.type_coerce(self.value.op("#>>")(_ITSELF), _TEXT)

    @property
    def order(self) -> sa.ColumnElement[Any]:
        """What rows are sorted by: texts and numbers apart, in the database's order; null as if there were nothing."""
        if self._sqlite:
            return self.text
        null: sa.ColumnElement[Any] = sa.literal_column("'null'::jsonb")
        return sa.func.nullif(self.value, null, type_=postgresql.JSONB())

    @property
    def is_absent(self) -> Condition:
        """Whether there is no part, or null."""
        return sa.or_(self.kind.is_(None), self.kind == _NULL)

    def subject(self, kind: FieldType) -> Subject:
        """Return the part, which is of that kind, as something to compare."""
        if kind is FieldType.TEXT:
            return Subject(self.text, kind, _TEXT)
        if kind is FieldType.BOOLEAN:
            stored: Any = SqliteColumn(kind) if self._sqlite else sa.Boolean()
            truth = self.kind if self._sqlite else self.text
            return Subject(truth == sa.literal_column("'true'"), kind, stored)
        if self._sqlite:
            return Subject(self.text, kind, SqliteColumn(kind))
        return Subject(sa.cast(self.text, _NUMBER), kind, _NUMBER)


def compare_part(comparisons: Comparisons, part: Part, node: Compare) -> Condition:
    """Return the condition that a filter puts on a part."""
    operator = Operator(node.operator)
    is_kind = part.kind.in_([sa.literal_column(f"'{name}'") for name in _NAMES[node.type]])
    if operator in _PRESENCE:
        is_empty = sa.and_(is_kind, part.text == sa.literal_column("''"))
        absent = sa.or_(part.is_absent, is_empty) if "empty" in operator.value else part.is_absent
        return absent if operator in {Operator.NULL, Operator.EMPTY} else sa.not_(absent)
    negated = operator.value.startswith("n")
    positive = Operator(operator.value.removeprefix("n"))
    condition = comparisons.compare(positive, part.subject(node.type), node.value)
    held = sa.case((part.is_absent, sa.null()), (is_kind, condition), else_=sa.false())
    return sa.not_(held) if negated else held


def _sqlite_document(column: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
    text = sa.type_coerce(column, _TEXT)
    return sa.case((sa.func.json_valid(text) == sa.literal_column("1"), text))


def _postgres_document(column: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
    if isinstance(column.type, Foreign):
        return sa.func.to_jsonb(column, type_=postgresql.JSONB())
    if isinstance(column.type, postgresql.JSONB):
        return column
    # An escaped backslash goes first: what is behind it is no escape, whatever it looks like.
    text = sa.func.replace(sa.cast(column, _TEXT), sa.literal_column(r"'\\'"), sa.literal_column("' '"), type_=_TEXT)
    is_readable = text.op("!~", is_comparison=True)(sa.literal_column(_UNREADABLE))
    return sa.case((is_readable, sa.cast(column, postgresql.JSONB())))


def _postgres_path(place: Place) -> sa.ColumnElement[Any]:
    """Return a path as PostgreSQL's `#>` is not: an index is no name of a member, and a text no list of one item."""
    return sa.cast(sa.literal(f"strict {_path(place)}", _TEXT), Named("jsonpath"))


def _path(place: Place) -> str:
    return "$" + "".join(f"[{step}]" if isinstance(step, int) else f'."{step}"' for step in place)
