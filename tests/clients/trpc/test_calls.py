"""Calls by every link of `@trpc/client`, of its latest version and the oldest that is supported; see calls.mjs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.clients.trpc.conftest import SECRET, VERSIONS, Report
from watchword.base.errors import Code

pytestmark = pytest.mark.timeout(300)

NUMBERS = {
    "PARSE_ERROR": (-32700, 400),
    "BAD_REQUEST": (-32600, 400),
    "INTERNAL_SERVER_ERROR": (-32603, 500),
    "NOT_IMPLEMENTED": (-32603, 501),
    "BAD_GATEWAY": (-32603, 502),
    "SERVICE_UNAVAILABLE": (-32603, 503),
    "GATEWAY_TIMEOUT": (-32603, 504),
    "UNAUTHORIZED": (-32001, 401),
    "PAYMENT_REQUIRED": (-32002, 402),
    "FORBIDDEN": (-32003, 403),
    "NOT_FOUND": (-32004, 404),
    "METHOD_NOT_SUPPORTED": (-32005, 405),
    "TIMEOUT": (-32008, 408),
    "CONFLICT": (-32009, 409),
    "PRECONDITION_FAILED": (-32012, 412),
    "PAYLOAD_TOO_LARGE": (-32013, 413),
    "UNSUPPORTED_MEDIA_TYPE": (-32015, 415),
    "UNPROCESSABLE_CONTENT": (-32022, 422),
    "PRECONDITION_REQUIRED": (-32028, 428),
    "TOO_MANY_REQUESTS": (-32029, 429),
    "CLIENT_CLOSED_REQUEST": (-32099, 499),
}
KEYS = {
    Code.AUTH_FAILED: "UNAUTHORIZED",
    Code.BAD_GATEWAY: "BAD_GATEWAY",
    Code.CONFLICT: "CONFLICT",
    Code.CONTENT_TOO_LARGE: "PAYLOAD_TOO_LARGE",
    Code.FAILED_VALIDATION: "BAD_REQUEST",
    Code.FORBIDDEN: "FORBIDDEN",
    Code.GATEWAY_TIMEOUT: "GATEWAY_TIMEOUT",
    Code.INTERNAL: "INTERNAL_SERVER_ERROR",
    Code.INVALID_CREDENTIALS: "UNAUTHORIZED",
    Code.INVALID_PAYLOAD: "BAD_REQUEST",
    Code.INVALID_TOKEN: "UNAUTHORIZED",
    Code.METHOD_NOT_ALLOWED: "METHOD_NOT_SUPPORTED",
    Code.NOT_FOUND: "NOT_FOUND",
    Code.NOT_SUPPORTED: "NOT_IMPLEMENTED",
    Code.PAYMENT_REQUIRED: "PAYMENT_REQUIRED",
    Code.PRECONDITION_FAILED: "PRECONDITION_FAILED",
    Code.PRECONDITION_REQUIRED: "PRECONDITION_REQUIRED",
    Code.RECORD_NOT_UNIQUE: "CONFLICT",
    Code.REQUESTS_EXCEEDED: "TOO_MANY_REQUESTS",
    Code.SERVICE_UNAVAILABLE: "SERVICE_UNAVAILABLE",
    Code.TIMEOUT: "TIMEOUT",
    Code.UNPROCESSABLE_CONTENT: "UNPROCESSABLE_CONTENT",
    Code.UNSUPPORTED_MEDIA_TYPE: "UNSUPPORTED_MEDIA_TYPE",
}
LINKS = ("httpLink", "httpBatchLink", "httpBatchStreamLink", "acceptStream", "wsLink")
RELEASES = {"latest": "11.25.2", "oldest": "11.0.0"}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Try every version with every link that it has."""
    if "link" in metafunc.fixturenames:
        pairs = [
            (version, link) for version in VERSIONS for link in LINKS if (version, link) != ("oldest", "acceptStream")
        ]
        metafunc.parametrize(("version", "link"), pairs)
    elif "version" in metafunc.fixturenames:
        metafunc.parametrize("version", VERSIONS)


@pytest.fixture
def report(report_of: Callable[..., Report], version: str) -> Report:
    """What became of the calls; see calls.mjs."""
    return report_of("calls.mjs", version, codes=[code.value for code in Code], keys=list(NUMBERS))


def error(key: str, message: str, path: str, **more: Any) -> dict[str, Any]:
    number, status = NUMBERS[key]
    return {"message": message, "code": number, "data": {"code": key, "httpStatus": status, "path": path, **more}}


def test_the_client_is_the_one_that_is_meant(report: Report, version: str) -> None:
    assert report["version"] == RELEASES[version]


def test_values_come_back_as_they_were_sent(report: Report, link: str) -> None:
    told = report[f"values {link}"]

    assert told["sum"] == {"value": 42}
    assert all(told["same"])
    assert told["mutations"] == [{"value": {"a": 1}}, {"value": "ü"}]


def test_a_procedure_that_returns_nothing_gives_nothing(report: Report, link: str) -> None:
    assert report[f"values {link}"]["nothing"] in ([True, None], [False, None])


def test_an_unknown_path_is_not_found(report: Report, link: str) -> None:
    told = report[f"values {link}"]["unknown"]["error"]

    assert told == error("NOT_FOUND", told["message"], "no.such.thing")


def test_another_kind_is_refused(report: Report, link: str) -> None:
    expected = "NOT_FOUND" if link == "wsLink" else "METHOD_NOT_SUPPORTED"

    assert report[f"values {link}"]["wrongKind"] == expected


