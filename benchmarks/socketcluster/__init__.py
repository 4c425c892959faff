"""What a delivery to SocketCluster's client costs, here and in the reference, in one run on one machine."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import uvloop

from benchmarks.server import free_port, serving, started
from benchmarks.socketcluster.load import FanOut, Load
from benchmarks.socketcluster.table import CASES, OURS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.server import Server

HERE = Path(__file__).parent
SUBSCRIBERS = (200, 1_000)
TURNS = 8
DELIVERIES = 10_000
WARMING = 10_000
PATIENCE = 120.0

Costs = dict[tuple[str, str, int], FanOut]
"""By whose server, what is on its lines, and the number of subscribers."""


def measure() -> Costs:
    """Measure every case on a server of its own; less than a minute.

    All servers run at the same time and are measured in turn, several times. What counts is the best time of each: that
    which other work on the machine has disturbed least.

    Raises:
        RuntimeError: the reference is not installed.
    """
    with ExitStack() as stack:
        loads = {}
        for whose, lines in CASES:
            server = stack.enter_context(ours(lines) if whose == OURS else reference(lines))
            loads[whose, lines] = Load(server)
        return uvloop.run(_measure(loads))


async def _measure(loads: dict[tuple[str, str], Load]) -> Costs:
    costs: Costs = {}
    async with asyncio.timeout(PATIENCE):
        for count in SUBSCRIBERS:
            for load in loads.values():
                await load.grow(count)
                await load.fan_out(WARMING // count)
            for _ in range(TURNS):
                for (whose, lines), load in loads.items():
                    cost = await load.fan_out(DELIVERIES // count)
                    before = costs.get((whose, lines, count), cost)
                    costs[whose, lines, count] = FanOut(min(before.cpu, cost.cpu), min(before.last, cost.last))
    for load in loads.values():
        load.close()
    return costs


@contextmanager
def ours(lines: str) -> Iterator[Server]:
    """Run the application beside this."""
    with serving(f"{__name__}.application:app", LINES=lines) as server:
        yield server


@contextmanager
def reference(lines: str) -> Iterator[Server]:
    """Run the reference."""
    port = free_port()
    with started([_program(), str(HERE / "reference.cjs"), str(port), lines], port, HERE) as server:
        yield server


def node() -> str:
    """Return the version of Node.js that the reference runs on."""
    return subprocess.run([_program(), "--version"], capture_output=True, text=True, check=True).stdout.strip(" v\n")


def _program() -> str:
    found = shutil.which("node")
    if found is None:
        raise RuntimeError("Node.js is not installed; run make setup")
    return found
