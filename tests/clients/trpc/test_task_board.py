"""The example's task board: its types, its front end, and two people who work at it in a real browser."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from tests.support.server import COMMAND, PATIENCE, environment, free_port

HERE = Path(__file__).parent
EXAMPLE = HERE.parents[2] / "examples" / "task-board"
WEB = EXAMPLE / "web"
TYPES = WEB / "src" / "app-router.d.ts"

pytestmark = pytest.mark.timeout(180)

Report = dict[str, Any]


def run(*command: str | Path, cwd: Path, timeout: float = 150) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*map(str, command)],
        cwd=cwd,
        env=environment({"PYTHONPATH": os.pathsep.join([str(EXAMPLE), os.environ.get("PYTHONPATH", "")])}),
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )


def require(*, there: bool, what: str) -> None:
    if there:
        return
    reason = f"{what} not installed; run make setup"
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="module")
def tools(node: str) -> str:
    """Node.js, with what the front end is built by."""
    require(there=(WEB / "node_modules" / "vite").exists(), what="The packages of the task board are")
    return node


@pytest.fixture(scope="module")
def built(tools: str) -> Path:
    """The front end as it is served."""
    done = run(tools, WEB / "node_modules" / "vite" / "bin" / "vite.js", "build", cwd=WEB)
    assert done.returncode == 0, done.stdout + done.stderr
    return WEB / "dist"


@contextmanager
def serving(folder: Path) -> Iterator[str]:
    """Serve the board as its README says, with a database in a folder."""
    port = free_port()
    command = [sys.executable, "-m", "uvicorn", "server:site", "--app-dir", str(EXAMPLE), "--port", str(port)]
    with (folder / "log").open("ab") as log:
        process = subprocess.Popen(command, cwd=folder, env=environment({}), stdout=log, stderr=subprocess.STDOUT)
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=PATIENCE) as http:
            wait_for(http, process)
        yield f"http://127.0.0.1:{port}"
    except BaseException as error:
        error.add_note((folder / "log").read_text())
        raise
    finally:
        os.kill(process.pid, signal.SIGTERM)
        process.wait(PATIENCE)


def wait_for(http: httpx.Client, process: subprocess.Popen[bytes]) -> None:
    while process.poll() is None:
        try:
            if http.get("/server/ping").text == "pong":
                return
        except httpx.TransportError:
            try:
                process.wait(0.05)
            except subprocess.TimeoutExpired:
                continue
    raise AssertionError("the server has ended")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the server runs."""
    return tmp_path_factory.mktemp("task-board")


@pytest.fixture(scope="module")
def url(folder: Path, built: Path) -> Iterator[str]:
    """A running board."""
    assert built.exists()
    with serving(folder) as address:
        yield address


@pytest.fixture(scope="module")
def people(folder: Path) -> dict[str, tuple[str, str]]:
    """Who may log in, as the example has it."""
    code = "import json, server; print(json.dumps(server.PEOPLE))"
    done = run(sys.executable, "-c", code, cwd=folder)
    assert done.returncode == 0, done.stderr
    found: dict[str, tuple[str, str]] = json.loads(done.stdout)
    return found


@pytest.fixture(scope="module")
def report(url: str, tools: str, people: dict[str, tuple[str, str]]) -> Report:
    """What both of them saw; see task_board.mjs."""
    chromium = shutil.which("chromium")
    require(there=chromium is not None, what="Chromium is")
    facts = {"url": url, "chromium": chromium, "people": people, "picture": os.environ.get("TASK_BOARD_PICTURE")}
    done = run(tools, HERE / "task_board.mjs", json.dumps(facts), cwd=HERE)
    assert done.returncode == 0, done.stderr
    told: Report = json.loads(done.stdout)
    return told


def token(url: str, people: dict[str, tuple[str, str]], name: str) -> dict[str, str]:
    """Return the header of somebody who has logged in."""
    email = f"{name}@example.com"
    login = httpx.post(f"{url}/auth/login", json={"email": email, "password": people[email][1]})
    assert login.status_code == 200, login.text
    return {"Authorization": f"Bearer {login.json()['data']['access_token']}"}


def test_types_are_those_of_the_server(tmp_path: Path) -> None:
    done = run(*COMMAND, "trpc", "types", "server:app", "-o", TYPES, "--check", cwd=tmp_path)

    assert done.returncode == 0, done.stdout + done.stderr


def test_front_end_compiles_against_the_types(tools: str) -> None:
    done = run(tools, WEB / "node_modules" / "typescript" / "bin" / "tsc", "--noEmit", cwd=WEB)

    assert (done.stdout, done.returncode) == ("", 0)


