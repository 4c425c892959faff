"""Errors as clients of tRPC expect them: a message, a number, and a key that applications test."""

from __future__ import annotations

from typing import Any

import msgspec

from watchword.base.errors import Code, Problem

Shape = dict[str, Any]


class Kind(msgspec.Struct, frozen=True):
    """A kind of error: its number, as in JSON-RPC, and its HTTP status."""

    number: int
    status: int


KINDS: dict[str, Kind] = {
    "PARSE_ERROR": Kind(-32700, 400),
    "BAD_REQUEST": Kind(-32600, 400),
    "INTERNAL_SERVER_ERROR": Kind(-32603, 500),
    "NOT_IMPLEMENTED": Kind(-32603, 501),
    "BAD_GATEWAY": Kind(-32603, 502),
    "SERVICE_UNAVAILABLE": Kind(-32603, 503),
    "GATEWAY_TIMEOUT": Kind(-32603, 504),
    "UNAUTHORIZED": Kind(-32001, 401),
    "PAYMENT_REQUIRED": Kind(-32002, 402),
    "FORBIDDEN": Kind(-32003, 403),
    "NOT_FOUND": Kind(-32004, 404),
    "METHOD_NOT_SUPPORTED": Kind(-32005, 405),
    "TIMEOUT": Kind(-32008, 408),
    "CONFLICT": Kind(-32009, 409),
    "PRECONDITION_FAILED": Kind(-32012, 412),
    "PAYLOAD_TOO_LARGE": Kind(-32013, 413),
    "UNSUPPORTED_MEDIA_TYPE": Kind(-32015, 415),
    "UNPROCESSABLE_CONTENT": Kind(-32022, 422),
    "PRECONDITION_REQUIRED": Kind(-32028, 428),
    "TOO_MANY_REQUESTS": Kind(-32029, 429),
    "CLIENT_CLOSED_REQUEST": Kind(-32099, 499),
}

KEYS: dict[Code, str] = {
    Code.AUTH_FAILED: "UNAUTHORIZED",
    Code.AUTH_TIMEOUT: "UNAUTHORIZED",
    Code.BAD_GATEWAY: "BAD_GATEWAY",
    Code.CLIENT_CLOSED_REQUEST: "CLIENT_CLOSED_REQUEST",
    Code.COLLECTION_INACTIVE: "FORBIDDEN",
    Code.CONFLICT: "CONFLICT",
    Code.CONTENT_TOO_LARGE: "PAYLOAD_TOO_LARGE",
    Code.FAILED_VALIDATION: "BAD_REQUEST",
    Code.FORBIDDEN: "FORBIDDEN",
    Code.GATEWAY_TIMEOUT: "GATEWAY_TIMEOUT",
    Code.GRAPHQL_VALIDATION: "BAD_REQUEST",
    Code.INTERNAL: "INTERNAL_SERVER_ERROR",
    Code.INVALID_COLLECTION: "FORBIDDEN",
    Code.INVALID_CREDENTIALS: "UNAUTHORIZED",
    Code.INVALID_FOREIGN_KEY: "BAD_REQUEST",
    Code.INVALID_OTP: "UNAUTHORIZED",
    Code.INVALID_PAYLOAD: "BAD_REQUEST",
    Code.INVALID_QUERY: "BAD_REQUEST",
    Code.INVALID_TOKEN: "UNAUTHORIZED",
    Code.METHOD_NOT_ALLOWED: "METHOD_NOT_SUPPORTED",
    Code.NOT_ACCEPTABLE: "BAD_REQUEST",
    Code.NOT_FOUND: "NOT_FOUND",
    Code.NOT_NULL_VIOLATION: "BAD_REQUEST",
    Code.NOT_SUPPORTED: "NOT_IMPLEMENTED",
    Code.PAYMENT_REQUIRED: "PAYMENT_REQUIRED",
    Code.POSITION_LOST: "PRECONDITION_FAILED",
    Code.PRECONDITION_FAILED: "PRECONDITION_FAILED",
    Code.PRECONDITION_REQUIRED: "PRECONDITION_REQUIRED",
    Code.RECORD_NOT_UNIQUE: "CONFLICT",
    Code.REQUESTS_EXCEEDED: "TOO_MANY_REQUESTS",
    Code.ROUTE_NOT_FOUND: "NOT_FOUND",
    Code.SERVICE_UNAVAILABLE: "SERVICE_UNAVAILABLE",
    Code.TIMEOUT: "TIMEOUT",
    Code.TOKEN_EXPIRED: "UNAUTHORIZED",
    Code.UNPROCESSABLE_CONTENT: "UNPROCESSABLE_CONTENT",
    Code.UNSUPPORTED_MEDIA_TYPE: "UNSUPPORTED_MEDIA_TYPE",
    Code.USER_SUSPENDED: "UNAUTHORIZED",
    Code.VALUE_OUT_OF_RANGE: "BAD_REQUEST",
    Code.VALUE_TOO_LONG: "BAD_REQUEST",
}

_TOLD_APART = frozenset({Code.POSITION_LOST, Code.TOKEN_EXPIRED, Code.USER_SUSPENDED})
"""Codes that a client may act on, and whose keys say less."""

_OURS = frozenset({"code", "httpStatus", "path", "stack", "name", "reason", "procedure", "id", "retry_after", "fields"})


def key_of(problem: Problem) -> str:
    """Return the key of a problem; an application that names its error after one has that."""
    name = problem.extensions.get("name")
    return name if isinstance(name, str) and name in KINDS else KEYS[problem.code]


def shape_of(problem: Problem, path: str | None = None) -> Shape:
    """Return the error of a call at a path, or of none; what blocks without an answer is told as forbidden."""
    told = Problem(Code.FORBIDDEN) if problem.silent else problem
    return shape(key_of(told), told.message, path, _explanation(told))


def shape(key: str, message: str, path: str | None = None, more: Shape | None = None) -> Shape:
    """Return an error of a kind."""
    kind = KINDS[key]
    data: Shape = {"code": key, "httpStatus": kind.status}
    if path is not None:
        data["path"] = path
    return {"message": message, "code": kind.number, "data": data | (more or {})}


def status_of(error: Shape) -> int:
    """Return the HTTP status of an error."""
    return int(error["data"]["httpStatus"])


def not_found(kind: str, path: str) -> Shape:
    """Say that there is no procedure of a kind at a path."""
    return shape("NOT_FOUND", f'No "{kind}"-procedure on path "{path}"', path)


def _explanation(problem: Problem) -> Shape:
    """Return what explains a problem to a program: what is wrong with which field, and what the application added."""
    told: Shape = {name: value for name, value in problem.extensions.items() if name not in _OURS}
    if problem.code in _TOLD_APART:
        told["problem"] = problem.code.value
    errors: dict[str, list[str]] = {}
    for each in problem.each():
        listed = each.extensions.get("fields") or [{"field": each.extensions.get("field"), "reason": each.message}]
        for fault in listed:
            if isinstance(fault.get("field"), str) and fault["field"]:
                errors.setdefault(fault["field"], []).append(str(fault["reason"]))
    if errors:
        told["fieldErrors"] = errors
        told.pop("field", None)
    return told
