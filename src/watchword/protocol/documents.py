"""Documents: what clients send to have one run, whatever it comes by."""

from __future__ import annotations

from typing import Any

import msgspec

from watchword.base.errors import Code, Problem, invalid_payload
from watchword.protocol.operations import Execute

_UNTOLD = frozenset({"retry_after"})

MUST_HAVE_TEXT = "Must provide query string"


class _Persisted(msgspec.Struct, frozen=True, rename="camel"):
    version: int
    sha256_hash: str


class _Extensions(msgspec.Struct, frozen=True, rename="camel"):
    persisted_query: _Persisted | None = None


class _Params(msgspec.Struct, frozen=True, rename="camel"):
    query: str | None = None
    operation_name: str | None = None
    variables: dict[str, Any] | None = None
    extensions: _Extensions | None = None
    document_id: str | None = None


def errors_of(problem: Problem) -> list[Any]:
    """Return a problem as errors of a result: those of the document, or one that says what it is."""
    errors = problem.extensions.get("errors")
    if problem.code is Code.GRAPHQL_VALIDATION and errors:
        return list(errors)
    told = {name: value for name, value in problem.extensions.items() if name not in _UNTOLD}
    return [{"message": problem.message, "extensions": {**told, "code": problem.code.value}}]


def parse_execute(params: Any, number: str | None = None) -> Execute:
    """Return what the parameters of a request ask; those that are not known are ignored, null is absent.

    On a connection, `number` is what the client calls the operation.

    Raises:
        Problem: INVALID_PAYLOAD.
    """
    if not isinstance(params, dict):
        raise invalid_payload(MUST_HAVE_TEXT)
    try:
        given = msgspec.convert(params, _Params)
    except msgspec.ValidationError as error:
        raise _unfit(params, error) from None
    persisted = given.extensions.persisted_query if given.extensions is not None else None
    digest = persisted.sha256_hash if persisted is not None else None
    if not (given.query or digest or given.document_id):
        raise invalid_payload(MUST_HAVE_TEXT)
    listed = given.document_id is not None
    named = given.document_id if listed else digest
    variables = given.variables or {}
    return Execute(given.query or None, given.operation_name or None, variables, named, listed, number, number)


def _unfit(params: dict[str, Any], error: msgspec.ValidationError) -> Problem:
    if not isinstance(params.get("query"), str | None):
        return invalid_payload(MUST_HAVE_TEXT)
    return invalid_payload(str(error))
