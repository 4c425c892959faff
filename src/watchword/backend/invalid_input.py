"""What is said of an input that is not of its type, whoever finds out: msgspec or pydantic."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from watchword.base.errors import invalid_payload

if TYPE_CHECKING:
    from watchword.base.errors import Problem


def is_pydantic(kind: Any) -> bool:
    """Whether a type is a pydantic v2 model, without importing pydantic."""
    return isinstance(kind, type) and hasattr(kind, "__pydantic_validator__") and hasattr(kind, "model_validate")


def invalid_input(reason: str) -> Problem:
    """Say what msgspec says, with the `field` that it names."""
    problem = invalid_payload(reason)
    _, _, path = reason.rpartition(" - at `$")
    field = path.rstrip("`").lstrip(".") if path != reason else ""
    if field:
        problem.extensions["field"] = field
    return problem


def invalid_model(error: ValueError) -> Problem:
    """Say what pydantic says, field by field."""
    described = getattr(error, "errors", None)
    if not callable(described):
        return invalid_input(str(error))
    details = described(include_url=False, include_context=False, include_input=False)
    fields = [{"field": ".".join(map(str, each["loc"])), "reason": each["msg"]} for each in details]
    first = fields[0] if fields else {"field": "", "reason": "The input is not valid"}
    where = f" - at `$.{first['field']}`" if first["field"] else ""
    problem = invalid_payload(f"{first['reason']}{where}")
    problem.extensions["fields"] = fields
    return problem
