"""The commands in a process of their own, as a terminal runs them."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.support.server import COMMAND, environment


def run(folder: Path, *arguments: str, said: str = "", **settings: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *arguments],
        cwd=folder,
        env=environment(settings),
        input=said,
        capture_output=True,
        text=True,
        check=False,
    )


def test_init_says_how_to_serve_the_database_that_it_has_prepared(tmp_path: Path) -> None:
    done = run(tmp_path, "init", "shop.db", "--email", "ada@example.com", said="a-fairly-long-password")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [
        "The database shop.db is ready.",
        "ada@example.com can log in now. Start the server with: watchword serve shop.db",
    ]


def test_what_the_user_can_mend_is_told_in_one_line(tmp_path: Path) -> None:
    done = run(tmp_path, "serve", PUBLIC_URL="example.com")
    assert done.returncode == 1
    assert done.stderr == "watchword: HTTP: The public URL must begin with http:// or https:// and name a host\n"
