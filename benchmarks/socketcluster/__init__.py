"""What a delivery to SocketCluster's client costs, here and in the reference, in one run on one machine."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import uvloop

from benchmarks.server import free_port, serving, started
from benchmarks.socketcluster.load import Load
from benchmarks.socketcluster.table import CASES, OURS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.server import Server
    from benchmarks.socketcluster.load import FanOut

HERE = Path(__file__).parent
SUBSCRIBERS = (200, 1_000)
DELIVERIES = 40_000
WARMING = 10_000
PATIENCE = 60.0

Costs = dict[tuple[str, str, int], "FanOut"]
"""By whose server, what is on its lines, and the number of subscribers."""


def measure() -> Costs:
    """Measure every case on a server of its own, one after the other; some thirty seconds.

    Raises:
        RuntimeError: the reference is not installed.
    """
    costs: Costs = {}
    for whose, lines in CASES:
        with ours(lines) if whose == OURS else reference(lines) as server:
            found = uvloop.run(_measure(server))
        costs |= {(whose, lines, count): cost for count, cost in found.items()}
    return costs


async def _measure(server: Server) -> dict[int, FanOut]:
    load = Load(server)
    found = {}
    async with asyncio.timeout(PATIENCE):
        for count in SUBSCRIBERS:
            await load.grow(count)
            await load.fan_out(WARMING // count)
            found[count] = await load.fan_out(DELIVERIES // count)
    load.close()
    return found


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
