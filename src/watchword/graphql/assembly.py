"""Assembly: how rows, as the data core gives them, are put together to what a selection set shows."""

from __future__ import annotations

from collections.abc import Callable
from operator import itemgetter
from typing import TYPE_CHECKING, Any

import msgspec

from watchword.base.errors import Code, Problem
from watchword.graphql.members import Form

if TYPE_CHECKING:
    from collections.abc import Sequence

    from watchword.data.tally import Tally

Row = dict[str, Any]


class Cell(msgspec.Struct, frozen=True):
    """One member of what is shown, by its response key.

    It is the value at `source`, or what `form` makes of that, or the rows below that `nested` puts together, or what
    `computed` makes of the whole row.
    """

    key: str
    source: str
    form: Form | None = None
    nested: Assembly | None = None
    computed: Callable[[Row], Any] | None = None


class Assembly:
    """Puts the rows of one selection set together. Rows are not changed: those above may share them."""

    def __init__(self, cells: Sequence[Cell]) -> None:
        self._keys = tuple(cell.key for cell in cells)
        sources = tuple(cell.source for cell in cells)
        self._take = itemgetter(*sources) if len(sources) > 1 else lambda row: (row[sources[0]],)
        numbered = list(enumerate(cells))
        self._formed = [(index, cell.form) for index, cell in numbered if cell.form is not None]
        self._nested = [(index, cell.nested) for index, cell in numbered if cell.nested is not None]
        self._computed = [(index, cell.computed) for index, cell in numbered if cell.computed is not None]
        self._is_plain = not (self._formed or self._nested or self._computed)

    def rows(self, rows: Sequence[Row], tally: Tally) -> list[Row]:
        """Return what is shown of rows.

        Raises:
            Problem: INVALID_QUERY when a document has taken too many by now, SERVICE_UNAVAILABLE when the structure of
                the database has changed since the document was understood.
        """
        tally.take(len(rows))
        keys, take = self._keys, self._take
        try:
            if self._is_plain:
                return [dict(zip(keys, take(row), strict=True)) for row in rows]
            return [self._row(row, tally) for row in rows]
        except KeyError as error:
            raise Problem(Code.SERVICE_UNAVAILABLE) from error

    def row(self, row: Row, tally: Tally) -> Row:
        """Return what is shown of one row; raises as `rows` does."""
        return self.rows((row,), tally)[0]

    def _row(self, row: Row, tally: Tally) -> Row:
        values = list(self._take(row))
        for index, form in self._formed:
            values[index] = form(values[index])
        for index, computed in self._computed:
            values[index] = computed(row)
        for index, nested in self._nested:
            below = values[index]
            if isinstance(below, dict):
                values[index] = nested.row(below, tally)
            elif below is not None:
                values[index] = nested.rows(below, tally)
        return dict(zip(self._keys, values, strict=True))
