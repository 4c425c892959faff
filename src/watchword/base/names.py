"""Names: events have one name each, written in small letters with underscores."""

from __future__ import annotations

import re

_HUMP = re.compile(r"(?<=[a-z0-9])([A-Z])")


def event_name(name: str) -> str:
    """Return the name of an event, also of one that is written as JavaScript would."""
    return _HUMP.sub(lambda found: f"_{found[1]}", name).lower()
