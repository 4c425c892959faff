"""Run the benchmarks: `make bench`."""

from __future__ import annotations

import asyncio

from benchmarks.load import Load
from benchmarks.server import Server, running

SUBSCRIBERS = 500


def main() -> None:
    """Measure each operation on a server of its own and print a table."""
    with running() as server:
        lines = asyncio.run(_measure(server))
    width = max(len(name) for name, _ in lines)
    for name, figure in lines:
        print(f"{name:<{width}}  {figure}")


async def _measure(server: Server) -> list[tuple[str, str]]:
    load = Load(server)
    lines = [
        ("start to first answer", f"{server.started_in:.2f} s"),
        ("memory when ready", f"{server.memory / 1024**2:.0f} MB"),
    ]
    read = await load.cost_of_requests("GET", "/items/articles?limit=20", 300)
    write = await load.cost_of_requests("POST", "/items/articles", 200, {"title": "made", "status": "draft"})
    lines += [("GET /items?limit=20, CPU", _ms(read)), ("POST /items, CPU", _ms(write))]
    token = await load.reader()
    before, held = server.cpu, server.memory
    sockets = await load.sockets(token, SUBSCRIBERS)
    lines += [
        ("socket: connect and authenticate, CPU", _ms((server.cpu - before) / SUBSCRIBERS)),
        ("socket: idle and authenticated, memory", f"{(server.memory - held) / SUBSCRIBERS / 1024:.1f} KB"),
    ]
    await load.subscribe(sockets)
    await load.fan_out(sockets, 5)
    cpu, rate, last = await load.fan_out(sockets, 50)
    lines += [
        (f"event delivered to {SUBSCRIBERS} subscribers with a rule, CPU each", f"{cpu * 1e6:.1f} us"),
        (f"creates that {SUBSCRIBERS} subscribers all receive", f"{rate:.0f} a second"),
        (f"last of {SUBSCRIBERS} subscribers has the event, median", f"{last * 1000:.0f} ms"),
    ]
    await asyncio.gather(*(socket.close() for socket in sockets))
    await load.close()
    return lines


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:.2f} ms"


main()
