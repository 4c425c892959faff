"""Requests for documents, and the tokens among what clients tell along with a connection."""

from __future__ import annotations

from typing import Any

import pytest

from watchword.base.errors import Code, Problem, invalid_query
from watchword.base.secret import Secret
from watchword.protocol.documents import errors_of, parse_execute
from watchword.protocol.operations import AccessToken, Execute
from watchword.protocol.params import credential_in

PERSISTED = {"persistedQuery": {"version": 1, "sha256Hash": "d"}}


@pytest.mark.parametrize(
    ("params", "execute"),
    [
        ({"query": "{ a }"}, Execute("{ a }")),
        ({"query": "{ a }", "operationName": None, "variables": None, "extensions": None, "x": 1}, Execute("{ a }")),
        ({"query": "{ a }", "operationName": "", "variables": {"v": 1}}, Execute("{ a }", None, {"v": 1})),
        ({"extensions": PERSISTED}, Execute(digest="d")),
        ({"query": "{ a }", "extensions": PERSISTED}, Execute("{ a }", digest="d")),
        ({"documentId": "n"}, Execute(digest="n", listed=True)),
    ],
)
def test_request_is_what_its_parameters_say(params: dict[str, Any], execute: Execute) -> None:
    assert parse_execute(params) == execute


def test_operation_of_a_connection_has_the_name_that_the_client_gives_it() -> None:
    assert parse_execute({"query": "{ a }"}, "7") == Execute("{ a }", subscription="7", id="7")


@pytest.mark.parametrize("params", [None, [], "x", {}, {"query": ""}, {"query": 1}, {"query": "x", "variables": 1}])
def test_what_is_no_request_is_refused(params: Any) -> None:
    with pytest.raises(Problem) as caught:
        parse_execute(params)

    assert caught.value.code is Code.INVALID_PAYLOAD


def test_errors_are_those_of_the_document_or_say_what_the_problem_is() -> None:
    assert errors_of(Problem(Code.GRAPHQL_VALIDATION, errors=[{"message": "m"}])) == [{"message": "m"}]
    [error] = errors_of(invalid_query("No"))
    assert error["extensions"] == {"code": "INVALID_QUERY", "reason": "No"}
    [late] = errors_of(Problem(Code.REQUESTS_EXCEEDED, retry_after=1))
    assert late["extensions"] == {"code": "REQUESTS_EXCEEDED"}


@pytest.mark.parametrize(
    "params",
    [
        {"access_token": "t"},
        {"access_token": "t", "Authorization": "Bearer other"},
        {"authorization": "Bearer t"},
        {"AUTHORIZATION": " bearer  t "},
        {"headers": {"authorization": "Bearer t"}},
    ],
)
def test_token_is_found_wherever_clients_put_it(params: dict[str, Any]) -> None:
    assert credential_in(params) == AccessToken(Secret("t"))


@pytest.mark.parametrize(
    "params",
    [None, [], {}, {"access_token": ""}, {"access_token": 1}, {"Authorization": "Basic t"}, {"Authorization": "Bearer"},
     {"headers": "x"}, {"headers": {"Authorization": 1}}],
)  # fmt: skip
def test_what_holds_no_token_has_none(params: Any) -> None:
    assert credential_in(params) is None
