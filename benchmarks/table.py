"""The table: each figure beside the one of Directus and the one that is wanted."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

Figures = dict[str, float]
"""Seconds, bytes or creates a second, by name."""


def _us(seconds: float) -> str:
    return f"{seconds * 1e6:.0f} us"


def _ms(seconds: float) -> str:
    return f"{seconds * 1e3:.2f} ms"


def _whole_ms(seconds: float) -> str:
    return f"{seconds * 1e3:.0f} ms"


def _kb(size: float) -> str:
    return f"{size / 1024:.0f} KB"


def _mb(size: float) -> str:
    return f"{size / 1024**2:.0f} MB"


Row = tuple[str, str, "Callable[[float], str]", str, str]

ROWS: tuple[Row, ...] = (
    ("delivery", "event delivered to one of 500 subscribers, CPU", _us, "770-1,050 us", "30 us"),
    ("rate", "creates a second that 500 subscribers all receive", lambda rate: f"{rate:.0f}", "1.4-1.9", "50"),
    ("last", "last of 500 subscribers has the event, median", _whole_ms, "435-730 ms", "40 ms"),
    ("read", "`GET /items?limit=20`, CPU", _ms, "5.5-6.5 ms", "1.2 ms"),
    ("create", "`POST /items`, CPU", _ms, "8 ms", "2.5 ms"),
    ("connect", "socket: connect and authenticate (JWT), CPU", _ms, "0.5-0.8 ms", "0.8 ms"),
    ("idle", "socket: idle and authenticated, memory", _kb, "7-12 KB", "40 KB"),
    ("start", "start to first answer", lambda seconds: f"{seconds:.2f} s", "2.9 s", "1.0 s"),
    ("memory", "memory when ready", _mb, "262 MB", "100 MB"),
    *(
        row
        for rules, ruled in ((1, "one rule"), (50, "50 rules"))
        for count, name in ((500, "500"), (5_000, "5,000"))
        for row in (
            (f"delivery {count}/{rules}", f"event delivered, {name} subscribers, {ruled}: CPU", _us, "", ""),
            (f"last {count}/{rules}", f"last has the event, {name} subscribers, {ruled}", _whole_ms, "", ""),
            (f"unseen {count}/{rules}", f"create that nobody sees, {name} subscribers, {ruled}: CPU", _ms, "", ""),
        )
    ),
)


def as_text(figures: Figures) -> str:
    """Return the table for a terminal."""
    lines = [(name, form(figures[key]), target) for key, name, form, _, target in ROWS]
    width = max(len(name) for name, _, _ in lines)
    return "\n".join(f"{name:<{width}}  {figure:>9}  {target:>9}" for name, figure, target in lines)


def as_markdown(figures: Figures) -> str:
    """Return the table for the documentation."""
    lines = ["| | Watchword | wanted, at most or at least | Directus 12.4 |", "|---|---|---|---|"]
    lines += [
        f"| {name} | {form(figures[key])} | {target or '-'} | {directus or '-'} |"
        for key, name, form, directus, target in ROWS
    ]
    return "\n".join(lines)


def written(page: str, table: str, where: str, name: str = "figures") -> str:
    """Return the page with another table of a name."""
    between = re.compile(rf"(?<=<!-- {name} -->\n).*(?=<!-- end of {name} -->)", re.DOTALL)
    return between.sub(lambda _: f"\n{table}\n\nMeasured with {where}.\n\n", page)
