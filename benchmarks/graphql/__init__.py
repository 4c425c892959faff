"""What GraphQL costs: two reads, here and with Strawberry on the same database in the same run, and deliveries here."""

from __future__ import annotations

import asyncio
import importlib.util
import sqlite3
import sys
import tempfile
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import uvloop

from benchmarks.graphql.load import Load, Queries
from benchmarks.server import free_port, started

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.server import Server

SUBSCRIBERS = 500
TURNS = 5
REQUESTS = 300
ROUNDS = 20
PATIENCE = 180.0

Figures = dict[str, float]

_TABLES = """
CREATE TABLE authors (id INTEGER PRIMARY KEY, name VARCHAR(100) NOT NULL);
CREATE TABLE articles (
    id INTEGER PRIMARY KEY, title VARCHAR(255) NOT NULL, slug VARCHAR(255), body TEXT,
    status VARCHAR(20) NOT NULL DEFAULT 'draft', views INTEGER NOT NULL DEFAULT 0, rating REAL, published_on DATETIME,
    author INTEGER REFERENCES authors (id));
CREATE INDEX by_author ON articles (author);
"""


def measure() -> Figures:
    """Measure all, in turn and several times; of each cost the best counts, which other work has disturbed least."""
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        database = _filled(Path(folder) / "bench.db")
        servers = {"ours": stack.enter_context(_ours(database))}
        if importlib.util.find_spec("strawberry") is not None:
            servers["strawberry"] = stack.enter_context(_strawberry(database))
        return uvloop.run(_measure(servers))


async def _measure(servers: dict[str, Server]) -> Figures:
    figures: Figures = {}
    async with asyncio.timeout(PATIENCE):
        load = Load(servers["ours"])
        token = await load.reader()
        asked = {name: Queries(server, token if name == "ours" else None) for name, server in servers.items()}
        for _ in range(TURNS):
            for whose, queries in asked.items():
                for name in ("flat", "nested"):
                    cost = await queries.cost(name, REQUESTS)
                    figures[f"{whose} {name}"] = min(figures.get(f"{whose} {name}", cost), cost)
        await load.follow(token, SUBSCRIBERS)
        await load.fan_out(5)
        costs = [await load.fan_out(ROUNDS) for _ in range(TURNS)]
        figures["delivery"], figures["last"] = min(each.cpu for each in costs), min(each.last for each in costs)
        for queries in asked.values():
            await queries.close()
        await load.close()
    return figures


def _filled(file: Path) -> Path:
    with sqlite3.connect(file) as connection:
        connection.executescript(_TABLES)
        connection.executemany("INSERT INTO authors (name) VALUES (?)", [(f"Author {n}",) for n in range(20)])
        rows = [
            (
                f"Article {n}",
                f"article-{n}",
                "Lorem ipsum " * 8,
                "published",
                n,
                n / 7,
                "2026-01-02 12:00:00",
                n % 20 + 1,
            )
            for n in range(400)
        ]
        columns = "title, slug, body, status, views, rating, published_on, author"
        connection.executemany(f"INSERT INTO articles ({columns}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)", rows)  # noqa: S608
    connection.close()
    return file


@contextmanager
def _ours(database: Path) -> Iterator[Server]:
    port = free_port()
    command = [sys.executable, "-m", "watchword.cli", "serve", f"sqlite:///{database}", "--port", str(port)]
    with started(command, port, database.parent) as server:
        yield server


@contextmanager
def _strawberry(database: Path) -> Iterator[Server]:
    port = free_port()
    command = [sys.executable, "-m", "uvicorn", f"{__name__}.strawberry_app:app", "--port", str(port)]
    command += ["--log-level", "error", "--loop", "uvloop", "--http", "httptools"]
    with started(command, port, database.parent, environment={"DATABASE": str(database)}) as server:
        yield server
