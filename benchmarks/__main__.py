"""Run the benchmarks: `make bench`; with `--write` the figures go into the documentation, too.

`--only=operations`, `--only=socketcluster` and `--only=graphql` run one part of them.
"""

from __future__ import annotations

import asyncio
import platform
import sys
from pathlib import Path

from benchmarks import graphql, socketcluster
from benchmarks.graphql import table as graphql_table
from benchmarks.load import UNSEEN, Load
from benchmarks.plot import Series, plot
from benchmarks.server import Server, running
from benchmarks.socketcluster import table as socketcluster_table
from benchmarks.table import Figures, as_markdown, as_text, written

SUBSCRIBERS = 500
MANY = 5_000
RULES = 50
STAGES = (500, 1_000, 2_500, MANY)
DOCS = Path(__file__).parents[1] / "docs"
PAGE = DOCS / "performance.md"
WITH = f"Python {platform.python_version()}"


def main() -> None:
    """Run the parts that are wanted."""
    parts = {
        "operations": _measure_operations,
        "socketcluster": _measure_socketcluster,
        "graphql": _measure_graphql,
    }
    wanted = [word.removeprefix("--only=") for word in sys.argv[1:] if word.startswith("--only=")]
    for name in wanted or parts:
        parts[name](writes="--write" in sys.argv)


def _measure_socketcluster(*, writes: bool) -> None:
    """Measure what a delivery costs beside the reference, and print a table."""
    costs = socketcluster.measure()
    print(socketcluster_table.as_text(costs))
    if writes:
        told = socketcluster_table.as_markdown(costs)
        PAGE.write_text(written(PAGE.read_text(), told, f"{WITH} and Node.js {socketcluster.node()}", "socketcluster"))


def _measure_graphql(*, writes: bool) -> None:
    """Measure what GraphQL costs, beside Strawberry where it is installed, and print a table."""
    figures = graphql.measure()
    print(graphql_table.as_text(figures))
    if writes:
        PAGE.write_text(written(PAGE.read_text(), graphql_table.as_markdown(figures), WITH, "graphql"))


def _measure_operations(*, writes: bool) -> None:
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
    if writes:
        (DOCS / "images").mkdir(exist_ok=True)
        (DOCS / "images" / "cost-of-a-create.svg").write_text(drawing)
        PAGE.write_text(written(PAGE.read_text(), as_markdown(figures), WITH))


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
