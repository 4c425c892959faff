"""Writes docs/dialects/sdk-commands.md from a run of the unmodified SDK against a server.

scripts/sdk_commands.py            write it
scripts/sdk_commands.py --check    only say whether it is current; the exit status is 1 when it is not
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests.support.newsroom import newsroom  # noqa: E402 - the tests' own server and scripts
from tests.support.node import running  # noqa: E402
from tests.support.sdk_commands import PAGE, outcomes_of, page_of  # noqa: E402

SCRIPT = ROOT / "tests" / "clients" / "directus" / "commands.mjs"


def page() -> str:
    """The page as it should be."""
    node = shutil.which("node")
    if node is None:
        sys.exit("Node.js is not installed")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with (
            newsroom(f"sqlite:///{folder / 'newsroom.db'}", folder) as room,
            running(node, SCRIPT, room.as_given(sdk="26")) as program,
        ):
            return page_of(outcomes_of(program.rest()))


def main() -> int:
    """Write the page, or with `--check` compare it; return the exit status."""
    text = page()
    if sys.argv[1:] == ["--check"]:
        is_current = PAGE.exists() and PAGE.read_text() == text
        print(f"{PAGE.relative_to(ROOT)}: {'current' if is_current else 'stale'}")
        return 0 if is_current else 1
    PAGE.write_text(text)
    print(f"{PAGE.relative_to(ROOT)} written")
    return 0


if __name__ == "__main__":
    sys.exit(main())
