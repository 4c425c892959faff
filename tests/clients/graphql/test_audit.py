"""GraphQL over HTTP by the audit that `graphql-http` publishes."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.newsroom import Newsroom
from tests.support.node import running

pytestmark = pytest.mark.timeout(120)

ALLOWED = {"572B", "FDE2", "7B9B"}
"""These want 200 where a document cannot be run and `application/json` is taken; Directus answers 400, and so do we."""


def test_no_audit_of_the_specification_fails(node: str, sqlite_newsroom: Newsroom) -> None:
    script = Path(__file__).parent / "audit.mjs"
    with running(node, script, sqlite_newsroom.as_given()) as program:
        audits = program.rest()["audits"]

    assert len(audits) >= 60
    assert [each for each in audits if each["status"] == "error"] == []
    warned = {each["id"]: each for each in audits if each["status"] == "warn"}
    assert set(warned) <= ALLOWED, [warned[each] for each in set(warned) - ALLOWED]
