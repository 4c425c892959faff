"""`@directus/sdk` with relations to any of several collections, and with parts of JSON values."""

from __future__ import annotations

import pytest

from tests.clients.directus.conftest import Case

pytestmark = pytest.mark.timeout(120)


def test_blocks_of_several_kinds_are_described_written_read_and_followed(case: Case) -> None:
    report = case.report("unions.mjs")
    heading = {"collection": "headings", "item": {"title": "Welcome"}}
    notice = {"collection": "notices", "item": {"words": "Mind the step"}}

    assert report["described"] == {"to": None, "any": ["headings", "notices"]}
    assert report["made"] == {"title": "Home", "blocks": [heading, notice]}
    assert report["read"] == [{"title": "Home", "blocks": [heading]}]
    assert report["filtered"] == [{"id": 1}]
    assert report["followed"] == [{"collection": "headings", "item": {"title": "Later"}}]
    assert report["reader"] == {"code": "FORBIDDEN", "status": 403}


def test_parts_of_json_are_shown_and_asked_about(case: Case) -> None:
    report = case.report("unions.mjs")

    assert report["parts"] == [{"look_color_json": "red", "look_size_1_json": 2}]
    assert report["none"] == []
