"""Requests: what a call over HTTP asks for, and how its answers are put together."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from watchword.base import json
from watchword.base.errors import Problem, invalid_payload
from watchword.dialects.trpc.errors import shape, shape_of, status_of
from watchword.protocol.operations import ABSENT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from watchword.dialects.trpc.errors import Shape
    from watchword.dialects.trpc.wire import Wire

MIXED = 207
OK = 200

_MALFORMED = re.compile(rb"%(?![0-9A-Fa-f]{2})")


def paths_of(path: str, raw_path: bytes, *, is_batch: bool) -> list[str]:
    """Return the procedures that a decoded path names; `raw_path` is what it was decoded from.

    Raises:
        Problem: INVALID_PAYLOAD for what is not percent-encoded as it should be.
    """
    if _MALFORMED.search(raw_path) or "\N{REPLACEMENT CHARACTER}" in path:
        raise invalid_payload("The path is not percent-encoded UTF-8")
    named = path.strip("/")
    return named.split(",") if is_batch else [named]


class Inputs:
    """The inputs of one request, by the index of the call; each is read when its call is made."""

    def __init__(self, wire: Wire, text: str | bytes | None, *, is_batch: bool) -> None:
        self._wire = wire
        self._is_batch = is_batch
        self._problem: Problem | None = None
        self._values: Any = {} if is_batch else ABSENT
        if text is None or text in ("", b""):
            return
        try:
            self._values = json.decode(text)
        except Problem as problem:
            self._problem = problem
            return
        if is_batch and not isinstance(self._values, dict):
            self._problem = invalid_payload('"input" needs to be an object when doing a batch call')

    def read(self, index: int) -> Any:
        """Return the input of a call, ABSENT for none.

        Raises:
            Problem: INVALID_PAYLOAD.
        """
        if self._problem is not None:
            raise self._problem
        return self._wire.read(self._values.get(str(index), ABSENT) if self._is_batch else self._values)


def no_procedure(path: str) -> Shape:
    """Say that there is nothing at a path."""
    return shape("NOT_FOUND", f'No procedure found on path "{path}"', path)


def unsupported_method(method: str, kind: str, path: str) -> Shape:
    """Say that a procedure of a kind is not called by a method."""
    return shape("METHOD_NOT_SUPPORTED", f"Unsupported {method}-request to {kind} procedure at path {path!r}", path)


def not_in_batch(path: str) -> Shape:
    """Say that a subscription has to be called alone."""
    return shape("BAD_REQUEST", "Cannot batch subscription calls", path)


def refused(problem: Problem) -> Shape:
    """Say why nothing of a request has been done."""
    return shape_of(problem)


def answer(wire: Wire, outcome: Any) -> dict[str, Any]:
    """Return the answer to a call: what it gives, ABSENT for nothing."""
    return {"result": {} if outcome is ABSENT else {"data": wire.write(outcome)}}


def error_answer(wire: Wire, error: Shape) -> dict[str, Any]:
    """Return the answer to a call that has failed."""
    return {"error": wire.write(error)}


def status_of_all(errors: Sequence[Shape | None]) -> int:
    """Return the status that all answers have, each with an error or None; another one where they differ."""
    statuses = {OK if error is None else status_of(error) for error in errors}
    return statuses.pop() if len(statuses) == 1 else MIXED
