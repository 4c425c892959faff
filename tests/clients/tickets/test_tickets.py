"""The code of the guide in a real browser: a page opens sockets by tickets, where nobody gets in without."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.newsroom import Newsroom, newsroom

HERE = Path(__file__).parent
GUIDE = HERE.parents[2] / "docs" / "guides" / "authenticating-sockets.md"

pytestmark = pytest.mark.timeout(120)

Report = dict[str, Any]


@pytest.fixture(scope="module")
def chromium() -> str:
    """A browser, with what drives it."""
    found = shutil.which("chromium")
    if found is None or not (HERE.parent / "node_modules" / "playwright-core").exists():
        reason = "Chromium or the JavaScript clients are not installed; run make setup"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    return found


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Newsroom]:
    """A newsroom whose sockets do not exist without a login."""
    folder = tmp_path_factory.mktemp("tickets")
    url = f"sqlite:///{folder / 'newsroom.db'}"
    with newsroom(url, folder, WEBSOCKETS_REST_AUTH="strict") as served:
        yield served


@pytest.fixture(scope="module")
def report(room: Newsroom, node: str, chromium: str) -> Report:
    """What the page saw; see ticket.mjs."""
    url = room.server.url
    login = {"email": room.reader.email, "password": room.reader.password}
    token = httpx.post(f"{url}/auth/login", json=login).json()["data"]["access_token"]
    given = {"url": url, "chromium": chromium, "accessToken": token, "example": example()}
    command = [node, str(HERE / "ticket.mjs"), json.dumps(given)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 0, done.stderr
    seen: Report = json.loads(done.stdout)
    return seen


def example() -> str:
    """The code of the guide's section on tickets."""
    section = GUIDE.read_text(encoding="utf-8").partition("## Tickets")[2]
    code = re.search(r"^```js\n(.*?)^```", section, re.DOTALL | re.MULTILINE)
    assert code is not None
    return code[1]


def test_page_subscribes_over_the_socket_of_its_ticket(report: Report) -> None:
    frame = report["frame"]
    assert (frame["type"], frame["event"], frame["uid"]) == ("subscription", "init", "articles")


def test_each_ticket_opens_one_socket(report: Report) -> None:
    assert (report["again"], report["another"], report["without"]) == (False, True, False)
    first, again, another, without = report["addresses"]
    assert first == again != another
    assert "access_token=wwt_" in another
    assert "access_token" not in without


def test_log_of_the_server_does_not_know_the_tickets(report: Report, room: Newsroom) -> None:
    assert "POST" in room.server.log
    assert "wwt_" not in room.server.log
