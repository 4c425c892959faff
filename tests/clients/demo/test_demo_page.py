"""The demo page in a real browser: an administrator and a reader, side by side, against `watchword demo`."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import takewhile
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

HERE = Path(__file__).parent
README = HERE.parents[2] / "README.md"
TITLE = "On the keeping of watchwords"
PUBLISHED = {
    "Mending a sail by lamplight",
    "Bread for a week at sea",
    "What the lighthouse keeper wrote",
    "The night train to Tromsø",
    "How a tide table is made",
}

pytestmark = pytest.mark.timeout(120)

Report = dict[str, Any]


@contextmanager
def running_demo() -> Iterator[dict[str, Any]]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "watchword.cli", "demo", "--port", str(port)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True) as process:
        assert process.stdout is not None
        printed = "".join(takewhile(lambda line: "Ctrl+C" not in line, process.stdout))
        try:
            yield parse(printed)
        finally:
            process.terminate()
            process.wait(timeout=30)


@pytest.fixture(scope="module")
def server() -> Iterator[dict[str, Any]]:
    """A running demo: its address and the passwords, as it prints them."""
    with running_demo() as demo:
        yield demo


def parse(printed: str) -> dict[str, Any]:
    url = re.search(r"http://\S+", printed)
    assert url is not None, printed
    passwords = dict(re.findall(r"(admin|reader)@example\.com\s+(\S+)", printed))
    return {"url": url[0], "passwords": passwords, "printed": printed}


@pytest.fixture(scope="module")
def report(server: dict[str, Any]) -> Report:
    """What both of them saw; see demo.mjs."""
    chromium, node = shutil.which("chromium"), shutil.which("node")
    if chromium is None or node is None or not (HERE.parent / "node_modules" / "playwright-core").exists():
        reason = "Chromium, Node.js or the JavaScript clients are not installed; run make setup"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    wait_for(server["url"])
    facts = {"url": server["url"], "chromium": chromium, "passwords": server["passwords"]}
    given = json.dumps(facts | {"example": example(server["url"])})
    done = subprocess.run([node, HERE / "demo.mjs", given], capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 0, done.stderr
    told: Report = json.loads(done.stdout)
    return told


def example(url: str) -> str:
    """The browser example of the README, for this server instead of the one that `make demo` starts and prints."""
    code = re.search(r"^```js\n(.*?)^```", README.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    assert code is not None
    assert "ws://127.0.0.1:8055/" in code[1]
    return code[1].replace("127.0.0.1:8055", urlsplit(url).netloc)


def wait_for(url: str) -> None:
    with httpx.Client(transport=httpx.HTTPTransport(retries=6)) as client:
        assert client.get(url).status_code == 200


def test_wrong_password_is_refused_in_words(report: Report) -> None:
    assert "failed" in report["steps"]["refused"]


def test_administrator_sees_every_row_and_the_reader_those_that_are_published(report: Report) -> None:
    start = report["steps"]["start"]

    assert len(start["admin"]) == 8
    assert set(start["admin"]) > PUBLISHED
    assert set(start["reader"]) == PUBLISHED


def test_connection_says_who_is_signed_in(report: Report) -> None:
    shown = " ".join(report["steps"]["connection"].split())

    assert shown == "Live admin@example.com"


def test_draft_does_not_reach_the_reader(report: Report) -> None:
    assert set(report["steps"]["draft"]["reader"]) == PUBLISHED


def test_published_row_appears_in_the_readers_table(report: Report) -> None:
    assert report["steps"]["published"]["reader"][0] == TITLE


def test_unpublished_row_leaves_the_readers_table_and_stays_in_the_administrators(report: Report) -> None:
    unpublished = report["steps"]["unpublished"]

    assert set(unpublished["reader"]) == PUBLISHED
    assert f"{TITLE}, and of lamps" in unpublished["admin"]


def test_deleted_row_leaves_the_administrators_table(report: Report) -> None:
    assert len(report["steps"]["deleted"]["admin"]) == 8


def test_reader_is_told_of_nothing_but_the_published_row(report: Report) -> None:
    events = [frame for text in report["frames"]["reader"] if (frame := json.loads(text)).get("event")]

    assert [event["event"] for event in events] == ["init", "create", "update", "delete"]


def test_internal_notes_are_in_no_frame_of_the_reader(report: Report) -> None:
    assert any("notes" in frame for frame in report["frames"]["admin"])
    assert not any("notes" in frame for frame in report["frames"]["reader"])


def test_reader_has_no_buttons_and_is_refused_all_the_same(report: Report) -> None:
    assert report["steps"]["readerButtons"] == 0
    assert report["steps"]["trespass"].startswith("FORBIDDEN")


def test_frames_are_shown_without_passwords_and_tokens(report: Report, server: dict[str, Any]) -> None:
    shown = report["steps"]["shown"]
    answers = [json.loads(frame) for frame in report["frames"]["reader"]]
    tokens = [answer["refresh_token"] for answer in answers if "refresh_token" in answer]

    assert '"password": "••••••••"' in shown
    assert tokens
    assert not any(secret in shown for secret in (*tokens, *server["passwords"].values()))


def test_example_of_the_readme_follows_what_happens(report: Report) -> None:
    assert report["steps"]["example"] == ["init", "create", "update", "delete"]


def test_console_stays_silent(report: Report) -> None:
    assert report["console"] == []


def test_page_asks_nobody_but_the_server(report: Report, server: dict[str, Any]) -> None:
    own = urlsplit(server["url"]).netloc

    assert {urlsplit(request).netloc for request in report["requests"]} == {own}


def test_database_is_gone_when_the_demo_has_stopped() -> None:
    with running_demo() as demo:
        file = re.search(r"sqlite3 (\S+)", demo["printed"])
        assert file is not None
        folder = Path(file[1]).parent
        assert folder.exists()

    assert not folder.exists()
