"""Slices: long work on the loop, cut up so that everybody else has a turn in between."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from anyio.lowlevel import checkpoint

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

T = TypeVar("T")

SLICE = 1_000
"""So many rows take a few milliseconds."""


async def slices(rows: Sequence[T], size: int = SLICE) -> AsyncIterator[Sequence[T]]:
    """Give the rows, a slice at a time; who takes the next one has let others have a turn."""
    for start in range(0, len(rows), size):
        if start:
            await checkpoint()
        yield rows[start : start + size]
