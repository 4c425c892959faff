"""Errors of tRPC: every code has a key, and the shape is the one that clients expect."""

from __future__ import annotations

import pytest

from watchword.base.errors import Code, Problem, invalid_payload
from watchword.dialects.trpc.errors import KEYS, KINDS, key_of, not_found, shape, shape_of, status_of


def test_every_code_has_a_key_that_clients_know() -> None:
    assert set(KEYS) == set(Code)
    assert set(KEYS.values()) <= set(KINDS)


def test_the_shape_is_what_clients_test() -> None:
    assert shape_of(Problem(Code.FORBIDDEN, "No."), "a.b") == {
        "message": "No.",
        "code": -32003,
        "data": {"code": "FORBIDDEN", "httpStatus": 403, "path": "a.b"},
    }
    assert "path" not in shape_of(Problem(Code.FORBIDDEN))["data"]
    assert not_found("query", "x")["message"] == 'No "query"-procedure on path "x"'


@pytest.mark.parametrize("key", list(KINDS))
def test_an_application_may_name_its_error_after_any_key(key: str) -> None:
    error = shape_of(Problem(Code.UNPROCESSABLE_CONTENT, "So", name=key), "a")
    assert (error["data"]["code"], error["data"]["httpStatus"]) == (key, KINDS[key].status)
    assert error["code"] == KINDS[key].number
    assert "name" not in error["data"]


def test_a_name_that_is_no_key_names_nothing() -> None:
    assert key_of(Problem(Code.FORBIDDEN, name="LoginError")) == "FORBIDDEN"


def test_what_is_wrong_with_an_input_is_told_by_field() -> None:
    problem = invalid_payload("Expected `int`")
    problem.extensions["field"] = "a.b"
    assert shape_of(problem, "p")["data"]["fieldErrors"] == {"a.b": ["Invalid payload. Expected `int`."]}
    several = invalid_payload("x")
    several.extensions["fields"] = [{"field": "a", "reason": "1"}, {"field": "a", "reason": "2"}]
    assert shape_of(several, "p")["data"]["fieldErrors"] == {"a": ["1", "2"]}


def test_what_an_application_adds_is_told_and_what_is_ours_is_not() -> None:
    data = shape_of(Problem(Code.CONFLICT, seats=3, reason="ours", stack="secret", httpStatus=1), "p")["data"]
    assert data == {"code": "CONFLICT", "httpStatus": 409, "path": "p", "seats": 3}


def test_what_blocks_without_a_word_is_told_as_forbidden() -> None:
    error = shape_of(Problem(Code.CONFLICT, "secret", silent=True), "p")
    assert error["data"]["code"] == "FORBIDDEN"
    assert error["message"] != "secret"


def test_codes_whose_keys_say_less_are_told_apart() -> None:
    assert shape_of(Problem(Code.TOKEN_EXPIRED))["data"]["problem"] == "TOKEN_EXPIRED"


def test_the_status_of_an_error_is_that_of_its_kind() -> None:
    assert status_of(shape("TIMEOUT", "Late")) == 408
