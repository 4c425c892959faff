"""The table of GraphQL's part: ours beside Strawberry."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from benchmarks.graphql import Figures

_READS = {"flat": "100 rows with 8 fields", "nested": "20 rows with 10 of 8 fields below each"}


def rows(figures: Figures) -> list[tuple[str, ...]]:
    """Return the table's rows, the one with its heads first."""
    found: list[tuple[str, ...]] = [("", "Watchword", "wanted, at most", "Strawberry")]
    for name, what in _READS.items():
        theirs = figures.get(f"strawberry {name}")
        wanted, shown = ("-", "-") if theirs is None else (f"{theirs / 5 * 1e3:.2f} ms", f"{theirs * 1e3:.2f} ms")
        found.append((f"{what}: CPU of a request", f"{figures[f'ours {name}'] * 1e3:.2f} ms", wanted, shown))
    found.append(("event to one of 500 subscribers: CPU", f"{figures['delivery'] * 1e6:.0f} us", "35 us", "-"))
    found.append(("last of 500 subscribers has the event, median", f"{figures['last'] * 1e3:.1f} ms", "-", "-"))
    return found


def as_text(figures: Figures) -> str:
    """Return the table for a terminal."""
    table = rows(figures)
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in table)


def as_markdown(figures: Figures) -> str:
    """Return the table for the documentation."""
    head, *rest = rows(figures)
    return "\n".join(f"| {' | '.join(row)} |".replace("|  |", "| |") for row in (head, ("---",) * len(head), *rest))
