"""The application in the guide is run as it stands there, with its client, and prints what the guide says."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from tests.support.server import DEFAULTS, PATIENCE, environment, free_port

pytestmark = pytest.mark.timeout(120)

ROOT = Path(__file__).parents[3]
GUIDE = ROOT / "docs" / "guides" / "applications.md"
MODULES = ROOT / "tests" / "clients" / "node_modules"


def block(language: str, beginning: str) -> str:
    """Return the code block of the guide that begins like this."""
    found = re.search(rf"```{language}\n({re.escape(beginning)}.*?)```", GUIDE.read_text(), re.DOTALL)
    assert found is not None, beginning
    return found[1]


@pytest.mark.parametrize(
    "runner", [["watchword.cli", "serve", "chat:app"], ["uvicorn", "chat:app"]], ids=lambda each: each[0]
)
def test_the_application_of_the_guide_does_what_the_guide_says(runner: list[str], node: str, tmp_path: Path) -> None:
    port = free_port()
    (tmp_path / "chat.py").write_text(block("python", "from watchword import Call"))
    (tmp_path / "client.mjs").write_text(block("js", "import { create }").replace("8055", str(port)))
    (tmp_path / "node_modules").symlink_to(MODULES)
    told = block("text", "LoginError")
    command = [sys.executable, "-m", *runner, "--port", str(port)]
    with (tmp_path / "log").open("wb") as log:
        given = environment(DEFAULTS)
        server = subprocess.Popen(command, cwd=tmp_path, env=given, stdout=log, stderr=subprocess.STDOUT)
        try:
            with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=PATIENCE) as http:
                wait_for(http, server)
                script = [node, "client.mjs"]
                done = subprocess.run(
                    script, cwd=tmp_path, capture_output=True, text=True, timeout=PATIENCE, check=False
                )
                assert (done.stdout, done.returncode) == (told, 0), done.stderr + (tmp_path / "log").read_text()
                answer = http.post("/procedures/here", json={"room": "lobby"})
                assert (answer.status_code, answer.json()) == (200, {"data": []})
        finally:
            os.kill(server.pid, signal.SIGTERM)
            # uvicorn by itself ends by the signal again, once everything has ended in order.
            assert server.wait(PATIENCE) in {0, -signal.SIGTERM}, (tmp_path / "log").read_text()


def wait_for(http: httpx.Client, server: subprocess.Popen[bytes]) -> None:
    """Return when the server answers."""
    while server.poll() is None:
        try:
            if http.get("/server/ping").text == "pong":
                return
        except httpx.TransportError:
            try:
                server.wait(0.05)
            except subprocess.TimeoutExpired:
                continue
    raise AssertionError("the server has ended")
