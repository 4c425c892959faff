from __future__ import annotations

from typing import Any

import msgspec
import pytest
from starlette.exceptions import HTTPException

from watchword.base.errors import STATUS, Code, Problem, failed_validation, forbidden, invalid_query
from watchword.http.answers import Answer
from watchword.http.problems import problem_answer, problem_of, route_not_found, unexpected


def body_of(answer: Answer) -> Any:
    return msgspec.json.decode(answer.body)


def test_problem_is_told_in_the_error_envelope() -> None:
    answer = problem_answer(invalid_query("Invalid numeric value"))

    assert answer.status == 400
    assert answer.media_type == "application/json; charset=utf-8"
    assert answer.body == (
        b'{"errors":[{"message":"Invalid query. Invalid numeric value.",'
        b'"extensions":{"reason":"Invalid numeric value","code":"INVALID_QUERY"}}]}'
    )


@pytest.mark.parametrize("code", list(Code))
def test_every_code_has_its_status(code: Code) -> None:
    answer = problem_answer(Problem(code, "Text."))

    assert answer.status == STATUS[code]
    assert body_of(answer)["errors"][0]["extensions"]["code"] == code.value


def test_problems_of_one_status_keep_it() -> None:
    problem = failed_validation("a", "required", "Value is required.")
    problem.others = (failed_validation("b", "nnull", "Value can't be null."),)

    answer = problem_answer(problem)

    assert answer.status == 400
    assert [error["extensions"]["field"] for error in body_of(answer)["errors"]] == ["a", "b"]


def test_problems_of_different_statuses_are_an_internal_error() -> None:
    problem = Problem(Code.FORBIDDEN, others=[invalid_query("x")])

    assert problem_answer(problem).status == 500


def test_refusals_are_not_to_be_stored() -> None:
    assert ("cache-control", "no-store") in problem_answer(forbidden()).headers
    assert ("cache-control", "no-store") in problem_answer(Problem(Code.TOKEN_EXPIRED)).headers
    assert ("cache-control", "no-cache") in problem_answer(invalid_query("x")).headers


def test_waiting_time_is_a_header_and_not_in_the_body() -> None:
    answer = problem_answer(Problem(Code.REQUESTS_EXCEEDED, limit=10, reset="2026-01-01T00:00:00.000Z", retry_after=42))

    assert ("retry-after", "42") in answer.headers
    assert body_of(answer)["errors"][0]["extensions"] == {
        "limit": 10,
        "reset": "2026-01-01T00:00:00.000Z",
        "code": "REQUESTS_EXCEEDED",
    }


@pytest.mark.parametrize("code", [Code.REQUESTS_EXCEEDED, Code.SERVICE_UNAVAILABLE])
def test_waiting_time_is_told_even_where_it_is_not_known(code: Code) -> None:
    assert int(dict(problem_answer(Problem(code)).headers)["retry-after"]) > 0


def test_method_not_allowed_says_which_are() -> None:
    answer = problem_answer(Problem(Code.METHOD_NOT_ALLOWED, allowed=["POST", "GET"]))

    assert answer.status == 405
    assert ("allow", "POST, GET") in answer.headers


def test_unexpected_error_tells_a_reference_and_nothing_else() -> None:
    answer = problem_answer(unexpected("abcdefgh"))

    assert answer.status == 500
    assert body_of(answer) == {
        "errors": [
            {
                "message": "An unexpected error occurred. Reference: abcdefgh.",
                "extensions": {"id": "abcdefgh", "code": "INTERNAL_SERVER_ERROR"},
            }
        ]
    }


def test_missing_route_is_named() -> None:
    assert body_of(problem_answer(route_not_found("/nope"))) == {
        "errors": [
            {"message": "Route /nope doesn't exist.", "extensions": {"path": "/nope", "code": "ROUTE_NOT_FOUND"}}
        ]
    }


def test_refusals_of_the_framework_are_told_in_our_words() -> None:
    missing = problem_of(HTTPException(404), "/nope")
    method = problem_of(HTTPException(405, headers={"Allow": "HEAD, GET"}), "/demo")

    assert missing is not None
    assert missing.code is Code.ROUTE_NOT_FOUND
    assert method is not None
    assert method.extensions["allowed"] == ["GET", "HEAD"]
    assert problem_of(HTTPException(418), "/") is None
