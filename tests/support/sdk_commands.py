"""The commands of `@directus/sdk` as a page of the documentation, from what came of calling every one of them."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Any

import msgspec

PAGE = Path(__file__).resolve().parents[2] / "docs" / "dialects" / "sdk-commands.md"

_HEAD = """# The commands of the Directus SDK

Written by `scripts/sdk_commands.py` from a run of `@directus/sdk` 26, unmodified, against a server: each of its {total}
REST commands is called, and what comes back is compared with what should. {counts}.

| status | meaning |
|---|---|
| works | called in a test, with the answer that the SDK promises |
| not supported | answered with 501 `NOT_SUPPORTED`, which says what there is not |

No command is answered wrongly: a test fails when one is.

| command | request | status |
|---|---|---|
"""


class Status(StrEnum):
    """What is said of a command."""

    WORKS = "works"
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

    @property
    def judged(self) -> Status:
        """What is said of the command."""
        if self.outcome == "good":
            return Status.WORKS
        if self.outcome == "refused" and self.code == "NOT_SUPPORTED":
            return Status.NOT_SUPPORTED
        return Status.WRONG


def outcomes_of(report: dict[str, Any]) -> dict[str, Outcome]:
    """Return the outcomes that commands.mjs has reported, by command."""
    return msgspec.convert(report["outcomes"], dict[str, Outcome])


def page_of(outcomes: dict[str, Outcome]) -> str:
    """Return the page."""
    judged = {name: outcome.judged for name, outcome in sorted(outcomes.items())}
    told = (Status.WORKS, Status.NOT_SUPPORTED)
    numbers = {status: sum(each is status for each in judged.values()) for status in told}
    counts = ", ".join(f"{number} {status.value}" for status, number in numbers.items() if number)
    head = _HEAD.format(total=len(judged), counts=counts)
    rows = [f"| `{name}` | `{outcomes[name].where}` | {status.value} |\n" for name, status in judged.items()]
    return head + "".join(rows)
