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
        self._formed = [(cell.key, cell.form) for cell in cells if cell.form is not None]
        self._nested = [(cell.key, cell.nested) for cell in cells if cell.nested is not None]
        self._computed = [(cell.key, cell.computed) for cell in cells if cell.computed is not None]

    def rows(self, rows: Sequence[Row], tally: Tally) -> list[Row]:
        """Return what is shown of rows.

        Raises:
            Problem: INVALID_QUERY when a document has taken too many by now, SERVICE_UNAVAILABLE when the structure of
                the database has changed since the document was understood.
        """
        tally.take(len(rows))
        try:
            return self._shown(rows, tally)
        except KeyError as error:
            raise Problem(Code.SERVICE_UNAVAILABLE) from error

    def row(self, row: Row, tally: Tally) -> Row:
        """Return what is shown of one row; raises as `rows` does."""
        return self.rows((row,), tally)[0]

    def _shown(self, rows: Sequence[Row], tally: Tally) -> list[Row]:
        """One member of all rows after the other, as this is where most of the time goes."""
        keys, take = self._keys, self._take
        shown = [dict(zip(keys, take(row), strict=True)) for row in rows]
        for key, form in self._formed:
            for item in shown:
                item[key] = form(item[key])
        for key, computed in self._computed:
            for item, row in zip(shown, rows, strict=True):
                item[key] = computed(row)
        for key, nested in self._nested:
            for item in shown:
                item[key] = _below(nested, item[key], tally)
        return shown


def _below(nested: Assembly, found: Any, tally: Tally) -> Any:
    if found is None:
        return None
    return nested.row(found, tally) if isinstance(found, dict) else nested.rows(found, tally)
