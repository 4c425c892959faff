"""A server in a process of its own, and what it costs."""

from __future__ import annotations

import os
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

_TICKS = os.sysconf("SC_CLK_TCK")
_TABLES = """
CREATE TABLE articles (
    id INTEGER PRIMARY KEY, title VARCHAR(255) NOT NULL, body TEXT, status VARCHAR(20) NOT NULL DEFAULT 'draft',
    author VARCHAR(50), views INTEGER NOT NULL DEFAULT 0, rating REAL, published_on DATETIME);
"""


class Server(msgspec.Struct, frozen=True):
    """A running server: where it is, and which process it is."""

    port: int
    pid: int
    started_in: float

    @property
    def cpu(self) -> float:
        """Seconds of CPU that the process has used so far."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS

    @property
    def memory(self) -> int:
        """Bytes of memory that the process holds."""
        fields = Path(f"/proc/{self.pid}/statm").read_text().split()
        return int(fields[1]) * os.sysconf("SC_PAGE_SIZE")


@contextmanager
def running(rows: int = 1000) -> Iterator[Server]:
    """Run a server on a fresh SQLite database with `rows` articles."""
    with tempfile.TemporaryDirectory() as folder:
        database = Path(folder) / "bench.db"
        with sqlite3.connect(database) as connection:
            connection.executescript(_TABLES)
            values = ((f"Article {n}", "Lorem ipsum " * 8, "published", f"author {n % 10}") for n in range(rows))
            connection.executemany("INSERT INTO articles (title, body, status, author) VALUES (?, ?, ?, ?)", values)
        connection.close()
        port = free_port()
        with started(_command(f"sqlite:///{database}", port), port, database.parent, _answers) as server:
            yield server


@contextmanager
def serving(program: str, **environment: str) -> Iterator[Server]:
    """Run an application in Python, `module:app`, on a fresh SQLite database."""
    with tempfile.TemporaryDirectory() as folder:
        port = free_port()
        own = {"DATABASE_URL": f"sqlite:///{Path(folder) / 'bench.db'}", **environment}
        with started(_command(program, port), port, Path(folder), _answers, own) as server:
            yield server


def listens(port: int) -> bool:
    """Whether somebody listens."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@contextmanager
def started(
    command: list[str],
    port: int,
    folder: Path,
    is_ready: Callable[[int], bool] = listens,
    environment: Mapping[str, str] | None = None,
) -> Iterator[Server]:
    """Run a command that serves on a port."""
    began = time.monotonic()
    process = subprocess.Popen(command, env=_ENVIRONMENT | dict(environment or {}), cwd=folder)
    try:
        _wait(port, is_ready)
        yield Server(port, process.pid, time.monotonic() - began)
    finally:
        process.terminate()
        process.wait(20)


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


_ENVIRONMENT = {
    "PATH": os.defpath,
    "PYTHONPATH": os.pathsep.join(filter(None, (str(Path(__file__).parents[1]), os.environ.get("PYTHONPATH", "")))),
    "ADMIN_EMAIL": "admin@example.com",
    "ADMIN_PASSWORD": "a-fairly-long-password",
    "ADMIN_TOKEN": "admin-token-0001",
    "LOGIN_STALL_TIME": "1",
    "LOG_LEVEL": "error",
    "WEBSOCKETS_HEARTBEAT_ENABLED": "false",
    "WEBSOCKETS_REST_UNAUTHENTICATED_LIMIT": "10000",
}


def _command(what: str, port: int) -> list[str]:
    return [sys.executable, "-m", "watchword.cli", "serve", what, "--port", str(port)]


def _wait(port: int, is_ready: Callable[[int], bool]) -> None:
    for _ in range(1_000):
        if is_ready(port):
            return
        time.sleep(0.02)
    raise TimeoutError("the server does not answer")


def _answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/server/ping"):
            return True
    except (urllib.error.URLError, ConnectionError):
        return False
