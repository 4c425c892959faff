"""One client among two hundred that does not read delays nobody, and gets all of it when it reads again."""

from __future__ import annotations

import pytest

from tests.clients.directus.conftest import Case
from tests.support.newsroom import Newsroom

pytestmark = pytest.mark.timeout(120)


def test_client_that_does_not_read_delays_nobody(sqlite_newsroom: Newsroom, node: str) -> None:
    report = Case("26", sqlite_newsroom, node).run("crowd.mjs")

    assert report == {"crowd": 199, "stalled": True, "resumed": True}
