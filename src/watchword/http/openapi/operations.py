"""Operations: the parts of a path item that all paths share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from watchword.http.openapi.schemas import Json

JSON = "application/json"
NO_CONTENT: Json = {"description": "Done"}
PROBLEM: Json = {"$ref": "#/components/responses/Problem"}

_LIST = {"style": "form", "explode": False}

PARAMETERS: dict[str, Json] = {
    "fields": {
        "schema": {"type": "array", "items": {"type": "string"}},
        "description": "Names of fields; `author.name` reaches into relations, `*` is all that may be read.",
        **_LIST,
    },
    "filter": {
        "content": {JSON: {"schema": {"type": "object"}}},
        "description": 'Which items: `{"status": {"_eq": "open"}}`.',
    },
    "sort": {
        "schema": {"type": "array", "items": {"type": "string"}},
        "description": "Names of fields; with `-` before it the largest comes first.",
        **_LIST,
    },
    "limit": {"schema": {"type": "integer", "minimum": -1}, "description": "How many; -1 for all."},
    "offset": {"schema": {"type": "integer", "minimum": 0}, "description": "How many to leave out."},
    "page": {"schema": {"type": "integer", "minimum": 1}, "description": "Instead of `offset`."},
    "search": {"schema": {"type": "string"}, "description": "A text that some field contains."},
    "deep": {"content": {JSON: {"schema": {"type": "object"}}}, "description": "Queries of relations."},
    "aggregate": {
        "content": {JSON: {"schema": {"type": "object"}}},
        "description": 'Instead of items: `{"count": "*", "sum": ["price"]}`.',
    },
    "groupBy": {
        "schema": {"type": "array", "items": {"type": "string"}},
        "description": "Fields that `aggregate` groups by.",
        **_LIST,
    },
    "meta": {
        "schema": {"type": "string", "enum": ["*", "total_count", "filter_count"]},
        "description": "Counts to tell beside the items.",
    },
}

SHAPING = ("fields", "deep")
SELECTING = tuple(PARAMETERS)


def parameters() -> dict[str, Json]:
    """Return the parameters of queries, to be referred to by their names."""
    return {name: {"name": name, "in": "query", **each} for name, each in PARAMETERS.items()}


def operation(  # noqa: PLR0913 - what an operation is made of, by name
    summary: str,
    tag: str,
    *,
    answer: Json | None = None,
    body: Json | None = None,
    queries: tuple[str, ...] = (),
    more: tuple[Json, ...] = (),
    silent: bool = False,
) -> Json:
    """Describe one method at a path.

    `answer` is the schema of the body of a 200, None where there is nothing but a 204; `silent` says that there may be
    a 204 beside a 200. `queries` name the parameters of queries.
    """
    responses: Json = {}
    if answer is not None:
        responses["200"] = content(answer)
    if answer is None or silent:
        responses["204"] = NO_CONTENT
    responses["default"] = PROBLEM
    told: Json = {"summary": summary, "tags": [tag]}
    listed: list[Any] = [*more, *({"$ref": f"#/components/parameters/{name}"} for name in queries)]
    if listed:
        told["parameters"] = listed
    if body is not None:
        told["requestBody"] = {"required": True, "content": {JSON: {"schema": body}}}
    return told | {"responses": responses}


def content(schema: Json, media_type: str = JSON, description: str = "The answer") -> Json:
    """Describe an answer with a body."""
    return {"description": description, "content": {media_type: {"schema": schema}}}


def in_path(name: str, description: str) -> Json:
    """Describe a part of the path."""
    return {
        "name": name,
        "in": "path",
        "required": True,
        "schema": {"type": "string", "minLength": 1},
        "description": description,
    }


def in_query(name: str, schema: Json) -> Json:
    """Describe a parameter that only one path has."""
    return {"name": name, "in": "query", "schema": schema}
