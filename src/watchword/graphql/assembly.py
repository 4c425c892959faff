"""Assembly: how rows are put together to what a selection set shows.

What is read for a document comes column by column, and becomes objects of a type of its own whose members have the
response keys: JSON is written of them as they are, and no row is ever a dict. Rows that somebody else has made or has
seen come as dicts by name: events, what a write gives back, groups.
"""

from __future__ import annotations

from itertools import repeat
from typing import TYPE_CHECKING, Any

import msgspec

from watchword.base.errors import Code, Problem
from watchword.graphql.forms import as_id
from watchword.graphql.members import Form

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from watchword.data.forms import Columns
    from watchword.data.tally import Tally

Row = dict[str, Any]


class Cell(msgspec.Struct, frozen=True):
    """One member of what is shown, by its response key.

    It is the value at `source`, or what `form` makes of that, or the rows below that `nested` puts together, or what
    `inside` shows of the same row, or a `constant`; or the row of a union, put together by the `choice` for its
    collection, which the value at `told_by` names.
    """

    key: str
    source: str = ""
    form: Form | None = None
    nested: Assembly | None = None
    inside: Assembly | None = None
    constant: str | None = None
    choice: dict[str, Assembly] | None = None
    told_by: str = ""


class Assembly:
    """Puts the rows of one selection set together. Rows are not changed: those above may share them."""

    def __init__(self, cells: Sequence[Cell]) -> None:
        self._cells = tuple(cells)
        self._nested = {cell.source: cell.nested for cell in cells if cell.nested is not None}
        self._sources: set[str] = set()
        for cell in cells:
            if cell.inside is not None:
                self._sources |= cell.inside._sources  # noqa: SLF001 - of the same class
            elif cell.constant is None:
                self._sources.add(cell.source)
            if cell.choice is not None:
                self._sources.add(cell.told_by)
                self._nested |= {way_of(cell.source, name): each for name, each in cell.choice.items()}
        self._choices = [cell for cell in cells if cell.choice is not None]
        self._type: Callable[..., Any] | None = None

    def __eq__(self, other: object) -> bool:
        """Whether the same is shown of the same rows."""
        return isinstance(other, Assembly) and self._cells == other._cells

    __hash__ = None  # type: ignore[assignment]  # nobody looks one up by what it shows

    def below(self, name: str) -> Assembly:
        """Return what puts the rows together that come in the column of that name."""
        return self._nested[name]

    def made(self, names: tuple[str, ...], columns: Columns, count: int) -> list[Any]:
        """Return what is shown of rows, of their columns with these names.

        Raises:
            Problem: SERVICE_UNAVAILABLE when the structure of the database has changed since the document was
                understood.
        """
        try:
            return self._made(dict(zip(names, columns, strict=True)), count)
        except KeyError as error:
            raise Problem(Code.SERVICE_UNAVAILABLE) from error

    def rows(self, rows: Sequence[Row], tally: Tally) -> list[Any]:
        """Return what is shown of rows that are dicts.

        Raises:
            Problem: INVALID_QUERY when a document has taken too many by now, SERVICE_UNAVAILABLE as above.
        """
        tally.take(len(rows))
        try:
            given: dict[str, Sequence[Any]] = {name: [row[name] for row in rows] for name in self._sources}
            for name, nested in self._nested.items():
                if name in given:
                    given[name] = [_below(nested, each, tally) for each in given[name]]
            for cell in self._choices:
                told = zip(given[cell.told_by], given[cell.source], strict=True)
                given[cell.source] = [_chosen(cell, name, each, tally) for name, each in told]
            return self._made(given, len(rows))
        except KeyError as error:
            raise Problem(Code.SERVICE_UNAVAILABLE) from error

    def row(self, row: Row, tally: Tally) -> Any:
        """Return what is shown of one row; raises as `rows` does."""
        return self.rows((row,), tally)[0]

    def _made(self, given: Mapping[str, Sequence[Any]], count: int) -> list[Any]:
        if self._type is None:
            self._type = _type_of(self._cells)
        if not self._cells:
            return [self._type() for _ in range(count)]
        return list(map(self._type, *(_member(cell, given, count) for cell in self._cells)))


def _type_of(cells: Sequence[Cell]) -> Callable[..., Any]:
    """Return the type of what is shown. The names of its own members are ours; what it is written with are the keys.

    Objects of it never hold themselves, so that nobody has to look for such among them.
    """
    keys = {f"m{index}": cell.key for index, cell in enumerate(cells)}
    return msgspec.defstruct("Shown", list(keys), rename=keys, gc=False)


def _member(cell: Cell, given: Mapping[str, Sequence[Any]], count: int) -> Iterable[Any]:
    if cell.constant is not None:
        return repeat(cell.constant, count)
    if cell.inside is not None:
        return cell.inside._made(given, count)  # noqa: SLF001 - of the same class
    column = given[cell.source]
    if cell.choice is not None:  # the keys of items of which nothing is in sight are no rows
        return [None if isinstance(each, str) else each for each in column]
    if cell.form is as_id and None not in column:
        return map(str, column)
    return column if cell.form is None else map(cell.form, column)


def way_of(source: str, collection: str) -> str:
    """Return the name of a column with the rows of one collection, of those that a union leads to."""
    return f"{source}:{collection}"


def _chosen(cell: Cell, name: Any, found: Any, tally: Tally) -> Any:
    nested = None if cell.choice is None or not isinstance(found, dict) else cell.choice.get(name)
    return None if nested is None else nested.row(found, tally)


def _below(nested: Assembly, found: Any, tally: Tally) -> Any:
    if found is None:
        return None
    return nested.row(found, tally) if isinstance(found, dict) else nested.rows(found, tally)
