"""Run the benchmarks: `make bench`; with `--write` the figures go into the documentation, too."""

from __future__ import annotations

import asyncio
import platform
import sys
from pathlib import Path

from benchmarks.load import UNSEEN, Load
from benchmarks.plot import Series, plot
from benchmarks.server import Server, running
from benchmarks.table import Figures, as_markdown, as_text, written

SUBSCRIBERS = 500
MANY = 5_000
RULES = 50
STAGES = (500, 1_000, 2_500, MANY)
DOCS = Path(__file__).parents[1] / "docs"


def main() -> None:
    """Measure each operation on a server of its own and print a table."""
    figures: Figures = {}
    with running() as server:
        figures |= asyncio.run(_operations(server))
    grown = {}
    for rules in (1, RULES):
        with running() as server:
            grown[rules] = asyncio.run(_growth(server, rules))
    figures |= _at_scale(grown)
    print(as_text(figures))
    drawing = _drawing(grown)
    if "--write" in sys.argv:
        (DOCS / "images").mkdir(exist_ok=True)
        (DOCS / "images" / "cost-of-a-create.svg").write_text(drawing)
        page = DOCS / "performance.md"
        page.write_text(written(page.read_text(), as_markdown(figures), f"Python {platform.python_version()}"))


async def _operations(server: Server) -> Figures:
    load = Load(server)
    figures: Figures = {"start": server.started_in, "memory": server.memory}
    figures["read"] = await load.cost_of_requests("GET", "/items/articles?limit=20", 300)
    figures["create"] = await load.cost_of_requests("POST", "/items/articles", 200, UNSEEN)
    figures["connect"], figures["idle"] = await load.connect(await load.readers(1), SUBSCRIBERS)
    await load.subscribe()
    await load.fan_out(5)
    told = await load.fan_out(50)
    figures["delivery"], figures["last"] = told.cpu, told.last
    figures["rate"] = await load.rate(200)
    await load.close()
    return figures


async def _growth(server: Server, rules: int) -> list[tuple[int, float, float, float]]:
    """Return, for each number of subscribers, CPU seconds of a create that nobody sees and of one that all see, and
    the seconds until the last of them has it.
    """
    load = Load(server)
    tokens = await load.readers(rules)
    points = []
    for count in STAGES:
        await load.connect(tokens, count - len(load.sockets))
        await load.subscribe()
        unseen = await load.cost_of_requests("POST", "/items/articles", 100, UNSEEN)
        await load.fan_out(2)
        told = await load.fan_out(10)
        points.append((count, unseen, told.cpu * count, told.last))
    await load.close()
    return points


def _at_scale(grown: dict[int, list[tuple[int, float, float, float]]]) -> Figures:
    figures: Figures = {}
    for rules, points in grown.items():
        for count, unseen, seen, last in points:
            if count in {SUBSCRIBERS, MANY}:
                name = f"{count}/{rules}"
                figures |= {f"delivery {name}": seen / count, f"last {name}": last, f"unseen {name}": unseen}
    return figures


def _drawing(grown: dict[int, list[tuple[int, float, float, float]]]) -> str:
    series = []
    for rules, points in grown.items():
        name = "one rule" if rules == 1 else f"{rules} rules"
        series.append(Series(f"all see it, {name}", [(count, seen * 1000) for count, _, seen, _ in points]))
        series.append(Series(f"nobody sees it, {name}", [(count, unseen * 1000) for count, unseen, _, _ in points]))
    return plot("Subscribers", "CPU of one create, ms", series)


main()
