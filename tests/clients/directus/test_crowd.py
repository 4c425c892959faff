"""One client among two hundred that does not read delays nobody, and gets all of it when it reads again."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.clients.directus.conftest import Case
from tests.support.newsroom import Newsroom

pytestmark = pytest.mark.timeout(300)


def test_client_that_does_not_read_delays_nobody(
    sqlite_newsroom: Newsroom, case_of: Callable[[str, Newsroom], Case]
) -> None:
    report = case_of("26", sqlite_newsroom).run("crowd.mjs")

    assert report == {"crowd": 199, "stalled": True, "resumed": True}
