"""Withdrawn identities: their sockets close at once and are told nothing more; the others go on."""

from __future__ import annotations

from typing import Any

import pytest

from tests.clients.directus.conftest import HERE, Case, Report
from tests.support.node import running

pytestmark = pytest.mark.timeout(300)

CLOSE_UNAUTHENTICATED = 4401
PROMISE_SECONDS = 1.0
LAST_WORD = {
    "type": "auth",
    "status": "error",
    "error": {"code": "AUTH_FAILED", "message": "The session has ended."},
}
WAYS = {
    "logout": 2,
    "logout of a cookie": 1,
    "suspension": 3,
    "suspension by command": 2,
    "a new static token": 1,
    "a new password": 1,
    "deletion": 1,
}


@pytest.fixture
def report(case: Case) -> Report:
    """What became of the sockets; see revocation.mjs."""
    return case.report("revocation.mjs", lambda: withdraw(case))


def withdraw(case: Case) -> Report:
    """Run the script, and suspend a user by command when it asks for it."""
    case.room.clear()
    server = case.room.server
    with running(case.node, HERE / "revocation.mjs", case.room.as_given(sdk=case.sdk)) as script:
        told = {way: script.expect(way) for way in list(WAYS)[:3]}
        server.run("users", "suspend", script.expect("suspend"), "--database", server.database_url)
        script.tell()
        return told | {way: script.expect(way) for way in list(WAYS)[3:]}


@pytest.mark.parametrize("way", WAYS)
def test_every_socket_of_the_identity_is_closed_with_a_word(report: Report, way: str) -> None:
    ended: dict[str, Any] = report[way]

    assert ended["codes"] == [CLOSE_UNAUTHENTICATED] * WAYS[way]
    assert ended["last"] == [LAST_WORD] * WAYS[way]


@pytest.mark.parametrize("way", WAYS)
def test_it_takes_no_longer_than_a_second(report: Report, way: str) -> None:
    assert max(report[way]["seconds"]) < PROMISE_SECONDS


@pytest.mark.parametrize("way", WAYS)
def test_nothing_that_happens_afterwards_is_told(report: Report, way: str) -> None:
    assert report[way]["leaked"] is False


@pytest.mark.parametrize("way", ["logout", "logout of a cookie", "suspension", "a new static token"])
def test_other_sessions_stay_open(report: Report, way: str) -> None:
    assert report[way]["staying"] == [[]]
