"""The table of SocketCluster's part: ours beside the reference."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from benchmarks.socketcluster import Costs

OURS, THEIRS = "Watchword", "socketcluster-server 20"
CASES = ((THEIRS, "none"), (OURS, "none"), (THEIRS, "async"), (OURS, "functions"), (OURS, "async"))
"""Whose server, and what is on its four lines."""

_ON_THE_LINES = {
    "none": "no functions on the lines",
    "functions": "functions on all lines, none of them `async`",
    "async": "`async` functions on all lines",
}


def rows(costs: Costs) -> list[tuple[str, ...]]:
    """Return the table's rows, the one with its heads first."""
    counts = sorted({count for _, _, count in costs})
    heads = [f"{count:,} subscribers: {what}" for count in counts for what in ("CPU", "last has it")]
    found: list[tuple[str, ...]] = [("", *heads)]
    for whose, lines in CASES:
        cells = [costs[whose, lines, count] for count in counts]
        told = [text for cell in cells for text in (f"{cell.cpu * 1e6:.0f} us", f"{cell.last * 1e3:.1f} ms")]
        found.append((f"{whose}, {_ON_THE_LINES[lines]}", *told))
    return found


def as_text(costs: Costs) -> str:
    """Return the table for a terminal."""
    table = rows(costs)
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in table)


def as_markdown(costs: Costs) -> str:
    """Return the table for the documentation."""
    head, *rest = rows(costs)
    return "\n".join(f"| {' | '.join(row)} |".replace("|  |", "| |") for row in (head, ("---",) * len(head), *rest))
