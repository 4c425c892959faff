"""A real PostgreSQL server for tests: its own directory, its own loopback port, nothing shared with the machine."""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import socket
import subprocess
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

CONFIGURATION = """
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
fsync = off
synchronous_commit = off
full_page_writes = off
"""
INITDB = ["--no-sync", "--auth=trust", "--username=postgres", "--encoding=UTF8", "--locale=C"]
EMPTY = """
SET client_min_messages = warning;
SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity
  WHERE datname = current_database() AND pid <> pg_backend_pid();
DO $$
DECLARE
  each text;
BEGIN
  EXECUTE format('ALTER DATABASE %I RESET ALL', current_database());
  FOR each IN SELECT nspname FROM pg_namespace WHERE nspname !~ '^pg_' AND nspname <> 'information_schema' LOOP
    EXECUTE format('DROP SCHEMA %I CASCADE', each);
  END LOOP;
END $$;
CREATE SCHEMA public AUTHORIZATION pg_database_owner;
GRANT USAGE ON SCHEMA public TO PUBLIC;
"""
"""Makes a database what `template0` is, as far as tests change it: in a tenth of the time that a new one takes."""
ATTEMPTS = 3  # another process may take the port between our finding it and the server's binding it


class PostgresServer:
    """A running server; gives out fresh databases."""

    def __init__(self, binaries: Path, home: Path, port: int) -> None:
        self._binaries = binaries
        self._home = home
        self._port = port
        self._spare: list[str] = []

    @property
    def url(self) -> str:
        """The address of the server, without a database."""
        return f"postgresql://postgres@127.0.0.1:{self._port}"

    @contextmanager
    def empty_database(self) -> Iterator[str]:
        """Lend a database without any tables; it is emptied afterwards and lent again."""
        name = self._spare.pop() if self._spare else self._new()
        yield f"{self.url}/{name}"
        self._run(
            "psql", "--no-psqlrc", "--quiet", "--output=/dev/null", "--set=ON_ERROR_STOP=1", f"--command={EMPTY}", name
        )
        self._spare.append(name)

    def _new(self) -> str:
        name = f"test_{secrets.token_hex(8)}"
        self.create_database(name)
        return name

    def create_database(self, name: str) -> str:
        """Create an empty database and return its URL."""
        self._run("createdb", "--template=template0", name)
        return f"{self.url}/{name}"

    def drop_database(self, name: str) -> None:
        """Drop a database, and the connections that a test left open with it."""
        self._run("dropdb", "--force", name)

    def stop(self, mode: str = "fast") -> None:
        """Stop the server: `fast` ends every connection in order, `immediate` is as if the power had failed."""
        data = self._home / "data"
        _as_server(self._binaries / "pg_ctl", "stop", f"--mode={mode}", "--wait", f"--pgdata={data}", home=self._home)

    def start(self) -> None:
        """Start the server again, on the port that it had."""
        _start_on(self._port, self._binaries, self._home, self._home / "data")

    def _run(self, program: str, *arguments: str) -> None:
        where = ["--host=127.0.0.1", f"--port={self._port}", "--username=postgres"]
        subprocess.run([self._binaries / program, *where, *arguments], check=True)


def find_binaries() -> Path | None:
    """The directory with the newest PostgreSQL server of this machine, or None."""
    on_path = shutil.which("initdb")
    if on_path:
        return Path(on_path).resolve().parent
    versions = [path.parent for path in Path("/usr/lib/postgresql").glob("*/bin/initdb")]
    return max(versions, key=lambda path: float(path.parent.name), default=None)


@contextmanager
def running(binaries: Path) -> Iterator[PostgresServer]:
    """Start a server and stop it at the end."""
    # Not under pytest's own directory: only its owner may enter that, and the server cannot run as root.
    home = Path(tempfile.mkdtemp(prefix="watchword-postgres-"))
    data = home / "data"
    try:
        if os.geteuid() == 0:
            shutil.chown(home, _account(), _account())
        _as_server(binaries / "initdb", *INITDB, f"--pgdata={data}", home=home)
        with (data / "postgresql.conf").open("a") as configuration:
            configuration.write(CONFIGURATION)
        port = _start(binaries, home, data)
        try:
            yield PostgresServer(binaries, home, port)
        finally:
            # pg_ctl finds the server by the process id in its data directory.
            _as_server(binaries / "pg_ctl", "stop", "--mode=immediate", "--wait", f"--pgdata={data}", home=home)
    finally:
        shutil.rmtree(home)


def _start(binaries: Path, home: Path, data: Path) -> int:
    for attempt in range(1, ATTEMPTS + 1):
        port = _free_port()
        try:
            _start_on(port, binaries, home, data)
        except subprocess.CalledProcessError as error:
            error.add_note((home / "log").read_text())
            if attempt == ATTEMPTS:
                raise
        else:
            return port
    raise AssertionError


def _start_on(port: int, binaries: Path, home: Path, data: Path) -> None:
    start = ["start", "--wait", f"--pgdata={data}", f"--log={home / 'log'}", f"--options=-p {port}"]
    _as_server(binaries / "pg_ctl", *start, home=home)


def _as_server(program: Path, *arguments: str, home: Path) -> None:
    # Output goes to a file: the server inherits it, and would keep a pipe open for as long as it lives.
    with (home / "output").open("w+") as output:
        account = _account() if os.geteuid() == 0 else None
        try:
            subprocess.run(
                [str(program), *arguments],
                check=True,
                cwd=home,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                user=account,
                group=account,
                extra_groups=None if account is None else (),
            )
        except subprocess.CalledProcessError as error:
            output.seek(0)
            error.add_note(output.read())
            raise


def _account() -> str:
    """The account that the server runs as when the tests run as root, which PostgreSQL refuses to run as."""
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name).pw_name
        except KeyError:
            continue
    raise LookupError("no account to run PostgreSQL as")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