def test_call_that_is_not_what_python_says_does_not_compile(tools: str) -> None:
    wrong = 'import { connect } from "./connection";\n'
    wrong += "export const wrong = (board: ReturnType<typeof connect>) =>\n"
    wrong += '  board.trpc.tasks.move.mutate({ task: 1, state: "lost" });\n'
    file = WEB / "src" / "wrong.ts"
    file.write_text(wrong, encoding="utf-8")
    try:
        done = run(tools, WEB / "node_modules" / "typescript" / "bin" / "tsc", "--noEmit", cwd=WEB)
    finally:
        file.unlink()

    assert done.returncode != 0
    assert done.stdout.startswith("src/wrong.ts(3,43): error TS2322")


def test_wrong_password_is_refused_in_words(report: Report) -> None:
    assert report["steps"]["refused"] == "You are not logged in: Invalid user credentials."
    assert report["steps"]["notice"] == ""


def test_each_sees_that_the_other_is_there(report: Report) -> None:
    assert report["steps"]["here"] == ["Ann", "Bob"]


def test_task_of_one_appears_at_the_other(report: Report) -> None:
    assert report["steps"]["added"] == "Ann"


def test_who_has_not_added_a_task_has_no_button_to_remove_it(report: Report) -> None:
    assert report["steps"]["others"] == 0


def test_move_of_one_appears_at_the_other_and_titles_are_text(report: Report) -> None:
    assert report["steps"]["moved"] == {"todo": ["Trim the <b>lamp</b>"], "doing": ["Mend the sail"]}


def test_reload_keeps_who_is_logged_in(report: Report) -> None:
    assert report["steps"]["reloaded"] == "Live, as Bob"


def test_removed_task_leaves_the_other_board(report: Report) -> None:
    assert report["steps"]["removed"] == []


def test_who_logs_out_is_gone_and_stays_logged_out(report: Report) -> None:
    assert report["steps"]["left"] == ["Ann"]
    assert report["steps"]["loggedOut"] is True


def test_who_is_thrown_out_is_told_and_asked_to_log_in(report: Report) -> None:
    assert report["steps"]["thrownOut"] == "Your session has ended. Log in again."


def test_console_tells_of_nothing_but_refused_logins(report: Report) -> None:
    assert all(text.startswith("Failed to load resource") for text in report["console"])


def test_page_asks_nobody_but_the_server_and_shows_it_no_token_in_an_address(report: Report, url: str) -> None:
    own = urlsplit(url).netloc
    addresses = {urlsplit(request) for request in report["requests"] if not request.startswith("data:")}

    assert {address.netloc for address in addresses} == {own}
    assert {address.query for address in addresses} == {"", "connectionParams=1"}


def test_who_has_not_added_a_task_may_not_remove_it(url: str, people: dict[str, tuple[str, str]]) -> None:
    bob, cleo = token(url, people, "bob"), token(url, people, "cleo")
    made = httpx.post(f"{url}/trpc/tasks.add", headers=bob, json={"title": "Sound the horn"})
    task = made.json()["result"]["data"]["id"]

    refused = httpx.post(f"{url}/trpc/tasks.remove", headers=cleo, json={"task": task})

    assert (refused.status_code, refused.json()["error"]["data"]["code"]) == (403, "FORBIDDEN")
    assert httpx.post(f"{url}/trpc/tasks.remove", headers=bob, json={"task": task}).status_code == 200


def test_nobody_adds_a_task_in_the_name_of_another(url: str, people: dict[str, tuple[str, str]]) -> None:
    forged = {"title": "Sound the horn", "author": "Bob"}

    answer = httpx.post(f"{url}/items/tasks", headers=token(url, people, "cleo"), json=forged)

    assert answer.status_code == 403


def test_who_is_not_logged_in_sees_no_task(url: str) -> None:
    answer = httpx.get(f"{url}/trpc/tasks.list")

    assert (answer.status_code, answer.json()["error"]["data"]["code"]) == (401, "UNAUTHORIZED")


def test_tasks_outlive_the_server(tmp_path: Path, people: dict[str, tuple[str, str]]) -> None:
    with serving(tmp_path) as url:
        httpx.post(f"{url}/trpc/tasks.add", headers=token(url, people, "bob"), json={"title": "Sound the horn"})

    with serving(tmp_path) as url:
        answer = httpx.get(f"{url}/trpc/tasks.list", headers=token(url, people, "ann"))

    assert [task["title"] for task in answer.json()["result"]["data"]] == ["Sound the horn"]
