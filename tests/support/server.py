"""A real server process for tests: started by the command line on a free port, stopped by its process id."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx

from tests.support.activation import activating
from watchword.app.settings import SETTINGS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

ADMIN_EMAIL = "admin@example.com"
ADMIN_PASSWORD = "correct-horse-1"
ADMIN_TOKEN = "admin-static-token-0001"

ATTEMPTS = 3  # another process may take the port between our finding it and the server's binding it
PATIENCE = 60.0  # for whatever a test waits for: the machine may be busy with other things
REFUSED = "ASGI callable returned without completing handshake."  # uvicorn, of an upgrade that got its HTTP answer
COMMAND = [sys.executable, "-m", "watchword.cli"]
DEFAULTS = {
    "ADMIN_EMAIL": ADMIN_EMAIL,
    "ADMIN_PASSWORD": ADMIN_PASSWORD,
    "ADMIN_TOKEN": ADMIN_TOKEN,
    "LOGIN_STALL_TIME": "20",
    "SECRET": "a-secret-for-tests-that-is-long-enough",
}


class Server:
    """`watchword serve` on one database and one port, through as many restarts as a test wants.

    `serve` is another command that takes the same arguments.
    """

    def __init__(
        self, database_url: str, folder: Path, settings: Mapping[str, str], serve: Sequence[str] = (*COMMAND, "serve")
    ) -> None:
        self.database_url = database_url
        self._serve = serve
        self._folder = folder
        self._environment = environment(DEFAULTS | dict(settings))
        self._log = folder / "server.log"
        self._port = 0
        self._process: subprocess.Popen[bytes] | None = None
        self._held: socket.socket | None = None
        self.purposes: tuple[str, ...] = ()
        """Texts of exceptions that an application raises on purpose."""

    @property
    def url(self) -> str:
        """The address of the REST API, without a slash at its end."""
        return f"http://127.0.0.1:{self._port}"

    @property
    def port(self) -> int:
        """The port that it listens on."""
        return self._port

    @property
    def socket_url(self) -> str:
        """The address of the Directus WebSocket."""
        return f"ws://127.0.0.1:{self._port}/websocket"

    @property
    def log(self) -> str:
        """Everything that the server has written."""
        return self._log.read_text() if self._log.exists() else ""

    @property
    def errors(self) -> list[Any]:
        """What the server has logged that should not happen."""
        entries = [json.loads(line) for line in self.log.splitlines() if line.startswith("{")]
        grave = [entry for entry in entries if entry["level"] in {"error", "critical"} and entry["event"] != REFUSED]
        return [entry for entry in grave if not any(text in entry.get("exception", "") for text in self.purposes)]

    def start(self) -> None:
        """Start and return when requests are answered; the port stays the same from the first time on."""
        for attempt in range(1, ATTEMPTS + 1):
            port = self._port or free_port()
            if self._launch(port):
                self._port = port
                return
            if self._port or attempt == ATTEMPTS:
                raise AssertionError(f"the server did not start:\n{self.log}")

    def stop(self) -> None:
        """Ask the process to end, and see that it ends in order and has logged no error."""
        process, self._process = self._process, None
        if process is None:
            return
        os.kill(process.pid, signal.SIGTERM)
        try:
            code = process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            raise
        assert code == 0, f"exit code {code}:\n{self.log}"
        assert not self.errors, self.errors

    def hold(self) -> None:
        """Listen in its place while it is away, as a service manager does; the next start takes the socket over."""
        self._held = socket.create_server(("127.0.0.1", self._port))

    def kill(self) -> None:
        """End the process without a warning, as `kill -9` and the kernel do."""
        process, self._process = self._process, None
        assert process is not None
        os.kill(process.pid, signal.SIGKILL)
        process.wait(PATIENCE)

    @property
    def descriptors(self) -> int:
        """How many files and sockets the process has open."""
        assert self._process is not None
        return len(list(Path(f"/proc/{self._process.pid}/fd").iterdir()))

    def restart(self) -> None:
        """Stop and start again at once, on the same port and database."""
        self.stop()
        self.start()

    def run(self, *arguments: str) -> str:
        """Run another command of the program, in a process of its own, and return what it prints."""
        done = subprocess.run(
            [*COMMAND, *arguments],
            cwd=self._folder,
            env=self._environment,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def _launch(self, port: int) -> bool:
        command = [*self._serve, self.database_url, "--host", "127.0.0.1", "--port", str(port)]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                command if self._held is None else activating(self._held, command),
                cwd=self._folder,
                env=self._environment,
                stdout=log,
                stderr=subprocess.STDOUT,
                pass_fds=() if self._held is None else (self._held.fileno(),),
            )
        if self._held is not None:
            self._held.close()
            self._held = None
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=PATIENCE) as client:
            if any(self._answers(client) for _ in self._while_it_lives(self._process)):
                return True
        self._process.kill()
        self._process.wait()
        self._process = None
        return False

    def _while_it_lives(self, process: subprocess.Popen[bytes]) -> Iterator[None]:
        """Yield every few milliseconds until the process has ended or the time is over."""
        pause = 0.02
        for _ in range(int(PATIENCE / pause)):
            yield
            try:
                process.wait(pause)
            except subprocess.TimeoutExpired:
                continue
            return

    def _answers(self, client: httpx.Client) -> bool:
        try:
            return client.get("/server/ping").text == "pong"
        except httpx.TransportError:
            return False


@contextmanager
def serving(
    database_url: str, folder: Path, serve: Sequence[str] = (*COMMAND, "serve"), **settings: str
) -> Iterator[Server]:
    """Serve a database until the block ends. `settings` are environment variables; the log goes into `folder`."""
    server = Server(database_url, folder, settings, serve)
    try:
        server.start()
        yield server
    except BaseException as error:
        error.add_note(server.log)
        raise
    finally:
        server.stop()


def environment(settings: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of a process that has these settings and no others."""
    names = {setting.name for setting in SETTINGS}
    return {name: value for name, value in os.environ.items() if name not in names} | dict(settings)


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port
