"""An editor and a reader follow one collection: each is told exactly what the rights let through."""

from __future__ import annotations

from typing import Any

import pytest

from tests.clients.directus.conftest import Case, Report
from tests.support.newsroom import READER_FIELDS

pytestmark = pytest.mark.timeout(300)


@pytest.fixture
def report(case: Case) -> Report:
    """What both were told; see rights.mjs."""
    return case.report("rights.mjs")


def told(frames: list[dict[str, Any]]) -> list[tuple[str, Any]]:
    """The events in order: the title of a row, or the key of one that has gone."""
    events = [(frame["event"], row) for frame in frames[1:] for row in frame["data"]]
    return [(event, row if event == "delete" else row["title"]) for event, row in events]


def test_editor_is_told_everything(report: Report) -> None:
    ids = {name: str(key) for name, key in report["ids"].items()}

    assert [row["title"] for row in report["editor"][0]["data"]] == ["Old draft", "Old"]
    assert told(report["editor"]) == [
        ("update", "Old draft again"),
        ("delete", ids["draft"]),
        ("create", "New draft"),
        ("update", "New draft"),
        ("update", "New"),
        ("update", "New again"),
        ("update", "New again"),
        ("delete", ids["made"]),
        ("delete", ids["old"]),
        ("create", "Last"),
    ]


def test_reader_is_told_of_published_rows_and_of_no_draft(report: Report) -> None:
    ids = {name: str(key) for name, key in report["ids"].items()}

    assert [row["title"] for row in report["reader"][0]["data"]] == ["Old"]
    assert told(report["reader"]) == [
        ("create", "New"),
        ("update", "New again"),
        ("delete", ids["made"]),
        ("delete", ids["old"]),
        ("create", "Last"),
    ]


def test_deleted_draft_does_not_show_its_key_to_the_reader(report: Report) -> None:
    gone = [key for frame in report["reader"] if frame["event"] == "delete" for key in frame["data"]]

    assert str(report["ids"]["draft"]) not in gone


def test_reader_is_never_told_a_field_that_is_not_for_readers(report: Report) -> None:
    rows = [row for frame in report["reader"] if frame["event"] != "delete" for row in frame["data"]]

    assert all(set(row) == set(READER_FIELDS) for row in rows)
    assert "secret" not in str(report["reader"])
    assert "secret" in str(report["editor"])
