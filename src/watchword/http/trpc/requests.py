"""Requests: one HTTP request to a mount, from what it says to who sends it and which procedures it is about."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec.structs import replace
from starlette.requests import Request

from watchword.backend.procedures import Procedure
from watchword.base import json
from watchword.base.errors import Code, Problem, invalid_payload
from watchword.dialects.trpc.requests import Inputs, paths_of
from watchword.dialects.trpc.wire import connection_credential
from watchword.http.bodies import read_body
from watchword.http.caller import Source, connection_of
from watchword.http.trpc.credentials import presented, query_parameters
from watchword.http.trpc.uploads import read_upload

if TYPE_CHECKING:
    from watchword.backend.context import Context
    from watchword.http.trpc.mount import Mount
    from watchword.protocol.operations import AccessToken, ConnectionTicket

JSONL = "application/jsonl"
_JSON, _FORM, _BYTES = "application/json", "multipart/form-data", "application/octet-stream"
_UNREADABLE = "PARSE_ERROR"
_MALFORMED_PARAMS = "Not JSON-parsable query params"


class Asked(msgspec.Struct, frozen=True):
    """What a request asks for: procedures by their paths, None where there is none, and the parameters of its URL."""

    request: Request
    query: Mapping[str, str]
    paths: list[str]
    procedures: list[Procedure | None]
    is_batch: bool
    is_stream: bool
    media_type: str

    @property
    def is_upload(self) -> bool:
        """Whether the input is no JSON."""
        return self.media_type != _JSON

    @property
    def since(self) -> str | None:
        """Where a client that comes back was."""
        header = self.request.headers.get("last-event-id")
        return header or self.query.get("lastEventId") or self.query.get("Last-Event-Id") or None


def asked_of(mount: Mount, request: Request) -> Asked:
    """Return what a request asks for.

    Raises:
        Problem: nothing can be done for it as a whole.
    """
    query = query_parameters(request)
    media_type = _media_type(request)
    is_batch = query.get("batch") == "1" and media_type == _JSON
    raw_path: bytes = request.scope.get("raw_path") or b""
    paths = paths_of(request.path_params["path"], raw_path.partition(b"?")[0], is_batch=is_batch)
    is_stream = _wants_stream(request)
    if is_stream and not is_batch:
        raise invalid_payload(f"{JSONL} needs batch=1")
    if is_batch and not mount.options.batching:
        raise invalid_payload("Batching is not enabled on the server")
    if len(paths) > mount.options.max_batch:
        raise Problem(Code.INVALID_PAYLOAD, "Batch call exceeds maximum size")
    procedures = [mount.table.by_path.get(each) for each in paths]
    _require_one_kind(procedures)
    return Asked(request, query, paths, procedures, is_batch, is_stream, media_type)


def is_unreadable(problem: Problem) -> bool:
    """Whether a request cannot be read at all, so that the answer is an error of it and not of its calls."""
    return problem.extensions.get("name") == _UNREADABLE


async def context_of(mount: Mount, asked: Asked) -> Context:
    """Return who sends a request, with the rights of now.

    Raises:
        Problem: the credential is not good, or a foreign page has used the user's cookie.
    """
    request, params = asked.request, dict[str, str]()
    credential: AccessToken | ConnectionTicket | None = None
    if not asked.is_upload and "connectionParams" in asked.query:
        credential, params = _connection_params(asked.query["connectionParams"])
    if credential is None:
        shown = presented(request, mount.http.session_cookie.name)
        if shown is not None:
            if shown.source is Source.COOKIE and request.method == "POST":
                mount.origins.require_own(request)
            credential = shown.credential
    client = mount.callers.client(request)
    context = await mount.callers.bearing(credential, client)
    known = connection_of(request, "trpc", client, params=params)
    return replace(context, connection=known)


async def inputs_of(mount: Mount, asked: Asked) -> Inputs:
    """Return the inputs of a request that are JSON.

    Raises:
        Problem: CONTENT_TOO_LARGE.
        ClientDisconnect: the client has gone.
    """
    if asked.request.method == "GET":
        text: str | bytes | None = asked.query.get("input")
    else:
        text = await read_body(asked.request, mount.max_body)
    return Inputs(mount.options.wire, text, is_batch=asked.is_batch)


async def upload_of(mount: Mount, asked: Asked) -> Any:
    """Return the form or the stream that a request has for its one call.

    Raises:
        Problem: CONTENT_TOO_LARGE, INVALID_PAYLOAD.
        ClientDisconnect: the client has gone.
    """
    return await read_upload(asked.request, is_form=asked.media_type == _FORM, limit=mount.max_body)


def _connection_params(text: str) -> tuple[AccessToken | None, dict[str, str]]:
    try:
        value = json.decode(text)
    except Problem:
        raise Problem(Code.INVALID_PAYLOAD, _MALFORMED_PARAMS, name=_UNREADABLE) from None
    try:
        return connection_credential(value)
    except Problem as problem:
        raise Problem(Code.INVALID_PAYLOAD, problem.extensions["reason"], name=_UNREADABLE) from None


def _media_type(request: Request) -> str:
    if request.method != "POST":
        return _JSON
    content_type = request.headers.get("content-type")
    if content_type is None:
        raise Problem(Code.UNSUPPORTED_MEDIA_TYPE, "Missing content-type header")
    media_type = content_type.partition(";")[0].strip().lower()
    if media_type not in {_JSON, _FORM, _BYTES}:
        raise Problem(Code.UNSUPPORTED_MEDIA_TYPE, f'Unsupported content-type "{content_type}"')
    return media_type


def _wants_stream(request: Request) -> bool:
    asked = request.headers.get("trpc-accept", "")
    return asked == JSONL or JSONL in request.headers.get("accept", "")


def _require_one_kind(procedures: list[Procedure | None]) -> None:
    kinds = {each.kind for each in procedures if each is not None}
    if len(kinds) > 1:
        listed = ", ".join(sorted(kinds))
        raise Problem(Code.INVALID_PAYLOAD, f"Cannot mix procedure types in call: {listed}")
