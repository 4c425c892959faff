"""The commands of `@directus/sdk` as a page of the documentation, from what came of calling every one of them."""

from __future__ import annotations

import re
from enum import StrEnum
from pathlib import Path
from typing import Any

import msgspec

PAGE = Path(__file__).resolve().parents[2] / "docs" / "dialects" / "sdk-commands.md"

STRUCTURE = re.compile(r"(read|update|create|delete)(Collection|Field|Relation|Singleton)|schema[A-Z]")
"""The commands for the structure of the database, which may work in part."""

_HEAD = """# The commands of the Directus SDK

Written by `scripts/sdk_commands.py` from a run of `@directus/sdk` 26, unmodified, against a server: each of its {total}
REST commands is called, and what comes back is compared with what should. {counts}.

| status | meaning |
|---|---|
| works | called in a test, with the answer that the SDK promises |
| partly | one of those for the structure of the database; refused, because not all that it needs is there |
| not supported | answered with 501 `NOT_SUPPORTED`, which says what there is not |

No command is answered wrongly: a test fails when one is.

| command | request | status |
|---|---|---|
"""


class Status(StrEnum):
    """What is said of a command."""

    WORKS = "works"
    PARTLY = "partly"
    NOT_SUPPORTED = "not supported"
    WRONG = "wrong"


class Outcome(msgspec.Struct, frozen=True):
    """What came of a command: a good answer, a wrong one, or a refusal."""

    where: str
    outcome: str
    code: str | None = None
    status: int | None = None
    message: str | None = None
    value: Any = None

    def status_of(self, command: str) -> Status:
        """Judge the outcome; only the commands for the structure may be refused in other words."""
        if self.outcome == "good":
            return Status.WORKS
        if self.outcome == "refused" and self.code == "NOT_SUPPORTED":
            return Status.NOT_SUPPORTED
        if self.outcome == "refused" and STRUCTURE.match(command) and self.status in {400, 403, 404}:
            return Status.PARTLY
        return Status.WRONG


def outcomes_of(report: dict[str, Any]) -> dict[str, Outcome]:
    """Return the outcomes that commands.mjs has reported, by command."""
    return msgspec.convert(report["outcomes"], dict[str, Outcome])


def page_of(outcomes: dict[str, Outcome]) -> str:
    """Return the page."""
    judged = {name: outcome.status_of(name) for name, outcome in sorted(outcomes.items())}
    told = (Status.WORKS, Status.PARTLY, Status.NOT_SUPPORTED)
    numbers = {status: sum(each is status for each in judged.values()) for status in told}
    counts = ", ".join(f"{number} {status.value}" for status, number in numbers.items() if number)
    head = _HEAD.format(total=len(judged), counts=counts)
    rows = [f"| `{name}` | `{outcomes[name].where}` | {status.value} |\n" for name, status in judged.items()]
    return head + "".join(rows)
