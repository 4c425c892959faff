"""The published client package's own tests, unmodified, with servers of ours in the place of those that they start."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.clients.conftest import MODULES
from tests.support.node import running

UPSTREAM = Path(__file__).parent / "upstream"
SUITE = MODULES / "socketcluster-client" / "test" / "integration.js"

EXCLUDED: dict[str, str] = {}
"""Titles of tests that cannot pass because they reach into the reference's own server, each with what it needs there.

There are none in version 20.0.2: all that its tests do is in the interface that `server.mjs` offers.
"""

BROKEN = """
const assert = require("assert");
describe("broken", function () {
  it("does not hold", async function () { assert.equal(1, 2); });
  it("does not hold beside the test", async function () {
    (async () => { assert.equal(1, 2); })();
    await new Promise((resolve) => setTimeout(resolve, 20));
  });
  it("does not end", async function () { await new Promise(() => {}); });
  describe("inside", function () {
    beforeEach("that breaks", async function () { throw new Error("no"); });
    it("does not begin", async function () {});
  });
  it("holds", async function () {});
});
"""


def results(node: str, suite: Path, *command: str, **given: Any) -> dict[str, str | None]:
    """What went wrong in each test of a suite, by its title; None where nothing did."""
    with running(node, UPSTREAM / "run.mjs", {"command": command, "suite": str(suite), **given}) as script:
        return script.rest()


@pytest.mark.timeout(300)
def test_the_client_passes_its_own_tests(node: str, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'upstream.db'}"
    found = results(node, SUITE, sys.executable, str(UPSTREAM / "application.py"), url)
    assert {title for title, wrong in found.items() if wrong is not None} == EXCLUDED.keys(), found
    assert len(found) == len(re.findall(r"^\s+it\(", SUITE.read_text(), re.MULTILINE))


def test_what_runs_them_sees_what_goes_wrong(node: str, tmp_path: Path) -> None:
    suite = tmp_path / "broken.cjs"
    suite.write_text(BROKEN)
    found = results(node, suite, sys.executable, "-c", "import sys; sys.stdin.read()", timeout=100)
    assert [title for title, wrong in found.items() if wrong is None] == ["broken: holds"]
    assert len(found) == BROKEN.count("  it(")
