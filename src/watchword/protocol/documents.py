"""Documents: what clients send to have one run, whatever it comes by."""

from __future__ import annotations

from typing import Any

import msgspec

from watchword.base.errors import Problem, invalid_payload
from watchword.protocol.operations import Execute

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


def parse_execute(params: Any) -> Execute:
    """Return what the parameters of a request ask; those that are not known are ignored, null is absent.

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
    return Execute(given.query or None, given.operation_name or None, given.variables or {}, named, listed)


def _unfit(params: dict[str, Any], error: msgspec.ValidationError) -> Problem:
    if not isinstance(params.get("query"), str | None):
        return invalid_payload(MUST_HAVE_TEXT)
    return invalid_payload(str(error))
