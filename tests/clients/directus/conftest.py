"""The clients and databases that the scripts run with."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.support.newsroom import Newsroom
from tests.support.node import running

HERE = Path(__file__).parent
CASES = [("26", "sqlite"), ("26", "postgres"), ("20", "sqlite")]

Report = dict[str, Any]


class Case(msgspec.Struct, frozen=True):
    """One version of `@directus/sdk` with one newsroom. `kept` are the reports of this session."""

    sdk: str
    room: Newsroom
    node: str
    kept: dict[str, Report]

    def run(self, script: str, *flags: str, **given: Any) -> Report:
        """Run a script to its end in a cleared newsroom and return the values of its steps."""
        self.room.clear()
        with running(self.node, HERE / script, self.room.as_given(sdk=self.sdk, **given), *flags) as program:
            return program.rest()

    def report(self, script: str, run: Callable[[], Report] | None = None, **given: Any) -> Report:
        """Return the report of a script, which runs once a session however tests are ordered."""
        key = f"{script} {self.sdk} {self.room.server.url} {given}"
        if key not in self.kept:
            self.kept[key] = self.run(script, **given) if run is None else run()
        return self.kept[key]


@pytest.fixture(scope="session")
def case_of(node: str) -> Callable[[str, Newsroom], Case]:
    """Makes cases."""
    kept: dict[str, Report] = {}
    return lambda sdk, room: Case(sdk, room, node, kept)


@pytest.fixture(params=CASES, ids="-".join)
def case(request: pytest.FixtureRequest, case_of: Callable[[str, Newsroom], Case]) -> Case:
    """Each version of the client on SQLite, and the newest on PostgreSQL too."""
    sdk, database = request.param
    return case_of(sdk, request.getfixturevalue(f"{database}_newsroom"))
