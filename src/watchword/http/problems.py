"""Problems as answers: the error envelope, statuses and the headers that go with them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from watchword.base.errors import STATUS, Code, Problem
from watchword.base.ids import short_id
from watchword.http.answers import NO_CACHE, NO_STORE, Answer, json_answer

if TYPE_CHECKING:
    from starlette.exceptions import HTTPException
    from starlette.types import Scope

    from watchword.http.answers import Headers

REQUEST_ID = "watchword.request_id"
"""The member of an ASGI scope that holds the id of the request."""

_MIXED = 500
_NOT_TO_BE_STORED = frozenset({401, 403})
_RETRY_AFTER = {429: 1, 503: 5}
"""Seconds to wait where the problem itself does not say how long."""

# What is said in a header, or is the refusal's own business, and not in the body.
_UNTOLD = frozenset({"retry_after"})


def problem_answer(problem: Problem) -> Answer:
    """Say a problem, and all that came with it, in the error envelope.

    The status is theirs when they agree on one, else 500.
    """
    statuses = {each.status for each in problem.each()}
    status = statuses.pop() if len(statuses) == 1 else _MIXED
    errors = [{"message": each.message, "extensions": _extensions(each)} for each in problem.each()]
    return json_answer({"errors": errors}, status=status, headers=_headers(status, problem))


def unexpected(reference: str) -> Problem:
    """Say that something went wrong, and no more of it than a reference to the log."""
    return Problem(Code.INTERNAL, f"An unexpected error occurred. Reference: {reference}.", id=reference)


def route_not_found(path: str) -> Problem:
    """Say that there is nothing at this path, or not for this method."""
    return Problem(Code.ROUTE_NOT_FOUND, f"Route {path} doesn't exist.", path=path)


def problem_of(error: HTTPException, path: str) -> Problem | None:
    """Return what Starlette's own refusals mean, None for those that it has no reason to make."""
    if error.status_code == STATUS[Code.ROUTE_NOT_FOUND]:
        return route_not_found(path)
    if error.status_code == STATUS[Code.METHOD_NOT_ALLOWED]:
        allowed = (error.headers or {}).get("Allow", "")
        return Problem(Code.METHOD_NOT_ALLOWED, allowed=sorted(filter(None, allowed.split(", "))))
    return None


def reference_of(scope: Scope) -> str:
    """Return the id of the request, which the client and the log both see."""
    return str(scope.get(REQUEST_ID) or short_id())


def _extensions(problem: Problem) -> dict[str, Any]:
    told = {name: value for name, value in problem.extensions.items() if name not in _UNTOLD}
    return told | {"code": problem.code.value}


def _headers(status: int, problem: Problem) -> Headers:
    headers = [NO_STORE if status in _NOT_TO_BE_STORED else NO_CACHE]
    if status in _RETRY_AFTER:
        headers.append(("retry-after", str(problem.extensions.get("retry_after", _RETRY_AFTER[status]))))
    allowed = problem.extensions.get("allowed")
    if problem.code is Code.METHOD_NOT_ALLOWED and allowed:
        headers.append(("allow", ", ".join(allowed)))
    return tuple(headers)
