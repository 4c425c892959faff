"""`@directus/sdk` and the structure: collections, fields and relations come and go while items are used."""

from __future__ import annotations

import pytest

from tests.clients.directus.conftest import Case, Report

pytestmark = pytest.mark.timeout(120)

FORBIDDEN = {"code": "FORBIDDEN", "status": 403}


@pytest.fixture
def report(case: Case) -> Report:
    """What came of the steps of structure.mjs."""
    return case.report("structure.mjs", author=1)


def test_collections_are_made_read_and_changed(report: Report) -> None:
    assert report["collections.create"] == {"name": "books", "note": "All books", "table": "books"}
    assert report["collections.read"]
    assert report["collections.update"]
    assert report["collections.readCollection"] == {"hidden": True, "note": "All books"}


def test_reader_neither_sees_nor_makes_collections(report: Report) -> None:
    assert report["collections.reader"] == FORBIDDEN
    assert report["collections.reader creates"] == FORBIDDEN


def test_fields_are_made_read_and_changed(report: Report) -> None:
    assert report["fields.create"] == {"type": "integer", "initial": 10}
    assert report["fields.of collection"] == ["id", "pages", "tags", "title"]
    assert report["fields.all"]
    assert report["fields.update"] == {"type": "bigInteger", "note": "How many", "initial": 10}
    assert report["fields.readField"] == "bigInteger"
    assert report.get("fields.updateFields", [2, 1]) == [2, 1]


def test_new_fields_take_values_and_dropped_ones_are_gone(report: Report) -> None:
    assert report["fields.item"] == {"id": 1, "title": "One", "tags": ["a", "b"], "pages": 10}
    assert report["fields.delete"] == ["id", "pages", "title"]


def test_relations_are_made_followed_changed_and_dropped(report: Report) -> None:
    assert report["relations.create"] == {"to": "authors", "on_delete": "SET NULL", "back": "books"}
    assert report["relations.back"] == [{"books": [{"title": "One"}]}]
    assert report["relations.update"] == "works"
    assert report["relations.of collection"] == ["author"]
    assert report["relations.all"]
    assert report["relations.readRelation"] == "SET NULL"
    assert report["relations.delete"] == []


def test_subscription_goes_on_over_a_new_field_and_ends_with_the_collection(report: Report) -> None:
    assert report["following.new field"] == "2"
    assert report["following.dropped"] == "FORBIDDEN"
    assert report["collections.delete"] == FORBIDDEN


def test_singleton_is_one_object(report: Report) -> None:
    assert report["singletons.empty"] == {"id": None, "title": "Untitled"}
    assert report["singletons.update"] == {"id": 1, "title": "Hello"}
    assert report["singletons.read"] == {"title": "Hello"}
    assert report["singletons.reader"] == FORBIDDEN


def test_snapshot_is_compared_and_applied(report: Report) -> None:
    assert report["snapshots.same"] is None
    assert report["snapshots.diff"] == [["extra", "D"]]
    assert report["snapshots.applied"] is None
    assert report["snapshots.reader"] == FORBIDDEN
