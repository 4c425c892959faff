"""Forms: what rows are put together to. The data core's own are objects by name; others may bring theirs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import msgspec

from watchword.data.tally import Tally

if TYPE_CHECKING:
    from collections.abc import Sequence

Columns = list["Sequence[Any]"]


class Form(Protocol):
    """Makes items of the rows of one level."""

    def made(self, names: tuple[str, ...], columns: Columns, count: int) -> list[Any]:
        """Return an item for each of `count` rows, of their columns, JSON-ready, which have these names."""

    def below(self, name: str) -> Form:
        """Return the form of the rows that come in the column of that name."""


class Showing(msgspec.Struct, frozen=True):
    """The form of a read's rows, and what counts the items, each time that one is shown."""

    form: Form
    tally: Tally | None = None


class _Objects:
    """Items by name, at all levels."""

    def made(self, names: tuple[str, ...], columns: Columns, count: int) -> list[Any]:
        if not columns:
            return [{} for _ in range(count)]
        return [dict(zip(names, row)) for row in zip(*columns)]  # noqa: B905 - they are as many, and this is a hot loop

    def below(self, _: str) -> Form:
        return self


class KeysOnly:
    """The keys of rows in place of the rows."""

    def __init__(self, key: tuple[str, ...]) -> None:
        self._key = key

    def made(self, names: tuple[str, ...], columns: Columns, count: int) -> list[Any]:
        """Return the value itself, or the joined text of a composite key."""
        parts = [columns[names.index(name)] for name in self._key]
        if len(parts) == 1:
            return list(parts[0])
        return [",".join(map(str, key)) for key in zip(*parts, strict=True)][:count]

    def below(self, name: str) -> Form:
        """Return nothing: keys have nothing below them."""
        raise TypeError(f"{name} is below a key")


AS_OBJECTS = Showing(_Objects())
