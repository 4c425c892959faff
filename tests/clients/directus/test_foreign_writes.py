"""What another program writes to the database reaches those who follow it, under their rights."""

from __future__ import annotations

from typing import Any

import pytest

from tests.clients.directus.conftest import HERE, Case
from tests.support.node import running

pytestmark = pytest.mark.timeout(300)

WRITES = """
INSERT INTO articles (title, status, author) VALUES ('Open', 'published', 1), ('Closed', 'draft', 1);
UPDATE articles SET title = 'Open again' WHERE title = 'Open';
UPDATE articles SET status = 'draft' WHERE title = 'Open again';
DELETE FROM articles WHERE title = 'Closed';
INSERT INTO articles (title, status, author) VALUES ('Last', 'published', 2);
"""


def told(frames: list[dict[str, Any]]) -> list[tuple[str, Any]]:
    """The events in order: the title of a row, nothing of one that has gone."""
    events = [(frame["event"], row) for frame in frames[1:] for row in frame["data"]]
    return [(event, None if event == "delete" else row["title"]) for event, row in events]


def test_another_program_writes_and_everybody_is_told_what_they_may_see(case: Case) -> None:
    case.room.clear()
    with running(case.node, HERE / "foreign.mjs", case.room.as_given(sdk=case.sdk)) as script:
        script.expect("following")
        case.room.execute(WRITES)
        script.tell({"last": "Last"})
        nested, editor, reader = script.expect("nested"), script.expect("editor"), script.expect("reader")

    opened = [("create", "Open"), ("create", "Closed"), ("update", "Open again"), ("update", "Open again")]
    assert told(editor) == [*opened, ("delete", None), ("create", "Last")]
    assert told(reader) == [("create", "Open"), ("update", "Open again"), ("delete", None), ("create", "Last")]
    assert nested == {"title": "Last", "author": {"first_name": "Bob"}}
