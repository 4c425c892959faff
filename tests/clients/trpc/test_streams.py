"""Results that come bit by bit over `@trpc/client`; see streams.mjs."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.clients.trpc.conftest import SECRET, VERSIONS, Report

pytestmark = pytest.mark.timeout(300)

OTHERS = ("httpLink", "httpBatchLink", "wsLink")


@pytest.fixture(params=VERSIONS)
def report(report_of: Callable[..., Report], request: pytest.FixtureRequest) -> Report:
    return report_of("streams.mjs", request.param)


def test_an_iterator_is_read_value_by_value(report: Report) -> None:
    assert report["numbers"] == {"found": [0, 1, 2]}
    assert report["none"] == {"found": []}


def test_an_error_in_the_middle_comes_after_what_was_before(report: Report) -> None:
    told = report["halfway"]

    assert told["found"] == [0, 1]
    assert "Halfway" in str(told["error"])


def test_members_that_are_there_do_not_wait_for_the_others(report: Report) -> None:
    told = report["members"]

    assert (told["now"], told["slow"]) == (1, [False, "slow"])
    assert told["several"] == {"found": ["a", "b"]}


def test_a_member_that_fails_leaves_the_others_alone(report: Report) -> None:
    assert "error" in report["members"]["broken"]
    assert SECRET not in str(report["members"])


def test_an_iterator_ends_when_its_client_goes(report: Report) -> None:
    assert report["left"] == {"first": 0, "ended": {"value": 1}}


def test_several_results_come_bit_by_bit_in_one_batch(report: Report) -> None:
    told = report["together"]

    assert (told["now"], told["sum"], told["slow"]) == (1, 2, "slow")
    assert told["counted"] == {"found": [0, 1]}
    assert told["several"] == {"found": ["a", "b"]}
    assert told["broken"] is not None


@pytest.mark.parametrize("link", OTHERS)
def test_other_links_refuse_such_a_result(report: Report, link: str) -> None:
    told = report[f"without {link}"]

    assert told["iterator"]["error"]["code"] == -32015
    assert told["iterator"]["error"]["data"]["code"] == told["members"] == "UNSUPPORTED_MEDIA_TYPE"
    assert told["after"] == {"value": 2}


def test_calls_fail_each_for_itself(report: Report) -> None:
    assert report["refused"] == {"mixed": "TIMEOUT", "token": "UNAUTHORIZED"}
