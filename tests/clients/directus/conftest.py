"""The clients and databases that the scripts run with."""

from __future__ import annotations

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
    """One version of `@directus/sdk` with one newsroom."""

    sdk: str
    room: Newsroom
    node: str

    def run(self, script: str, *flags: str, **given: Any) -> Report:
        """Run a script to its end in a cleared newsroom and return the values of its steps."""
        self.room.clear()
        with running(self.node, HERE / script, self.room.as_given(sdk=self.sdk, **given), *flags) as program:
            return program.rest()


@pytest.fixture(scope="module", params=CASES, ids="-".join)
def case(request: pytest.FixtureRequest, node: str) -> Case:
    """Each version of the client on SQLite, and the newest on PostgreSQL too."""
    sdk, database = request.param
    return Case(sdk, request.getfixturevalue(f"{database}_newsroom"), node)
