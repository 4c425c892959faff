"""Procedures: those of the application that a caller may call over HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING

from watchword.backend.procedures import Kind
from watchword.http.openapi.operations import JSON, operation
from watchword.http.openapi.schemas import Json, data_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from watchword.access.principal import Principal
    from watchword.backend.procedures import Procedure


def described(
    procedures: Iterable[Procedure], principal: Principal, role_names: Mapping[str, str]
) -> tuple[dict[str, Json], dict[str, Json]]:
    """Return the paths and components of the procedures that a caller may call.

    Those that take or give more than JSON are not among them.
    """
    paths: dict[str, Json] = {}
    components: dict[str, Json] = {}
    for procedure in procedures:
        signature = procedure.signature
        is_plain = procedure.kind is not Kind.SUBSCRIPTION and not signature.gives_many and signature.media_type is None
        if is_plain and procedure.admits(principal, role_names):
            paths[f"/procedures/{procedure.path}"] = {"post": _described(procedure, components)}
    return paths, components


def _described(procedure: Procedure, components: dict[str, Json]) -> Json:
    prefix, signature = f"{procedure.path}.", procedure.signature
    summary, _, rest = procedure.description.partition("\n")
    answer = data_of(signature.output.schema(components, prefix))
    told = operation(summary or f"Call {procedure.path}", "procedures", answer=answer)
    told["operationId"] = procedure.path
    if rest.strip():
        told["description"] = rest.strip()
    if signature.input is not None:
        schema = signature.input.schema(components, prefix)
        told["requestBody"] = {"required": signature.is_required, "content": {JSON: {"schema": schema}}}
    return told
