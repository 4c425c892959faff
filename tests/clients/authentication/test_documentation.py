"""The examples of the guide are run as they stand there, against its server, and print what the guide says."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.newsroom import Newsroom, newsroom
from tests.support.server import COMMAND

HERE = Path(__file__).parent
GUIDE = HERE.parents[2] / "docs" / "guides" / "authenticating-sockets.md"
MODULES = HERE.parent / "node_modules"
PACKAGES = {
    "@directus/sdk": "directus-sdk-26",
    "@trpc": "@trpc",
    "socketcluster-client": "socketcluster-client",
    "ws": "ws",
}
SERVE = f"import os, sys; os.execv(sys.executable, [*{[*COMMAND, 'serve', 'news:app']!r}, *sys.argv[2:]])"

SECTION = GUIDE.read_text(encoding="utf-8").partition("## Code for each client")[2].partition("\n## ")[0]
EXAMPLES = re.findall(r"^```js\n(.*?)^```\n+```text\n(.*?)^```$", SECTION, re.DOTALL | re.MULTILINE)
PROGRAMS = [example for example in EXAMPLES if example[0].startswith("import ")]
PAGES = [example for example in EXAMPLES if not example[0].startswith("import ")]

pytestmark = pytest.mark.timeout(120)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the server of the guide is, and the packages that its programs import."""
    folder = tmp_path_factory.mktemp("authentication")
    server = re.search(r"^```python\n(.*?)^```$", SECTION, re.DOTALL | re.MULTILINE)
    assert server is not None
    (folder / "news.py").write_text(server[1], encoding="utf-8")
    for name, installed in PACKAGES.items():
        link = folder / "node_modules" / name
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(MODULES / installed)
    return folder


@pytest.fixture(scope="module")
def room(folder: Path) -> Iterator[Newsroom]:
    """The newsroom, served by the program of the guide."""
    url = f"sqlite:///{folder / 'news.db'}"
    with newsroom(url, folder, serve=(sys.executable, "-c", SERVE)) as room:
        room.execute("INSERT INTO articles (title, status) VALUES ('On tides', 'published'), ('Secret', 'draft')")
        yield room


@pytest.fixture(scope="module")
def chromium() -> str:
    """A browser."""
    found = shutil.which("chromium")
    if found is None:
        reason = "Chromium is not installed; run make setup"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    return found


def here(text: str, room: Newsroom) -> str:
    """Return an example for this server instead of the one that the guide starts."""
    return text.replace("127.0.0.1:8055", f"127.0.0.1:{room.server.port}").replace(
        "port: 8055", f"port: {room.server.port}"
    )


def run(*command: str | Path, cwd: Path) -> str:
    done = subprocess.run([*map(str, command)], cwd=cwd, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr + done.stdout
    return done.stdout


def test_guide_has_examples_of_both_kinds() -> None:
    assert (len(PROGRAMS), len(PAGES)) == (6, 2)
    assert SECTION.count("```js") == len(EXAMPLES)


@pytest.mark.parametrize(("code", "told"), PROGRAMS)
def test_program_of_the_guide_prints_what_the_guide_says(
    code: str, told: str, room: Newsroom, folder: Path, node: str
) -> None:
    (folder / "example.mjs").write_text(here(code, room), encoding="utf-8")

    assert run(node, "--import", HERE / "websocket.mjs", "example.mjs", cwd=folder) == told
    assert room.server.errors == []


@pytest.mark.parametrize(("code", "told"), PAGES)
def test_page_of_the_guide_logs_what_the_guide_says(
    code: str, told: str, room: Newsroom, chromium: str, node: str
) -> None:
    facts = {"url": room.server.url, "chromium": chromium, "example": here(code, room), "lines": told.count("\n")}

    assert run(node, HERE / "page.mjs", json.dumps(facts), cwd=HERE) == told
    assert room.server.errors == []


def test_log_of_the_server_does_not_know_what_was_presented(room: Newsroom, folder: Path, node: str) -> None:
    (code,) = [code for code, _ in PROGRAMS if "/trpc?token=" in code]
    (folder / "example.mjs").write_text(here(code, room), encoding="utf-8")
    run(node, "--import", HERE / "websocket.mjs", "example.mjs", cwd=folder)

    log = room.server.log
    assert "/auth/ticket" in log
    assert '"path": "/trpc"' in log
    assert not any(secret in log for secret in ("wwt_", "reader-pass-1", room.reader.token, "eyJ"))