def test_an_input_that_does_not_fit_is_a_bad_request(report: Report, link: str) -> None:
    told = report[f"values {link}"]

    assert told["missing"]["error"]["data"]["code"] == "BAD_REQUEST"
    assert told["missing"]["error"]["data"]["path"] == "add"
    assert told["unwanted"] == "BAD_REQUEST"


def test_what_is_wrong_with_which_field_is_told(report: Report, link: str) -> None:
    told = report[f"values {link}"]["fields"]["error"]["data"]

    assert list(told["fieldErrors"]) == ["address.number"]
    assert all("int" in text for text in told["fieldErrors"]["address.number"])


@pytest.mark.parametrize("bug", ["crash", "misfit"])
def test_a_bug_says_nothing_of_itself(report: Report, link: str, bug: str) -> None:
    told = report[f"values {link}"][bug]["error"]

    assert told == error("INTERNAL_SERVER_ERROR", told["message"], bug)
    assert SECRET not in str(told)
    assert "int" not in told["message"].split()


@pytest.mark.parametrize("code", Code)
def test_every_code_has_its_error(report: Report, link: str, code: Code) -> None:
    told = report[f"errors {link}"]["codes"][code]["error"]
    key = KEYS.get(code, told["data"]["code"])
    more = {name: value for name, value in told["data"].items() if name in {"problem"}}

    assert told == error(key, f"It is {code.value}", "fail", day=7, **more)


@pytest.mark.parametrize("key", NUMBERS)
def test_an_application_may_name_every_key(report: Report, link: str, key: str) -> None:
    assert report[f"errors {link}"]["keys"][key]["error"] == error(key, "It is CONFLICT", "fail", day=7)


def test_mutations_fail_in_the_same_way(report: Report, link: str) -> None:
    assert report[f"errors {link}"]["mutation"]["error"] == error("GATEWAY_TIMEOUT", "It is CONFLICT", "fail_too")


def test_queries_may_come_by_post_where_the_mount_says_so(report: Report) -> None:
    told = report["override /override"]

    assert [told[name] for name in ("single", "batch", "stream")] == [{"value": 2}, {"value": 3}, {"value": 4}]
    assert told["mutation"] == {"value": 1}
    assert told["methods"] == ["POST"] * 4


def test_queries_do_not_come_by_post_elsewhere(report: Report) -> None:
    told = report["override /trpc"]

    for name in ("single", "batch", "stream"):
        assert told[name]["error"]["data"]["code"] == "METHOD_NOT_SUPPORTED"
    assert told["mutation"] == {"value": 1}


def test_forms_and_bytes_are_inputs(report: Report) -> None:
    told = report["uploads"]

    assert told["form"]["value"] == {
        "texts": {"title": "Größe", "tag": "b"},
        "file": ["name ü.txt", "text/plain", "content"],
        "tags": ["a", "b"],
    }
    assert [told[name]["value"] for name in ("bytes", "array", "empty")] == [
        {"size": 3, "total": 6},
        {"size": 2, "total": 9},
        {"size": 0, "total": 0},
    ]
    assert told["query"] == {"value": 2}


def test_a_form_is_no_json_and_json_no_form(report: Report) -> None:
    told = report["uploads"]

    assert told["jsonForForm"]["error"]["data"]["code"] == "UNSUPPORTED_MEDIA_TYPE"
    assert told["formForJson"] in {"BAD_REQUEST", "UNSUPPORTED_MEDIA_TYPE"}


def test_uploads_have_a_bound(report: Report) -> None:
    assert [report["uploads"][name] for name in ("tooLarge", "formTooLarge")] == ["PAYLOAD_TOO_LARGE"] * 2


def test_links_may_be_split(report: Report) -> None:
    assert report["split"]["data"] == [3, 2, 1]


def test_a_slow_call_keeps_nobody_waiting(report: Report, link: str) -> None:
    told = report[f"beside {link}"]

    assert told == {"quick": [{"value": 2}, {"value": 1}], "another": {"value": 4}, "slow": True}


def test_calls_of_a_client_that_is_gone_are_cancelled(report: Report, link: str) -> None:
    assert report[f"abandoned {link}"] == {"cancelled": {"value": 1}, "failed": True, "done": 0}


def test_calls_of_one_tick_come_as_an_array_on_one_socket(report: Report) -> None:
    assert report["arrays"] == {"many": True, "sockets": 1}


def test_a_batch_has_a_bound(report: Report) -> None:
    told = report["batch limits"]
    good = [{"value": 0}, {"value": 1}, {"value": 2}]

    assert told["socket"][0] == [{"value": 1}, {"value": 2}, {"value": 3}]
    assert [each["data"]["code"] for each in told["socket"][1]] == ["BAD_REQUEST"] * 4
    assert {each["message"] for each in told["socket"][1]} == {"Batch call exceeds maximum size"}
    assert told["http"][0] == told["stream"][0] == good
    assert [each["error"]["data"]["code"] for each in told["http"][1]] == ["BAD_REQUEST"] * 4
    assert told["after"] == {"value": 9}


def test_clients_may_split_what_would_be_too_much(report: Report) -> None:
    assert report["batch limits"]["split"] == [{"value": number} for number in range(4)]


def test_a_batch_that_is_too_large_for_a_stream_fails(report: Report, version: str) -> None:
    failed = report["batch limits"]["stream"][1]

    assert all("error" in each for each in failed)
    if version == "latest":
        assert [each["error"]["data"]["code"] for each in failed] == ["BAD_REQUEST"] * 4


def test_a_mount_may_do_without_batches(report: Report) -> None:
    batched, single = report["batch limits"]["alone"]

    assert batched[0]["error"]["data"]["code"] == "BAD_REQUEST"
    assert single == {"value": 5}
