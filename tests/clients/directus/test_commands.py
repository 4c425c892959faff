"""Every REST command of `@directus/sdk` against a real server: each works, or says clearly what there is not."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.clients.directus.conftest import Case, Report
from tests.support.newsroom import Newsroom
from tests.support.sdk_commands import PAGE, Outcome, Status, outcomes_of, page_of

pytestmark = pytest.mark.timeout(120)

NOT_SUPPORTED = (
    "Asset|Comment|ContentVersion|Dashboard|Deployment|Extension|File|Flow|Folder|Notification|Operation|Panel|Preset|"
    "Registry|Revision|Share|Translation|Zip|TwoFactor|Invite|inviteUser|passwordRe|registerUser|utilsExport|"
    "utilsImport"
)


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def report(request: pytest.FixtureRequest, case_of: Callable[[str, Newsroom], Case]) -> Report:
    """What came of commands.mjs with the newest client on each database."""
    return case_of("26", request.getfixturevalue(f"{request.param}_newsroom")).report("commands.mjs")


@pytest.fixture(scope="module")
def outcomes(report: Report) -> dict[str, Outcome]:
    """The outcomes by command."""
    return outcomes_of(report)


def test_every_command_is_called(report: Report, outcomes: dict[str, Outcome]) -> None:
    assert set(report["commands"]) == set(outcomes)
    assert len(outcomes) >= 249


def test_no_command_is_answered_wrongly(outcomes: dict[str, Outcome]) -> None:
    wrong = {name: outcome for name, outcome in outcomes.items() if outcome.judged is Status.WRONG}

    assert not wrong


def test_what_is_not_supported_is_what_there_is_not(outcomes: dict[str, Outcome]) -> None:
    expected = {name for name in outcomes if any(part in name for part in NOT_SUPPORTED.split("|"))}
    refused = {name for name, each in outcomes.items() if each.judged is Status.NOT_SUPPORTED}

    assert refused == expected
    assert {outcomes[name].status for name in refused} == {501}
    assert all("not supported" in (outcomes[name].message or "") for name in refused)


def test_everything_else_works(outcomes: dict[str, Outcome]) -> None:
    working = {name for name, each in outcomes.items() if each.judged is Status.WORKS}
    expected = {name for name in outcomes if not any(part in name for part in NOT_SUPPORTED.split("|"))}

    assert expected <= working


def test_the_page_of_the_documentation_is_current(outcomes: dict[str, Outcome]) -> None:
    assert PAGE.read_text() == page_of(outcomes), "run scripts/sdk_commands.py"
